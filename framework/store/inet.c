/* SPDX-License-Identifier: Apache-2.0
 *
 * inet; see inet.h. Its binary form: family (PostgreSQL's own numbers), bits, 0 for "no cidr", bytes of
 * the address, the address. */
#include "store/inet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

enum { FAMILY_4 = 2, FAMILY_6 = 3, HEAD_BYTES = 4 };

/* One to three digits, no zero in front; returns how many, 0 where it is no such number. */
static inline size_t read_number(const char *at, const char *end, unsigned most, unsigned *number)
{
    const size_t longest = end - at < 3 ? (size_t)(end - at) : 3;
    size_t n = 0;
    *number = 0;
    for (; n < longest && at[n] >= '0' && at[n] <= '9'; n++)
        *number = *number * 10 + (unsigned)(at[n] - '0');
    return *number > most || (n > 1 && at[0] == '0') ? 0 : n;
}

/* Four numbers with dots between them. inet_pton would do, but most addresses are these. */
static bool read_4(const char *at, const char *end, char out[4])
{
    for (int i = 0; i < 4; i++) {
        unsigned number;
        if (i > 0) {
            if (at == end || *at != '.') return false;
            at++;
        }
        const size_t n = read_number(at, end, 255, &number);
        if (n == 0) return false;
        out[i] = (char)number;
        at += n;
    }
    return at == end;
}

static bool read_6(const char *at, const char *end, char out[16])
{
    char address[INET6_ADDRSTRLEN];
    const size_t len = (size_t)(end - at);
    if (len >= sizeof address || memchr(at, '\0', len)) return false;
    memcpy(address, at, len);
    address[len] = '\0';
    return inet_pton(AF_INET6, address, out) == 1;
}

bool inet_encode(struct wr_text text, char out[INET_BYTES], size_t *bytes, const char **fault)
{
    const char *const end = text.at + text.len, *slash = NULL;
    bool is_6 = false;
    if (UNLIKELY(!read_4(text.at, end, out + HEAD_BYTES))) { /* then it is more than that */
        *fault = "is no inet address";
        slash = memchr(text.at, '/', text.len);
        is_6 = memchr(text.at, ':', text.len) != NULL;
        const char *const address_end = slash ? slash : end;
        if (!(is_6 ? read_6 : read_4)(text.at, address_end, out + HEAD_BYTES)) return false;
    }
    const unsigned address_bytes = is_6 ? 16 : 4;
    unsigned bits = address_bytes * 8;
    if (slash) {
        const size_t n = read_number(slash + 1, end, bits, &bits);
        if (n == 0 || slash + 1 + n != end) return false;
    }
    out[0] = is_6 ? FAMILY_6 : FAMILY_4;
    out[1] = (char)bits;
    out[2] = 0;
    out[3] = (char)address_bytes;
    *bytes = HEAD_BYTES + address_bytes;
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
