/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys; see keys.h. A merge sort, because batches often come nearly sorted (UUIDv7) and then cost one
 * pass, and because arrival order must stay among equals. */
#include "store/keys.h"

#include "base/check.h"

enum { RUN = 12 };

/* ---- taken from rows --------------------------------------------------------------------------- */

static uint64_t prefix_of(const char *at, size_t len)
{
    if (LIKELY(len >= 8)) return wire_u64(at);
    uint64_t prefix = 0;
    for (size_t i = 0; i < 8; i++) prefix = prefix << 8 | (i < len ? (unsigned char)at[i] : 0u);
    return prefix;
}

/* 1.0 and 1.00 are one numeric, 0.0 and -0.0 one float. */
static bool has_twins(enum wr_type type)
{
    return type == WR_NUMERIC || type == WR_FLOAT8;
}

/* How the key lies in a row: in one piece, or to be put together. */
static bool is_in_one_piece(const struct sink *sink)
{
    for (unsigned i = 0; i < sink->n_key; i++)
        if (sink->key[i] != sink->key[0] + i || has_twins(sink->columns[sink->key[i]].type))
            return false;
    return true;
}

static void normalise(enum wr_type type, char *at, int32_t len)
{
    if (type == WR_NUMERIC && len >= 8) (void)wire_put_u16(at + 6, 0); /* decimals shown */
    if (type != WR_FLOAT8 || len != 8) return;
    const double value = wire_float(at);
    if (__builtin_isnan(value))
        (void)wire_put_float(at, __builtin_nan(""));
    else if (value == 0)
        (void)wire_put_float(at, 0);
}

static inline char *copy_part(char *to, struct row_value part)
{
    switch (part.len) { /* what is usual without a call */
    case 8: memcpy(to, part.at, 8); break;
    case 16: memcpy(to, part.at, 16); break;
    default: memcpy(to, part.at, (size_t)part.len); break;
    }
    return to + part.len;
}

/* The parts in the key's order, each with its length before it. */
static struct key put_together(const struct sink *sink, const struct row_value *parts, size_t bytes,
                               struct arena *arena)
{
    char *const key = arena_take_bytes(arena, bytes), *to = key;
    CHECK(sink->n_key > 0);
    for (unsigned i = 0; i < sink->n_key; i++) {
        char *const at = wire_put_u32(to, (uint32_t)parts[i].len);
        to = copy_part(at, parts[i]);
        normalise(sink->columns[sink->key[i]].type, at, parts[i].len);
    }
    return (struct key){ prefix_of(key + 4, (size_t)parts[0].len), key, (uint32_t)bytes, 0 };
}

struct key key_of_row(const struct sink *sink, const struct row *row, uint32_t nth,
                      struct arena *arena)
{
    const struct key none = { UINT64_MAX, NULL, 0, nth };
    struct key key;
    if (is_in_one_piece(sink)) {
        uint32_t at = 0;
        for (unsigned i = row->is_delete ? sink->key[0] : 0; i < sink->key[0]; i++)
            (void)row_next_value(row, &at);
        const uint32_t begin = at;
        for (unsigned i = 0; i < sink->n_key; i++)
            if (row_next_value(row, &at).len < 0) return none;
        const char *const first = row->values + begin;
        key = (struct key){ prefix_of(first + 4, wire_u32(first)), first, at - begin, nth };
        return key;
    }
    struct row_value values[SINK_COLUMNS_MOST], parts[SINK_COLUMNS_MOST]; /* large: not cleared */
    size_t bytes = 0;
    uint32_t at = 0;
    unsigned walked = 0;
    for (unsigned i = 0; i < sink->n_key; i++) {
        const unsigned column = row->is_delete ? i : sink->key[i];
        while (walked <= column) values[walked++] = row_next_value(row, &at);
        parts[i] = values[column];
        if (parts[i].len < 0) return none;
        bytes += 4 + (size_t)parts[i].len;
    }
    key = put_together(sink, parts, bytes, arena);
    key.nth = nth;
    return key;
}

struct key key_of_text(struct wr_text text, uint32_t nth)
{
    return (struct key){ prefix_of(text.at, text.len), text.at, (uint32_t)text.len, nth };
}

/* ---- order ------------------------------------------------------------------------------------- */

static int compare_rest(const struct key *a, const struct key *b)
{
    const uint32_t least = a->len < b->len ? a->len : b->len;
    const int order = least > 0 ? memcmp(a->at, b->at, least) : 0;
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* Those of equal keys keep their places: whoever asks has the earlier one as `a`. */
static inline bool is_in_order(const struct key *a, const struct key *b)
{
    if (LIKELY(a->prefix != b->prefix)) return a->prefix < b->prefix;
    return compare_rest(a, b) <= 0;
}

static void sort_run(struct key *keys, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const struct key key = keys[i];
        size_t at = i;
        for (; at > 0 && !is_in_order(&keys[at - 1], &key); at--) keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

static void merge(const struct key *a, size_t n_a, const struct key *b, size_t n_b, struct key *to)
{
    const struct key *const end_a = a + n_a, *const end_b = b + n_b;
    if (n_b == 0 || is_in_order(end_a - 1, b)) {
        memcpy(to, a, (n_a + n_b) * sizeof *to); /* they lie side by side */
        return;
    }
    while (a < end_a && b < end_b) *to++ = is_in_order(a, b) ? *a++ : *b++;
    memcpy(to, a, (size_t)(end_a - a) * sizeof *to);
    to += end_a - a;
    memcpy(to, b, (size_t)(end_b - b) * sizeof *to);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

void keys_sort(struct key *keys, struct key *spare, size_t n)
{
    size_t sorted = 1;
    while (sorted < n && is_in_order(&keys[sorted - 1], &keys[sorted])) sorted++;
    if (sorted >= n) return;
    for (size_t i = 0; i < n; i += RUN) sort_run(keys + i, least(RUN, n - i));
    struct key *from = keys, *to = spare;
    for (size_t width = RUN; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            const size_t n_a = least(width, n - i);
            merge(from + i, n_a, from + i + n_a, least(width, n - i - n_a), to + i);
        }
        struct key *const swap = from;
        from = to;
        to = swap;
    }
    if (from != keys) memcpy(keys, from, n * sizeof *keys);
}

bool keys_meet(const struct key *a, size_t n_a, const struct key *b, size_t n_b)
{
    const struct key *const end_a = a + n_a, *const end_b = b + n_b;
    while (a < end_a && b < end_b) {
        if (keys_equal(a, b)) return true;
        if (is_in_order(a, b))
            a++;
        else
            b++;
    }
    return false;
}
