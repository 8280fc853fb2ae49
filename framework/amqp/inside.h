/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room know of a connection, beyond connection.h: its output, its roster
 * of channels, and how things that live on it may be freed from inside their own callbacks. The rule: whatever
 * calls an owner does so between connection_enter and connection_leave, and memory given to
 * connection_bury in between stays readable until the outermost leave. */
#ifndef AMQP_INSIDE_H
#define AMQP_INSIDE_H

#include "amqp/connection.h"
#include "base/text.h"

struct evbuffer;
struct roster;

void connection_enter(struct amqp_connection *connection);
void connection_leave(struct amqp_connection *connection);
void connection_bury(struct amqp_connection *connection, void *memory); /* freed, then or now */

struct loop *connection_loop(struct amqp_connection *connection);
const char *connection_vhost(const struct amqp_connection *connection);
uint32_t connection_frame_max(const struct amqp_connection *connection);
struct evbuffer *connection_out(struct amqp_connection *connection); /* only while ready */
void connection_touch(struct amqp_connection *connection);           /* something was put there */
bool connection_is_user(const struct amqp_connection *connection, struct wr_text user_id);
bool connection_is_choked(const struct amqp_connection *connection);

/* The broker broke the protocol: it is told so and the connection ends, as soon as what calls this
 * has returned. In words, without the server. */
void connection_blame(struct amqp_connection *connection, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* A consumer comes or goes, and gets plenty or hungry. The wire rests for longer when all of them have
 * plenty. */
void connection_count_consumers(struct amqp_connection *connection, int more, int more_plenty);

/* Where channels enter themselves: its list, its news, and their numbers. */
struct roster *connection_roster(struct amqp_connection *connection);
uint16_t connection_channel_max(const struct amqp_connection *connection);

#endif
