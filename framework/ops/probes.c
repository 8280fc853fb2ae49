/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy of the two probes; see probes.h. */
#include "ops/probes.h"

#include "base/time_text.h"

void probe_clock_tick(struct probe_clock *clock, uint64_t now_ms)
{
    const uint64_t passed = clock->last_ms && now_ms > clock->last_ms ? now_ms - clock->last_ms : 0;
    clock->counted_ms += passed < PROBE_TICK_MAX_MS ? passed : PROBE_TICK_MAX_MS;
    clock->last_ms = now_ms;
}

bool probe_is_stuck(uint64_t now_ms, uint64_t since_ms, uint64_t timeout_ms)
{
    return since_ms && now_ms > since_ms && now_ms - since_ms > timeout_ms + PROBE_LANE_GRACE_MS;
}

static uint64_t passed_since(const struct probe_facts *facts, uint64_t since_ms)
{
    return facts->now_ms > since_ms ? facts->now_ms - since_ms : 0;
}

static void write_since(const struct probe_facts *facts, uint64_t passed_ms,
                        struct metrics_text *words)
{
    char time[TIME_CHARS + 1];
    time_to_rfc3339(facts->now_unix_us - (int64_t)passed_ms * 1000, time);
    metrics_text_format(words, " for %llu s, since %s", (unsigned long long)(passed_ms / 1000),
                        time);
}

static bool loop_is_still(const struct probe_facts *facts, struct metrics_text *words)
{
    const uint64_t passed_ms = passed_since(facts, facts->beat_ms);
    if (!facts->beat_ms || passed_ms < PROBE_LOOP_STILL_MS) return false;
    metrics_text_put(words, "the loop has not moved");
    write_since(facts, passed_ms, words);
    metrics_text_put(words, "\n");
    return true;
}

static bool lane_is_stuck(const struct probe_facts *facts, const struct probe_lane *lane,
                          struct metrics_text *words)
{
    const uint64_t passed_ms = passed_since(facts, lane->since_ms);
    if (!probe_is_stuck(facts->now_ms, lane->since_ms, lane->timeout_ms)) return false;
    metrics_text_format(words, "lane %u of queue %s is stuck in one handler call", lane->number,
                        lane->queue);
    write_since(facts, passed_ms, words);
    metrics_text_format(words, " (timeout %llu ms)\n", (unsigned long long)lane->timeout_ms);
    return true;
}

static bool write_faults(const struct probe_facts *facts, struct metrics_text *words)
{
    bool any = loop_is_still(facts, words);
    for (size_t i = 0; i < facts->n_lanes; i++)
        any |= lane_is_stuck(facts, &facts->lanes[i], words);
    return any;
}

bool probe_is_live(const struct probe_facts *facts, struct metrics_text *words)
{
    if (write_faults(facts, words)) return false;
    metrics_text_put(words, "alive\n");
    return true;
}

bool probe_is_ready(const struct probe_facts *facts, struct metrics_text *words)
{
    bool ready = !write_faults(facts, words);
    if (facts->draining) {
        metrics_text_put(words, "draining: what is in hand is finished, nothing new is taken\n");
        ready = false;
    }
    if (!facts->told) {
        metrics_text_put(words, "starting\n");
        ready = false;
    }
    for (size_t i = 0; i < facts->n_reasons; i++) {
        metrics_text_format(words, "%s\n", facts->reasons[i]);
        ready = false;
    }
    if (ready) metrics_text_put(words, "ready\n");
    return ready;
}
