/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps shopping carts: events become a row a user and a line an article, and the whole cart is in the
 * cache. Events say what is, under the user's own sequence, so that repeats and events out of order
 * change nothing; they decide on the cart as it is, which the guard makes sure of. Whatever is put puts
 * the cart's own row first: its lock orders everything, and a repeat repairs the cache. */
#include <stdlib.h>

#include <warrener/handler.h>

#define US_PER_DAY INT64_C(86400000000)
#define SKU_BYTES_MOST 100
#define REMOVED_MOST 1000 /* lines that were removed, and are remembered; all are read each time */

static const struct wr_option options[] = {
    { "max_lines", "100", "lines of a cart, 1 to 1000" },
    { "max_quantity", "99", "of one article in a cart, 1 to 1000000" },
    { "idle_days", "30", "a cart that is not touched for so long is cleaned, 1 to 36500" },
    { 0 },
};

static const struct wr_column cart_columns[] = {
    WR_COLUMN("user_id", WR_INT8),
    WR_COLUMN("seq", WR_INT8, .merge = WR_MAX),
    WR_COLUMN("cleared_seq", WR_INT8, .merge = WR_MAX),
    WR_COLUMN("touched_at", WR_TIMESTAMPTZ, .merge = WR_MAX),
    { 0 },
};
static const struct wr_column line_columns[] = {
    WR_COLUMN("user_id", WR_INT8),   WR_COLUMN("sku", WR_TEXT),
    WR_COLUMN("quantity", WR_INT4),  WR_COLUMN("name", WR_TEXT),
    WR_COLUMN("price", WR_NUMERIC),  WR_COLUMN("seq", WR_INT8),
    WR_COLUMN("at", WR_TIMESTAMPTZ), { 0 },
};

enum { CART, LINE };
static const struct wr_sink sinks[] = {
    [CART] = { .table = "cart",
               .columns = cart_columns,
               .key = "user_id",
               .on_conflict = WR_MERGE,
               .cache_key = "cart:{user_id}",
               .cache_value =
                   "(SELECT jsonb_build_object('user_id', t.user_id, 'seq', t.seq, 'touched_at',"
                   " to_char(t.touched_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),"
                   " 'total', coalesce(sum(l.quantity * l.price), 0),"
                   " 'lines', coalesce(jsonb_agg(jsonb_build_object('sku', l.sku, 'name', l.name,"
                   " 'price', l.price, 'quantity', l.quantity) ORDER BY l.sku), '[]'))"
                   " FROM cart_line l WHERE l.user_id = t.user_id AND l.quantity > 0)",
               .cache_ttl_s = 86400 },
    [LINE] = { .table = "cart_line",
               .columns = line_columns,
               .key = "user_id, sku",
               .on_conflict = WR_MERGE,
               .newest_by = "seq" },
    { 0 },
};

enum { THE_CART, PRODUCT };
static const struct wr_loader loaders[] = {
    [THE_CART] = { .name = "cart",
                   .sql = "SELECT c.user_id::text, c.ver, jsonb_build_object("
                          "'cleared_seq', c.cleared_seq,"
                          " 'touched_us', (extract(epoch FROM c.touched_at) * 1000000)::bigint,"
                          " 'lines', (SELECT coalesce(jsonb_agg(jsonb_build_object("
                          "'sku', l.sku, 'quantity', l.quantity, 'seq', l.seq,"
                          " 'us', (extract(epoch FROM l.at) * 1000000)::bigint)), '[]')"
                          " FROM cart_line l WHERE l.user_id = c.user_id))::text"
                          " FROM cart c WHERE c.user_id = ANY($1::text[]::bigint[])",
                   .guards = "cart" },
    [PRODUCT] = { .name = "product",
                  .cache_key = "product:{key}",
                  .sql = "SELECT sku, ver, jsonb_build_object('name', name, 'price', price,"
                         " 'active', active)::text FROM product WHERE sku = ANY($1::text[])",
                  .ttl_s = 60,
                  .absent_ttl_s = 5 },
    { 0 },
};

enum { OLD, LATE, SWEPT };
static const struct wr_counter counters[] = {
    [OLD] = { "old", "events that told nothing new: repeats, and what newer ones had overtaken" },
    [LATE] = { "late", "events older than idle_days" },
    [SWEPT] = { "swept", "idle carts that were cleaned" },
    { 0 },
};

struct limits {
    int64_t lines, quantity, idle_us;
};

enum kind { ITEM_SET, ITEM_REMOVED, CLEARED, CHECKED_OUT, SWEEP, KINDS };

struct event {
    enum kind kind;
    int64_t user_id, seq, at_us;
    struct wr_text sku; /* of items */
    int64_t quantity;   /* ITEM_SET */
};

struct line {
    struct wr_text sku;
    int64_t quantity; /* 0: removed */
    int64_t seq, at_us;
};

struct cart {
    bool is_there;
    int64_t cleared_seq, touched_us;
    struct line *lines;
    size_t n, n_filled;
    int64_t horizon_us; /* what is older is forgotten */
};

/* ---- options ----------------------------------------------------------------------------------- */

static bool take_option(struct wr_host *host, const char *name, int64_t most, int64_t *value)
{
    const char *given = wr_option(host, name);
    char *end;
    *value = strtoll(given, &end, 10);
    if (*given >= '0' && *given <= '9' && !*end && *value >= 1 && *value <= most) return true;
    wr_open_because(host, "%s is \"%s\": say a number, 1 to %lld", name, given, (long long)most);
    return false;
}

static bool open_keeper(struct wr_host *host, void **self)
{
    struct limits limits;
    if (!take_option(host, "max_lines", 1000, &limits.lines) ||
        !take_option(host, "max_quantity", 1000000, &limits.quantity) ||
        !take_option(host, "idle_days", 36500, &limits.idle_us))
        return false;
    limits.idle_us *= US_PER_DAY;
    struct limits *kept = malloc(sizeof *kept);
    if (!kept) abort();
    *kept = limits;
    *self = kept;
    return true;
}

/* ---- events ------------------------------------------------------------------------------------ */

static bool equal(struct wr_text a, struct wr_text b)
{
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

/* The message's type says what it is; where it has none, the key it was published with. */
static enum kind kind_of(const struct wr_message *message)
{
    static const struct wr_text names[KINDS] = {
        [ITEM_SET] = { "cart.item.set", 13 }, [ITEM_REMOVED] = { "cart.item.removed", 17 },
        [CLEARED] = { "cart.cleared", 12 },   [CHECKED_OUT] = { "cart.checked_out", 16 },
        [SWEEP] = { "cart.swept", 10 },
    };
    const struct wr_text name = message->type.len ? message->type : message->routing_key;
    unsigned kind = 0;
    while (kind < KINDS && !equal(name, names[kind])) kind++;
    return kind;
}

static struct wr_text user_of(struct wr_job *job)
{
    return wr_format(job, "%lld", (long long)wr_json_int(job, "user_id"));
}

static void prepare(void *self, struct wr_job *job, const struct wr_message *message)
{
    const enum kind kind = kind_of(message);
    (void)self;
    if (kind == KINDS) return;
    wr_want(job, THE_CART, user_of(job));
    if (kind == ITEM_SET) wr_want(job, PRODUCT, wr_json_text(job, "sku"));
}

/* From a clock that is ahead, an event would keep its cart for ever. */
static int64_t moment(struct wr_job *job)
{
    const int64_t at_us = wr_json_time_us(job, "at"), now_us = wr_now_us(job);
    return at_us < now_us ? at_us : now_us;
}

/* A missing or wrong field fails the message by itself, with the field's name as the reason. */
static bool read_item(struct wr_job *job, struct event *event)
{
    event->sku = wr_json_text(job, "sku");
    if (event->kind == ITEM_SET) event->quantity = wr_json_int(job, "quantity");
    const bool has_sku = event->sku.len >= 1 && event->sku.len <= SKU_BYTES_MOST;
    const bool has_quantity = event->kind != ITEM_SET || event->quantity >= 1;
    if (!has_sku)
        wr_fail(job, "field \"sku\" has %zu bytes, 1 to %d are allowed", event->sku.len,
                SKU_BYTES_MOST);
    if (!has_quantity)
        wr_fail(job,
                "field \"quantity\" is %lld, below 1; what is gone is told by cart.item.removed",
                (long long)event->quantity);
    return has_sku && has_quantity;
}

static bool read_event(struct wr_job *job, struct event *event)
{
    event->user_id = wr_json_int(job, "user_id");
    if (event->kind == SWEEP) return true;
    event->seq = wr_json_int(job, "seq");
    event->at_us = moment(job);
    if (event->seq < 1) {
        wr_fail(job, "field \"seq\" is %lld, below 1", (long long)event->seq);
        return false;
    }
    const bool is_of_item = event->kind == ITEM_SET || event->kind == ITEM_REMOVED;
    return !is_of_item || read_item(job, event);
}

/* ---- the cart ------------------------------------------------------------------------------------ */

static void read_lines(struct wr_job *job, struct cart *cart)
{
    const size_t n = wr_json_count(job, "lines");
    cart->lines = n ? wr_alloc(job, n * sizeof *cart->lines) : NULL;
    if (!cart->lines) return;
    for (; cart->n < n && wr_json_enter(job, "lines", cart->n, NULL); cart->n++) {
        const struct line line = {
            .sku = wr_json_text(job, "sku"),
            .quantity = wr_json_int(job, "quantity"),
            .seq = wr_json_int(job, "seq"),
            .at_us = wr_json_int(job, "us"),
        };
        wr_json_leave(job);
        cart->lines[cart->n] = line;
        cart->n_filled += line.quantity > 0;
    }
}

static struct cart read_cart(struct wr_job *job, const struct limits *limits)
{
    struct cart cart = { .horizon_us = wr_now_us(job) - limits->idle_us };
    struct wr_text value;
    if (wr_got(job, THE_CART, user_of(job), &value, NULL) == WR_ABSENT) return cart;
    wr_json_open(job, value);
    cart.is_there = true;
    cart.cleared_seq = wr_json_int(job, "cleared_seq");
    cart.touched_us = wr_json_int(job, "touched_us");
    read_lines(job, &cart);
    return cart;
}

static const struct line *find_line(const struct cart *cart, struct wr_text sku)
{
    for (size_t i = 0; i < cart->n; i++)
        if (equal(cart->lines[i].sku, sku)) return &cart->lines[i];
    return NULL;
}

static void put_cart(struct wr_job *job, const struct event *event, int64_t cleared_seq)
{
    wr_row(job, CART);
    wr_put_int(job, event->user_id);
    wr_put_int(job, event->seq);
    wr_put_int(job, cleared_seq);
    wr_put_time_us(job, event->at_us);
}

static void delete_line(struct wr_job *job, const struct event *event, const struct line *line)
{
    wr_delete(job, LINE);
    wr_put_int(job, event->user_id);
    wr_put_text(job, line->sku);
}

/* What was removed so long ago that nothing from before can count any more. */
static bool is_forgotten(const struct cart *cart, const struct line *line)
{
    return line->quantity == 0 && line->at_us < cart->horizon_us;
}

/* The cart's row all the same, where there is one: who sent it again may not have written the cache. */
static enum wr_verdict pass_over(struct wr_job *job, const struct event *event,
                                 const struct cart *cart)
{
    wr_count(job, OLD, 1);
    if (cart->is_there) put_cart(job, event, cart->cleared_seq);
    return WR_DONE;
}

/* ---- items --------------------------------------------------------------------------------------- */

/* Without a product the line says that it was removed. */
static void put_line(struct wr_job *job, const struct event *event, const struct cart *cart,
                     bool has_product)
{
    put_cart(job, event, cart->cleared_seq);
    wr_row(job, LINE);
    wr_put_int(job, event->user_id);
    wr_put_text(job, event->sku);
    wr_put_int(job, event->quantity);
    if (has_product) {
        wr_put_text(job, wr_json_text(job, "name"));
        wr_put_text(job, wr_json_raw(job, "price"));
    } else {
        wr_put_null(job);
        wr_put_null(job);
    }
    wr_put_int(job, event->seq);
    wr_put_time_us(job, event->at_us);
    for (size_t i = 0; i < cart->n; i++)
        if (is_forgotten(cart, &cart->lines[i]) && !equal(cart->lines[i].sku, event->sku))
            delete_line(job, event, &cart->lines[i]);
}

#define REJECT(job, code, ...)                                                                     \
    do {                                                                                           \
        wr_code(job, code);                                                                        \
        wr_because(job, __VA_ARGS__);                                                              \
        return WR_REJECT;                                                                          \
    } while (0)

static enum wr_verdict set_item(struct wr_job *job, const struct limits *limits,
                                const struct event *event, const struct cart *cart,
                                const struct line *line)
{
    struct wr_text product;
    if (event->quantity > limits->quantity)
        REJECT(job, "max_quantity", "%lld of \"%.*s\" are more than max_quantity, %lld",
               (long long)event->quantity, (int)event->sku.len, event->sku.at,
               (long long)limits->quantity);
    if ((!line || line->quantity == 0) && (int64_t)cart->n_filled >= limits->lines)
        REJECT(job, "max_lines", "the cart of user %lld has %zu lines, max_lines is %lld",
               (long long)event->user_id, cart->n_filled, (long long)limits->lines);
    if (wr_got(job, PRODUCT, event->sku, &product, NULL) == WR_ABSENT) {
        wr_code(job, "unknown_product"); /* it may be on its way */
        wr_because(job, "there is no product \"%.*s\"", (int)event->sku.len, event->sku.at);
        return WR_RETRY;
    }
    wr_json_open(job, product);
    if (!wr_json_bool(job, "active"))
        REJECT(job, "inactive_product", "product \"%.*s\" is not active", (int)event->sku.len,
               event->sku.at);
    put_line(job, event, cart, true);
    return WR_DONE;
}

static enum wr_verdict change_item(struct wr_job *job, const struct limits *limits,
                                   const struct event *event, const struct cart *cart)
{
    const struct line *line = find_line(cart, event->sku);
    if (event->seq <= cart->cleared_seq || (line && event->seq <= line->seq))
        return pass_over(job, event, cart);
    if (!line && (int64_t)cart->n >= limits->lines + REMOVED_MOST)
        REJECT(job, "max_removed",
               "the cart of user %lld remembers %zu lines that were removed: clear it",
               (long long)event->user_id, cart->n - cart->n_filled);
    if (event->kind == ITEM_SET) return set_item(job, limits, event, cart, line);
    put_line(job, event, cart, false);
    return WR_DONE;
}

/* ---- whole carts --------------------------------------------------------------------------------- */

/* Lines that were set after it, and heard of before, stay. */
static enum wr_verdict clear(struct wr_job *job, const struct event *event, const struct cart *cart)
{
    if (event->seq <= cart->cleared_seq) return pass_over(job, event, cart);
    put_cart(job, event, event->seq);
    for (size_t i = 0; i < cart->n; i++)
        if (cart->lines[i].seq < event->seq || is_forgotten(cart, &cart->lines[i]))
            delete_line(job, event, &cart->lines[i]);
    return WR_DONE;
}

/* Its lines go with it. One that is not there is deleted again: that drops what the cache may have. */
static enum wr_verdict sweep(struct wr_job *job, const struct event *event, const struct cart *cart)
{
    if (cart->is_there && cart->touched_us >= cart->horizon_us) return WR_DONE;
    wr_count(job, SWEPT, cart->is_there);
    wr_delete(job, CART);
    wr_put_int(job, event->user_id);
    return WR_DONE;
}

static enum wr_verdict keep(void *self, struct wr_job *job, const struct wr_message *message)
{
    const struct limits *limits = self;
    const struct wr_text name = message->type.len ? message->type : message->routing_key;
    const enum kind kind = kind_of(message);
    if (kind == KINDS)
        REJECT(job, "unknown_event",
               "\"%.*s\" is none of cart.item.set, cart.item.removed, cart.cleared, "
               "cart.checked_out, cart.swept",
               (int)name.len, name.at);
    struct event event = { .kind = kind };
    if (!read_event(job, &event)) return WR_REJECT;
    const struct cart cart = read_cart(job, limits);
    if (kind == SWEEP) return sweep(job, &event, &cart);
    if (event.at_us < cart.horizon_us) {
        wr_count(job, LATE, 1);
        return WR_DONE;
    }
    if (kind == CLEARED || kind == CHECKED_OUT) return clear(job, &event, &cart);
    return change_item(job, limits, &event, &cart);
}

WR_HANDLER(.name = "cart_keep", .version = "1.0", .about = "keeps shopping carts, within limits",
           .sinks = sinks, .loaders = loaders, .options = options, .counters = counters,
           .open = open_keeper, .prepare = prepare, .handle = keep, .close = free);
