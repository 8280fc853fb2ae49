/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler of CloudEvents: it reads orders that were placed, in either form of the AMQP binding, and
 * tells what it read to the queue in its option `to`. docs/cloudevents.md is about it. */
#include <inttypes.h>
#include <string.h>

#include <warrener/handler.h>

static const struct wr_option options[] = { { "to", NULL, "the queue that is told" }, { 0 } };

static bool placed_open(struct wr_host *host, void **self)
{
    *self = (void *)(uintptr_t)wr_option(host, "to");
    return true;
}

static struct wr_text attribute(struct wr_job *job, const char *name)
{
    struct wr_pair value = { .text = WR_TEXT_OF("") };
    (void)wr_header(job, name, &value);
    return value.text;
}

static enum wr_verdict placed_handle(void *self, struct wr_job *job,
                                     const struct wr_message *message)
{
    const struct wr_text source = attribute(job, "ce_source"),
                         subject = attribute(job, "ce_subject");
    const char *to = self;
    const int64_t cents = wr_json_int(job, "cents"); /* of the event's data */
    if (cents == 0 && message->attempt == 1) {
        wr_because(job, "the price of %.*s is not known yet", (int)subject.len, subject.at);
        return WR_RETRY;
    }
    const struct wr_outgoing told = {
        .size = sizeof told,
        .routing_key = { to, strlen(to) },
        .body = wr_format(job, "%.*s %.*s from %.*s: %.*s costs %" PRId64 " at %" PRId64,
                          (int)message->type.len, message->type.at, (int)message->id.len,
                          message->id.at, (int)source.len, source.at, (int)subject.len, subject.at,
                          cents, message->timestamp_ms),
    };
    wr_publish(job, told);
    return WR_DONE;
}

WR_HANDLER(.name = "placed", .version = "1.0", .about = "reads orders that were placed",
           .options = options, .open = placed_open, .handle = placed_handle);
