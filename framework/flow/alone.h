/* SPDX-License-Identifier: Apache-2.0
 *
 * Handling a message alone: one that a host has died of, or that came back so often that it may be the
 * reason. Everything else in the host's hands, of all its consumers, waits unhandled meanwhile, and what
 * was handled before is settled first: should the host die now, the record is certain of whom it died,
 * and nobody else has lost work by it. Belongs to the loop. */
#ifndef FLOW_ALONE_H
#define FLOW_ALONE_H

#include "flow/crash_record.h"
#include "net/loop.h"

struct alone;

struct alone *alone_new(struct loop *loop, struct crash_record *record); /* which outlives it */
void alone_free(struct alone *alone);                                    /* after the crews */

#endif
