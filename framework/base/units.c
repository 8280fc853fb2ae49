/* SPDX-License-Identifier: Apache-2.0
 *
 * Durations and sizes; see units.h. One table each serves reading and showing. */
#include "base/units.h"

#include <stdio.h>

struct unit {
    const char *name;
    int64_t worth;
};

/* Largest first. */
static const struct unit durations[] = {
    { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }, { NULL, 0 },
};

static const struct unit sizes[] = {
    { "TiB", 1LL << 40 }, { "TB", 1000000000000 }, { "GiB", 1LL << 30 },
    { "GB", 1000000000 }, { "MiB", 1LL << 20 },    { "MB", 1000000 },
    { "KiB", 1LL << 10 }, { "kB", 1000 },          { "B", 1 },
    { NULL, 0 },
};

/* Takes a number and its unit off the front of *text; NULL where there is none or it is too large. */
static const struct unit *take_amount(struct wr_text *text, const struct unit *units,
                                      int64_t *amount)
{
    size_t digits = 0, letters = 0;
    while (digits < text->len && text->at[digits] >= '0' && text->at[digits] <= '9') digits++;
    if (digits == 0 || !text_to_int(text_from(text->at, digits), amount)) return NULL;
    const char *name = text->at + digits;
    while (digits + letters < text->len && !(name[letters] >= '0' && name[letters] <= '9'))
        letters++;
    for (; units->name; units++) {
        if (!text_is(text_from(name, letters), units->name)) continue;
        if (__builtin_mul_overflow(*amount, units->worth, amount)) return NULL;
        text->at += digits + letters;
        text->len -= digits + letters;
        return units;
    }
    return NULL;
}

bool duration_parse(struct wr_text text, int64_t *ms)
{
    const struct unit *units = durations; /* those still allowed: smaller than the last */
    int64_t sum = 0, amount;
    if (text.len == 0) return false;
    while (text.len > 0) {
        if (sum == 0 && units == durations && text_is(text, "0")) break;
        const struct unit *unit = take_amount(&text, units, &amount);
        if (!unit || __builtin_add_overflow(sum, amount, &sum)) return false;
        units = unit + 1;
    }
    *ms = sum;
    return true;
}

const char *duration_show(int64_t ms, char out[UNITS_CHARS + 1])
{
    const char *sign = ms < 0 ? "-" : "";
    uint64_t left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    size_t used = (size_t)snprintf(out, UNITS_CHARS + 1, "%s%s", sign, left == 0 ? "0s" : "");
    for (const struct unit *unit = durations; unit->name; unit++) {
        const uint64_t worth = (uint64_t)unit->worth, amount = left / worth;
        if (amount == 0) continue;
        left %= worth;
        used += (size_t)snprintf(out + used, UNITS_CHARS + 1 - used, "%llu%s",
                                 (unsigned long long)amount, unit->name);
    }
    return out;
}

bool size_parse(struct wr_text text, int64_t *bytes)
{
    int64_t amount;
    const bool is_bare = text.len > 0 && text.at[text.len - 1] >= '0' &&
                         text.at[text.len - 1] <= '9' && text.at[0] >= '0' && text.at[0] <= '9';
    if (is_bare ? !text_to_int(text, &amount) : !take_amount(&text, sizes, &amount) || text.len > 0)
        return false;
    *bytes = amount;
    return true;
}

const char *size_show(int64_t bytes, char out[UNITS_CHARS + 1])
{
    const struct unit *unit = sizes;
    while (unit->worth > 1 && (bytes == 0 || bytes % unit->worth != 0)) unit++;
    snprintf(out, UNITS_CHARS + 1, "%lld%s", (long long)(bytes / unit->worth), unit->name);
    return out;
}
