/* SPDX-License-Identifier: Apache-2.0
 *
 * inet; see inet.h. Its binary form: family (PostgreSQL's own numbers), bits, 0 for "no cidr", bytes of
 * the address, the address. */
#include "store/inet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { FAMILY_4 = 2, FAMILY_6 = 3, HEAD_BYTES = 4 };

/* One to three digits, no zero in front; -1 where it is no such number. */
static int read_bits(const char *at, size_t len, int most)
{
    int bits = 0;
    if (len == 0 || len > 3 || (len > 1 && at[0] == '0')) return -1;
    for (size_t i = 0; i < len; i++) {
        if (at[i] < '0' || at[i] > '9') return -1;
        bits = bits * 10 + (at[i] - '0');
    }
    return bits <= most ? bits : -1;
}

bool inet_encode(struct wr_text text, char out[INET_BYTES], size_t *bytes, const char **fault)
{
    char address[INET6_ADDRSTRLEN];
    const char *const slash = memchr(text.at, '/', text.len);
    const size_t len = slash ? (size_t)(slash - text.at) : text.len;
    *fault = "is no inet address";
    if (len >= sizeof address || memchr(text.at, '\0', len)) return false;
    memcpy(address, text.at, len);
    address[len] = '\0';
    const bool is_6 = strchr(address, ':') != NULL;
    const int address_bytes = is_6 ? 16 : 4;
    if (inet_pton(is_6 ? AF_INET6 : AF_INET, address, out + HEAD_BYTES) != 1) return false;
    const int bits =
        slash ? read_bits(slash + 1, text.len - len - 1, address_bytes * 8) : address_bytes * 8;
    if (bits < 0) return false;
    out[0] = is_6 ? FAMILY_6 : FAMILY_4;
    out[1] = (char)bits;
    out[2] = 0;
    out[3] = (char)address_bytes;
    *bytes = HEAD_BYTES + (size_t)address_bytes;
    return true;
}

struct wr_text inet_show(struct arena *arena, struct row_value value)
{
    const bool is_6 = value.at[0] == FAMILY_6;
    const unsigned bits = (unsigned char)value.at[1];
    char *const text = arena_take_bytes(arena, INET6_ADDRSTRLEN + 5);
    (void)inet_ntop(is_6 ? AF_INET6 : AF_INET, value.at + HEAD_BYTES, text, INET6_ADDRSTRLEN);
    size_t len = strlen(text);
    if (bits != (is_6 ? 128u : 32u)) len += (size_t)snprintf(text + len, 5, "/%u", bits);
    return text_from(text, len);
}
