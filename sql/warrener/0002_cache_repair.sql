-- SPDX-License-Identifier: Apache-2.0
--
-- Keys that Redis did not take under `on_failure: degrade`: their messages are acknowledged, and a
-- repairer writes them when Redis is back. A row is deleted at the seq it was read at, so that what
-- is recorded meanwhile stays. Values are what handlers wrote with wr_cache_set; a drop has none.
-- Versions are ordered as in the cache, and at the same version a value comes after a drop.
--
-- A host that connects as another role than the one that migrates needs
--     GRANT USAGE ON SCHEMA warrener TO host;
--     GRANT SELECT, INSERT, UPDATE, DELETE ON warrener.cache_repair TO host;
--     GRANT USAGE ON SEQUENCE warrener.cache_repair_seq TO host;

CREATE SEQUENCE warrener.cache_repair_seq;

CREATE TABLE warrener.cache_repair (
    key     bytea       PRIMARY KEY,
    seq     bigint      NOT NULL DEFAULT nextval('warrener.cache_repair_seq'),
    version numeric(20) NOT NULL,
    value   bytea,
    ttl_s   bigint      NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX cache_repair_by_seq ON warrener.cache_repair (seq);
