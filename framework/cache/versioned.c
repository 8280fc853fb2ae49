/* SPDX-License-Identifier: Apache-2.0
 *
 * See versioned.h, and assets/write.lua for the other end. */
#include "cache/versioned.h"

#include <stdio.h>

#include "base/random.h"

#define JITTER_PERCENT 15
#define WORDS_BEFORE 3 /* how many keys, deadline, token */
#define WORDS_EACH 5   /* key; op, version, ttl, value */

uint64_t versioned_ttl_ms(const struct cache_entry *entry, uint64_t random)
{
    const uint64_t ttl_ms = entry->ttl_s * UINT64_C(1000);
    if (entry->op == CACHE_DROP) return 2 * ttl_ms;
    const uint64_t spread_ms = ttl_ms * JITTER_PERCENT / 100;
    return ttl_ms - random % (spread_ms + 1);
}

void versioned_show(uint64_t version, char out[VERSIONED_DIGITS + 1])
{
    for (size_t i = VERSIONED_DIGITS; i-- > 0; version /= 10) out[i] = (char)('0' + version % 10);
    out[VERSIONED_DIGITS] = '\0';
}

bool versioned_read(struct wr_text digits, uint64_t *version)
{
    uint64_t value = 0;
    if (digits.len != VERSIONED_DIGITS) return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9') return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(digits.at[i] - '0'), &value))
            return false;
    }
    *version = value;
    return true;
}

size_t versioned_count_words(size_t n)
{
    return WORDS_BEFORE + n * WORDS_EACH;
}

void versioned_add_words(struct resp_command *command, const struct cache_entry *entries, size_t n,
                         struct wr_text token, int64_t deadline_ms)
{
    static const char letters[] = {
        [CACHE_SET] = 's', [CACHE_DROP] = 'd', [CACHE_FILL] = 'f', [CACHE_ABSENT] = 'a'
    };
    char version[VERSIONED_DIGITS + 1];
    resp_add_number(command, n);
    for (size_t i = 0; i < n; i++) resp_add(command, entries[i].key);
    resp_add_number(command, (uint64_t)deadline_ms);
    resp_add(command, token);
    for (size_t i = 0; i < n; i++) {
        versioned_show(entries[i].version, version);
        resp_add(command, text_from(&letters[entries[i].op], 1));
        resp_add(command, text_from(version, VERSIONED_DIGITS));
        resp_add_number(command, versioned_ttl_ms(&entries[i], random_u64()));
        resp_add(command, entries[i].value);
    }
}

bool versioned_take(const struct resp_value *answer, size_t n, unsigned char *outcomes,
                    struct wr_text *error)
{
    if (answer->kind != RESP_LIST || answer->n != 4 || answer->items[2].text.len != n) return false;
    const char *const letters = answer->items[2].text.at;
    for (size_t i = 0; i < n; i++)
        outcomes[i] = letters[i] == 's'   ? CACHE_STORED
                      : letters[i] == 'o' ? CACHE_STALE
                                          : CACHE_FAILED;
    *error = answer->items[3].text;
    return true;
}
