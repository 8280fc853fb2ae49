/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler of somebody else's: it counts messages that have a body. */
#include <warrener/handler.h>

enum { COUNTED };

static enum wr_verdict handle(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    if (message->body.len == 0) {
        wr_because(job, "the body is empty");
        return WR_REJECT;
    }
    wr_count(job, COUNTED, 1);
    return WR_DONE;
}

static const struct wr_counter counters[] = { { "counted", "messages with a body" }, { 0 } };

WR_HANDLER(.name = "outside", .version = "1", .counters = counters, .handle = handle);
