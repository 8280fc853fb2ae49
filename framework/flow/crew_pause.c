/* SPDX-License-Identifier: Apache-2.0
 *
 * When a crew takes no messages: what it needs is away, its breaker has tripped, its handler waits. A
 * short pause is sat out with the messages in hand. A long one gives them back to the queue once, for
 * the broker closes channels that sit on messages, and others may handle them; what has to be tried
 * with messages goes on with a few. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/crew_inside.h"

#define MOMENT_MS 1000 /* a wait that is over by then holds up nothing */

static const char *const names[PAUSES] = {
    [PAUSED_BY_STORE] = "postgres",
    [PAUSED_BY_CACHE] = "redis",
    [PAUSED_BY_BREAKER] = "breaker",
    [PAUSED_BY_HANDLER] = "handler",
};

static const char *const tellings[PAUSES] = {
    [PAUSED_BY_STORE] = "paused: the database is away",
    [PAUSED_BY_CACHE] = "paused: the cache is away",
    [PAUSED_BY_BREAKER] = "paused by its breaker: nearly all fails; a few are tried after a rest",
    [PAUSED_BY_HANDLER] = "paused: its handler waits for what it needs",
};

void crew_open_pauses(struct crew *crew)
{
    const bool are_possible[PAUSES] = {
        [PAUSED_BY_STORE] = true,
        [PAUSED_BY_CACHE] = crew->settings.cache && !crew->settings.repairer,
        [PAUSED_BY_BREAKER] = crew->settings.valve.of,
        [PAUSED_BY_HANDLER] = true,
    };
    for (int i = 0; i < PAUSES; i++)
        if (are_possible[i])
            crew->paused[i] = metrics_gauge(crew->settings.metrics, METRIC_PAUSED,
                                            (const char *[]){ crew->settings.name, names[i] });
}

/* ---- what it needs --------------------------------------------------------------------------- */

/* A cache that is away matters once messages are held for it: no handler says beforehand that it
 * writes there. */
static bool waits_for_cache(const struct crew *crew)
{
    return crew->cacher && !crew->settings.repairer && cacher_is_stuck(crew->cacher) &&
           !cache_is_ready(crew->settings.cache);
}

/* What is finished would be handled again elsewhere. */
static void pause(struct crew *crew, uint64_t now_ms)
{
    settle_flush(&crew->settle, now_ms);
    consumer_pause(crew->consumer);
}

static void attend_needs(struct crew *crew, uint64_t now_ms)
{
    struct store *store = crew->settings.store;
    const bool waits_for_store = store && !store_is_ready(store);
    const bool is_waiting = waits_for_store || waits_for_cache(crew);
    const bool is_fault = waits_for_store ? store_is_at_fault(store)
                                          : is_waiting && cache_is_refused(crew->settings.cache);
    const enum outage_step step = outage_note(&crew->outage, !is_waiting, is_fault, now_ms);
    if (step == OUTAGE_PAUSE) pause(crew, now_ms);
    if (step == OUTAGE_RESUME) consumer_resume(crew->consumer);
    crew->is_paused[PAUSED_BY_STORE] = waits_for_store;
    crew->is_paused[PAUSED_BY_CACHE] = is_waiting && !waits_for_store;
}

/* ---- what is tried with messages ------------------------------------------------------------- */

uint32_t crew_window(const struct crew *crew)
{
    const uint32_t prefetch = crew->settings.prefetch;
    return crew->is_narrow && prefetch > VALVE_FEW ? VALVE_FEW : prefetch;
}

static void attend_valve(struct crew *crew, uint64_t now_ms)
{
    const struct valve *valve = &crew->valve;
    const uint64_t since_ms = valve_paused_since_ms(valve);
    const uint64_t lasts_ms = since_ms ? now_ms - since_ms : 0;
    const bool is_narrow =
        crew->is_narrow ? !valve_is_open(valve, VALVE_BREAKER) || !valve_is_open(valve, VALVE_WAIT)
                        : lasts_ms >= OUTAGE_PATIENCE_MS;
    crew->is_paused[PAUSED_BY_BREAKER] = valve_is_paused(valve, VALVE_BREAKER);
    crew->is_paused[PAUSED_BY_HANDLER] = valve_is_paused(valve, VALVE_WAIT);
    crew->is_held_up = crew->is_paused[PAUSED_BY_BREAKER] || lasts_ms >= MOMENT_MS;
    if (is_narrow == crew->is_narrow) return;
    crew->is_narrow = is_narrow;
    consumer_set_prefetch(crew->consumer, (uint16_t)crew_window(crew));
    gauge_set(crew->prefetch_gauge, crew_window(crew));
    if (crew->outage.is_paused) return; /* it subscribes anew when that is over */
    pause(crew, now_ms);
    consumer_resume(crew->consumer);
}

/* ---- telling --------------------------------------------------------------------------------- */

static void put_words(struct crew *crew, enum pause_why why)
{
    const struct valve *valve = &crew->valve;
    char *out = crew->paused_by;
    const size_t room = sizeof crew->paused_by;
    switch (why) {
    case PAUSED_BY_STORE:
        snprintf(out, room, "postgres: %s", store_fault(crew->settings.store));
        break;
    case PAUSED_BY_CACHE:
        snprintf(out, room, "redis: %s", cache_fault(crew->settings.cache));
        break;
    case PAUSED_BY_BREAKER:
        snprintf(out, room, "breaker: %u of the last %u failed; the last: %s", valve->failures,
                 valve->policy.of, crew->last_error);
        break;
    case PAUSED_BY_HANDLER: snprintf(out, room, "handler: %s", crew->waits_for); break;
    case PAUSES: *out = '\0'; break;
    }
}

/* A few that are being tried are no end of a pause. */
static bool is_over(const struct crew *crew, enum pause_why why)
{
    if (why == PAUSED_BY_BREAKER) return valve_is_open(&crew->valve, VALVE_BREAKER);
    if (why == PAUSED_BY_HANDLER) return valve_is_open(&crew->valve, VALVE_WAIT);
    return !crew->is_paused[why];
}

static void tell(struct crew *crew, enum pause_why why)
{
    const bool is_news = crew->is_paused[why] && (why != PAUSED_BY_HANDLER || crew->is_held_up);
    if (is_news && !crew->is_pause_told[why]) {
        crew->is_pause_told[why] = true;
        if (why <= PAUSED_BY_CACHE) /* who lost it has warned */
            log_info("flow", tellings[why], LOG_TEXT(QUEUE, crew->settings.topology.queue),
                     LOG_TEXT(REASON, crew->paused_by));
        else
            log_warn("flow", tellings[why], LOG_TEXT(QUEUE, crew->settings.topology.queue),
                     LOG_TEXT(REASON, crew->paused_by));
    } else if (crew->is_pause_told[why] && is_over(crew, why)) {
        crew->is_pause_told[why] = false;
        log_info("flow", "goes on", LOG_TEXT(QUEUE, crew->settings.topology.queue),
                 LOG_TEXT(REASON, names[why]));
    }
}

static void tell_all(struct crew *crew)
{
    const uint64_t now_ns = clock_now_ns();
    enum pause_why first = PAUSES;
    for (int i = PAUSES - 1; i >= 0; i--) {
        if (crew->is_paused[i]) first = (enum pause_why)i;
        if (crew->paused[i]) gauge_set(crew->paused[i], crew->is_paused[i]);
    }
    put_words(crew, first);
    for (int i = 0; i < PAUSES; i++) tell(crew, (enum pause_why)i);
    if (crew->attended_ns) counter_add_seconds(crew->paused_seconds, now_ns - crew->attended_ns);
    crew->attended_ns = first != PAUSES ? now_ns : 0;
}

void crew_attend(struct crew *crew)
{
    if (!crew->consumer || crew->is_draining) return;
    const uint64_t now_ms = clock_now_ms();
    attend_needs(crew, now_ms);
    attend_valve(crew, now_ms);
    tell_all(crew);
}
