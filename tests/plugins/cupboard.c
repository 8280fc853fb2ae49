/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler for tests of sinks that fill the cache by themselves. The body is {"to": TABLE, "id": TEXT,
 * "n": NUMBER} for the tables cup (the last n), first (the first), total (each message once, n summed)
 * and around (never written, only dropped), or {"to": "cart", "user": NUMBER, "sku": TEXT, "n": NUMBER}
 * for a cart made of several rows; "delete": true takes the row away. */
#include <warrener/handler.h>

enum { CUP, FIRST, TOTAL, AROUND, CART, LINE };

static const struct wr_column last_columns[] = {
    WR_COLUMN("id", WR_TEXT),
    WR_COLUMN("n", WR_INT8),
    { 0 },
};
static const struct wr_column sum_columns[] = {
    WR_COLUMN("id", WR_TEXT),
    WR_COLUMN("n", WR_INT8, WR_SUM),
    { 0 },
};
static const struct wr_column cart_columns[] = { WR_COLUMN("user_id", WR_INT8), { 0 } };
static const struct wr_column line_columns[] = {
    WR_COLUMN("user_id", WR_INT8),
    WR_COLUMN("sku", WR_TEXT),
    WR_COLUMN("n", WR_INT8),
    { 0 },
};

#define CACHED(name) .table = #name, .key = "id", .cache_key = #name ":{id}", .cache_ttl_s = 600

static const struct wr_sink sinks[] = {
    { CACHED(cup), .columns = last_columns, .on_conflict = WR_MERGE },
    { CACHED(first), .columns = last_columns, .cache_value = "t.n -- the first" },
    { CACHED(total), .columns = sum_columns, .on_conflict = WR_MERGE, .once = true,
      .cache_value = "t.n" },
    { CACHED(around), .columns = last_columns, .on_conflict = WR_MERGE, .cache_around = true },
    { .table = "cart",
      .columns = cart_columns,
      .key = "user_id",
      .on_conflict = WR_MERGE,
      .cache_key = "cart:{user_id}",
      .cache_value = "(select jsonb_object_agg(l.sku, l.n order by l.sku) from cart_line l"
                     " where l.user_id = t.user_id)",
      .cache_ttl_s = 600 },
    { .table = "cart_line",
      .columns = line_columns,
      .key = "user_id, sku",
      .on_conflict = WR_MERGE },
    { 0 },
};

static unsigned sink_of(struct wr_job *job, struct wr_text table)
{
    for (unsigned i = 0; sinks[i].table; i++)
        if (strlen(sinks[i].table) == table.len && memcmp(sinks[i].table, table.at, table.len) == 0)
            return i;
    wr_fail(job, "there is no such table");
    return CUP;
}

static void put_line(struct wr_job *job, bool deletes)
{
    const int64_t user = wr_json_int(job, "user");
    wr_row(job, CART);
    wr_put_int(job, user);
    if (deletes)
        wr_delete(job, LINE);
    else
        wr_row(job, LINE);
    wr_put_int(job, user);
    wr_put_text(job, wr_json_text(job, "sku"));
    if (!deletes) wr_put_int(job, wr_json_int(job, "n"));
}

static enum wr_verdict cupboard_handle(void *self, struct wr_job *job,
                                       const struct wr_message *message)
{
    const unsigned sink = sink_of(job, wr_json_text(job, "to"));
    const bool deletes = wr_json_has(job, "delete");
    (void)self;
    (void)message;
    if (sink == CART) {
        put_line(job, deletes);
        return WR_DONE;
    }
    if (deletes)
        wr_delete(job, sink);
    else
        wr_row(job, sink);
    wr_put_text(job, wr_json_text(job, "id"));
    if (!deletes) wr_put_int(job, wr_json_int(job, "n"));
    return WR_DONE;
}

WR_HANDLER(.name = "cupboard", .version = "1.0", .about = "writes cached rows, for tests",
           .sinks = sinks, .handle = cupboard_handle);
