/* SPDX-License-Identifier: Apache-2.0
 *
 * Collects login events: one message, one row of login_event. The row's key is the event's own id and
 * time, the same however often the message is delivered, so a repeat leaves the row as it is. */
#include <warrener/handler.h>

static const struct wr_option options[] = {
    { "table", "login_event", "the table that events are written to" },
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
    (void)self;
    (void)message;
    wr_row(job, EVENT);
    wr_put_uuid(job, wr_json_text(job, "event_id"));
    wr_put_int(job, wr_json_int(job, "user_id"));
    wr_put_text(job, wr_json_text(job, "kind"));
    wr_put_time_us(job, wr_json_time_us(job, "at"));
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
    return WR_DONE;
}

WR_HANDLER(.name = "login_collect", .version = "1.0", .about = "writes login events to a table",
           .sinks = sinks, .options = options, .handle = collect);
