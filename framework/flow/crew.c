/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of a message through the crew; see crew.h. Whatever happens (messages arrived, lanes gave
 * back, a timer came) ends in one turn: collect, close the batch if it is due, settle, hand out work,
 * and set the timer for what comes next. */
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "flow/crew_inside.h"
#include "flow/intake.h"
#include "plugin/event.h"

void crew_free_delivery(struct crew *crew, struct delivery *delivery)
{
    crew_end_reading(crew, delivery);
    crew->in_flight--;
    crew->bytes_in_flight -= delivery->body_bytes;
    if (UNLIKELY(delivery->is_suspect)) crew_suspect_left(crew, delivery);
    delivery_give(&crew->pool, &delivery);
}

static void free_all(struct crew *crew, struct list *deliveries)
{
    LIST_EACH (link, deliveries) {
        crew_free_delivery(crew, LIST_ENTRY(link, struct delivery, link));
    }
}

void crew_read_clocks(struct crew *crew)
{
    if (crew->now.now_ns) return;
    crew->now.now_ns = clock_now_ns();
    crew->now.unix_ms = clock_unix_us() / 1000;
}

static void on_cached(void *own, struct delivery *delivery)
{
    struct crew *crew = own;
    crew_read_clocks(crew);
    delivery_move(delivery, DELIVERY_CACHED);
    if (delivery->outcome.effects.n_publishes)
        crew_publish(crew, delivery);
    else
        crew_finish(crew, delivery);
}

void crew_conclude(void *own, struct delivery *delivery)
{
    struct crew *crew = own;
    crew_read_clocks(crew);
    valve_note(&crew->valve, VALVE_STORED, false, crew->now.now_ns / 1000000u);
    crew_end_reading(crew, delivery);
    if (crew->cacher && cacher_wants(crew->cacher, delivery))
        cacher_add(crew->cacher, delivery);
    else
        on_cached(crew, delivery);
}

/* Without sinks a batch is durable when it is closed. */
static void conclude_batch(struct crew *crew)
{
    histogram_note(crew->batch_rows, crew->batch.n);
    counter_add(crew->committed, 1);
    tracing_batch(&crew->tracing, &crew->batch.deliveries, crew->batch.n,
                  crew->batch.since_ms * 1000000u, crew->now.now_ns);
    LIST_EACH (link, &crew->batch.deliveries) {
        struct delivery *delivery = LIST_ENTRY(link, struct delivery, link);
        delivery_move(delivery, DELIVERY_STORED);
        crew_conclude(crew, delivery);
    }
    batch_init(&crew->batch);
}

static bool has_room(const struct crew *crew)
{
    return !crew->shipper || shipper_has_room(crew->shipper);
}

/* Somebody cannot begin before something of it is stored. */
static bool is_batch_waited_for(const struct crew *crew)
{
    if (!crew->fetcher) return false;
    LIST_EACH (link, &crew->batch.deliveries)
        if (fetcher_is_waited_for(LIST_ENTRY(link, struct delivery, link))) return true;
    return false;
}

/* A full batch is closed as its last message is staged, whatever happens to it then; one that is only
 * old goes on filling until something is free to take it. */
static bool is_batch_due(const struct crew *crew, uint64_t now_ms)
{
    if (!crew->batch.n || !has_room(crew)) return false;
    return crew->is_draining || crew->is_pressed ||
           batch_is_due(&crew->batch, &crew->settings.batch, now_ms) || is_batch_waited_for(crew);
}

void crew_close_batch(struct crew *crew)
{
    if (crew->shipper)
        shipper_ship(crew->shipper, &crew->batch);
    else
        conclude_batch(crew);
}

static void resume_held(struct crew *crew, uint64_t now_ms)
{
    for (struct delivery *delivery; (delivery = hold_take_due(&crew->hold, now_ms));) {
        delivery_move(delivery, DELIVERY_RECEIVED);
        delivery->job.message.attempt = delivery->attempt;
        crew_offer(crew, delivery);
    }
}

static uint64_t sooner(uint64_t a_ms, uint64_t b_ms)
{
    if (!a_ms || !b_ms) return a_ms ? a_ms : b_ms;
    return a_ms < b_ms ? a_ms : b_ms;
}

static void tell_broker(struct crew *crew, uint64_t now_ms)
{
    const bool may_rest = !crew->is_draining && !crew->is_pressed;
    crew->rests_acks = may_rest && settle_may_rest(&crew->settle, now_ms);
    if (!crew->rests_acks) settle_flush(&crew->settle, now_ms);
    consumer_set_plenty(crew->consumer, may_rest && settle_has_plenty(&crew->settle));
}

static void set_timer(struct crew *crew, uint64_t now_ms)
{
    uint64_t due_ms = has_room(crew) ? batch_due_ms(&crew->batch, &crew->settings.batch) : 0;
    due_ms = sooner(due_ms, hold_due_ms(&crew->hold));
    due_ms = sooner(due_ms, settle_due_ms(&crew->settle));
    if (crew->rests_acks) due_ms = sooner(due_ms, settle_rested_ms(&crew->settle));
    if (crew_may_push(crew)) /* else it is due for as long as somebody is alone */
        due_ms = sooner(due_ms, valve_due_ms(&crew->valve));
    due_ms = sooner(due_ms, complaints_due_ms(&crew->complaints));
    if (!due_ms)
        timer_disarm(&crew->timer);
    else
        timer_arm_ms(&crew->timer, due_ms > now_ms ? due_ms - now_ms : 0);
}

void crew_turn(struct crew *crew)
{
    crew_read_clocks(crew);
    const uint64_t now_ms = crew->now.now_ns / 1000000u;
    lanes_collect(crew->lanes, crew_decide, crew);
    resume_held(crew, now_ms);
    if (is_batch_due(crew, now_ms)) crew_close_batch(crew);
    if (crew->cacher) cacher_ship(crew->cacher);
    if (crew->consumer) tell_broker(crew, now_ms);
    if (crew_may_push(crew))
        valve_gave(&crew->valve, lanes_push(crew->lanes, valve_allows(&crew->valve, now_ms)));
    complaints_tell_held(&crew->complaints, now_ms);
    set_timer(crew, now_ms);
    crew_alone_turn(crew);
    gauge_set(crew->in_flight_gauge, crew->in_flight);
    gauge_set(crew->bytes_gauge, crew->bytes_in_flight);
    crew->now.now_ns = 0; /* what comes next reads the clocks anew */
}

void crew_forget_waiting(struct crew *crew)
{
    struct list waiting;
    list_init(&waiting);
    lanes_forget(crew->lanes, &waiting);
    if (crew->fetcher) fetcher_forget(crew->fetcher, &waiting);
    parking_release_all(&crew->parking, &waiting);
    free_all(crew, &crew->suspects);
    free_all(crew, &waiting);
    free_all(crew, &crew->hold.deliveries);
    hold_init(&crew->hold);
}

/* Lanes skip what they still have of it. */
void crew_forget_all(struct crew *crew)
{
    struct list sending;
    list_init(&sending);
    crew_forget_waiting(crew);
    outbox_forget(crew->settings.outbox, crew, &sending);
    free_all(crew, &sending);
    crew->sending = 0;
    free_all(crew, &crew->batch.deliveries);
    batch_init(&crew->batch);
    if (crew->shipper) shipper_forget(crew->shipper);
    if (crew->cacher) cacher_forget(crew->cacher);
    valve_forget(&crew->valve);
}

static void on_subscribed(void *own, uint64_t epoch)
{
    struct crew *crew = own;
    settle_begin(&crew->settle, epoch);
    atomic_store(&crew->orders.epoch, epoch);
    log_info("flow", "consuming", LOG_TEXT(QUEUE, crew->settings.topology.queue),
             LOG_TEXT(TAG, crew->settings.tag), LOG_INT(COUNT, crew_window(crew)));
}

static void on_unsubscribed(void *own, const char *why)
{
    struct crew *crew = own;
    atomic_store(&crew->orders.epoch, 0);
    settle_begin(&crew->settle, 0);
    if (*why) crew_blame_held(crew);
    crew_forget_all(crew);
    if (*why && !crew->is_draining)
        log_warn("flow", "not consuming", LOG_TEXT(QUEUE, crew->settings.topology.queue),
                 LOG_TEXT(REASON, why));
    crew_turn(crew);
}

static char *on_begin(void *own, const struct amqp_delivery *arrived, void **token)
{
    struct crew *crew = own;
    if (!settle_open(&crew->settle, arrived->epoch, arrived->tag)) return NULL;
    struct delivery *delivery = delivery_take(&crew->pool);
    crew_read_clocks(crew);
    intake_fill(delivery, arrived, text_of(crew->settings.topology.queue), crew->now.now_ns);
    crew->in_flight++;
    crew->bytes_in_flight += delivery->body_bytes;
    *token = delivery;
    return delivery->body;
}

/* While draining nothing is begun: it stays unacked and goes back when the channel closes. */
static void on_message(void *own, void *token)
{
    struct crew *crew = own;
    struct delivery *delivery = token;
    counter_add(crew->received, 1);
    if (crew->is_draining) {
        crew_free_delivery(crew, delivery);
        return;
    }
    if (UNLIKELY(event_is_possible(&delivery->job))) intake_finish(delivery, &crew->json);
    tracing_begin(&crew->tracing, delivery);
    if (crew_is_ordered(crew)) {
        delivery->order_key = order_key_of(&crew->settings.order, &delivery->job, &crew->json);
        if (parking_is_stopped(&crew->parking, delivery->order_key)) {
            parking_add(&crew->parking, delivery);
            return;
        }
    }
    crew_offer(crew, delivery);
}

static void on_torn(void *own, void *token)
{
    crew_free_delivery(own, token);
}

static void on_oversize(void *own, const struct amqp_delivery *arrived)
{
    struct crew *crew = own;
    counter_add(crew->received, 1);
    settle_oversize(&crew->settle, arrived->epoch, arrived->tag);
    log_warn("flow", "message dead: larger than max_message", LOG_TEXT(QUEUE, crew->settings.name),
             LOG_SPAN(MESSAGE_ID, arrived->properties.message_id),
             LOG_INT(BYTES, arrived->body_bytes));
}

static void on_batch_end(void *own)
{
    crew_turn(own);
}

static void on_warning(void *own, const char *text)
{
    struct crew *crew = own;
    log_warn("amqp", text, LOG_TEXT(QUEUE, crew->settings.topology.queue));
}

static void on_cache_answered(void *own)
{
    crew_turn(own);
}

static void on_cache_forgotten(void *own, struct delivery *delivery)
{
    crew_free_delivery(own, delivery);
}

const struct cacher_events crew_cacher_events = {
    .on_cached = on_cached,
    .on_answered = on_cache_answered,
    .on_forgotten = on_cache_forgotten,
};

const struct consumer_events crew_consumer_events = {
    .on_subscribed = on_subscribed,
    .on_unsubscribed = on_unsubscribed,
    .on_begin = on_begin,
    .on_message = on_message,
    .on_torn = on_torn,
    .on_oversize = on_oversize,
    .on_batch_end = on_batch_end,
    .on_warning = on_warning,
};
