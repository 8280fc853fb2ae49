/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64 (RFC 4648, the plain alphabet), for bodies that are not text in files of messages. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/status.h"
#include "base/text.h"

#define BASE64_DECODED_MOST(chars) ((chars) / 4 * 3 + 3)

/* Strict: padded or not, but no other character and no stray bits. `out` has room for the most. */
MUST_USE bool base64_decode(struct wr_text encoded, char *out, size_t *length);

#define BASE64_ENCODED_BYTES(bytes) (((bytes) + 2) / 3 * 4)
/* Padded; `out` has room for just that. */
void base64_encode(struct wr_text bytes, char *out);

#endif
