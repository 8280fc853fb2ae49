-- SPDX-License-Identifier: Apache-2.0
--
-- The inbox: which messages have had their effect, for sinks marked `once`. A message's day comes from
-- its own timestamp (UTC), so that a redelivery after midnight is still the same message; those without
-- a timestamp, or with an absurd one, share the default partition. The window is dropped by partition.
--
-- A host that connects as another role than the one that migrates needs
--     GRANT USAGE ON SCHEMA warrener TO host;
--     GRANT SELECT, INSERT ON warrener.inbox TO host;

CREATE TABLE warrener.inbox (
    consumer   text        NOT NULL,
    message_id text        NOT NULL,
    day        date        NOT NULL,
    batch      xid8        NOT NULL DEFAULT pg_current_xact_id(),
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, message_id, day)
) PARTITION BY RANGE (day);

CREATE TABLE warrener.inbox_other PARTITION OF warrener.inbox DEFAULT;
CREATE INDEX inbox_other_at ON warrener.inbox_other (at);

-- Makes one day's partition; what came before it moves into it. The default partition is locked first:
-- a row that came in between would make the attaching fail, and writers take their locks in this order.
CREATE FUNCTION warrener.inbox_make_partition(the_day date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' AS $$
DECLARE
    part text := 'inbox_' || to_char(the_day, 'YYYYMMDD');
BEGIN
    EXECUTE format('CREATE TABLE warrener.%I (LIKE warrener.inbox INCLUDING DEFAULTS)', part);
    LOCK TABLE warrener.inbox_other IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('WITH moved AS (DELETE FROM warrener.inbox_other WHERE day = %L RETURNING *) '
                   'INSERT INTO warrener.%I SELECT * FROM moved', the_day, part);
    EXECUTE format('ALTER TABLE warrener.inbox ATTACH PARTITION warrener.%I '
                   'FOR VALUES FROM (%L) TO (%L)', part, the_day, the_day + 1);
END $$;

-- Keeps the inbox: partitions from yesterday to a week ahead are there, those that ended more than
-- `keep` days ago go, and so does what is as old in the default partition, a bounded number of rows a
-- call. Called by every host now and then, with the owner's rights: one at a time does it, nobody waits
-- for another, and a table that is busy for two seconds is left to the next call.
--
-- Locks on tables are taken parent first, as writers take them, and never while rows are locked:
-- partitions and single rows are not looked after in the same call.
CREATE FUNCTION warrener.tend_inbox(keep integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    old  text[];
    days date[];
    part text;
    day  date;
BEGIN
    IF keep IS NULL OR keep < 1 THEN
        RAISE EXCEPTION 'warrener.tend_inbox: keep is %, and at least a day is kept', keep;
    END IF;
    IF NOT pg_try_advisory_xact_lock(hashtext('warrener.tend_inbox')) THEN RETURN; END IF;

    SELECT array_agg(c.relname::text ORDER BY c.relname) INTO old
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'warrener.inbox'::regclass AND c.relname ~ '^inbox_[0-9]{8}$'
       AND to_date(substr(c.relname, 7), 'YYYYMMDD') < current_date - keep;
    SELECT array_agg(d::date ORDER BY d) INTO days
      FROM generate_series(current_date - 1, current_date + 7, interval '1 day') d
     WHERE to_regclass('warrener.inbox_' || to_char(d, 'YYYYMMDD')) IS NULL;

    FOREACH part IN ARRAY coalesce(old, '{}') LOOP
        EXECUTE format('DROP TABLE warrener.%I', part);
    END LOOP;
    FOREACH day IN ARRAY coalesce(days, '{}') LOOP
        PERFORM warrener.inbox_make_partition(day);
    END LOOP;
    IF old IS NOT NULL OR days IS NOT NULL THEN RETURN; END IF;

    DELETE FROM warrener.inbox_other WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM warrener.inbox_other WHERE at < now() - make_interval(days => keep)
         ORDER BY at LIMIT 50000 FOR UPDATE SKIP LOCKED));
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RETURN; -- nothing of this call was done; the next one tries again
END $$;

SELECT warrener.tend_inbox(7);
