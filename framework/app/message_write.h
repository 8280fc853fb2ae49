/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes a message in the form that message_line.h reads, so that what one command writes another
 * takes. */
#ifndef APP_MESSAGE_WRITE_H
#define APP_MESSAGE_WRITE_H

#include "amqp/publisher.h"
#include "ops/json_write.h"

/* The members of the object, without its braces; what is empty is left out. A body that is JSON goes in
 * as JSON where its content type says so, as text where it is UTF-8, else as "body64". */
void message_write_members(struct json_write *json, const struct amqp_outgoing *message);
void message_write_header(struct json_write *json, const struct wr_pair *header);
/* "body", or "body64" where it is no UTF-8. */
void message_write_text(struct json_write *json, struct wr_text body);

#endif
