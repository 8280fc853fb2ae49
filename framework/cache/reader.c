/* SPDX-License-Identifier: Apache-2.0
 *
 * See reader.h: who is asked what, and who is told. Owners are told from the loop alone, read by read,
 * so that any of them may be freed meanwhile. */
#include "cache/reader.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "cache/call.h"
#include "cache/flight.h"
#include "cache/freshness.h"
#include "cache/versioned.h"
#include "cache/write.h"

#define LOCK_MS 2000 /* how long another host may take to load */
#define ASK_AGAIN_MS 20
#define ASK_KEYS 1000 /* in one call */
#define WORDS_BEFORE 3
#define ITEMS_BEFORE 2 /* of the answer: the time */

/* One call, and the flights it asks for. */
struct lookup {
    struct list link;
    struct call call;
    struct cache_reader *reader;
    size_t n;
    struct flight *flights[];
};

/* What was loaded, on its way to Redis: nobody waits for that. */
struct fill {
    struct list link;
    struct cache_reader *reader;
    struct cache_write *write; /* NULL: not sent yet */
    struct arena arena;
    struct cache_entry *entries;
    size_t n, room;
    uint64_t since_ns; /* of the connection that it is for */
};

struct cache_reader {
    struct loop *loop;
    struct cache *cache; /* NULL: none */
    struct flights flights;
    struct list news;    /* reads that have something to be told */
    struct list unasked; /* flights */
    struct list busy;    /* flights */
    struct list lookups, fills;
    struct fill *fill; /* being gathered */
    struct timer soon, again;
};

/* ---- telling --------------------------------------------------------------------------------- */

static void tell_read(struct cache_read *read)
{
    if (read->n_missing) {
        size_t *keys = read->missing;
        const size_t n = read->n_missing;
        read->missing = memory_new(read->n, sizeof *read->missing);
        read->n_missing = 0;
        read->events.on_missing(read->owner, read, keys, n);
        free(keys);
    } else if (read->n_left == 0) {
        read->events.on_settled(read->owner, read, read->got);
    }
}

static void tell(struct cache_reader *reader)
{
    struct list told;
    list_init(&told);
    list_move_all(&told, &reader->news);
    for (struct list *link; (link = list_take_first(&told));)
        tell_read(LIST_ENTRY(link, struct cache_read, link));
    if (!list_is_empty(&reader->news)) timer_arm_ms(&reader->soon, 0);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static size_t count_words(const struct call *call)
{
    return WORDS_BEFORE + OWNER_OF(call, struct lookup, call)->n;
}

static void add_words(const struct call *call, struct resp_command *command, int64_t deadline_ms)
{
    const struct lookup *lookup = OWNER_OF(call, const struct lookup, call);
    (void)deadline_ms; /* a read that comes late changes nothing */
    resp_add_number(command, lookup->n);
    for (size_t i = 0; i < lookup->n; i++) resp_add(command, lookup->flights[i]->key);
    resp_add(command, cache_token(lookup->reader->cache));
    resp_add_number(command, LOCK_MS);
}

static void be_busy(struct cache_reader *reader, struct flight *flight)
{
    const uint64_t now_ms = loop_now_ms(reader->loop);
    if (!flight->busy_since_ms) flight->busy_since_ms = now_ms;
    if (now_ms - flight->busy_since_ms >= LOCK_MS) {
        flight_miss(&reader->flights, flight);
        return;
    }
    flight->state = FLIGHT_BUSY;
    list_append(&reader->busy, &flight->link);
    if (!timer_is_armed(&reader->again)) timer_arm_ms(&reader->again, ASK_AGAIN_MS);
}

static void take_state(struct cache_reader *reader, struct flight *flight,
                       const struct resp_value items[3])
{
    struct cache_got got = { .found = CACHE_HIT, .value = items[2].text };
    const char state = items[0].text.len ? *items[0].text.at : 'e';
    if (state == 'h' && versioned_read(items[1].text, &got.version)) {
        flight_land(&reader->flights, flight, &got);
    } else if (state == 'a') {
        got.found = CACHE_KNOWN_ABSENT;
        got.value = text_of("");
        flight_land(&reader->flights, flight, &got);
    } else if (state == 'b') {
        be_busy(reader, flight);
    } else {
        if (state == 'e') (void)call_blame(reader->cache, items[2].text);
        flight_miss(&reader->flights, flight);
    }
}

static bool on_answer(struct call *call, const struct resp_value *answer, const char *why)
{
    struct lookup *lookup = OWNER_OF(call, struct lookup, call);
    struct cache_reader *reader = lookup->reader;
    const bool is_well =
        answer && answer->kind == RESP_LIST && answer->n == ITEMS_BEFORE + 3 * lookup->n;
    (void)why;
    for (size_t i = 0; i < lookup->n; i++) {
        struct flight *flight = lookup->flights[i];
        if (is_well)
            take_state(reader, flight, answer->items + ITEMS_BEFORE + 3 * i);
        else
            flight_miss(&reader->flights, flight);
    }
    list_remove(&lookup->link);
    free(lookup);
    if (!list_is_empty(&reader->news)) timer_arm_ms(&reader->soon, 0);
    return is_well;
}

static const struct call_kind kind = { CACHE_SCRIPT_LOOKUP, count_words, add_words, on_answer };

static void ask_some(struct cache_reader *reader, struct list *flights)
{
    struct lookup *lookup = memory_new(1, sizeof *lookup + ASK_KEYS * sizeof(struct flight *));
    lookup->reader = reader;
    for (struct list *link; lookup->n < ASK_KEYS && (link = list_take_first(flights));) {
        struct flight *flight = LIST_ENTRY(link, struct flight, link);
        flight->state = FLIGHT_ASKED;
        lookup->flights[lookup->n++] = flight;
    }
    list_append(&reader->lookups, &lookup->link);
    call_init(&lookup->call, &kind);
    call_send(reader->cache, &lookup->call);
}

static void miss_all(struct cache_reader *reader, struct list *flights)
{
    for (struct list *link; (link = list_take_first(flights));)
        flight_miss(&reader->flights, LIST_ENTRY(link, struct flight, link));
}

static void ask(struct cache_reader *reader, struct list *flights)
{
    if (!reader->cache) miss_all(reader, flights);
    while (!list_is_empty(flights)) ask_some(reader, flights);
}

static void on_again(void *own)
{
    struct cache_reader *reader = own;
    ask(reader, &reader->busy);
}

/* ---- filling --------------------------------------------------------------------------------- */

static void free_fill(struct fill *fill)
{
    list_remove(&fill->link);
    arena_reset(&fill->arena);
    free(fill->entries);
    free(fill);
}

static void on_filled(void *own, const unsigned char *outcomes, size_t n, const char *why)
{
    (void)outcomes, (void)n, (void)why; /* what is not remembered is loaded again */
    free_fill(own);
}

/* It was read after Redis had missed it. */
static bool is_fresh(const struct cache_reader *reader, const struct flight *flight,
                     const struct cache_loaded *loaded)
{
    struct freshness fresh = FRESHNESS_INIT;
    freshness_add(&fresh, flight->missed_ns, loaded->ttl_s);
    return freshness_lasts(&fresh, cache_since_ns(reader->cache), clock_now_ns());
}

static void gather(struct cache_reader *reader, const struct flight *flight,
                   const struct cache_loaded *loaded)
{
    if (!reader->fill) {
        reader->fill = NEW(struct fill);
        reader->fill->reader = reader;
        reader->fill->since_ns = cache_since_ns(reader->cache);
        list_init(&reader->fill->link);
        arena_init(&reader->fill->arena, NULL, 0);
    }
    struct fill *fill = reader->fill;
    if (fill->n == fill->room) {
        fill->room = fill->room ? fill->room * 2 : 16;
        fill->entries = memory_grow(fill->entries, fill->room, sizeof *fill->entries);
    }
    fill->entries[fill->n++] = (struct cache_entry){
        .key = arena_copy(&fill->arena, flight->key),
        .value = loaded->is_absent ? text_of("") : arena_copy(&fill->arena, loaded->value),
        .version = loaded->is_absent ? 0 : loaded->version,
        .ttl_s = loaded->ttl_s,
        .op = loaded->is_absent ? CACHE_ABSENT : CACHE_FILL,
    };
}

static void send_fill(struct cache_reader *reader)
{
    struct fill *fill = reader->fill;
    if (!fill) return;
    reader->fill = NULL;
    if (fill->since_ns != cache_since_ns(reader->cache)) {
        free_fill(fill);
        return;
    }
    list_append(&reader->fills, &fill->link);
    fill->write = cache_write(reader->cache, fill->entries, fill->n, on_filled, fill);
}

void cache_read_fill(struct cache_read *read, size_t key, const struct cache_loaded *loaded)
{
    struct cache_reader *reader = read->reader;
    struct flight *flight = read->seats[key].flight;
    CHECK(flight && flight->state == FLIGHT_LOADING &&
          flight->seats.next == &read->seats[key].link);
    if (reader->cache && loaded->ttl_s && is_fresh(reader, flight, loaded))
        gather(reader, flight, loaded);
    const struct cache_got got = {
        .found = loaded->is_absent ? CACHE_LOADED_ABSENT : CACHE_LOADED,
        .value = loaded->is_absent ? text_of("") : loaded->value,
        .version = loaded->is_absent ? 0 : loaded->version,
    };
    flight_land(&reader->flights, flight, &got);
    timer_arm_ms(&reader->soon, 0);
}

/* ---- for owners ------------------------------------------------------------------------------ */

static void on_soon(void *own)
{
    struct cache_reader *reader = own;
    ask(reader, &reader->unasked);
    send_fill(reader);
    tell(reader);
}

struct cache_reader *cache_reader_new(struct loop *loop, struct cache *cache)
{
    struct cache_reader *reader = NEW(struct cache_reader);
    reader->loop = loop;
    reader->cache = cache;
    list_init(&reader->news);
    list_init(&reader->unasked);
    list_init(&reader->busy);
    list_init(&reader->lookups);
    list_init(&reader->fills);
    flights_init(&reader->flights, &reader->news);
    timer_init(&reader->soon, loop, on_soon, reader);
    timer_init(&reader->again, loop, on_again, reader);
    return reader;
}

void cache_reader_free(struct cache_reader *reader)
{
    if (!reader) return;
    for (struct list *link; (link = list_take_first(&reader->lookups));) {
        struct lookup *lookup = LIST_ENTRY(link, struct lookup, link);
        call_cancel(&lookup->call);
        free(lookup);
    }
    for (struct list *link; (link = list_take_first(&reader->fills));) {
        struct fill *fill = LIST_ENTRY(link, struct fill, link);
        cache_write_cancel(fill->write);
        free_fill(fill);
    }
    if (reader->fill) free_fill(reader->fill);
    flights_fini(&reader->flights);
    timer_fini(&reader->soon);
    timer_fini(&reader->again);
    free(reader);
}

/* The new ones of a turn are asked for together. */
struct cache_read *cache_read(struct cache_reader *reader, const struct wr_text *keys, size_t n,
                              const struct cache_read_events *events, void *owner)
{
    struct cache_read *read = NEW(struct cache_read);
    read->reader = reader;
    read->events = *events;
    read->owner = owner;
    read->n = read->n_left = n;
    read->seats = memory_new(n + 1, sizeof *read->seats);
    read->got = memory_new(n + 1, sizeof *read->got);
    read->missing = memory_new(n + 1, sizeof *read->missing);
    list_init(&read->link);
    arena_init(&read->arena, NULL, 0);
    for (size_t i = 0; i < n; i++)
        if (flights_board(&reader->flights, read, i, keys[i]))
            list_append(&reader->unasked, &read->seats[i].flight->link);
    if (n == 0) list_append(&reader->news, &read->link);
    timer_arm_ms(&reader->soon, 0);
    return read;
}

void cache_read_free(struct cache_read *read)
{
    if (!read) return;
    struct cache_reader *reader = read->reader;
    for (size_t i = 0; i < read->n; i++) flights_leave(&reader->flights, &read->seats[i]);
    if (!list_is_empty(&reader->news)) timer_arm_ms(&reader->soon, 0);
    list_remove(&read->link);
    arena_reset(&read->arena);
    free(read->seats);
    free(read->got);
    free(read->missing);
    free(read);
}
