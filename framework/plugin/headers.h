/* SPDX-License-Identifier: Apache-2.0
 *
 * Headers as a broker would send them: the table that amqp/table.h reads, for messages that never
 * were at a broker, and for what is added to one that was. Pure. */
#ifndef PLUGIN_HEADERS_H
#define PLUGIN_HEADERS_H

#include "base/text.h"

#define HEADER_NAME_BYTES 255 /* of a name, prefix and all */

/* Each name with the prefix before it. */
size_t headers_bytes(const char *prefix, const struct wr_pair *pairs, size_t n);
/* Writes as many to `out`; returns where they end. */
char *headers_write(const char *prefix, const struct wr_pair *pairs, size_t n, char *out);

#endif
