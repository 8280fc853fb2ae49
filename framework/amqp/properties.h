/* SPDX-License-Identifier: Apache-2.0
 *
 * A message's properties: read in place from their encoded bytes, and encoded from a message to send.
 * Pure. Reading allocates nothing and steps over the header table without looking inside. */
#ifndef AMQP_PROPERTIES_H
#define AMQP_PROPERTIES_H

#include "amqp/delivery.h"
#include "amqp/publisher.h"

/* Every field is set; texts point into `encoded`. False where the bytes are no properties. */
MUST_USE bool properties_read(struct wr_text encoded, struct amqp_properties *out);

/* One field as it stands in encoded properties. */
struct property {
    uint16_t flag;
    struct wr_text bytes; /* its length, where it has one, included */
};

#define PROPERTY_HEADERS (1u << 13)
#define PROPERTY_DELIVERY_MODE (1u << 12)
#define PROPERTY_EXPIRATION (1u << 8)
#define PROPERTY_USER_ID (1u << 4)
#define PROPERTIES_MOST 14

/* All fields that are there, by falling flag. 0 where there are none, or the bytes are no properties. */
size_t properties_list(struct wr_text encoded, struct property out[PROPERTIES_MOST]);

/* Encodes into `out`; false where a text is too long or all of it does not fit: says which. */
MUST_USE bool properties_write(const struct amqp_outgoing *message, char *out, size_t out_bytes,
                               size_t *used, struct status *status);

#endif
