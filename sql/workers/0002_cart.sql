-- SPDX-License-Identifier: Apache-2.0
--
-- Shopping carts (cart_keep): products, which the shop looks after, and a row for each user's cart with its
-- lines. How to read, limit and clean them: docs/shopping-cart.md.

CREATE TABLE product (
    sku    text           PRIMARY KEY CHECK (sku <> ''),
    name   text           NOT NULL,
    price  numeric(12, 2) NOT NULL CHECK (price >= 0),
    active boolean        NOT NULL DEFAULT true, -- false: it goes into no cart any more
    ver    bigint         NOT NULL
);

-- Whoever changes a product gives it a higher version, or the cache would hold on to what it has.
CREATE FUNCTION product_set_ver() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.ver := greatest(OLD.ver + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    RETURN NEW;
END $$;

CREATE TRIGGER product_set_ver BEFORE INSERT OR UPDATE ON product
    FOR EACH ROW EXECUTE FUNCTION product_set_ver();

-- Every change of a cart writes this row, whose lock puts them in a row. Room is left in each page for
-- that, and no index stands in its way.
CREATE TABLE cart (
    user_id     bigint      PRIMARY KEY,
    seq         bigint      NOT NULL, -- of the latest event
    cleared_seq bigint      NOT NULL, -- what came before it is gone; 0: it was never cleared
    touched_at  timestamptz NOT NULL,
    ver         bigint      NOT NULL -- the host's
) WITH (fillfactor = 80);

-- A line of quantity 0 was removed: it stays for a while, for the sake of what was said before and is heard
-- after. Every line is younger than its cart's cleared_seq.
CREATE TABLE cart_line (
    user_id  bigint         NOT NULL REFERENCES cart ON DELETE CASCADE,
    sku      text           NOT NULL,
    quantity integer        NOT NULL CHECK (quantity >= 0),
    name     text,                    -- as the product had them when the line was set;
    price    numeric(12, 2),          -- NULL: it was removed
    seq      bigint         NOT NULL, -- of the event that made it so
    at       timestamptz    NOT NULL,
    PRIMARY KEY (user_id, sku),
    CHECK (quantity = 0 OR (name IS NOT NULL AND price IS NOT NULL))
) WITH (fillfactor = 80);

-- Carts that nobody has touched for so long, as messages for `warrener publish --ndjson`: cart_keep looks at
-- each again, and cleans it.
CREATE FUNCTION cart_idle(idle interval, most integer DEFAULT 100000) RETURNS SETOF text
LANGUAGE sql STABLE
SET search_path FROM CURRENT AS $$
    SELECT json_build_object('key', 'cart.swept', 'type', 'cart.swept',
                             'body', json_build_object('user_id', user_id))::text
      FROM cart WHERE touched_at < now() - idle ORDER BY touched_at LIMIT most
$$;
