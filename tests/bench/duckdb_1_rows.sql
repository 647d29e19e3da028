-- Rows of points, made ready: duplicates out, one event time each (definitions 4.1).
-- Given: read_parquet of the segments as "segments"; tables points, planned, days, stale, state_map.
-- Flags: 2 historical, 4 backfilled, 8 retained, 16 redelivered, 32 first. Kinds: 1 value, 2 slot,
-- 3 birth, 4 death, 5 keep-alive, 6 gap, 7 overflow, 9 jump of the source's counter.

CREATE TEMP TABLE links AS
SELECT tag AS link, seq, kind,
       CASE WHEN kind IN (4, 6, 9) THEN coalesce(t_source, t_receive)
            ELSE coalesce(t_receive, t_source) END AS moment,
       t_source, t_server
FROM segments
WHERE tag IN (SELECT link FROM points) AND coalesce(t_receive, t_source) IS NOT NULL;

CREATE TEMP TABLE births AS
SELECT link, moment AS born, row_number() OVER (PARTITION BY link ORDER BY moment, seq) AS session
FROM links WHERE kind = 3;

-- Subscribed values. The same source time twice: the one received first counts.
CREATE TEMP TABLE subscribed AS
WITH mine AS (
    SELECT s.tag, s.seq, s.kind, s.flags, s.t_source, s.t_receive, s.value_i, s.value_f, p.link,
           s.kind = 1 AND s.status < 1073741824 AND s.vtype <> 0 AS good,
           (s.flags & 14) = 0 AND NOT ((s.flags & 16) <> 0 AND s.t_source IS NULL) AS fresh,
           s.kind = 1 AND (s.flags & 32) = 0 AND s.t_source IS NOT NULL AS keyed
    FROM segments AS s JOIN points AS p USING (tag)
    WHERE p.mode = 'subscribed' AND s.kind IN (1, 2, 7)
),
single AS (
    SELECT * FROM mine WHERE keyed
    QUALIFY t_source IS DISTINCT FROM lag(t_source) OVER (
        PARTITION BY tag ORDER BY t_source, t_receive NULLS LAST, seq)
    UNION ALL
    SELECT * FROM mine WHERE NOT keyed
)
SELECT a.*, coalesce(b.session, 0) AS session
FROM single AS a ASOF LEFT JOIN births AS b
    ON a.link = b.link AND coalesce(a.t_receive, a.t_source) >= b.born;

-- A clock's offset: lower median of receive minus source time of a session, in whole milliseconds.
-- Where the clock was right in the session before or after and source times go on, it is a backlog.
CREATE TEMP TABLE offsets AS
WITH sessions AS (
    SELECT link, session, min(t_source) AS begun, max(t_source) AS ended,
           quantile_disc(floor((t_receive - t_source) / 1000000.0)::BIGINT, 0.5) * 1000000 AS clock
    FROM subscribed
    WHERE good AND fresh AND (flags & 32) = 0 AND t_source IS NOT NULL AND t_receive IS NOT NULL
    GROUP BY ALL
)
SELECT link, session, clock,
       clock > 2000000000
       AND (coalesce(abs(lag(clock) OVER w) <= 2000000000, false)
            OR coalesce(abs(lead(clock) OVER w) <= 2000000000, false))
       AND coalesce(begun >= lag(ended) OVER w, true)
       AND coalesce(ended <= lead(begun) OVER w, true) AS held_up
FROM sessions
WINDOW w AS (PARTITION BY link ORDER BY session);

CREATE TEMP TABLE seen AS
WITH polled AS (
    SELECT s.tag, s.seq, s.kind, s.flags, s.t_receive, s.value_i, s.value_f,
           s.kind = 1 AND s.status < 1073741824 AND s.vtype <> 0 AS good,
           CASE WHEN s.kind = 2 THEN
               -- src_seq holds the low 32 bits of the slot number
               (s.t_receive // p.period
                - ((s.t_receive // p.period - s.src_seq + 2147483648) % 4294967296 - 2147483648)
               ) * p.period
               ELSE s.t_receive END AS moment
    FROM segments AS s JOIN points AS p USING (tag)
    WHERE p.mode = 'polled' AND s.kind IN (1, 2, 7)
),
timed AS (
    SELECT s.*, o.clock, o.held_up,
           CASE WHEN t_receive IS NULL OR ((flags & 6) <> 0 AND clock IS NULL) THEN t_source
                WHEN (flags & 38) = 32 OR t_source IS NULL OR clock IS NULL
                     OR abs(clock) > 300000000000 THEN t_receive
                ELSE t_source + clock END AS moment
    FROM subscribed AS s LEFT JOIN offsets AS o USING (link, session)
)
SELECT tag, seq, kind, flags, t_receive, value_i, value_f, good, moment, moment AS happened,
       t_receive - moment BETWEEN -2000000000 AND 60000000000 AS timely
FROM polled
UNION ALL
SELECT tag, seq, kind, flags, t_receive, value_i, value_f, good, moment,
       CASE WHEN (abs(clock) <= 2000000000 OR held_up) AND t_source IS NOT NULL THEN t_source
            ELSE moment END,
       fresh AND t_receive - moment BETWEEN -2000000000 AND 60000000000
FROM timed;

DROP TABLE subscribed;
