-- SPDX-License-Identifier: Apache-2.0
--
-- The login log: every event once (login_collect), and what each user did each day (login_stats).
-- Questions people ask of it, archiving and growth: docs/login-log.md.

-- Partitioned by the event's own time, which is the same at every redelivery; so is the key. UUIDv7
-- event ids keep the inserts together.
CREATE TABLE login_event (
    event_id   uuid        NOT NULL,
    user_id    bigint      NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('login_ok', 'login_failed', 'logout')),
    at         timestamptz NOT NULL,
    ip         inet,
    session_ms integer     CHECK (session_ms >= 0),
    ua         text,
    details    jsonb,
    PRIMARY KEY (event_id, at)
) PARTITION BY RANGE (at);

-- "What did this user do last?" is one descent of this index in the newest partition.
CREATE INDEX login_event_by_user ON login_event (user_id, at DESC);

-- "Who is being attacked, and from where?" reads failures of a short time, and nothing else.
CREATE INDEX login_event_failed ON login_event (at, ip, user_id) WHERE kind = 'login_failed';

-- Nothing is refused for its time: what has no partition of its own lands here.
CREATE TABLE login_event_other PARTITION OF login_event DEFAULT;

-- Makes the monthly partitions (UTC) from the month of `since` to `ahead` months from now; says how
-- many. Rows that lie in the default partition already move into theirs. Run it once a month, or more
-- often; several at once wait for each other. The default partition is locked first: a row that came in
-- between would make the attaching fail.
CREATE FUNCTION login_event_make_partitions(since date, ahead integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql
SET search_path FROM CURRENT SET timezone = 'UTC' SET datestyle = 'ISO' SET lock_timeout = '5s' AS $$
DECLARE
    first timestamptz;
    part  text;
    made  integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('login_event_make_partitions'));
    FOR first IN SELECT generate_series(date_trunc('month', since::timestamptz),
                                        date_trunc('month', now()) + make_interval(months => ahead),
                                        interval '1 month')
    LOOP
        part := 'login_event_' || to_char(first, 'YYYYMM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE login_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
        LOCK TABLE login_event_other IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('WITH moved AS (DELETE FROM login_event_other '
                       'WHERE at >= %L AND at < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
                       first, first + interval '1 month', part);
        EXECUTE format('ALTER TABLE login_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       part, first, first + interval '1 month');
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

-- Detaches the monthly partitions that end at `before` or earlier, for pg_dump and DROP; says which.
CREATE FUNCTION login_event_detach(before date) RETURNS SETOF text
LANGUAGE plpgsql
SET search_path FROM CURRENT SET lock_timeout = '5s' AS $$
DECLARE
    part text;
BEGIN
    FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = 'login_event'::regclass AND c.relname ~ '^login_event_[0-9]{6}$'
                   AND to_date(substr(c.relname, 13), 'YYYYMM') + interval '1 month' <= before
                 ORDER BY 1
    LOOP
        EXECUTE format('ALTER TABLE login_event DETACH PARTITION %I', part);
        RETURN NEXT part;
    END LOOP;
END $$;

SELECT login_event_make_partitions((now() - interval '1 month')::date, 12);

-- A row a user and day (UTC). Room is left in each page, so that counting on stays within it and
-- touches no index.
CREATE TABLE login_daily (
    user_id    bigint      NOT NULL,
    day        date        NOT NULL,
    logins     bigint      NOT NULL DEFAULT 0,
    failures   bigint      NOT NULL DEFAULT 0,
    logouts    bigint      NOT NULL DEFAULT 0,
    session_ms bigint      NOT NULL DEFAULT 0, -- of the sessions that ended on this day
    last_seen  timestamptz NOT NULL,
    PRIMARY KEY (user_id, day)
) WITH (fillfactor = 85);

-- "Who was here today, and how much?"
CREATE INDEX login_daily_by_day ON login_daily (day);
