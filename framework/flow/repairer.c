/* SPDX-License-Identifier: Apache-2.0
 *
 * See repairer.h. A round reads a page of records, writes them, deletes those that Redis took or had
 * newer, and goes on behind them; what fails is left for the next walk through all of it. */
#include "flow/repairer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "net/backoff.h"
#include "store/query.h"
#include "store/repair.h"

#define PAGE_ROWS 500
#define SOON_MS 50
#define LOOK_AGAIN_MS 2000  /* while there are records */
#define LOOK_EMPTY_MS 60000 /* a host that died may have left some */
#define FRESH_NS UINT64_C(5000000000)
#define RECORD_FIRST_MS 100
#define RECORD_MOST_MS 5000

enum step {
    STEP_RESTING,
    STEP_COUNTING,
    STEP_READING,
    STEP_REREADING,
    STEP_WRITING,
    STEP_DELETING,
};

struct repairer {
    struct loop *loop;
    struct store *store;
    struct cache *cache;
    struct gauge *pending;
    struct timer timer;
    struct query query;
    enum step step;
    bool is_wanted;     /* look again when this is over */
    int64_t above_seq;  /* this walk has come so far; 0: it begins */
    struct arena arena; /* of a round */
    struct repair_row *rows;
    struct cache_entry *entries;
    struct origin *origins;
    size_t n;
    uint64_t read_ns; /* rows of sinks are not older */
    struct reread *reread;
    struct cache_write *write;
    const struct sink **sinks; /* that are known */
    size_t n_sinks;
    unsigned long long count;
    size_t n_failing; /* requests */
    char fault[400];  /* of the last that failed */
};

struct repair_request {
    struct repairer *repairer;
    struct query query;
    struct timer again;
    struct backoff backoff;
    struct arena arena;
    bool is_failing;
    void (*on_recorded)(void *owner);
    void *owner;
};

/* ---- recording ------------------------------------------------------------------------------- */

static void look_within(struct repairer *repairer, uint64_t ms)
{
    if (repairer->step == STEP_RESTING)
        timer_arm_ms(&repairer->timer, ms);
    else
        repairer->is_wanted = true;
}

static void free_request(struct repair_request *request)
{
    request->repairer->n_failing -= request->is_failing;
    timer_fini(&request->again);
    arena_reset(&request->arena);
    free(request);
}

static void on_query_end(void *own, bool is_done, const char *why)
{
    struct repair_request *request = own;
    struct repairer *repairer = request->repairer;
    if (!is_done) {
        repairer->n_failing += !request->is_failing;
        request->is_failing = true;
        snprintf(repairer->fault, sizeof repairer->fault, "%s", why);
        log_warn("flow", "the repair of cache entries cannot be recorded; trying again",
                 LOG_TEXT(REASON, why));
        timer_arm_ms(&request->again, backoff_next_ms(&request->backoff, random_u64()));
        return;
    }
    void (*tell)(void *) = request->on_recorded;
    void *owner = request->owner;
    free_request(request);
    look_within(repairer, LOOK_AGAIN_MS);
    tell(owner);
}

static void on_again(void *own)
{
    struct repair_request *request = own;
    store_ask(request->repairer->store, &request->query);
}

static struct repair_row row_of(const struct cache_entry *entry, const struct origin *origin)
{
    const struct sink *sink = origin->sink;
    return (struct repair_row){ .key = entry->key,
                                .value = entry->value,
                                .is_drop = sink || entry->op == CACHE_DROP,
                                .version = entry->version,
                                .ttl_s = entry->ttl_s,
                                .source = sink ? text_of(sink->source) : text_of(""),
                                .row = sink ? origin->row : text_of("") };
}

struct repair_request *repairer_record(struct repairer *repairer, const struct cache_entry *entries,
                                       const struct origin *origins, size_t n,
                                       void (*on_recorded)(void *owner), void *owner)
{
    struct repair_request *request = NEW(struct repair_request);
    request->repairer = repairer;
    request->on_recorded = on_recorded;
    request->owner = owner;
    request->backoff = BACKOFF_INIT(RECORD_FIRST_MS, RECORD_MOST_MS);
    arena_init(&request->arena, NULL, 0);
    timer_init(&request->again, repairer->loop, on_again, request);
    struct repair_row *rows = memory_new(n, sizeof *rows);
    for (size_t i = 0; i < n; i++) rows[i] = row_of(&entries[i], &origins[i]);
    request->query = (struct query){ .step = repair_record(rows, n, &request->arena),
                                     .on_end = on_query_end,
                                     .owner = request };
    free(rows);
    store_ask(repairer->store, &request->query);
    return request;
}

void repair_request_cancel(struct repair_request *request)
{
    store_unask(&request->query);
    free_request(request);
}

/* ---- repairing ------------------------------------------------------------------------------- */

static void look(void *own);

static void rest(struct repairer *repairer)
{
    const bool is_wanted = repairer->is_wanted;
    repairer->step = STEP_RESTING;
    repairer->is_wanted = false;
    arena_reset(&repairer->arena);
    timer_arm_ms(&repairer->timer, is_wanted         ? SOON_MS
                                   : repairer->count ? LOOK_AGAIN_MS
                                                     : LOOK_EMPTY_MS);
}

static void ask(struct repairer *repairer, enum step step, struct parcel_step what,
                void (*on_rows)(void *, const struct query_rows *))
{
    repairer->step = step;
    repairer->query.step = what;
    repairer->query.on_rows = on_rows;
    store_ask(repairer->store, &repairer->query);
}

static void on_count(void *own, const struct query_rows *rows)
{
    struct repairer *repairer = own;
    repairer->count = strtoull(query_text(rows, 0, 0).at, NULL, 10);
    gauge_set(repairer->pending, repairer->count);
}

static void on_page(void *own, const struct query_rows *rows)
{
    struct repairer *repairer = own;
    const size_t n = query_count(rows);
    repairer->rows = arena_take(&repairer->arena, (n + 1) * sizeof *repairer->rows);
    repairer->n = 0;
    for (size_t i = 0; i < n; i++)
        if (repair_take_row(rows, i, &repairer->arena, &repairer->rows[repairer->n])) repairer->n++;
}

static const struct sink *find_sink(const struct repairer *repairer, struct wr_text source)
{
    for (size_t i = 0; i < repairer->n_sinks; i++)
        if (text_is(source, repairer->sinks[i]->source)) return repairer->sinks[i];
    return NULL;
}

void repairer_know(struct repairer *repairer, struct sink *const *sinks, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (!sinks[i]->reread.sql || find_sink(repairer, text_of(sinks[i]->source))) continue;
        repairer->sinks =
            memory_grow(repairer->sinks, repairer->n_sinks + 1, sizeof *repairer->sinks);
        repairer->sinks[repairer->n_sinks++] = sinks[i];
    }
}

/* Those in `rows` now are done with. */
static void on_written(void *own, const unsigned char *outcomes, size_t n, const char *why)
{
    struct repairer *repairer = own;
    size_t done = 0;
    repairer->write = NULL;
    for (size_t i = 0; i < n; i++)
        if (outcomes[i] != CACHE_FAILED) repairer->rows[done++] = repairer->rows[i];
    if (*why)
        log_warn("flow", "cache entries cannot be repaired yet", LOG_INT(COUNT, n - done),
                 LOG_TEXT(REASON, why));
    if (!done) {
        rest(repairer);
        return;
    }
    repairer->n = done;
    ask(repairer, STEP_DELETING, repair_delete(repairer->rows, done, &repairer->arena), NULL);
}

static void write_page(struct repairer *repairer)
{
    /* Another Redis, perhaps, or we were stopped meanwhile. */
    if (repairer->read_ns < cache_since_ns(repairer->cache) ||
        clock_now_ns() - repairer->read_ns > FRESH_NS) {
        repairer->is_wanted = true;
        rest(repairer);
        return;
    }
    repairer->step = STEP_WRITING;
    repairer->write =
        cache_write(repairer->cache, repairer->entries, repairer->n, on_written, repairer);
}

static void on_reread(void *own, bool is_done, const char *why)
{
    struct repairer *repairer = own;
    repairer->reread = NULL;
    if (is_done) {
        write_page(repairer);
        return;
    }
    log_warn("flow", "rows whose cache entries are to be repaired cannot be read",
             LOG_TEXT(REASON, why));
    rest(repairer);
}

/* What a sink of another host wrote is left to that one, and dropped when it does not come. */
static bool is_ours(const struct repair_row *row, const struct sink *sink)
{
    return sink || !row->source.len || row->is_old;
}

/* As entries, with those of sinks as they were when they were recorded. True: some are to be read. */
static bool make_entries(struct repairer *repairer)
{
    bool has_sinks = false;
    size_t n = 0;
    repairer->entries = arena_take(&repairer->arena, repairer->n * sizeof *repairer->entries);
    repairer->origins = arena_take(&repairer->arena, repairer->n * sizeof *repairer->origins);
    for (size_t i = 0; i < repairer->n; i++) {
        const struct repair_row row = repairer->rows[i];
        const struct sink *sink = row.source.len ? find_sink(repairer, row.source) : NULL;
        if (!is_ours(&row, sink)) continue;
        repairer->rows[n] = row;
        repairer->origins[n] = (struct origin){ sink, row.row };
        repairer->entries[n++] =
            (struct cache_entry){ .key = row.key,
                                  .value = row.value,
                                  .version = row.version,
                                  .ttl_s = row.ttl_s,
                                  .op = !sink && row.is_drop ? CACHE_DROP : CACHE_SET };
        has_sinks |= sink != NULL;
    }
    repairer->n = n;
    return has_sinks;
}

static void repair_page(struct repairer *repairer)
{
    repairer->above_seq = repairer->rows[repairer->n - 1].seq;
    repairer->read_ns = clock_now_ns();
    if (make_entries(repairer)) {
        repairer->step = STEP_REREADING;
        repairer->reread = reread_start(repairer->store, repairer->entries, repairer->origins,
                                        repairer->n, &repairer->arena, on_reread, repairer);
    } else if (repairer->n) {
        write_page(repairer);
    } else {
        repairer->is_wanted = true;
        rest(repairer);
    }
}

static void read_page(struct repairer *repairer)
{
    repairer->n = 0;
    ask(repairer, STEP_READING, repair_read(repairer->above_seq, PAGE_ROWS, &repairer->arena),
        on_page);
}

static void on_end(void *own, bool is_done, const char *why)
{
    struct repairer *repairer = own;
    if (!is_done) {
        log_warn("flow", "warrener.cache_repair cannot be read", LOG_TEXT(REASON, why));
        rest(repairer);
        return;
    }
    switch (repairer->step) {
    case STEP_COUNTING:
        if (repairer->count && cache_is_connected(repairer->cache))
            read_page(repairer);
        else
            rest(repairer);
        return;
    case STEP_READING:
        if (repairer->n) {
            repair_page(repairer);
        } else { /* the end of this walk */
            repairer->above_seq = 0;
            rest(repairer);
        }
        return;
    case STEP_DELETING:
        log_info("flow", "cache entries repaired", LOG_INT(COUNT, repairer->n));
        repairer->is_wanted = true;
        rest(repairer);
        return;
    case STEP_RESTING:
    case STEP_REREADING:
    case STEP_WRITING: CHECK(repairer->step == STEP_COUNTING); /* no query is out */
    }
}

static void look(void *own)
{
    struct repairer *repairer = own;
    ask(repairer, STEP_COUNTING, repair_count(), on_count);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct repairer *repairer_new(struct loop *loop, struct store *store, struct cache *cache,
                              struct metrics *metrics)
{
    struct repairer *repairer = NEW(struct repairer);
    repairer->loop = loop;
    repairer->store = store;
    repairer->cache = cache;
    repairer->pending = metrics_gauge(metrics, METRIC_CACHE_REPAIR_PENDING, NULL);
    repairer->query.on_end = on_end;
    repairer->query.owner = repairer;
    arena_init(&repairer->arena, NULL, 0);
    timer_init(&repairer->timer, loop, look, repairer);
    timer_arm_ms(&repairer->timer, 0);
    return repairer;
}

void repairer_free(struct repairer *repairer)
{
    if (!repairer) return;
    store_unask(&repairer->query);
    if (repairer->reread) reread_cancel(repairer->reread);
    if (repairer->write) cache_write_cancel(repairer->write);
    timer_fini(&repairer->timer);
    arena_reset(&repairer->arena);
    free(repairer->sinks);
    free(repairer);
}

void repairer_look(struct repairer *repairer)
{
    if (repairer->count) look_within(repairer, 0);
}

uint64_t repairer_count(const struct repairer *repairer)
{
    return repairer->count;
}

const char *repairer_fault(const struct repairer *repairer)
{
    return repairer->n_failing ? repairer->fault : "";
}
