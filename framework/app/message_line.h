/* SPDX-License-Identifier: Apache-2.0
 *
 * A message in a file: one JSON object a line, the same for every command that reads or writes
 * messages. {"id","type","exchange","key","headers","body"|"body64", properties}. A "body" that is
 * text is that text; any other JSON is its source bytes. */
#ifndef APP_MESSAGE_LINE_H
#define APP_MESSAGE_LINE_H

#include "amqp/publisher.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/status.h"

/* Reads a line into `message`; its texts lie in the line and in the arena. Without an id, a timestamp
 * or a content type those stay empty. The fault names the key at fault. */
MUST_USE bool message_line_read(struct wr_text line, struct json *json, struct arena *arena,
                                struct amqp_outgoing *message, struct status *status);

/* Sets one key from plain text, as a command line gives it; "headers.NAME" adds a header. */
MUST_USE bool message_line_set(struct amqp_outgoing *message, struct wr_text key,
                               struct wr_text value, struct arena *arena, struct status *status);

/* A message with nothing in it, its texts "". */
void message_line_clear(struct amqp_outgoing *message);

#endif
