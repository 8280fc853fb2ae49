/* SPDX-License-Identifier: Apache-2.0
 *
 * See write.h. A script blocks Redis for everybody: what is very large is cut into parts, which are all
 * sent at once. */
#include "cache/write.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "cache/call.h"
#include "cache/fault.h"

#define PART_ENTRIES 1000
#define PART_BYTES (1024u * 1024)

struct part {
    struct call call;
    struct cache_write *write;
    size_t first, n;
};

struct cache_write {
    struct cache *cache;
    const struct cache_entry *entries;
    size_t n;
    unsigned char *outcomes;
    struct part *parts;
    size_t n_parts, n_answered;
    cache_on_written *on_written;
    void *owner;
    char why[400];
};

/* ---- a part -------------------------------------------------------------------------------------- */

static size_t count_words(const struct call *call)
{
    return versioned_count_words(OWNER_OF(call, struct part, call)->n);
}

static void add_words(const struct call *call, struct resp_command *command, int64_t deadline_ms)
{
    const struct part *part = OWNER_OF(call, const struct part, call);
    versioned_add_words(command, part->write->entries + part->first, part->n,
                        cache_token(part->write->cache), deadline_ms);
}

static void blame(struct cache_write *write, const char *why)
{
    if (!*write->why) snprintf(write->why, sizeof write->why, "%s", why);
}

/* What Redis said of single keys. True: all of it is well but for what is the keys' own. */
static bool judge(struct cache_write *write, struct wr_text error)
{
    char words[400];
    if (!error.len) return true;
    blame(write, cache_fault_show(error, words, sizeof words));
    return call_blame(write->cache, error);
}

static void end_if_answered(struct cache_write *write)
{
    if (++write->n_answered < write->n_parts) return;
    write->on_written(write->owner, write->outcomes, write->n, write->why);
    cache_write_cancel(write);
}

static bool on_answer(struct call *call, const struct resp_value *answer, const char *why)
{
    struct part *part = OWNER_OF(call, struct part, call);
    struct cache_write *write = part->write;
    struct wr_text error = { "", 0 };
    bool is_well = false;
    if (!answer)
        blame(write, why);
    else if (versioned_take(answer, part->n, write->outcomes + part->first, &error))
        is_well = judge(write, error);
    else
        blame(write, "the script's answer is not what it answers");
    end_if_answered(write);
    return is_well;
}

/* ---- a write ------------------------------------------------------------------------------------- */

static const struct call_kind kind = { CACHE_SCRIPT_WRITE, count_words, add_words, on_answer };

/* How many from `first` on make a part. */
static size_t measure(const struct cache_write *write, size_t first)
{
    size_t n = 0, bytes = 0;
    while (first + n < write->n && n < PART_ENTRIES && bytes < PART_BYTES) {
        const struct cache_entry *entry = &write->entries[first + n++];
        bytes += entry->key.len + entry->value.len;
    }
    return n;
}

struct cache_write *cache_write(struct cache *cache, const struct cache_entry *entries, size_t n,
                                cache_on_written *on_written, void *owner)
{
    CHECK(n > 0);
    struct cache_write *write = NEW(struct cache_write);
    write->cache = cache;
    write->entries = entries;
    write->n = n;
    write->on_written = on_written;
    write->owner = owner;
    write->outcomes = memory_new(n, 1);
    memset(write->outcomes, CACHE_FAILED, n);
    for (size_t at = 0; at < n; at += measure(write, at)) write->n_parts++;
    write->parts = memory_new(write->n_parts, sizeof *write->parts);
    size_t at = 0;
    for (size_t i = 0; i < write->n_parts; i++) {
        struct part *part = &write->parts[i];
        part->write = write;
        part->first = at;
        part->n = measure(write, at);
        at += part->n;
        call_init(&part->call, &kind);
        call_send(cache, &part->call);
    }
    return write;
}

void cache_write_cancel(struct cache_write *write)
{
    for (size_t i = 0; i < write->n_parts; i++) call_cancel(&write->parts[i].call);
    free(write->parts);
    free(write->outcomes);
    free(write);
}
