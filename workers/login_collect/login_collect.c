/* SPDX-License-Identifier: Apache-2.0
 *
 * Collects login events: one message, one row of login_event. The row's key is the event's own id and
 * time, the same however often the message is delivered, so a repeat leaves the row as it is. With
 * last_ttl a user's latest event is in the cache as well, under the event's own time as its version, so
 * that events that come late change nothing there. */
#include <stdlib.h>

#include <warrener/handler.h>

static const struct wr_option options[] = {
    { "table", "login_event", "the table that events are written to" },
    { "last_ttl", "0", "seconds that login:last:USER_ID stays in the cache; 0: it is not written" },
    { 0 },
};

static const struct wr_column columns[] = {
    WR_COLUMN("event_id", WR_UUID),
    WR_COLUMN("user_id", WR_INT8),
    WR_COLUMN("kind", WR_TEXT),
    WR_COLUMN("at", WR_TIMESTAMPTZ),
    WR_COLUMN("ip", WR_INET),
    WR_COLUMN("session_ms", WR_INT4),
    WR_COLUMN("ua", WR_TEXT),
    WR_COLUMN("details", WR_JSONB),
    { 0 },
};

enum { EVENT };
static const struct wr_sink sinks[] = {
    [EVENT] = { .table = "${table}",
                .columns = columns,
                .key = "event_id, at",
                .on_conflict = WR_KEEP },
    { 0 },
};

struct collector {
    uint32_t last_ttl_s; /* 0: none */
};

static bool open_collector(struct wr_host *host, void **self)
{
    const char *given = wr_option(host, "last_ttl");
    char *end;
    const unsigned long ttl_s = strtoul(given, &end, 10);
    if (*given < '0' || *given > '9' || *end || ttl_s > 31536000) {
        wr_open_because(host, "last_ttl is \"%s\": say seconds, 0 to 31536000", given);
        return false;
    }
    struct collector *collector = malloc(sizeof *collector);
    if (!collector) abort();
    collector->last_ttl_s = (uint32_t)ttl_s;
    *self = collector;
    return true;
}

static void close_collector(void *self)
{
    free(self);
}

static void set_last(struct wr_job *job, int64_t user_id, int64_t at_us, uint32_t ttl_s)
{
    const struct wr_text kind = wr_json_raw(job, "kind");
    if (at_us <= 0) return;
    wr_cache_set(
        job, wr_format(job, "login:last:%lld", (long long)user_id),
        wr_format(job, "{\"kind\":%.*s,\"at_us\":%lld}", (int)kind.len, kind.at, (long long)at_us),
        (uint64_t)at_us, ttl_s);
}

static void put_text_if_any(struct wr_job *job, const char *field)
{
    if (wr_json_has(job, field))
        wr_put_text(job, wr_json_text(job, field));
    else
        wr_put_null(job);
}

/* A missing or wrong field fails the message by itself, with the field's name as the reason. */
static enum wr_verdict collect(void *self, struct wr_job *job, const struct wr_message *message)
{
    const struct collector *collector = self;
    (void)message;
    wr_row(job, EVENT);
    wr_put_uuid(job, wr_json_text(job, "event_id"));
    const int64_t user_id = wr_json_int(job, "user_id");
    wr_put_int(job, user_id);
    wr_put_text(job, wr_json_text(job, "kind"));
    const int64_t at_us = wr_json_time_us(job, "at");
    wr_put_time_us(job, at_us);
    put_text_if_any(job, "ip");
    if (wr_json_has(job, "session_ms"))
        wr_put_int(job, wr_json_int(job, "session_ms"));
    else
        wr_put_null(job);
    put_text_if_any(job, "ua");
    if (wr_json_has(job, "details"))
        wr_put_text(job, wr_json_raw(job, "details"));
    else
        wr_put_null(job);
    if (collector->last_ttl_s) set_last(job, user_id, at_us, collector->last_ttl_s);
    return WR_DONE;
}

WR_HANDLER(.name = "login_collect", .version = "1.0", .about = "writes login events to a table",
           .sinks = sinks, .options = options, .open = open_collector, .handle = collect,
           .close = close_collector);
