-- Spans in which a subscription (for coverage) or a machine (for states) gave signs of life:
-- each sign holds for a while, cut short by the end of a session.

CREATE TEMP TABLE alive AS
WITH signs AS (
    SELECT DISTINCT p.link AS line, 'subscription' AS what, p.fresh AS holds,
           unnest([least(s.moment, s.t_receive), s.t_receive]) AS moment
    FROM seen AS s JOIN points AS p USING (tag)
    WHERE p.mode = 'subscribed' AND s.kind = 1 AND (s.timely OR NOT s.good)
    UNION ALL
    SELECT DISTINCT p.link, 'machine', p.stale, least(s.moment, coalesce(s.t_receive, s.moment))
    FROM seen AS s JOIN points AS p USING (tag)
    WHERE s.good AND (s.flags & 8) = 0
    UNION ALL
    SELECT DISTINCT l.link, what, if(what = 'machine', p.stale, p.fresh), l.moment
    FROM links AS l JOIN points AS p USING (link),
         (VALUES ('subscription'), ('machine')) AS purposes(what)
    WHERE l.kind IN (3, 5) AND (what = 'machine' OR p.mode = 'subscribed')
    UNION ALL
    SELECT DISTINCT l.link, what, 0, l.moment
    FROM links AS l, (VALUES ('subscription'), ('machine')) AS purposes(what)
    WHERE l.kind IN (4, 6) OR (l.kind = 9 AND what = 'subscription')
),
pieces AS (
    SELECT line, what, moment AS start_ns,
           least(moment + holds, lead(moment) OVER (PARTITION BY what, line ORDER BY moment, holds DESC))
           AS end_ns
    FROM signs
),
marked AS (
    SELECT *, lag(end_ns) OVER w IS DISTINCT FROM start_ns AS opens,
           lead(start_ns) OVER w IS DISTINCT FROM end_ns AS closes
    FROM pieces
    WINDOW w AS (PARTITION BY what, line ORDER BY start_ns, end_ns)
),
edges AS (SELECT * FROM marked WHERE opens OR closes)
SELECT what, line AS link, start_ns,
       if(closes, end_ns, lead(end_ns) OVER (PARTITION BY what, line ORDER BY start_ns, end_ns))
       AS end_ns
FROM edges
QUALIFY opens AND end_ns > start_ns;
