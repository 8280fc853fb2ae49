/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over an encoded field table, entry by entry. Nested tables and arrays carry their length,
 * so that they are stepped over in one go, whatever their depth and content. */
#include "amqp/table.h"

#include "base/check.h"

enum shape {
    SHAPE_BAD,    /* no such kind: nothing after it can be read */
    SHAPE_FIXED,  /* `bytes` of something that wr_pair cannot hold */
    SHAPE_SIGNED, /* a number of `bytes` */
    SHAPE_UNSIGNED,
    SHAPE_BOOL,
    SHAPE_DECIMAL, /* a scale, then a number of four bytes */
    SHAPE_LONG,    /* four bytes of length, and so many */
    SHAPE_TEXT,    /* likewise, and it is text */
};

/* RabbitMQ's kinds, which differ from the standard's: 's' is a short integer. */
static const struct kind {
    uint8_t shape, bytes;
} KINDS[128] = {
    ['t'] = { SHAPE_BOOL, 1 },     ['b'] = { SHAPE_SIGNED, 1 },   ['B'] = { SHAPE_UNSIGNED, 1 },
    ['s'] = { SHAPE_SIGNED, 2 },   ['u'] = { SHAPE_UNSIGNED, 2 }, ['I'] = { SHAPE_SIGNED, 4 },
    ['i'] = { SHAPE_UNSIGNED, 4 }, ['l'] = { SHAPE_SIGNED, 8 },   ['L'] = { SHAPE_UNSIGNED, 8 },
    ['T'] = { SHAPE_UNSIGNED, 8 }, ['f'] = { SHAPE_FIXED, 4 },    ['d'] = { SHAPE_FIXED, 8 },
    ['D'] = { SHAPE_DECIMAL, 5 },  ['V'] = { SHAPE_FIXED, 0 },    ['S'] = { SHAPE_TEXT, 4 },
    ['x'] = { SHAPE_TEXT, 4 },     ['A'] = { SHAPE_LONG, 4 },     ['F'] = { SHAPE_LONG, 4 },
};

static struct kind kind_of(uint8_t letter)
{
    return letter < 128 ? KINDS[letter] : KINDS[0];
}

static uint64_t read_number(const uint8_t *at, size_t bytes)
{
    uint64_t number = 0;
    while (bytes-- > 0) number = number << 8 | *at++;
    return number;
}

static int64_t extend_sign(uint64_t number, unsigned bytes)
{
    CHECK(bytes > 0);
    unsigned shift = 64 - 8 * bytes;
    return (int64_t)(number << shift) >> shift;
}

/* Exact only where no digit is lost: 1200 with two decimals is 12, 1250 is nothing of ours. */
static bool read_decimal(const uint8_t *at, int64_t *number)
{
    int64_t value = extend_sign(read_number(at + 1, 4), 4);
    for (unsigned scale = at[0]; scale > 0 && value != 0; scale--) {
        if (value % 10 != 0) return false;
        value /= 10;
    }
    *number = value;
    return true;
}

/* Whether wr_pair can hold what stands at `at`. */
static bool read_value(const struct kind *kind, const uint8_t *at, size_t len, struct wr_pair *pair)
{
    uint64_t number = kind->shape == SHAPE_TEXT ? 0 : read_number(at, kind->bytes);
    switch (kind->shape) {
    case SHAPE_TEXT:
        pair->kind = WR_H_TEXT;
        pair->text = text_from((const char *)at, len);
        return true;
    case SHAPE_BOOL:
        pair->kind = WR_H_BOOL;
        pair->number = number != 0;
        return true;
    case SHAPE_SIGNED:
        pair->kind = WR_H_INT;
        pair->number = extend_sign(number, kind->bytes);
        return true;
    case SHAPE_UNSIGNED:
        pair->kind = WR_H_INT;
        pair->number = (int64_t)number;
        return number <= INT64_MAX;
    case SHAPE_DECIMAL: pair->kind = WR_H_INT; return read_decimal(at, &pair->number);
    default: return false;
    }
}

bool table_step(struct wr_text encoded, size_t *at, struct table_entry *entry)
{
    const uint8_t *bytes = (const uint8_t *)encoded.at;
    const size_t begin = *at;
    size_t here = begin;
    if (begin >= encoded.len) return false;
    *at = encoded.len; /* damaged: it stays at its end */
    const size_t name_len = bytes[here++];
    if (encoded.len - here < name_len + 1) return false;
    entry->name = text_from(encoded.at + here, name_len);
    here += name_len;
    entry->kind = bytes[here++];
    const struct kind kind = kind_of(entry->kind);
    if (kind.shape == SHAPE_BAD || encoded.len - here < kind.bytes) return false;
    size_t len = kind.bytes;
    if (kind.shape == SHAPE_TEXT || kind.shape == SHAPE_LONG) {
        len = (size_t)read_number(bytes + here, 4);
        here += 4;
        if (encoded.len - here < len) return false;
    }
    entry->value = text_from(encoded.at + here, len);
    *at = here + len;
    entry->whole = text_from(encoded.at + begin, *at - begin);
    return true;
}

bool table_next(struct wr_text encoded, size_t *at, struct wr_pair *pair)
{
    for (struct table_entry entry; table_step(encoded, at, &entry);) {
        const struct kind kind = kind_of(entry.kind);
        *pair = (struct wr_pair){ .name = entry.name, .text = { "", 0 } };
        if (kind.shape != SHAPE_LONG &&
            read_value(&kind, (const uint8_t *)entry.value.at, entry.value.len, pair))
            return true;
    }
    return false;
}

bool table_find(struct wr_text encoded, const char *name, struct wr_pair *value)
{
    for (size_t at = 0; table_next(encoded, &at, value);)
        if (text_is(value->name, name)) return true;
    return false;
}
