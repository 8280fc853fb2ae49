/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules about consumers; see rules.h. They also meet configurations with other faults, where a text
 * may be NULL and a number 0. */
#include "base/check.h"
#include "base/units.h"
#include "config/memory.h"
#include "config/rules.h"

#define SHOWN_BYTES 100

static const char *show(const char *text, char out[SHOWN_BYTES])
{
    return text_show(text_of(text), out, SHOWN_BYTES);
}

/* ---- names ---------------------------------------------------------------------------------- */

static void check_same(const struct config *config, struct config_faults *faults,
                       const char *const *earlier, const char *const *later, const char *way_out)
{
    char shown[SHOWN_BYTES];
    if (!*earlier || !*later || strcmp(*earlier, *later) != 0) return;
    const struct config_place *place = config_place_of(config, earlier);
    config_blame(config, faults, later, "\"%s\" is taken by %s on line %d; %s", show(*later, shown),
                 place->path, place->line, way_out);
}

/* The first earlier consumer with the same queue or, where that differs, the same name. */
static void check_unique(const struct config *config, struct config_faults *faults, size_t nth)
{
    const struct config_consumer *consumer = &config->consumers.at[nth];
    for (size_t i = 0; i < nth; i++) {
        const struct config_consumer *earlier = &config->consumers.at[i];
        if (!earlier->enabled || !earlier->queue || !consumer->queue) continue;
        bool is_same_queue = strcmp(earlier->queue, consumer->queue) == 0;
        if (is_same_queue)
            check_same(config, faults, &earlier->queue, &consumer->queue,
                       "a queue has one consumer in a host; use lanes for more threads");
        else
            check_same(config, faults, &earlier->name, &consumer->name,
                       "a name is one consumer's identity");
        if (is_same_queue) return;
    }
}

static void check_name(const struct config *config, struct config_faults *faults,
                       const struct config_consumer *consumer)
{
    char shown[SHOWN_BYTES];
    if (!consumer->queue || config_place_of(config, &consumer->name)->is_given) return;
    for (const char *c = consumer->queue; *c; c++) {
        bool is_fit = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                      (*c >= '0' && *c <= '9') || *c == '_' || *c == '.' || *c == '-';
        if (is_fit) continue;
        config_blame(config, faults, &consumer->name,
                     "is not given, and the queue \"%s\" cannot stand for it; give 1 to 190 of "
                     "A-Z a-z 0-9 _ . -",
                     show(consumer->queue, shown));
        return;
    }
}

/* ---- order ---------------------------------------------------------------------------------- */

/* All attempts of one message, one after the other: the timeouts and the delays between them. */
static int64_t attempts_ms(const struct config_consumer *consumer)
{
    int64_t sum = consumer->retry.attempts * consumer->timeout_ms;
    size_t n = consumer->retry.delays.n;
    for (int64_t i = 0; n && i + 1 < consumer->retry.attempts; i++)
        sum += consumer->retry.delays.at_ms[(size_t)i < n ? (size_t)i : n - 1];
    return sum;
}

static void check_order(const struct config *config, struct config_faults *faults,
                        const struct config_consumer *consumer)
{
    int64_t ms = attempts_ms(consumer);
    if (consumer->order_by.kind == CONFIG_ORDER_NONE || ms <= CONFIG_ORDERED_MAX_MS) return;
    char shown[UNITS_CHARS + 1], most[UNITS_CHARS + 1];
    config_blame(config, faults, &consumer->order_by,
                 "in order, a message is retried at the head of its key and keeps it for up to %s "
                 "(%lld timeouts and the delays between them); allowed: %s; lower timeout, "
                 "retry.delays or retry.attempts",
                 duration_show(ms, shown), (long long)consumer->retry.attempts,
                 duration_show(CONFIG_ORDERED_MAX_MS, most));
}

static void check_bind(const struct config *config, struct config_faults *faults,
                       const struct config_consumer *consumer)
{
    if (consumer->bind.n && consumer->declare == CONFIG_DECLARE_NONE)
        config_blame(config, faults, &consumer->bind,
                     "declare is none, so the queue is left alone and nothing is bound; take one "
                     "of the two away");
}

/* ---- queues that are not free ----------------------------------------------------------------- */

/* Exchanges that each virtual host has from its beginning. */
static bool is_brokers_exchange(const char *name)
{
    static const char *const names[] = { "amq.direct",  "amq.fanout", "amq.topic",
                                         "amq.headers", "amq.match",  "amq.rabbitmq.trace",
                                         NULL };
    size_t i = 0;
    while (names[i] && strcmp(names[i], name) != 0) i++;
    return names[i] != NULL;
}

static void check_reserved(const struct config *config, struct config_faults *faults,
                           const struct config_consumer *consumer)
{
    static const char reserved[] = "amq.";
    char shown[SHOWN_BYTES];
    if (text_starts(text_of(consumer->queue), reserved))
        config_blame(config, faults, &consumer->queue,
                     "\"%s\": brokers keep names that begin with amq. for themselves, so its dead "
                     "queue could not be made; name the queue otherwise",
                     show(consumer->queue, shown));
    for (size_t i = 0; i < consumer->bind.n; i++) {
        const struct config_bind *bind = &consumer->bind.at[i];
        if (!bind->exchange || !bind->type || is_brokers_exchange(bind->exchange) ||
            !text_starts(text_of(bind->exchange), reserved))
            continue;
        config_blame(config, faults, &bind->exchange,
                     "\"%s\": brokers keep names that begin with amq. for themselves, so it could "
                     "not be made; name the exchange otherwise, or leave `type` out",
                     show(bind->exchange, shown));
    }
}

/* What follows `queue` in `name`; NULL where that does not begin with it. */
static const char *behind(const char *queue, const char *name)
{
    const size_t length = strlen(queue);
    return strncmp(name, queue, length) == 0 ? name + length : NULL;
}

static bool is_retry_of(const struct config_consumer *other, const char *queue)
{
    const char *const rest = behind(other->queue, queue);
    const char *const delay = rest ? behind(".retry.", rest) : NULL;
    int64_t ms;
    if (!delay || other->order_by.kind != CONFIG_ORDER_NONE || !duration_parse(text_of(delay), &ms))
        return false;
    for (size_t i = 0; i < other->retry.delays.n; i++)
        if (other->retry.delays.at_ms[i] == ms) return true;
    return false;
}

static bool is_dead_of(const struct config_consumer *other, const char *queue)
{
    const char *const rest = behind(other->queue, queue);
    return rest && strcmp(rest, ".dead") == 0;
}

/* A queue that the host makes beside another one is made once, and not as a work queue. */
static void check_beside(const struct config *config, struct config_faults *faults,
                         const struct config_consumer *consumer)
{
    for (size_t i = 0; i < config->consumers.n; i++) {
        const struct config_consumer *other = &config->consumers.at[i];
        if (other == consumer || !other->enabled || !other->queue) continue;
        const bool is_retry = is_retry_of(other, consumer->queue);
        if (!is_retry && !is_dead_of(other, consumer->queue)) continue;
        if (!is_retry && consumer->declare == CONFIG_DECLARE_NONE) continue;
        char shown[SHOWN_BYTES];
        const struct config_place *place = config_place_of(config, &other->queue);
        config_blame(config, faults, &consumer->queue,
                     "\"%s\" is the %s queue of %s on line %d; %s", show(consumer->queue, shown),
                     is_retry ? "retry" : "dead", place->path, place->line,
                     is_retry ? "messages wait in it, and nobody may take them from there"
                              : "to consume its letters, say `declare: none`");
    }
}

/* ---- memory --------------------------------------------------------------------------------- */

static void blame_sum(const struct config *config, struct config_faults *faults,
                      int64_t fixed_bytes)
{
    const struct config_consumer *largest = NULL;
    for (size_t i = 0; i < config->consumers.n; i++) {
        const struct config_consumer *consumer = &config->consumers.at[i];
        if (!consumer->enabled || !consumer->prefetch) continue;
        if (!largest || memory_in_hand(consumer) > memory_in_hand(largest)) largest = consumer;
    }
    CHECK(largest != NULL); /* or the sum were 0 */
    char message[UNITS_CHARS + 1], own[UNITS_CHARS + 1], sum[UNITS_CHARS + 1],
        memory[UNITS_CHARS + 1];
    config_blame(config, faults, &largest->prefetch,
                 "%lld x max_message %s is %s, and all consumers together %s, but memory is %s; "
                 "raise memory, or lower prefetch or max_message",
                 (long long)largest->prefetch, size_show(largest->max_message_bytes, message),
                 size_show(memory_in_hand(largest), own), size_show(fixed_bytes, sum),
                 size_show(config->memory_bytes, memory));
}

static void check_memory(const struct config *config, struct config_faults *faults)
{
    struct memory_shares shares = memory_share(config);
    if (shares.fixed_bytes > config->memory_bytes) {
        blame_sum(config, faults, shares.fixed_bytes);
        return;
    }
    for (size_t i = 0; i < config->consumers.n; i++) {
        const struct config_consumer *consumer = &config->consumers.at[i];
        if (!consumer->enabled || consumer->prefetch) continue;
        if (consumer->max_message_bytes <= shares.each_bytes) continue;
        char message[UNITS_CHARS + 1], each[UNITS_CHARS + 1], memory[UNITS_CHARS + 1];
        config_blame(config, faults, &consumer->max_message_bytes,
                     "%s is more than this consumer's share of memory, %s of %s; raise memory, or "
                     "lower max_message here or prefetch x max_message elsewhere",
                     size_show(consumer->max_message_bytes, message),
                     size_show(shares.each_bytes, each), size_show(config->memory_bytes, memory));
    }
}

void rules_check_consumers(const struct config *config, struct config_faults *faults)
{
    for (size_t i = 0; i < config->consumers.n; i++) {
        const struct config_consumer *consumer = &config->consumers.at[i];
        if (!consumer->queue) continue;
        check_name(config, faults, consumer);
        check_order(config, faults, consumer);
        check_bind(config, faults, consumer);
        check_reserved(config, faults, consumer);
        if (!consumer->enabled) continue;
        check_unique(config, faults, i);
        check_beside(config, faults, consumer);
    }
    check_memory(config, faults);
}
