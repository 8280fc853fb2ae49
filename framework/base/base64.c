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

void base64_encode(struct wr_text bytes, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        const size_t left = bytes.len - i;
        uint32_t bits = (uint32_t)(unsigned char)bytes.at[i] << 16;
        if (left > 1) bits |= (uint32_t)(unsigned char)bytes.at[i + 1] << 8;
        if (left > 2) bits |= (unsigned char)bytes.at[i + 2];
        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[bits & 63] : '=';
    }
}
