-- One row a machine and day, every column a whole number, 0 where nothing is known.

WITH required AS (
    SELECT machine, day, sum(end_ns - start_ns) AS ns FROM planned GROUP BY ALL
),
covered AS (
    SELECT machine, day, sum(ns) AS ns
    FROM (FROM covered_polled UNION ALL FROM covered_subscribed) GROUP BY ALL
),
states AS (
    SELECT machine, day,
           sum(ns) FILTER (state = 'producing') AS producing,
           sum(ns) FILTER (state = 'setup') AS setup,
           sum(ns) FILTER (state = 'idle') AS idle,
           sum(ns) FILTER (state = 'down') AS down,
           sum(ns) AS known
    FROM state_times GROUP BY ALL
)
SELECT m.name AS equipment, d.day,
       coalesce(r.ns, 0)::BIGINT AS required_ns,
       coalesce(c.ns, 0)::BIGINT AS covered_ns,
       coalesce(s.producing, 0)::BIGINT AS ns_producing,
       coalesce(s.setup, 0)::BIGINT AS ns_setup,
       coalesce(s.idle, 0)::BIGINT AS ns_idle,
       coalesce(s.down, 0)::BIGINT AS ns_down,
       (coalesce(r.ns, 0) - coalesce(s.known, 0))::BIGINT AS ns_unknown,
       coalesce(n.made, 0)::BIGINT AS made,
       coalesce(n.good, 0)::BIGINT AS good,
       coalesce(n.energy_wh, 0)::BIGINT AS energy_wh
FROM machines AS m
CROSS JOIN days AS d
LEFT JOIN required AS r ON (r.machine, r.day) = (m.machine, d.day)
LEFT JOIN covered AS c ON (c.machine, c.day) = (m.machine, d.day)
LEFT JOIN states AS s ON (s.machine, s.day) = (m.machine, d.day)
LEFT JOIN counted AS n ON (n.machine, n.day) = (m.machine, d.day)
ORDER BY m.machine, d.day;
