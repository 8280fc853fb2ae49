/* SPDX-License-Identifier: Apache-2.0
 *
 * The host: everything put together, in boot order, and taken apart again. Nothing here decides about
 * messages; it wires those who do, tells the board what they say, and drains on a signal. */
#ifndef APP_HOST_H
#define APP_HOST_H

#include "app/handlers.h"
#include "base/status.h"
#include "config/config.h"

struct host;
struct supervised;

/* Listens for HTTP, starts every lane and opens its handler; connects to nothing yet. The
 * configuration and the handlers outlive it. */
MUST_USE struct host *host_new(const struct config *config, const struct handlers *handlers,
                               struct supervised *self, struct status *status);

/* Connects, consumes, and returns when it was told to end (SIGTERM, SIGINT) and has drained, or when
 * `drain` was over. A second signal ends the process here: what is unacked goes back. */
enum exit_status host_run(struct host *host);

/* Ends the lanes and frees it; false where a handler does not come back: then nothing is freed and
 * the process must end at once. */
MUST_USE bool host_close(struct host *host);

#endif
