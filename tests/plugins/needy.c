/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler that calls a function of another library: of one that is not found, or of none at all. */
#include <warrener/handler.h>

int absent(void);

static enum wr_verdict handle(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    (void)job;
    (void)message;
    return absent() ? WR_DONE : WR_REJECT;
}

WR_HANDLER(.name = "needy", .handle = handle);
