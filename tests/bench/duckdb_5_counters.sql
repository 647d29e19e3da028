-- Differences of counters (definitions 4.1): resets and implausible steps are unknown, false zeros
-- left out, a rollover only where the register's end is known.

CREATE TEMP TABLE steps AS
WITH readings AS (
    SELECT s.tag, s.happened AS moment, s.seq, s.flags,
           coalesce(round_even(s.value_i * p.factor, 0), round_even(s.value_f * p.factor, 0))::BIGINT
           AS base
    FROM seen AS s JOIN points AS p USING (tag)
    WHERE s.good AND p.role IN ('count_total', 'count_good', 'energy')
),
chain AS (
    SELECT * FROM readings
    WINDOW w AS (PARTITION BY tag ORDER BY moment, seq)
    QUALIFY NOT coalesce(base = 0 AND lead(nullif(base, 0) IGNORE NULLS) OVER w
                         >= lag(nullif(base, 0) IGNORE NULLS) OVER w, false)
),
differences AS (
    SELECT *, lag(moment) OVER w AS before, lag(base) OVER w AS previous
    FROM chain
    WINDOW w AS (PARTITION BY tag ORDER BY moment, seq)
),
judged AS (
    SELECT d.tag, d.moment, d.before,
           if(p.mode = 'subscribed', (d.flags & 32) <> 0, d.moment - d.before > 2 * p.period)
           AS unordinary,
           d.base - d.previous AS rise,
           d.base - d.previous + p.register_max AS rolled,
           p.rate::HUGEINT * (d.moment - d.before) // 3600000000000 + p.step AS most,
           d.previous * 10 > p.register_max * 9 AND d.base * 10 < p.register_max AS ends
    FROM differences AS d JOIN points AS p USING (tag)
    WHERE d.before IS NOT NULL
)
SELECT tag, moment, before, unordinary,
       (moment - 1 - getvariable('t0')) // 86400000000000 AS number,
       CASE WHEN rise >= 0 THEN if(coalesce(rise > most, false), NULL, rise)
            WHEN coalesce(ends AND NOT coalesce(rolled > most, false), false) THEN rolled END
       AS delta
FROM judged;

-- A step belongs to the moment of its later reading, in (start, end]. Over the beginning of a day
-- it counts unless nobody knows how much of it belongs to the day. Pieces count in planned time.
CREATE TEMP TABLE wanted AS
SELECT p.tag, d.number, d.start_ns AS day_start, q.start_ns, q.end_ns
FROM points AS p JOIN planned AS q USING (machine) JOIN days AS d USING (number)
WHERE p.role IN ('count_total', 'count_good')
UNION ALL
SELECT p.tag, d.number, d.start_ns, d.start_ns, d.end_ns
FROM points AS p CROSS JOIN days AS d WHERE p.role = 'energy';

CREATE TEMP TABLE counted AS
WITH sums AS (
    SELECT tag, number,
           sum(s.delta) FILTER (
               s.moment > w.start_ns AND s.moment <= w.end_ns
               AND NOT (s.before < w.day_start AND s.unordinary)) AS amount
    FROM steps AS s JOIN wanted AS w USING (tag, number)
    GROUP BY tag, number
)
SELECT p.machine, d.day,
       sum(s.amount) FILTER (p.role = 'count_total') AS made,
       sum(s.amount) FILTER (p.role = 'count_good') AS good,
       sum(s.amount) FILTER (p.role = 'energy') AS energy_wh
FROM sums AS s JOIN points AS p USING (tag) JOIN days AS d USING (number)
GROUP BY ALL;
