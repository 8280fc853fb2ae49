/* SPDX-License-Identifier: Apache-2.0
 *
 * See reread.h. */
#include "flow/reread.h"

#include <stdlib.h>

#include "base/check.h"

struct reread {
    struct store *store;
    struct query query;
    struct cache_entry *entries;
    const struct origin *origins;
    size_t n;
    size_t first; /* of the sink being asked for */
    size_t *nth;  /* by row asked for: whose it is */
    size_t n_asked;
    bool *is_done; /* by entry */
    struct arena *arena;
    void (*on_end)(void *owner, bool is_done, const char *why);
    void *owner;
};

/* ---- what was read ----------------------------------------------------------------------------- */

struct cache_entry reread_entry(const struct cache_entry *before, const struct recalled_again *now)
{
    struct cache_entry entry = { .key = before->key, .ttl_s = before->ttl_s };
    const bool is_behind = !now->is_there || now->version < before->version;
    if (!is_behind && now->has_value) {
        entry.op = CACHE_SET;
        entry.version = now->version;
        entry.value = now->value;
        return entry;
    }
    entry.op = CACHE_DROP;
    entry.value = text_of("");
    /* A drop is written below a value of its own version. */
    entry.version = is_behind ? before->version + (before->op == CACHE_SET) : now->version;
    return entry;
}

static void on_rows(void *own, const struct query_rows *rows)
{
    struct reread *reread = own;
    struct recalled_again now;
    for (size_t i = 0; i < query_count(rows); i++) {
        if (!recall_take_again(rows, i, &now) || now.nth >= reread->n_asked) continue;
        struct cache_entry *entry = &reread->entries[reread->nth[now.nth]];
        *entry = reread_entry(entry, &now);
        entry->value = arena_copy(reread->arena, entry->value);
    }
}

/* ---- asking ------------------------------------------------------------------------------------ */

/* False: every sink was asked for. */
static bool ask_next(struct reread *reread)
{
    while (reread->first < reread->n &&
           (reread->is_done[reread->first] || !reread->origins[reread->first].sink))
        reread->first++;
    if (reread->first == reread->n) return false;
    const struct sink *sink = reread->origins[reread->first].sink;
    struct wr_text *rows = memory_new(reread->n, sizeof *rows);
    reread->n_asked = 0;
    for (size_t i = reread->first; i < reread->n; i++) {
        if (reread->origins[i].sink != sink) continue;
        reread->is_done[i] = true;
        rows[reread->n_asked] = reread->origins[i].row;
        reread->nth[reread->n_asked++] = i;
    }
    reread->query.step = recall_again(sink, rows, reread->n_asked, reread->arena);
    free(rows);
    store_ask(reread->store, &reread->query);
    return true;
}

static void free_reread(struct reread *reread)
{
    free(reread->nth);
    free(reread->is_done);
    free(reread);
}

static void on_query_end(void *own, bool is_done, const char *why)
{
    struct reread *reread = own;
    if (is_done && ask_next(reread)) return;
    void (*tell)(void *, bool, const char *) = reread->on_end;
    void *owner = reread->owner;
    free_reread(reread);
    tell(owner, is_done, why);
}

struct reread *reread_start(struct store *store, struct cache_entry *entries,
                            const struct origin *origins, size_t n, struct arena *arena,
                            void (*on_end)(void *, bool, const char *), void *owner)
{
    struct reread *reread = NEW(struct reread);
    *reread = (struct reread){ .store = store,
                               .entries = entries,
                               .origins = origins,
                               .n = n,
                               .nth = memory_new(n, sizeof *reread->nth),
                               .is_done = memory_new(n, sizeof *reread->is_done),
                               .arena = arena,
                               .on_end = on_end,
                               .owner = owner };
    reread->query = (struct query){ .on_rows = on_rows, .on_end = on_query_end, .owner = reread };
    CHECK(ask_next(reread)); /* an entry of a sink is among them */
    return reread;
}

void reread_cancel(struct reread *reread)
{
    store_unask(&reread->query);
    free_reread(reread);
}
