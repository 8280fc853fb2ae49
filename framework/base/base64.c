/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64; see base64.h. */
#include "base/base64.h"

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    if (c == '/') return 63;
    return -1;
}

bool base64_decode(struct wr_text encoded, char *out, size_t *length)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;
    size_t n = 0, chars = encoded.len;
    if (chars % 4 == 0)
        for (int i = 0; i < 2 && chars && encoded.at[chars - 1] == '='; i++) chars--;
    for (size_t i = 0; i < chars; i++) {
        const int value = value_of(encoded.at[i]);
        if (value < 0) return false;
        bits = bits << 6 | (uint32_t)value;
        n_bits += 6;
        if (n_bits < 8) continue;
        n_bits -= 8;
        out[n++] = (char)(bits >> n_bits & 0xff);
    }
    *length = n;
    return n_bits < 6 && (bits & ((1u << n_bits) - 1)) == 0;
}
