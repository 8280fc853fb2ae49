-- SPDX-License-Identifier: Apache-2.0
--
-- The inbox: which messages have had their effect, for sinks marked `once`. A message's day comes from
-- its own timestamp, so that a redelivery after midnight is still the same message; those without a
-- timestamp, or with an absurd one, share the default partition. The window is dropped by partition.

CREATE TABLE warrener.inbox (
    consumer   text        NOT NULL,
    message_id text        NOT NULL,
    day        date        NOT NULL,
    batch      xid8        NOT NULL DEFAULT pg_current_xact_id(),
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, message_id, day)
) PARTITION BY RANGE (day);

CREATE TABLE warrener.inbox_other PARTITION OF warrener.inbox DEFAULT;

-- Keeps the inbox: partitions from yesterday to a week ahead are there, those older than `keep` days
-- go. Called by every host now and then; one at a time does it, and nobody waits.
CREATE FUNCTION warrener.tend_inbox(keep integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    the_day date;
    part    text;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('warrener.tend_inbox')) THEN RETURN; END IF;
    FOR the_day IN SELECT d::date FROM generate_series(current_date - 1, current_date + 7, '1 day') d
    LOOP
        part := 'inbox_' || to_char(the_day, 'YYYYMMDD');
        IF to_regclass('warrener.' || part) IS NULL THEN
            -- Rows that came before their partition move into it.
            EXECUTE format('CREATE TABLE warrener.%I (LIKE warrener.inbox INCLUDING DEFAULTS)', part);
            EXECUTE format('WITH moved AS (DELETE FROM warrener.inbox_other WHERE day = %L RETURNING *) '
                           'INSERT INTO warrener.%I SELECT * FROM moved', the_day, part);
            EXECUTE format('ALTER TABLE warrener.inbox ATTACH PARTITION warrener.%I '
                           'FOR VALUES FROM (%L) TO (%L)', part, the_day, the_day + 1);
        END IF;
    END LOOP;
    FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = 'warrener.inbox'::regclass
                   AND c.relname ~ '^inbox_[0-9]{8}$'
                   AND to_date(substr(c.relname, 7), 'YYYYMMDD') < current_date - keep
    LOOP
        EXECUTE format('DROP TABLE warrener.%I', part);
    END LOOP;
    DELETE FROM warrener.inbox_other WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM warrener.inbox_other WHERE at < now() - make_interval(days => keep)
         LIMIT 10000));
END $$;

SELECT warrener.tend_inbox(7);
