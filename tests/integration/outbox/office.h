/* SPDX-License-Identifier: Apache-2.0
 *
 * A post office: a blocking connection of the test's own that sends messages with any properties and
 * looks at every header of those it gets. */
#ifndef INTEGRATION_OUTBOX_OFFICE_H
#define INTEGRATION_OUTBOX_OFFICE_H

#include <stdbool.h>
#include <stdint.h>

#include "support/play.h"

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#else
#include <amqp.h>
#endif

struct office;

struct office *office_open(const char *user); /* NULL: AMQP_URL's */
void office_close(struct office *office);

/* `properties` gets a delivery mode of 1. Confirmed. */
void office_send(struct office *office, const char *exchange, const char *key,
                 amqp_basic_properties_t *properties, const char *body);
/* Takes the next message of a queue; false where there is none. */
bool office_get(struct office *office, const char *queue, amqp_message_t *message);
void office_drop(amqp_message_t *message);

/* Of the header's text; "" where there is none. Valid until the next but seven. */
const char *office_header(const amqp_message_t *message, const char *name);
const amqp_field_value_t *office_find(const amqp_message_t *message, const char *name);
int64_t office_number(const amqp_message_t *message, const char *name); /* INT64_MIN: none */
const char *office_text(amqp_bytes_t bytes);                            /* likewise valid */

void office_bind(struct office *office, const char *queue, const char *exchange, const char *key);

/* How many different message ids are in a queue, all of which are taken. */
uint32_t office_count_ids(struct office *office, const char *queue, uint32_t *messages);

/* Has the broker close the connections of this name, at least one; only where the broker is ours. */
void office_cut(const char *connection_name);
void office_eval(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
