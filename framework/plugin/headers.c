/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing headers; see headers.h. A name's length, the name, a letter for the kind, the value. */
#include "plugin/headers.h"

#include <endian.h>

#include "base/check.h"

static char *put_bytes(char *at, const void *bytes, size_t n)
{
    if (n) memcpy(at, bytes, n);
    return at + n;
}

static char *put_value(char *at, const struct wr_pair *pair)
{
    if (pair->kind == WR_H_BOOL) {
        *at = pair->number != 0;
        return at + 1;
    }
    if (pair->kind == WR_H_INT) {
        const uint64_t number = htobe64((uint64_t)pair->number);
        return put_bytes(at, &number, sizeof number);
    }
    const uint32_t len = htobe32((uint32_t)pair->text.len);
    return put_bytes(put_bytes(at, &len, sizeof len), pair->text.at, pair->text.len);
}

size_t headers_bytes(const char *prefix, const struct wr_pair *pairs, size_t n)
{
    static const size_t fixed[] = {
        [WR_H_TEXT] = sizeof(uint32_t), [WR_H_INT] = sizeof(uint64_t), [WR_H_BOOL] = 1
    };
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += 2 + strlen(prefix) + pairs[i].name.len + fixed[pairs[i].kind] +
                 (pairs[i].kind == WR_H_TEXT ? pairs[i].text.len : 0);
    return bytes;
}

char *headers_write(const char *prefix, const struct wr_pair *pairs, size_t n, char *out)
{
    static const char kinds[] = { [WR_H_TEXT] = 'S', [WR_H_INT] = 'l', [WR_H_BOOL] = 't' };
    const size_t prefix_bytes = strlen(prefix);
    for (size_t i = 0; i < n; i++) {
        CHECK((unsigned)pairs[i].kind < sizeof kinds &&
              prefix_bytes + pairs[i].name.len <= HEADER_NAME_BYTES);
        *out++ = (char)(prefix_bytes + pairs[i].name.len);
        out = put_bytes(out, prefix, prefix_bytes);
        out = put_bytes(out, pairs[i].name.at, pairs[i].name.len);
        *out++ = kinds[pairs[i].kind];
        out = put_value(out, &pairs[i]);
    }
    return out;
}
