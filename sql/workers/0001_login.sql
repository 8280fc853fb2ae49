-- SPDX-License-Identifier: Apache-2.0
--
-- The login log: every event once (login_collect), and what each user did each day (login_stats).

-- Partitioned by the event's own time, which is the same at every redelivery; so is the key. UUIDv7
-- event ids keep the inserts together. To grow further, sub-partition by hash of user_id: see
-- docs/login-log.md.
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

-- Nothing is refused for its time: what has no partition of its own yet lands here.
CREATE TABLE login_event_other PARTITION OF login_event DEFAULT;

-- Makes the monthly partitions from the month of `since` to `ahead` months from now. Rows that lie in
-- the default partition already move into theirs. Run it once a month, or more often.
CREATE FUNCTION login_event_make_partitions(since date, ahead integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    first date;
    part  text;
    made  integer := 0;
BEGIN
    FOR first IN SELECT m::date FROM generate_series(date_trunc('month', since::timestamp),
                                                     date_trunc('month', now()::timestamp)
                                                     + make_interval(months => ahead), '1 month') m
    LOOP
        part := 'login_event_' || to_char(first, 'YYYYMM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE login_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
        EXECUTE format('WITH moved AS (DELETE FROM login_event_other '
                       'WHERE at >= %L AND at < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
                       first::timestamptz, (first + interval '1 month')::timestamptz, part);
        EXECUTE format('ALTER TABLE login_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       part, first::timestamptz, (first + interval '1 month')::timestamptz);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

-- Detaches the partitions that end before `before`, for pg_dump and DROP; says which.
CREATE FUNCTION login_event_detach(before date) RETURNS SETOF text
LANGUAGE plpgsql AS $$
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

CREATE TABLE login_daily (
    user_id    bigint      NOT NULL,
    day        date        NOT NULL,
    logins     bigint      NOT NULL DEFAULT 0,
    failures   bigint      NOT NULL DEFAULT 0,
    logouts    bigint      NOT NULL DEFAULT 0,
    session_ms bigint      NOT NULL DEFAULT 0, -- of the sessions that ended on this day
    last_seen  timestamptz NOT NULL,
    PRIMARY KEY (user_id, day)
);
