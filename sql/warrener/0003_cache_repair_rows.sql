-- SPDX-License-Identifier: Apache-2.0
--
-- Repairs of what sinks with a cache_key wrote: which sink (its table and cache_key) and which row (the
-- literal of a text[] of its key). They have no value: the row is read again when Redis is back.
-- A host that does not know the sink leaves them to one that does, and after some minutes drops the
-- entry instead.

ALTER TABLE warrener.cache_repair ADD COLUMN source text, ADD COLUMN row_key text;
