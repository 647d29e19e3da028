-- Covered and required time of each machine and day (definitions 4.3).

-- Polled: each good value covers its freshness limit, cut short by whatever follows. Nothing holds
-- for longer than a minute and no shift is so near to midnight, so the day of its start will do.
CREATE TEMP TABLE covered_polled AS
WITH events AS (
    SELECT s.tag, s.moment, s.seq, if(s.good, s.moment + p.fresh, s.moment) AS until
    FROM seen AS s JOIN points AS p USING (tag)
    WHERE p.mode = 'polled' AND (s.timely OR NOT s.good)
    UNION ALL
    SELECT p.tag, l.moment, l.seq, l.moment
    FROM links AS l JOIN points AS p USING (link)
    WHERE p.mode = 'polled' AND l.kind IN (4, 6, 9)
),
pieces AS (
    SELECT tag, moment AS start_ns,
           least(until, lead(moment) OVER (PARTITION BY tag ORDER BY moment, seq)) AS end_ns
    FROM events
)
SELECT p.machine, q.day,
       sum(least(x.end_ns, q.end_ns) - greatest(x.start_ns, q.start_ns)) AS ns
FROM pieces AS x
JOIN points AS p USING (tag)
JOIN planned AS q ON q.machine = p.machine AND q.number = (x.start_ns - getvariable('t0')) // 86400000000000
WHERE p.required AND x.end_ns > q.start_ns AND x.start_ns < q.end_ns
GROUP BY ALL;

-- Subscribed: while the last thing heard of the point was good and its subscription lived.
CREATE TEMP TABLE covered_subscribed AS
WITH events AS (
    SELECT s.tag, s.moment, s.kind <> 7 AS whole, s.seq, s.good
    FROM seen AS s JOIN points AS p USING (tag)
    WHERE p.mode = 'subscribed' AND (s.timely OR NOT s.good)
    UNION ALL
    SELECT p.tag, l.moment, true, l.seq, false
    FROM links AS l JOIN points AS p USING (link)
    WHERE p.mode = 'subscribed' AND l.kind IN (4, 6, 9)
),
turns AS (
    SELECT * FROM events
    QUALIFY good IS DISTINCT FROM lag(good) OVER (PARTITION BY tag ORDER BY moment, whole, seq)
),
known AS (
    SELECT tag, good, moment AS start_ns,
           coalesce(lead(moment) OVER (PARTITION BY tag ORDER BY moment, whole, seq), 9e18::BIGINT) AS end_ns
    FROM turns
),
spans AS (
    SELECT p.tag, p.machine, greatest(k.start_ns, a.start_ns) AS start_ns,
           least(k.end_ns, a.end_ns) AS end_ns
    FROM known AS k
    JOIN points AS p USING (tag)
    JOIN alive AS a ON a.link = p.link AND a.what = 'subscription'
        AND a.start_ns < k.end_ns AND a.end_ns > k.start_ns
    WHERE k.good AND p.required
)
SELECT x.machine, q.day,
       sum(least(x.end_ns, q.end_ns) - greatest(x.start_ns, q.start_ns)) AS ns
FROM spans AS x
JOIN planned AS q ON q.machine = x.machine AND x.end_ns > q.start_ns AND x.start_ns < q.end_ns
GROUP BY ALL;
