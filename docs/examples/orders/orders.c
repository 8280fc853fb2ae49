/* SPDX-License-Identifier: Apache-2.0
 *
 * What a handler can do, in one: orders of a shop are kept, summed up by customer, and answered. It is the
 * running example of docs/writing-a-handler.md. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <warrener/handler.h>

/* ---- what it writes ---- */

enum { ORDERS, TOTALS, STATES };

static const struct wr_column order_columns[] = {
    WR_COLUMN("order_id", WR_UUID),
    WR_COLUMN("user_id", WR_INT8),
    WR_COLUMN("cents", WR_INT8),
    WR_COLUMN("at", WR_TIMESTAMPTZ),
    { 0 },
};
static const struct wr_column total_columns[] = {
    WR_COLUMN("user_id", WR_INT8),
    WR_COLUMN("orders", WR_INT8, .merge = WR_SUM),
    WR_COLUMN("cents", WR_INT8, .merge = WR_SUM),
    WR_COLUMN("last_at", WR_TIMESTAMPTZ, .merge = WR_MAX),
    { 0 },
};
static const struct wr_column state_columns[] = {
    WR_COLUMN("order_id", WR_UUID),
    WR_COLUMN("state", WR_TEXT, .as = "order_state"),
    WR_COLUMN("at", WR_TIMESTAMPTZ),
    { 0 },
};
static const struct wr_sink sinks[] = {
    /* The key is the event's own, so a message that comes twice changes nothing. */
    [ORDERS] = { .table = "orders",
                 .columns = order_columns,
                 .key = "order_id",
                 .on_conflict = WR_KEEP },
    /* Sums have no such key: `once` counts each message once, by its id. */
    [TOTALS] = { .table = "customer_total",
                 .columns = total_columns,
                 .key = "user_id",
                 .on_conflict = WR_MERGE,
                 .once = true,
                 .cache_key = "total:{user_id}",
                 .cache_value = "jsonb_build_object('orders', t.orders, 'cents', t.cents)",
                 .cache_ttl_s = 3600 },
    /* Messages may overtake each other: only what is newer is merged. */
    [STATES] = { .table = "${states}",
                 .columns = state_columns,
                 .key = "order_id",
                 .on_conflict = WR_MERGE,
                 .newest_by = "at" },
    { 0 },
};

/* ---- what it reads, is told, and counts ---- */

enum { CUSTOMER };
static const struct wr_loader loaders[] = {
    [CUSTOMER] = { .name = "customer",
                   .cache_key = "customer:{key}",
                   .sql = "SELECT id::text, ver, name FROM customer"
                          " WHERE id = any($1::text[]::bigint[])",
                   .ttl_s = 600,
                   .absent_ttl_s = 5 },
    { 0 },
};
static const struct wr_option options[] = {
    { "currency", NULL, "the one that is taken" },
    { "states", "order_state_of", "the table that states are kept in" },
    { "closed", "", "while this file is there, orders wait" },
    { 0 },
};
enum { MADE, CANCELLED };
static const struct wr_counter counters[] = {
    [MADE] = { "made", "orders that were made" },
    [CANCELLED] = { "cancelled", "orders that were cancelled" },
    { 0 },
};

/* ---- the state of a lane ---- */

struct shop {
    const char *currency, *closed;
};

static bool orders_open(struct wr_host *host, void **self)
{
    struct shop *shop = malloc(sizeof *shop);
    if (!shop) return false;
    shop->currency = wr_option(host, "currency");
    shop->closed = wr_option(host, "closed");
    if (strlen(shop->currency) != 3) {
        wr_open_because(host, "a currency is three letters, not \"%s\"", shop->currency);
        free(shop);
        return false;
    }
    *self = shop;
    return true;
}

/* ---- a message ---- */

static bool is(struct wr_text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

static struct wr_text customer_key(struct wr_job *job)
{
    return wr_format(job, "%lld", (long long)wr_json_int(job, "user_id"));
}

static void orders_prepare(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    (void)message;
    wr_want(job, CUSTOMER, customer_key(job));
}

static void put_state(struct wr_job *job, const char *state)
{
    wr_row(job, STATES);
    wr_put_uuid(job, wr_json_text(job, "order_id"));
    wr_put_text(job, (struct wr_text){ state, strlen(state) });
    wr_put_time_us(job, wr_json_time_us(job, "at"));
}

static void put_order(struct wr_job *job, int64_t cents)
{
    const int64_t user = wr_json_int(job, "user_id"), at = wr_json_time_us(job, "at");
    wr_row(job, ORDERS);
    wr_put_uuid(job, wr_json_text(job, "order_id"));
    wr_put_int(job, user);
    wr_put_int(job, cents);
    wr_put_time_us(job, at);

    wr_row(job, TOTALS);
    wr_put_int(job, user);
    wr_put_int(job, 1);
    wr_put_int(job, cents);
    wr_put_time_us(job, at);
}

/* A line for each of the order's items. */
static int64_t sum_of_items(struct wr_job *job)
{
    int64_t cents = 0;
    for (size_t i = 0; wr_json_enter(job, "items", i, NULL); i++, wr_json_leave(job))
        cents += wr_json_int(job, "cents") * (wr_json_has(job, "n") ? wr_json_int(job, "n") : 1);
    return cents;
}

static enum wr_verdict make_order(struct wr_job *job, const struct wr_message *message,
                                  struct wr_text name)
{
    const int64_t cents = sum_of_items(job);
    put_order(job, cents);
    put_state(job, "made");
    wr_count(job, MADE, 1);
    wr_publish(job, (struct wr_outgoing){
                        .exchange = WR_TEXT_OF("shop"),
                        .routing_key = WR_TEXT_OF("order.accepted"),
                        .type = WR_TEXT_OF("order.accepted"),
                        .message_id = wr_uuid_of(job, 0), /* the same at each redelivery */
                        .content_type = WR_TEXT_OF("application/json"),
                        .body = wr_format(job, "{\"cents\":%lld}", (long long)cents),
                    });
    if (message->reply_to.len > 0)
        wr_reply(job, (struct wr_outgoing){
                          .content_type = WR_TEXT_OF("text/plain"),
                          .body = wr_format(job, "thank you, %.*s", (int)name.len, name.at),
                      });
    return WR_DONE;
}

static enum wr_verdict refuse_currency(struct wr_job *job, const struct shop *shop)
{
    const struct wr_text currency = wr_json_text(job, "currency");
    wr_code(job, "currency"); /* for counting: `dead list --where code=currency` */
    wr_because(job, "%.*s is not taken, only %s", (int)currency.len, currency.at, shop->currency);
    wr_publish(job, (struct wr_outgoing){
                        .exchange = WR_TEXT_OF("shop"),
                        .routing_key = WR_TEXT_OF("order.refused"),
                        .body = wr_json_text(job, "order_id"),
                        .always = true, /* effects of a rejected message are dropped otherwise */
                    });
    return WR_REJECT;
}

static enum wr_verdict orders_handle(void *self, struct wr_job *job,
                                     const struct wr_message *message)
{
    const struct shop *shop = self;
    struct wr_text name;
    if (*shop->closed && access(shop->closed, F_OK) == 0) {
        wr_because(job, "the shop is closed");
        return WR_WAIT;
    }
    if (wr_got(job, CUSTOMER, customer_key(job), &name, NULL) == WR_ABSENT) {
        wr_because(job, "the customer is not known, yet");
        return WR_RETRY;
    }
    if (is(message->type, "order.cancelled")) {
        put_state(job, "cancelled");
        wr_count(job, CANCELLED, 1);
        return WR_DONE;
    }
    if (!is(wr_json_text(job, "currency"), shop->currency)) return refuse_currency(job, shop);
    return make_order(job, message, name);
}

WR_HANDLER(.name = "orders", .version = "1.0", .about = "keeps, sums up and answers orders",
           .sinks = sinks, .loaders = loaders, .options = options, .counters = counters,
           .open = orders_open, .prepare = orders_prepare, .handle = orders_handle, .close = free);
