/* SPDX-License-Identifier: Apache-2.0
 *
 * See cacher.h. A load's entries are in one array while they are out; what was refused is moved to its
 * front and goes again, or is recorded. Deliveries leave as their last entry is settled. What a commit
 * read back goes only on the connection that stood then, and soon: otherwise Redis may have forgotten
 * what was written after it, and it is read from the table again first. */
#include "flow/cacher.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_pace.h"
#include "base/random.h"
#include "net/backoff.h"

#define AGAIN_FIRST_MS 50
#define AGAIN_MOST_MS 2000

/* A delivery of a load. */
struct rider {
    struct delivery *delivery; /* NULL: gone */
    uint32_t entries;          /* its own that are not settled */
};

struct load {
    struct list link;
    struct cacher *cacher;
    struct arena arena;  /* of shared entries */
    struct arena values; /* of those that were read again */
    struct rider *riders;
    struct cache_entry *entries;
    struct origin *origins; /* by entry */
    uint32_t *rider_of;     /* by entry; SHARED */
    size_t n_riders, riders_room, n, room, n_shared;
    struct freshness fresh; /* of shared ones */
    struct cache_write *write;
    struct reread *reread;
    struct repair_request *request;
    struct timer again;
    struct backoff backoff;
    bool is_refused; /* once */
};
#define SHARED UINT32_MAX

struct cacher {
    struct loop *loop;
    struct cacher_settings settings;
    struct cacher_events events;
    void *owner;
    struct load *gathering; /* NULL: none */
    struct list loads;      /* on their way */
    struct counter *writes[CACHE_OUTCOMES];
    struct log_pace pace;
};

static void send(struct load *load);

/* ---- a load ---------------------------------------------------------------------------------- */

static void on_again(void *own)
{
    send(own);
}

static struct load *gathering_of(struct cacher *cacher)
{
    if (cacher->gathering) return cacher->gathering;
    struct load *load = NEW(struct load);
    load->cacher = cacher;
    list_init(&load->link);
    arena_init(&load->arena, NULL, 0);
    arena_init(&load->values, NULL, 0);
    load->fresh = (struct freshness)FRESHNESS_INIT;
    load->backoff = BACKOFF_INIT(AGAIN_FIRST_MS, AGAIN_MOST_MS);
    timer_init(&load->again, cacher->loop, on_again, load);
    cacher->gathering = load;
    return load;
}

static void free_load(struct load *load)
{
    if (load->write) cache_write_cancel(load->write);
    if (load->reread) reread_cancel(load->reread);
    if (load->request) repair_request_cancel(load->request);
    timer_fini(&load->again);
    list_remove(&load->link);
    arena_reset(&load->arena);
    arena_reset(&load->values);
    free(load->riders);
    free(load->entries);
    free(load->origins);
    free(load->rider_of);
    free(load);
}

static void add_entry(struct load *load, struct cache_entry entry, struct origin origin,
                      uint32_t rider)
{
    if (load->n == load->room) {
        load->room = load->room ? load->room * 2 : 64;
        load->entries = memory_grow(load->entries, load->room, sizeof *load->entries);
        load->origins = memory_grow(load->origins, load->room, sizeof *load->origins);
        load->rider_of = memory_grow(load->rider_of, load->room, sizeof *load->rider_of);
    }
    load->entries[load->n] = entry;
    load->origins[load->n] = origin;
    load->rider_of[load->n++] = rider;
}

bool cacher_wants(const struct cacher *cacher, const struct delivery *delivery)
{
    return delivery->outcome.effects.n_caches || (cacher->gathering && cacher->gathering->n_shared);
}

void cacher_add(struct cacher *cacher, struct delivery *delivery)
{
    struct load *load = gathering_of(cacher);
    list_remove(&delivery->link);
    if (load->n_riders == load->riders_room) {
        load->riders_room = load->riders_room ? load->riders_room * 2 : 64;
        load->riders = memory_grow(load->riders, load->riders_room, sizeof *load->riders);
    }
    const uint32_t nth = (uint32_t)load->n_riders++;
    load->riders[nth] = (struct rider){ delivery, delivery->outcome.effects.n_caches };
    for (const struct effect_cache *own = delivery->outcome.effects.caches; own; own = own->next)
        add_entry(load,
                  (struct cache_entry){ .key = own->key,
                                        .value = own->value,
                                        .version = own->version,
                                        .ttl_s = own->is_drop ? CACHE_DROP_TTL_S : own->ttl_s,
                                        .op = own->is_drop ? CACHE_DROP : CACHE_SET },
                  (struct origin){ 0 }, nth);
}

static void add_recalled(struct load *load, const struct recalled *recalled, uint64_t began_ns)
{
    const uint32_t ttl_s = recalled->sink->cache_ttl_s;
    freshness_add(&load->fresh, began_ns, ttl_s);
    add_entry(load,
              (struct cache_entry){ .key = arena_copy(&load->arena, recalled->key),
                                    .value = arena_copy(&load->arena, recalled->value),
                                    .version = recalled->version,
                                    .ttl_s = ttl_s,
                                    .op = recalled->is_drop ? CACHE_DROP : CACHE_SET },
              (struct origin){ recalled->sink, arena_copy(&load->arena, recalled->row) }, SHARED);
}

void cacher_add_recalled(struct cacher *cacher, const struct recalled *recalled, size_t n,
                         uint64_t began_ns)
{
    if (!n) return;
    struct load *load = gathering_of(cacher);
    for (size_t i = 0; i < n; i++) add_recalled(load, &recalled[i], began_ns);
    load->n_shared += n;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void settle_entry(struct load *load, size_t nth)
{
    const uint32_t rider = load->rider_of[nth];
    if (rider == SHARED)
        load->n_shared--;
    else
        load->riders[rider].entries--;
}

/* Those with nothing left to wait for. The load goes with the last of them. */
static void let_go(struct load *load)
{
    struct cacher *cacher = load->cacher;
    size_t left = 0;
    for (size_t i = 0; i < load->n_riders; i++) {
        struct rider *rider = &load->riders[i];
        struct delivery *delivery = rider->delivery;
        if (!delivery) continue;
        if (load->n_shared || rider->entries) {
            left++;
            continue;
        }
        rider->delivery = NULL;
        cacher->events.on_cached(cacher->owner, delivery);
    }
    if (!left && !load->n) free_load(load);
    cacher->events.on_answered(cacher->owner);
}

static void complain(struct cacher *cacher, size_t n, const char *why)
{
    if (!log_pace_note(&cacher->pace, loop_now_ms(cacher->loop))) return;
    log_warn("flow",
             cacher->settings.repairer ? "Redis does not take entries; they are repaired later"
                                       : "Redis does not take entries; their messages are held",
             LOG_TEXT(QUEUE, cacher->settings.consumer), LOG_INT(COUNT, n), LOG_TEXT(REASON, why));
}

static void on_recorded(void *own)
{
    struct load *load = own;
    load->request = NULL;
    for (size_t i = 0; i < load->n; i++) settle_entry(load, i);
    load->n = 0;
    let_go(load);
}

/* All that is left of it was not taken. */
static void go_on_refused(struct load *load, const char *why)
{
    struct cacher *cacher = load->cacher;
    if (!load->is_refused) counter_add(cacher->writes[CACHE_FAILED], load->n);
    load->is_refused = true;
    complain(cacher, load->n, why);
    if (cacher->settings.repairer)
        load->request = repairer_record(cacher->settings.repairer, load->entries, load->origins,
                                        load->n, on_recorded, load);
    else
        timer_arm_ms(&load->again, backoff_next_ms(&load->backoff, random_u64()));
}

static void keep(struct load *load, size_t from, size_t to)
{
    load->entries[to] = load->entries[from];
    load->origins[to] = load->origins[from];
    load->rider_of[to] = load->rider_of[from];
}

static void on_written(void *own, const unsigned char *outcomes, size_t n, const char *why)
{
    struct load *load = own;
    struct cacher *cacher = load->cacher;
    uint64_t counts[CACHE_OUTCOMES] = { 0 };
    size_t refused = 0;
    load->write = NULL;
    for (size_t i = 0; i < n; i++) {
        counts[outcomes[i]]++;
        if (outcomes[i] != CACHE_FAILED)
            settle_entry(load, i);
        else
            keep(load, i, refused++);
    }
    load->n = refused;
    counter_add(cacher->writes[CACHE_STORED], counts[CACHE_STORED]);
    counter_add(cacher->writes[CACHE_STALE], counts[CACHE_STALE]);
    if (refused) go_on_refused(load, why);
    let_go(load);
}

/* ---- sending --------------------------------------------------------------------------------- */

static bool is_fresh(const struct load *load)
{
    return !load->n_shared ||
           freshness_lasts(&load->fresh, cache_since_ns(load->cacher->settings.cache),
                           clock_now_ns());
}

static void on_reread(void *own, bool is_done, const char *why)
{
    struct load *load = own;
    load->reread = NULL;
    if (is_done) {
        send(load);
        return;
    }
    load->fresh.read_ns = 0; /* half of it is not what may be written */
    log_warn("flow", "rows whose cache entries wait for Redis cannot be read again",
             LOG_TEXT(QUEUE, load->cacher->settings.consumer), LOG_TEXT(REASON, why));
    timer_arm_ms(&load->again, backoff_next_ms(&load->backoff, random_u64()));
}

static void read_again(struct load *load)
{
    for (size_t i = 0; i < load->n; i++)
        if (load->origins[i].sink) load->entries[i].value = text_of("");
    arena_reset(&load->values);
    load->fresh.read_ns = clock_now_ns();
    load->reread = reread_start(load->cacher->settings.store, load->entries, load->origins, load->n,
                                &load->values, on_reread, load);
}

static void send(struct load *load)
{
    struct cache *cache = load->cacher->settings.cache;
    if (is_fresh(load))
        load->write = cache_write(cache, load->entries, load->n, on_written, load);
    else if (cache_is_connected(cache))
        read_again(load);
    else
        go_on_refused(load, cache_fault(cache));
}

void cacher_ship(struct cacher *cacher)
{
    struct load *load = cacher->gathering;
    if (!load) return;
    cacher->gathering = NULL;
    list_append(&cacher->loads, &load->link);
    CHECK(load->n > 0);
    send(load);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct cacher *cacher_new(struct loop *loop, const struct cacher_settings *settings,
                          const struct cacher_events *events, void *owner)
{
    static const char *const outcomes[CACHE_OUTCOMES] = {
        [CACHE_STORED] = "stored", [CACHE_STALE] = "stale", [CACHE_FAILED] = "failed"
    };
    struct cacher *cacher = NEW(struct cacher);
    cacher->loop = loop;
    cacher->settings = *settings;
    cacher->events = *events;
    cacher->owner = owner;
    list_init(&cacher->loads);
    for (int i = 0; i < CACHE_OUTCOMES; i++)
        cacher->writes[i] = metrics_counter(settings->metrics, METRIC_CACHE_WRITES,
                                            (const char *[]){ settings->consumer, outcomes[i] });
    return cacher;
}

static void forget_load(struct load *load)
{
    struct cacher *cacher = load->cacher;
    for (size_t i = 0; i < load->n_riders; i++)
        if (load->riders[i].delivery)
            cacher->events.on_forgotten(cacher->owner, load->riders[i].delivery);
    free_load(load);
}

void cacher_forget(struct cacher *cacher)
{
    struct load *gathering = cacher->gathering;
    cacher->gathering = NULL;
    if (gathering) forget_load(gathering);
    while (!list_is_empty(&cacher->loads))
        forget_load(LIST_ENTRY(cacher->loads.next, struct load, link));
}

void cacher_free(struct cacher *cacher)
{
    if (!cacher) return;
    cacher_forget(cacher);
    free(cacher);
}

void cacher_tell(const struct cacher *cacher, uint64_t *stored, uint64_t *stale, uint64_t *failed)
{
    *stored = counter_read(cacher->writes[CACHE_STORED]);
    *stale = counter_read(cacher->writes[CACHE_STALE]);
    *failed = counter_read(cacher->writes[CACHE_FAILED]);
}

bool cacher_is_idle(const struct cacher *cacher)
{
    return !cacher->gathering && list_is_empty(&cacher->loads);
}

static size_t count_in(const struct load *load)
{
    size_t n = 0;
    for (size_t i = 0; i < load->n_riders; i++) n += load->riders[i].delivery != NULL;
    return n;
}

size_t cacher_count(const struct cacher *cacher)
{
    size_t n = cacher->gathering ? count_in(cacher->gathering) : 0;
    LIST_EACH (link, &cacher->loads) {
        n += count_in(LIST_ENTRY(link, struct load, link));
    }
    return n;
}

bool cacher_is_stuck(const struct cacher *cacher)
{
    LIST_EACH (link, &cacher->loads)
        if (LIST_ENTRY(link, struct load, link)->is_refused) return true;
    return false;
}
