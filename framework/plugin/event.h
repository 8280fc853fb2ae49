/* SPDX-License-Identifier: Apache-2.0
 *
 * CloudEvents 1.0 over AMQP: what a message of that kind looks like to a handler. In structured form
 * (content type application/cloudevents+json) the body becomes the event's data; in binary form
 * (headers cloudEvents:type, cloudEvents_type and their like) it stays. In both the message's id, type
 * and time are the event's where AMQP gives none, and every attribute is a header ce_NAME. What calls
 * itself structured and is no event gets a fault, with which it is rejected. Pure, and safe on hostile
 * bytes; docs/cloudevents.md is for users. */
#ifndef PLUGIN_EVENT_H
#define PLUGIN_EVENT_H

#include "base/json.h"
#include "plugin/job.h"

#define EVENT_TYPE "application/cloudevents+json"
#define EVENT_ATTRIBUTES 64 /* that one may have */

/* False for most messages, at the price of two comparisons: there is nothing to read. */
static inline bool event_is_possible(const struct job_message *message)
{
    return message->headers.len > 0 || message->message.content_type.len >= sizeof EVENT_TYPE - 1;
}

/* What it adds lies in the arena; `json` is room for it. */
void event_read(struct job_message *message, struct json *json, struct arena *arena);

#endif
