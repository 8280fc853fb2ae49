-- SPDX-License-Identifier: Apache-2.0
--
-- Months of login_event in parts by user: see docs/login-log.md, "Growing". To be applied when every
-- host writes with the key (event_id, at, user_id), whose index is there by then.

ALTER TABLE login_event DROP CONSTRAINT login_event_pkey;

-- Makes the month in which `day` lies, in `parts` parts; an empty partition of that month is replaced.
CREATE FUNCTION login_event_make_parts(day date, parts integer) RETURNS void
LANGUAGE plpgsql
SET search_path FROM CURRENT SET timezone = 'UTC' SET datestyle = 'ISO' SET lock_timeout = '5s' AS $$
DECLARE
    first   timestamptz := date_trunc('month', day::timestamptz);
    part    text := 'login_event_' || to_char(first, 'YYYYMM');
    is_used boolean;
BEGIN
    LOCK TABLE login_event IN ACCESS EXCLUSIVE MODE;
    IF to_regclass(part) IS NOT NULL THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', part) INTO is_used;
        IF is_used THEN RAISE EXCEPTION '% holds events already; name a month ahead', part; END IF;
        EXECUTE format('DROP TABLE %I', part);
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE login_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS) '
                   'PARTITION BY HASH (user_id)', part);
    FOR n IN 0 .. parts - 1 LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s)',
                       part || '_' || n, part, parts, n);
    END LOOP;
    EXECUTE format('WITH moved AS (DELETE FROM login_event_other '
                   'WHERE at >= %L AND at < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
                   first, first + interval '1 month', part);
    EXECUTE format('ALTER TABLE login_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   part, first, first + interval '1 month');
END $$;

SELECT login_event_make_parts((now() + interval '1 month')::date, 4);
