/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers in network order, as PostgreSQL's binary forms have them; nothing needs to be aligned. */
#ifndef STORE_WIRE_BYTES_H
#define STORE_WIRE_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t wire_u16(const char *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return be16toh(value);
}

static inline uint32_t wire_u32(const char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return be32toh(value);
}

static inline uint64_t wire_u64(const char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return be64toh(value);
}

/* Each gives what follows. */
static inline char *wire_put_u16(char *at, uint16_t value)
{
    value = htobe16(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

static inline char *wire_put_u32(char *at, uint32_t value)
{
    value = htobe32(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

static inline char *wire_put_u64(char *at, uint64_t value)
{
    value = htobe64(value);
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

/* A number of 1, 2, 4 or 8 bytes with its sign; also dates, times and booleans. */
static inline int64_t wire_int(const char *at, int32_t len)
{
    switch (len) {
    case 1: return (unsigned char)*at;
    case 2: return (int16_t)wire_u16(at);
    case 4: return (int32_t)wire_u32(at);
    default: return (int64_t)wire_u64(at);
    }
}

static inline char *wire_put_int(char *at, int64_t value, int32_t len)
{
    switch (len) {
    case 1: *at = (char)value; return at + 1;
    case 2: return wire_put_u16(at, (uint16_t)value);
    case 4: return wire_put_u32(at, (uint32_t)value);
    default: return wire_put_u64(at, (uint64_t)value);
    }
}

static inline double wire_float(const char *at)
{
    const uint64_t bits = wire_u64(at);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline char *wire_put_float(char *at, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return wire_put_u64(at, bits);
}

#endif
