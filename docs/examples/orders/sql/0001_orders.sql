-- SPDX-License-Identifier: Apache-2.0
-- The tables of the example; `ver` is the host's own, for sinks with a cache_key and for loaders.
CREATE TYPE order_state AS ENUM ('made', 'cancelled');
CREATE TABLE customer (id bigint PRIMARY KEY, name text NOT NULL, ver bigint NOT NULL DEFAULT 1);
CREATE TABLE orders (
    order_id uuid PRIMARY KEY,
    user_id bigint NOT NULL,
    cents bigint NOT NULL CHECK (cents >= 0),
    at timestamptz NOT NULL
);
CREATE TABLE customer_total (
    user_id bigint PRIMARY KEY,
    orders bigint NOT NULL,
    cents bigint NOT NULL,
    last_at timestamptz NOT NULL,
    ver bigint NOT NULL DEFAULT 0
);
CREATE TABLE order_state_of (order_id uuid PRIMARY KEY, state order_state NOT NULL, at timestamptz NOT NULL);
