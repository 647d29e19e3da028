-- Planned time of each machine by mapped state and day; known only while the machine lives.

CREATE TEMP TABLE state_times AS
WITH events AS (
    SELECT p.machine, p.link, s.happened, s.seq, coalesce(m.state, 'unknown') AS state
    FROM seen AS s
    JOIN points AS p USING (tag)
    LEFT JOIN state_map AS m
        ON m.machine = p.machine AND s.good AND m.raw_value = s.value_i
    WHERE p.role = 'state' AND s.kind <> 7
),
turns AS (
    SELECT * FROM events
    QUALIFY state IS DISTINCT FROM lag(state) OVER (PARTITION BY machine ORDER BY happened, seq)
),
spans AS (
    SELECT *, coalesce(lead(happened) OVER (PARTITION BY machine ORDER BY happened, seq),
                       getvariable('t1')) AS until
    FROM turns
),
known AS (
    SELECT s.machine, s.state, greatest(s.happened, a.start_ns) AS start_ns,
           least(s.until, a.end_ns) AS end_ns
    FROM spans AS s
    JOIN alive AS a ON a.link = s.link AND a.what = 'machine'
        AND a.start_ns < s.until AND a.end_ns > s.happened
    WHERE s.state <> 'unknown'
)
SELECT q.machine, q.day, k.state,
       sum(least(k.end_ns, q.end_ns) - greatest(k.start_ns, q.start_ns)) AS ns
FROM known AS k
JOIN planned AS q ON q.machine = k.machine AND k.end_ns > q.start_ns AND k.start_ns < q.end_ns
GROUP BY ALL;
