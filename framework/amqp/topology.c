/* SPDX-License-Identifier: Apache-2.0
 *
 * Declares one step after another on a channel of its own. A refusal closes the channel: where only
 * the delivery limit differs, the channel is opened again and the step repeated with the broker's. */
#include "amqp/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amqp/arguments.h"
#include "amqp/channel.h"
#include "amqp/refusal.h"
#include "base/check.h"

#define NAME_ROOM 300
#define LIMIT_TRIES 3

enum phase {
    PHASE_EXCHANGES,
    PHASE_DEAD,
    PHASE_RETRY,
    PHASE_QUEUE,
    PHASE_BINDINGS,
    PHASE_END,
};

struct topology_work {
    struct amqp_connection *connection;
    struct channel *channel;
    const struct topology *topology;
    enum topology_aim aim;
    void (*on_answer)(void *owner, const struct topology_report *report);
    void *owner;
    struct timer start;
    enum phase phase;
    size_t nth;         /* in the phases that go through a list */
    bool is_comparing;  /* TOPOLOGY_CHECK: the step's thing is there */
    int64_t limit;      /* the queue's, or what the broker has */
    int64_t dead_limit; /* likewise of Q.dead */
    unsigned limit_tries;
    char dead_name[NAME_ROOM], retry_name[NAME_ROOM]; /* the latter of the delay in hand */
    char unmade[600];                                 /* TOPOLOGY_CHECK: what is not there */
    struct topology_report report;
};

const char *topology_dead_name(const char *queue, char *out, size_t out_bytes)
{
    (void)snprintf(out, out_bytes, "%s.dead", queue);
    return out;
}

/* The largest unit that says it in one number, as people would: 90s, not 1m30s. */
const char *topology_retry_name(const char *queue, uint32_t delay_ms, char *out, size_t out_bytes)
{
    static const struct {
        const char *name;
        uint32_t ms;
    } units[] = { { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };
    size_t i = 0;
    while (delay_ms % units[i].ms != 0) i++;
    (void)snprintf(out, out_bytes, "%s.retry.%u%s", queue, delay_ms / units[i].ms, units[i].name);
    return out;
}

static void release(struct topology_work *work)
{
    timer_fini(&work->start);
    channel_free(work->channel);
    work->channel = NULL;
    connection_bury(work->connection, work);
}

static void answer(struct topology_work *work)
{
    work->report.done = !work->report.fault.text[0];
    struct amqp_connection *connection = work->connection;
    connection_enter(connection);
    release(work);
    work->on_answer(work->owner, &work->report);
    connection_leave(connection);
}

/* ---- the steps ------------------------------------------------------------------------------- */

static void on_step_done(void *owner, void *decoded);

/* What exists is only compared by declaring it, once a passive declaration has found it. */
static bool is_looking(const struct topology_work *work)
{
    return work->aim == TOPOLOGY_CHECK && !work->is_comparing;
}

static bool declare_exchange(struct topology_work *work, const struct topology_binding *binding)
{
    amqp_exchange_declare_t declare = {
        .exchange = codec_cstr(binding->exchange),
        .type = codec_cstr(binding->type ? binding->type : ""),
        .passive = is_looking(work) || !binding->type,
        .durable = 1,
    };
    return channel_call(work->channel, AMQP_EXCHANGE_DECLARE_METHOD, &declare,
                        AMQP_EXCHANGE_DECLARE_OK_METHOD, on_step_done);
}

static bool declare_queue(struct topology_work *work, const char *name, enum queue_role role,
                          int64_t number, bool passive)
{
    struct arguments arguments;
    arguments_make(&arguments, role, role == QUEUE_RETRY ? work->topology->queue : work->dead_name,
                   number);
    amqp_queue_declare_t declare = { .queue = codec_cstr(name), .passive = passive, .durable = 1 };
    if (!passive) declare.arguments = arguments.table;
    return channel_call(work->channel, AMQP_QUEUE_DECLARE_METHOD, &declare,
                        AMQP_QUEUE_DECLARE_OK_METHOD, on_step_done);
}

static bool declare_own(struct topology_work *work, bool passive)
{
    bool is_quorum = work->topology->declare == TOPOLOGY_QUORUM;
    return declare_queue(work, work->topology->queue, is_quorum ? QUEUE_QUORUM : QUEUE_CLASSIC,
                         is_quorum ? work->limit : DELIVERY_LIMIT_NONE, passive);
}

static bool declare_retry(struct topology_work *work, uint32_t delay_ms)
{
    topology_retry_name(work->topology->queue, delay_ms, work->retry_name, sizeof work->retry_name);
    return declare_queue(work, work->retry_name, QUEUE_RETRY, delay_ms, is_looking(work));
}

static bool bind(struct topology_work *work, const struct topology_binding *binding)
{
    amqp_queue_bind_t bound = { .queue = codec_cstr(work->topology->queue),
                                .exchange = codec_cstr(binding->exchange),
                                .routing_key = codec_cstr(binding->key ? binding->key : "") };
    return channel_call(work->channel, AMQP_QUEUE_BIND_METHOD, &bound, AMQP_QUEUE_BIND_OK_METHOD,
                        on_step_done);
}

/* How many steps the phase has. */
static size_t steps_of(const struct topology_work *work)
{
    const struct topology *topology = work->topology;
    const bool is_mend = work->aim == TOPOLOGY_MEND, is_check = work->aim == TOPOLOGY_CHECK;
    const bool is_ours = topology->declare != TOPOLOGY_NONE && !is_mend;
    switch (work->phase) {
    case PHASE_EXCHANGES: return is_ours ? topology->n_bindings : 0;
    case PHASE_DEAD: return 1;
    case PHASE_RETRY: return topology->n_delays;
    case PHASE_QUEUE: return !is_mend;
    case PHASE_BINDINGS: return is_ours && !is_check ? topology->n_bindings : 0;
    case PHASE_END: break;
    }
    return 0;
}

static bool begin_step(struct topology_work *work)
{
    const struct topology *topology = work->topology;
    switch (work->phase) {
    case PHASE_EXCHANGES: return declare_exchange(work, &topology->bindings[work->nth]);
    case PHASE_DEAD:
        return declare_queue(work, work->dead_name, QUEUE_DEAD, work->dead_limit, is_looking(work));
    case PHASE_RETRY: return declare_retry(work, topology->delays_ms[work->nth]);
    case PHASE_QUEUE:
        return declare_own(work, is_looking(work) || topology->declare == TOPOLOGY_NONE);
    case PHASE_BINDINGS: return bind(work, &topology->bindings[work->nth]);
    case PHASE_END: break;
    }
    return false;
}

static void go_on(struct topology_work *work)
{
    while (work->phase != PHASE_END && work->nth >= steps_of(work)) {
        work->phase++;
        work->nth = 0;
    }
    if (work->phase == PHASE_END) {
        work->report.is_unmade = work->unmade[0];
        if (work->unmade[0]) status_fail(&work->report.fault, EXIT_CONFIG, "%s", work->unmade);
        answer(work);
    } else if (!begin_step(work)) {
        status_fail(&work->report.fault, EXIT_CONFIG,
                    "queue '%s': a name of an exchange, queue or key has more than 255 bytes",
                    work->topology->queue);
        answer(work);
    }
}

/* That is made in this step where it is missing, and would be compared where it is not. */
static bool is_to_make(const struct topology_work *work)
{
    switch (work->phase) {
    case PHASE_EXCHANGES: return work->topology->bindings[work->nth].type != NULL;
    case PHASE_QUEUE: return work->topology->declare != TOPOLOGY_NONE;
    default: return true;
    }
}

static void next_step(struct topology_work *work)
{
    work->is_comparing = false;
    work->nth++;
}

static void on_step_done(void *owner, void *decoded UNUSED)
{
    struct topology_work *work = owner;
    if (is_looking(work) && is_to_make(work))
        work->is_comparing = true;
    else
        next_step(work);
    go_on(work);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static struct refusal describe(const struct topology_work *work, const struct channel_loss *loss)
{
    struct refusal refusal = { .code = loss->code,
                               .words = loss->why,
                               .vhost = connection_vhost(work->connection) };
    bool has_exchange = work->phase == PHASE_EXCHANGES || work->phase == PHASE_BINDINGS;
    if (has_exchange) refusal.exchange = work->topology->bindings[work->nth].exchange;
    if (work->phase != PHASE_EXCHANGES) refusal.queue = work->topology->queue;
    if (work->phase == PHASE_DEAD) refusal.queue = work->dead_name;
    if (work->phase == PHASE_RETRY) refusal.queue = work->retry_name;
    refusal.is_side_queue = work->phase == PHASE_DEAD || work->phase == PHASE_RETRY;
    return refusal;
}

static bool accept_limit(struct topology_work *work, const struct refusal *refusal)
{
    const bool is_dead = work->phase == PHASE_DEAD;
    if (work->phase == PHASE_RETRY) return false;
    int64_t *limit = is_dead ? &work->dead_limit : &work->limit, current;
    char warning[sizeof work->report.warning];
    if (work->limit_tries >= LIMIT_TRIES ||
        !refusal_is_limit(refusal, *limit, &current, warning, sizeof warning))
        return false;
    work->limit_tries++;
    *limit = current;
    /* The queue's own warning is the one that matters. */
    if (!is_dead || !work->report.warning[0]) memcpy(work->report.warning, warning, sizeof warning);
    return true;
}

/* TOPOLOGY_CHECK: `warrener run` makes it; the others are looked at all the same. */
static void note_unmade(struct topology_work *work, const struct refusal *refusal)
{
    const char *const name = work->phase == PHASE_EXCHANGES ? refusal->exchange : refusal->queue;
    const size_t used = strlen(work->unmade);
    (void)snprintf(work->unmade + used, sizeof work->unmade - used, "%s%s", used ? ", " : "", name);
    next_step(work);
    channel_open(work->channel);
}

static void on_lost(void *owner, const struct channel_loss *loss)
{
    struct topology_work *work = owner;
    if (loss->code == 0) {
        status_fail(&work->report.fault, EXIT_UNREACHABLE, "queue '%s': %s", work->topology->queue,
                    loss->why);
        answer(work);
        return;
    }
    struct refusal refusal = describe(work, loss);
    if (accept_limit(work, &refusal)) {
        channel_open(work->channel);
        return;
    }
    if (loss->code == AMQP_NOT_FOUND && is_looking(work) && is_to_make(work)) {
        note_unmade(work, &refusal);
        return;
    }
    refusal_explain(&refusal, &work->report.fault);
    answer(work);
}

/* ---- beginning ------------------------------------------------------------------------------- */

static void on_connected(void *owner)
{
    struct topology_work *work = owner;
    timer_disarm(&work->start);
    channel_open(work->channel);
}

static void on_start(void *owner)
{
    struct topology_work *work = owner;
    struct amqp_connection *connection = work->connection;
    connection_enter(connection);
    if (amqp_connection_is_ready(connection)) channel_open(work->channel);
    connection_leave(connection);
}

static void on_open(void *owner)
{
    go_on(owner);
}

struct topology_work *
topology_start(struct amqp_connection *connection, const struct topology *topology,
               enum topology_aim aim,
               void (*on_answer)(void *owner, const struct topology_report *report), void *owner)
{
    static const struct channel_events events = { .on_connected = on_connected,
                                                  .on_open = on_open,
                                                  .on_lost = on_lost };
    struct topology_work *work = NEW(struct topology_work);
    work->connection = connection;
    work->topology = topology;
    work->aim = aim;
    work->on_answer = on_answer;
    work->owner = owner;
    work->limit = topology->delivery_limit;
    work->dead_limit = DELIVERY_LIMIT_DEAD;
    topology_dead_name(topology->queue, work->dead_name, sizeof work->dead_name);
    work->channel = channel_new(connection, &events, work);
    timer_init(&work->start, connection_loop(connection), on_start, work);
    timer_arm_ms(&work->start, 0);
    return work;
}

void topology_cancel(struct topology_work *work)
{
    if (work) release(work);
}
