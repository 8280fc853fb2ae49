-- SPDX-License-Identifier: Apache-2.0
--
-- What became of the confirmed events: `good` holds the ids that were confirmed and are no poison, each
-- once. `times`: how many consumers of login_stats there are. One line, names and numbers; all but
-- the first three are to be 0.

WITH counted AS (
    SELECT user_id, (at AT TIME ZONE 'UTC')::date AS day,
           :times * count(*) FILTER (WHERE kind = 'login_ok') AS logins,
           :times * count(*) FILTER (WHERE kind = 'login_failed') AS failures,
           :times * count(*) FILTER (WHERE kind = 'logout') AS logouts,
           (:times * coalesce(sum(session_ms) FILTER (WHERE kind = 'logout'), 0))::bigint AS session_ms,
           max(at) AS last_seen
      FROM login_event GROUP BY 1, 2
), kept AS (
    SELECT user_id, day, logins, failures, logouts, session_ms, last_seen FROM login_daily
)
SELECT 'good', (SELECT count(*) FROM good),
       'rows', (SELECT count(*) FROM login_event),
       'days', (SELECT count(*) FROM login_daily),
       'missing', (SELECT count(*) FROM good
                    WHERE NOT EXISTS (SELECT FROM login_event e WHERE e.event_id = good.id)),
       'strange', (SELECT count(*) FROM login_event e
                    WHERE NOT EXISTS (SELECT FROM good WHERE good.id = e.event_id)),
       'twice', (SELECT count(*) FROM (SELECT FROM login_event GROUP BY event_id HAVING count(*) > 1) x),
       'days-wrong', (SELECT count(*) FROM (
                          (TABLE counted EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE counted)) x);
