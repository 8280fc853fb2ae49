/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler in C++: the header has to compile without a warning, and its macros have to serve. */
#include <warrener/handler.h>

#include <new>

namespace
{

const struct wr_column columns[] = {
    WR_COLUMN("id", WR_UUID),
    WR_COLUMN("n", WR_INT8, .merge = WR_SUM),
    {},
};
const struct wr_sink sinks[] = {
    { .table = "t", .columns = columns, .key = "id", .on_conflict = WR_MERGE },
    {},
};
const struct wr_option options[] = { { "greeting", "hello", "what is said" }, {} };
const struct wr_counter counters[] = { { "seen", "messages" }, {} };

struct state {
    const char *greeting;
};

bool open(struct wr_host *host, void **self)
{
    *self = new (std::nothrow) state{ wr_option(host, "greeting") };
    return *self != nullptr;
}

enum wr_verdict handle(void *self, struct wr_job *job, const struct wr_message *message)
{
    const wr_text said = wr_format(job, "%s, world", static_cast<state *>(self)->greeting);
    wr_outgoing out{};
    out.exchange = WR_TEXT_OF("events");
    out.body = said;
    wr_publish(job, out);
    wr_count(job, 0, message->attempt);
    return WR_DONE;
}

void close(void *self)
{
    delete static_cast<state *>(self);
}

} // namespace

WR_HANDLER(.name = "minimal", .version = "1", .sinks = sinks, .options = options,
           .counters = counters, .open = open, .handle = handle, .close = close);
