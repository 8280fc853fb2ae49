/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends messages from lines, each until the broker has it: at a rate, within the publisher's window,
 * and again when the connection went before the answer. Counts what became of all of them. */
#ifndef APP_SENDER_H
#define APP_SENDER_H

#include "app/line_source.h"
#include "app/progress.h"
#include "config/config.h"

struct sender_settings {
    const char *exchange, *key; /* override what a line says; NULL: the line's own */
    uint64_t rate;              /* a second; 0: as fast as it goes */
    uint64_t count;             /* in all; a file with fewer lines is begun again; 0: all lines */
    void (*on_failed)(void *owner, uint64_t line, struct wr_text id, const char *why);
    void *owner;
};

struct sender_result {
    uint64_t confirmed, returned, unsent; /* unsent: read, and never confirmed */
    uint64_t took_ms;
};

/* Runs to the end. False where it could not go on: a bad line, or no broker. */
MUST_USE bool sender_run(const struct config *config, struct line_source *source,
                         const struct sender_settings *settings, struct sender_result *result,
                         struct status *status);

#endif
