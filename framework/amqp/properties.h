/* SPDX-License-Identifier: Apache-2.0
 *
 * A message's properties: read in place from their encoded bytes, and encoded from a message to send.
 * Pure. Reading allocates nothing and steps over the header table without looking inside. */
#ifndef AMQP_PROPERTIES_H
#define AMQP_PROPERTIES_H

#include "amqp/consumer.h"
#include "amqp/publisher.h"

/* Every field is set; texts point into `encoded`. False where the bytes are no properties. */
MUST_USE bool properties_read(struct wr_text encoded, struct amqp_properties *out);

/* Encodes into `out`; false where a text is too long or all of it does not fit: says which. */
MUST_USE bool properties_write(const struct amqp_outgoing *message, char *out, size_t out_bytes,
                               size_t *used, struct status *status);

#endif
