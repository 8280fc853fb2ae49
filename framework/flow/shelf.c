/* SPDX-License-Identifier: Apache-2.0
 *
 * See shelf.h. An entry lives as long as somebody has a seat at it; who is asked for together is the
 * inquiry's to say. What a guard reads is never shared: a question that is out may be older than the
 * commit its message must see. */
#include "flow/shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/log_pace.h"
#include "flow/inquiry.h"
#include "store/query.h"

#define BUCKETS 512
#define MENDED_MS 3000 /* as often as the store looks whether its tables are well again */

struct entry {
    struct asking asking; /* of the database, unless the cache has it */
    struct list bucket;   /* where others find it, unless it is not to be shared any more */
    struct shelf *shelf;
    bool is_settled;
    struct list seats;       /* to be told */
    size_t refs;             /* seats, told or not */
    struct cache_read *read; /* NULL: it does not come by way of the cache */
    char *own;               /* its value, where that is not the read's; NULL: none */
    struct loaded loaded;
};

struct shelf {
    struct shelf_settings settings;
    struct shelf_events events;
    void *owner;
    struct loop *loop;
    struct list buckets[BUCKETS];
    struct inquiry inquiry;
    struct timer soon;  /* the next question, with all that this turn wants */
    struct query query; /* that is out */
    struct arena arena; /* of the question */
    char fault[400];
    struct log_pace pace;
};

/* ---- entries --------------------------------------------------------------------------------- */

static void free_entry(struct entry *entry)
{
    inquiry_leave(&entry->shelf->inquiry, &entry->asking);
    cache_read_free(entry->read);
    list_remove(&entry->bucket);
    free(entry->own);
    free(entry);
}

static void release(struct entry *entry)
{
    if (--entry->refs == 0) free_entry(entry);
}

static void count(const struct shelf *shelf, enum cache_found found, size_t seats)
{
    static struct counter *const none = NULL;
    const struct shelf_counters *reads = &shelf->settings.reads;
    struct counter *const counter = found == CACHE_HIT            ? reads->hit
                                    : found == CACHE_KNOWN_ABSENT ? reads->absent
                                    : found == CACHE_UNSETTLED    ? none
                                                                  : reads->miss;
    if (counter) counter_add(counter, seats);
}

static void settle(struct entry *entry, enum cache_found found)
{
    struct shelf *const shelf = entry->shelf;
    entry->is_settled = true;
    list_remove(&entry->bucket);
    count(shelf, found, entry->refs);
    entry->refs++; /* seats may leave while they are told */
    for (struct list *link; (link = list_take_first(&entry->seats));)
        shelf->events.on_settled(shelf->owner, LIST_ENTRY(link, struct seat, link));
    release(entry);
}

static void refuse(struct entry *entry, const struct query *query, bool is_final)
{
    struct shelf *const shelf = entry->shelf;
    char words[600], key[100];
    snprintf(words, sizeof words, "loader %s, key \"%s\": %s", shelf->settings.loader->name,
             text_show(entry->asking.key, key, sizeof key), query->why);
    const struct shelf_refusal refusal = { words, query->sqlstate, is_final };
    entry->refs++;
    for (struct list *link; (link = list_take_first(&entry->seats));)
        shelf->events.on_refused(shelf->owner, LIST_ENTRY(link, struct seat, link), &refusal);
    release(entry);
}

static void ask_soon(struct shelf *shelf)
{
    if (!shelf->inquiry.is_out && !timer_is_armed(&shelf->soon)) timer_arm_ms(&shelf->soon, 0);
}

static void wait_in_line(struct entry *entry)
{
    inquiry_add(&entry->shelf->inquiry, &entry->asking);
    ask_soon(entry->shelf);
}

static void on_missing(void *own, struct cache_read *read, const size_t *keys, size_t n)
{
    (void)read, (void)keys, (void)n; /* it has one */
    wait_in_line(own);
}

static void on_read(void *own, struct cache_read *read, const struct cache_got *got)
{
    struct entry *entry = own;
    (void)read;
    entry->loaded = (struct loaded){
        .is_absent = got->found == CACHE_KNOWN_ABSENT || got->found == CACHE_LOADED_ABSENT,
        .value = got->value,
        .version = got->version,
    };
    settle(entry, got->found);
}

static void look_up(struct entry *entry)
{
    static const struct cache_read_events events = { on_missing, on_read };
    const struct loader *loader = entry->shelf->settings.loader;
    const size_t bytes = loader_cache_key_bytes(loader, entry->asking.key);
    char *name = memory_new(bytes + 1, 1);
    loader_write_cache_key(loader, entry->asking.key, name);
    const struct wr_text text = text_from(name, bytes);
    entry->read = cache_read(entry->shelf->settings.reader, &text, 1, &events, entry);
    free(name);
}

static struct entry *find(const struct shelf *shelf, uint64_t hash, struct wr_text key)
{
    LIST_EACH (link, &shelf->buckets[hash % BUCKETS]) {
        struct entry *entry = LIST_ENTRY(link, struct entry, bucket);
        if (entry->asking.hash == hash && text_equal(entry->asking.key, key)) return entry;
    }
    return NULL;
}

static struct entry *make(struct shelf *shelf, uint64_t hash, struct wr_text key)
{
    struct entry *entry = memory_new(1, sizeof *entry + key.len);
    char *const copy = (char *)(entry + 1);
    if (key.len) memcpy(copy, key.at, key.len);
    entry->shelf = shelf;
    entry->asking.hash = hash;
    entry->asking.key = text_from(copy, key.len);
    list_init(&entry->asking.link);
    list_init(&entry->bucket);
    list_init(&entry->seats);
    if (!shelf->settings.loader->guards)
        list_append(&shelf->buckets[hash % BUCKETS], &entry->bucket);
    if (shelf->settings.reader && loader_is_cached(shelf->settings.loader))
        look_up(entry);
    else
        wait_in_line(entry);
    return entry;
}

void shelf_want(struct shelf *shelf, struct wr_text key, struct seat *seat)
{
    const uint64_t hash = text_hash(key);
    struct entry *entry = find(shelf, hash, key);
    if (!entry) entry = make(shelf, hash, key);
    entry->refs++;
    seat->entry = entry;
    list_append(&entry->seats, &seat->link);
}

const struct loaded *shelf_loaded(const struct seat *seat)
{
    return seat->entry && seat->entry->is_settled ? &seat->entry->loaded : NULL;
}

void shelf_leave(struct seat *seat)
{
    struct entry *entry = seat->entry;
    if (!entry) return;
    seat->entry = NULL;
    list_remove(&seat->link);
    release(entry);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* By way of the cache it goes to all who wait there, and comes back to us. */
static void answer(struct entry *entry, const struct loaded *loaded)
{
    const struct loader *loader = entry->shelf->settings.loader;
    if (entry->read) {
        cache_read_fill(entry->read, 0,
                        &(struct cache_loaded){ .is_absent = loaded->is_absent,
                                                .version = loaded->version,
                                                .value = loaded->value,
                                                .ttl_s = loaded->is_absent ? loader->absent_ttl_s
                                                                           : loader->ttl_s });
        return;
    }
    entry->loaded = *loaded;
    if (loaded->value.len) {
        entry->own = memory_new(loaded->value.len, 1);
        memcpy(entry->own, loaded->value.at, loaded->value.len);
        entry->loaded.value.at = entry->own;
    } else {
        entry->loaded.value = text_of("");
    }
    settle(entry, CACHE_UNSETTLED);
}

static struct entry *entry_of(struct asking *asking)
{
    return asking ? LIST_ENTRY(asking, struct entry, asking) : NULL;
}

static void refuse_version(struct shelf *shelf, struct entry *entry, struct wr_text version)
{
    snprintf(shelf->query.why, sizeof shelf->query.why,
             "its version is %.*s, and has to be 0 or more", TEXT_ARGS(version));
    refuse(entry, &shelf->query, true);
    shelf->query.why[0] = '\0';
}

/* Who came while the question was out and failed asks for a key of its own. */
static void take_row(struct shelf *shelf, const struct query_rows *rows, size_t i)
{
    int64_t version = 0;
    struct entry *entry;
    const struct wr_text key = query_text(rows, i, 0), said = query_text(rows, i, 1);
    const bool has_version =
        query_is_null(rows, i, 1) || (text_to_int(said, &version) && version >= 0);
    const struct loaded loaded = { .is_absent = query_is_null(rows, i, 2),
                                   .value = query_text(rows, i, 2),
                                   .version = (uint64_t)version };
    if (query_is_null(rows, i, 0)) return;
    while ((entry = entry_of(inquiry_take(&shelf->inquiry, key))))
        if (has_version)
            answer(entry, &loaded);
        else
            refuse_version(shelf, entry, said);
}

static void on_rows(void *own, const struct query_rows *rows)
{
    struct shelf *shelf = own;
    if (query_columns(rows) < 3) { /* changed under us: the store finds the words */
        snprintf(shelf->query.why, sizeof shelf->query.why, "its sql gives too few columns");
        snprintf(shelf->query.sqlstate, sizeof shelf->query.sqlstate, "42000");
        return;
    }
    for (size_t i = 0, n = query_count(rows); i < n; i++) take_row(shelf, rows, i);
}

/* ---- failures -------------------------------------------------------------------------------- */

static void complain(struct shelf *shelf)
{
    const uint32_t times = log_pace_note(&shelf->pace, loop_now_ms(shelf->loop));
    snprintf(shelf->fault, sizeof shelf->fault, "loader %s: %s%s%s", shelf->settings.loader->name,
             shelf->query.sqlstate, *shelf->query.sqlstate ? ": " : "", shelf->query.why);
    if (!times) return;
    log_warn("flow", "keys were not loaded; trying again",
             LOG_TEXT(QUEUE, shelf->settings.consumer), LOG_TEXT(CODE, shelf->query.sqlstate),
             LOG_TEXT(REASON, shelf->fault), LOG_INT(COUNT, times));
}

static void rest(struct shelf *shelf, uint32_t ms)
{
    complain(shelf);
    timer_arm_ms(&shelf->soon, ms);
}

static void refuse_the_one(struct shelf *shelf, bool is_final)
{
    struct entry *entry = entry_of(inquiry_take_any(&shelf->inquiry));
    if (entry) refuse(entry, &shelf->query, is_final);
}

static void follow_failure(struct shelf *shelf)
{
    const struct ship_choice choice =
        inquiry_fail(&shelf->inquiry, sqlstate_class(shelf->query.sqlstate));
    switch (choice.step) {
    case SHIP_SPLIT: break;
    case SHIP_BURY: refuse_the_one(shelf, true); break;
    case SHIP_SPEND: refuse_the_one(shelf, false); break;
    case SHIP_HOLD:
        store_blame(shelf->settings.store, shelf->query.why);
        rest(shelf, MENDED_MS);
        break;
    case SHIP_STORED:
    case SHIP_REDO:
    case SHIP_AGAIN: rest(shelf, choice.after_ms); break;
    }
}

static void follow_success(struct shelf *shelf)
{
    struct entry *entry;
    inquiry_succeed(&shelf->inquiry);
    while ((entry = entry_of(inquiry_take_any(&shelf->inquiry))))
        answer(entry, &(struct loaded){ .is_absent = true });
}

static void on_end(void *own, bool is_done, const char *why)
{
    struct shelf *shelf = own;
    if (!is_done) snprintf(shelf->query.why, sizeof shelf->query.why, "%s", why);
    if (*shelf->query.why)
        follow_failure(shelf);
    else
        follow_success(shelf);
    arena_reset(&shelf->arena);
    if (!list_is_empty(&shelf->inquiry.waiting)) ask_soon(shelf);
}

/* ---- questions ------------------------------------------------------------------------------- */

static void on_soon(void *own)
{
    struct shelf *shelf = own;
    struct inquiry *inquiry = &shelf->inquiry;
    struct wr_text keys[INQUIRY_MOST];
    if (!inquiry_begin(inquiry)) return;
    for (size_t i = 0; i < inquiry->n; i++) {
        struct entry *entry = entry_of(inquiry->asked[i]);
        if (!entry->read) list_remove(&entry->bucket); /* who comes now wants what is so now */
        keys[i] = entry->asking.key;
    }
    shelf->query = (struct query){
        .step = loader_step(shelf->settings.loader, keys, inquiry->n, &shelf->arena),
        .on_rows = on_rows,
        .on_end = on_end,
        .owner = shelf,
    };
    store_ask(shelf->settings.store, &shelf->query);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct shelf *shelf_new(struct loop *loop, const struct shelf_settings *settings,
                        const struct shelf_events *events, void *owner)
{
    struct shelf *shelf = NEW(struct shelf);
    shelf->settings = *settings;
    shelf->events = *events;
    shelf->owner = owner;
    shelf->loop = loop;
    inquiry_init(&shelf->inquiry);
    for (size_t i = 0; i < BUCKETS; i++) list_init(&shelf->buckets[i]);
    arena_init(&shelf->arena, NULL, 0);
    timer_init(&shelf->soon, loop, on_soon, shelf);
    return shelf;
}

void shelf_free(struct shelf *shelf)
{
    CHECK(list_is_empty(&shelf->inquiry.waiting));
    store_unask(&shelf->query);
    timer_fini(&shelf->soon);
    arena_reset(&shelf->arena);
    free(shelf);
}

const char *shelf_fault(const struct shelf *shelf)
{
    return shelf->inquiry.failures >= SHIP_PATIENCE ? shelf->fault : "";
}
