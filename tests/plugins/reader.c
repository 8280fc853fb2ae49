/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler for tests of loaders: it reads keys and writes down what it got. The body is {"item": [KEY…]}
 * (by the cached loader), "plain" (not cached), "number" (not cached, and only numbers are keys of it) or
 * several of these; {"unwanted": KEY} gets what was not wanted, {"sleep_ms": N} sleeps before that, and
 * {"retry": true} wants to be handled again once. A row of `seen` is (id, key, found, ver, value, nth): the
 * nth that the handler was called for. */
#include <stdatomic.h>
#include <time.h>

#include <warrener/handler.h>

enum { ITEM, PLAIN, NUMBER, LOADERS };
static const char *const fields[LOADERS] = { "item", "plain", "number" };

static const struct wr_column columns[] = {
    WR_COLUMN("id", WR_TEXT),
    WR_COLUMN("key", WR_TEXT),
    WR_COLUMN("found", WR_BOOL),
    WR_COLUMN("ver", WR_INT8),
    WR_COLUMN("value", WR_TEXT),
    WR_COLUMN("nth", WR_INT8),
    { 0 },
};
static const struct wr_sink sinks[] = {
    { .table = "seen", .columns = columns, .key = "id, key", .on_conflict = WR_KEEP },
    { 0 },
};
static const struct wr_loader loaders[] = {
    [ITEM] = { .name = "item",
               .cache_key = "item:{key}",
               .sql = "select key, ver, value from item where key = any($1::text[]);\n",
               .ttl_s = 600,
               .absent_ttl_s = 60 },
    [PLAIN] = { .name = "plain", .sql = "select key, ver, value from plain where key = any($1)" },
    [NUMBER] = { .name = "number",
                 .sql =
                     "select id::text, ver, value from number where id = any($1::text[]::int[])" },
    { 0 },
};

static size_t count(struct wr_job *job, unsigned loader)
{
    return wr_json_has(job, fields[loader]) ? wr_json_count(job, fields[loader]) : 0;
}

static struct wr_text key_at(struct wr_job *job, unsigned loader, size_t i)
{
    return wr_json_text(job, wr_cstr(job, wr_format(job, "%s.%zu", fields[loader], i)));
}

static void reader_prepare(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    (void)message;
    for (unsigned loader = 0; loader < LOADERS; loader++)
        for (size_t i = 0, n = count(job, loader); i < n; i++)
            wr_want(job, loader, key_at(job, loader, i));
}

static void write_down(struct wr_job *job, const struct wr_message *message, unsigned loader,
                       struct wr_text key, int64_t nth)
{
    struct wr_text value;
    uint64_t version;
    const enum wr_found found = wr_got(job, loader, key, &value, &version);
    wr_row(job, 0);
    wr_put_text(job, message->id);
    wr_put_text(job, key);
    wr_put_bool(job, found == WR_FOUND);
    wr_put_int(job, (int64_t)version);
    wr_put_text(job, value);
    wr_put_int(job, nth);
}

static void sleep_ms(int64_t ms)
{
    const struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    nanosleep(&span, NULL);
}

static enum wr_verdict reader_handle(void *self, struct wr_job *job,
                                     const struct wr_message *message)
{
    static _Atomic int64_t calls;
    const int64_t nth = atomic_fetch_add(&calls, 1);
    (void)self;
    if (wr_json_has(job, "sleep_ms")) sleep_ms(wr_json_int(job, "sleep_ms"));
    if (wr_json_has(job, "retry") && message->attempt == 1) return WR_RETRY;
    for (unsigned loader = 0; loader < LOADERS; loader++)
        for (size_t i = 0, n = count(job, loader); i < n; i++)
            write_down(job, message, loader, key_at(job, loader, i), nth);
    if (wr_json_has(job, "unwanted"))
        (void)wr_got(job, ITEM, wr_json_text(job, "unwanted"), NULL, NULL);
    return WR_DONE;
}

WR_HANDLER(.name = "reader", .version = "1.0", .about = "reads, for tests", .sinks = sinks,
           .loaders = loaders, .prepare = reader_prepare, .handle = reader_handle);
