/* SPDX-License-Identifier: Apache-2.0
 *
 * The run; see dead_run.h. A letter whose body matters is held as one piece of memory until it has
 * been written down or its copy is confirmed; what is in hand is bounded by the walk's windows. A walk
 * that is lost while letters leave begins again: what is gone stays gone. */
#include "app/dead_run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "amqp/copy.h"
#include "amqp/properties.h"
#include "amqp/publisher.h"
#include "amqp/walk.h"
#include "app/brokers.h"
#include "app/dead_write.h"
#include "app/progress.h"
#include "app/spout.h"
#include "base/check.h"
#include "base/clock.h"
#include "net/loop.h"

#define WINDOW 2000
#define IN_ORDER_MOST 20000 /* so many letters are walked to the end, though no more are wanted */
#define TICK_MS 10
#define GIVE_UP_MS 30000       /* without a connection, or while the broker takes nothing */
#define ACK_REST_MS 300        /* from the last ack to the close, which is no barrier for acks */
#define NACK_PAUSE_MS 1000     /* before what the broker would not take is tried again */
#define HAND_BYTES (32u << 20) /* of letters that are held */
#define OUTPUT_WAITING (64u << 10) /* above it no more letters are asked for */

enum fate { FATE_KEEP, FATE_ACK, FATE_WRITE, FATE_SEND, FATE_RENEW };

struct letter {
    struct list link; /* in `waiting` or `sent` */
    uint64_t walk;    /* of which walk; acks of others are over */
    uint64_t tag;
    enum fate fate;
    struct amqp_delivery delivery;
    struct dead_facts facts;
    char *body;
    char bytes[]; /* what they point to */
};

struct run {
    const struct config *config;
    const struct dead_task *task;
    struct dead_result *result;
    struct status *status;
    struct loop *loop;
    struct brokers brokers;
    struct amqp_connection *connection;
    struct publisher *publisher;
    struct walk *walk; /* NULL: none now */
    uint64_t walks;
    struct timer tick;
    struct signal_watch on_int, on_term;
    struct progress progress;
    struct spout spout;
    struct list waiting, sent;
    struct letter plain; /* the one that nobody holds */
    struct walk_settings walk_settings;
    uint32_t renew_from;
    char *room; /* for a copy's properties; NULL at first */
    size_t room_bytes;
    uint64_t left;     /* letters that the next walk may see, after the first */
    uint64_t sent_out; /* letters that left, for the rate */
    uint64_t begun_ms, away_ms, acked_ms, nacked_ms, refused_ms; /* 0: not */
    bool is_walked;                                              /* no more letters come */
    bool is_marked;                                              /* copies carry our user id */
    bool is_well, is_over, was_begun, is_interrupted, has_kept;
};

static uint64_t now_of(const struct run *run)
{
    return loop_now_ms(run->loop);
}

static void finish(struct run *run, bool is_well)
{
    if (run->is_over) return;
    run->is_over = true;
    run->is_well = is_well;
    loop_stop(run->loop);
}

static void fail(struct run *run, enum exit_status exit, const char *why)
{
    if (run->is_over) return;
    status_fail(run->status, exit, "%s", why);
    finish(run, false);
}

static bool acts(const struct run *run)
{
    return !run->task->dry_run && (run->task->verb == DEAD_RETRY || run->task->verb == DEAD_DROP);
}

/* ---- letters --------------------------------------------------------------------------------- */

static struct wr_text put_down(char **at, struct wr_text text)
{
    const struct wr_text copy = text_from(*at, text.len);
    if (text.len) memcpy(*at, text.at, text.len);
    *at += text.len;
    return copy;
}

static void read_facts(const struct run *run, const struct amqp_delivery *delivery,
                       struct dead_facts *facts)
{
    dead_facts_read(delivery, text_of(run->task->queue), run->task->max_message_bytes, facts);
}

static struct letter *letter_new(struct run *run, const struct amqp_delivery *from, enum fate fate)
{
    const struct wr_text encoded = from->properties.encoded;
    const size_t texts = encoded.len + from->exchange.len + from->routing_key.len;
    struct letter *letter = memory_new(1, sizeof *letter + texts + from->body_bytes + 1);
    char *at = letter->bytes;
    list_init(&letter->link);
    letter->walk = run->walks;
    letter->tag = from->tag;
    letter->fate = fate;
    letter->delivery = *from;
    letter->delivery.exchange = put_down(&at, from->exchange);
    letter->delivery.routing_key = put_down(&at, from->routing_key);
    const bool is_read =
        properties_read(put_down(&at, encoded), &letter->delivery.properties); /* it was before */
    CHECK(is_read);
    letter->body = at;
    read_facts(run, &letter->delivery, &letter->facts);
    return letter;
}

static void letter_free(struct letter *letter)
{
    list_remove(&letter->link);
    free(letter);
}

static struct wr_text body_of(const struct letter *letter)
{
    return text_from(letter->body, letter->delivery.body_bytes);
}

static void count_reason(struct dead_result *result, struct wr_text reason)
{
    char name[sizeof result->reasons[0].name];
    if (!reason.len) reason = WR_TEXT_OF("unknown");
    text_show(reason, name, sizeof name);
    for (size_t i = 0; i < DEAD_REASONS_COUNTED; i++) {
        if (result->reasons[i].n && strcmp(result->reasons[i].name, name) != 0) continue;
        memcpy(result->reasons[i].name, name, sizeof name);
        result->reasons[i].n++;
        return;
    }
}

static void count_done(struct run *run, const struct dead_facts *facts)
{
    run->result->done++;
    count_reason(run->result, facts->reason);
}

static void keep(struct run *run, const struct letter *letter)
{
    if (!run->walk || letter->walk != run->walks) return;
    run->has_kept = true;
    walk_keep(run->walk, letter->tag);
}

static void ack(struct run *run, const struct letter *letter)
{
    if (!run->walk || letter->walk != run->walks) return;
    run->acked_ms = now_of(run);
    if (run->left) run->left--;
    walk_ack(run->walk, letter->tag);
}

/* ---- copies ---------------------------------------------------------------------------------- */

/* A letter on its way back is at its first attempt; one that is renewed stays what it is. */
static bool write_copy(struct run *run, const struct letter *letter, struct wr_text *out)
{
    const struct dead_facts *facts = &letter->facts;
    const bool is_retry = letter->fate == FATE_SEND;
    const struct wr_text none = text_of("");
    const struct copy_notes notes = {
        .attempt = is_retry || !facts->attempt ? 1 : (uint32_t)facts->attempt,
        .reason = is_retry ? none : facts->reason,
        .detail = is_retry ? none : facts->detail,
        .code = is_retry ? none : facts->code,
        .handler = facts->handler,
        .host = is_retry ? text_of(run->config->name) : facts->host,
        .exchange = facts->exchange,
        .routing_key = facts->routing_key,
        .at_ms = is_retry ? 0 : facts->died_ms,
        .mark = is_retry && run->is_marked ? text_of(amqp_connection_user(run->connection)) : none,
    };
    const size_t most = publisher_most_bytes(run->publisher);
    size_t bytes;
    if (run->room_bytes < most) run->room = memory_grow(run->room, run->room_bytes = most, 1);
    if (!copy_write(letter->delivery.properties.encoded, facts->is_copy, &notes, run->room, most,
                    &bytes))
        return false;
    *out = text_from(run->room, bytes);
    return true;
}

static bool send(struct run *run, struct letter *letter)
{
    const char *to = letter->fate == FATE_RENEW ? run->task->dead
                     : run->task->to            ? run->task->to
                                                : run->task->queue;
    struct amqp_outgoing message = { .exchange = text_of(""),
                                     .routing_key = text_of(to),
                                     .body = body_of(letter),
                                     .message_id = letter->facts.id,
                                     .mandatory = true };
    if (!write_copy(run, letter, &message.encoded))
        return status_fail(run->status, EXIT_INTERNAL,
                           "message '%.*s': its properties do not fit a frame: raise the broker's "
                           "frame_max",
                           TEXT_ARGS(letter->facts.id));
    return publisher_send(run->publisher, &message, letter, run->status);
}

static bool is_its_time(const struct run *run, const struct letter *letter)
{
    const uint64_t rate = run->task->rate, now_ms = now_of(run);
    if (now_ms < run->nacked_ms + NACK_PAUSE_MS) return false;
    if (!rate || letter->fate == FATE_RENEW) return true;
    return run->sent_out < (now_ms - run->begun_ms) * rate / 1000 + 1;
}

static void send_some(struct run *run)
{
    while (!run->is_over && !list_is_empty(&run->waiting) && publisher_has_room(run->publisher)) {
        struct letter *letter = LIST_ENTRY(run->waiting.next, struct letter, link);
        if (!is_its_time(run, letter)) return;
        list_remove(&letter->link);
        list_append(&run->sent, &letter->link);
        run->sent_out += letter->fate == FATE_SEND;
        if (!send(run, letter)) finish(run, false);
    }
}

static void on_returned(struct run *run, const struct letter *letter, const char *why)
{
    char id[128];
    status_fail(
        run->status, EXIT_USAGE,
        "queue '%s' does not take message '%s': %s; the letter stays in '%s'. Make the queue "
        "(`warrener run` does), or name another with --to",
        run->task->to ? run->task->to : run->task->queue,
        text_show(letter->facts.id, id, sizeof id), why, run->task->dead);
    finish(run, false);
}

/* Our user is another than the broker has it (a token's, say): such copies carry no mark. */
static void on_refused(struct run *run, struct letter *letter, const char *why)
{
    if (!run->is_marked) {
        fail(run, EXIT_MESSAGE, why);
    } else if (strstr(why, "user_id")) {
        run->is_marked = false;
    }
    list_append(&run->waiting, &letter->link);
}

static void on_outcome(void *own, void *token, enum publish_outcome outcome, const char *why)
{
    struct run *run = own;
    struct letter *letter = token;
    const bool is_of_now = run->walk && letter->walk == run->walks;
    list_remove(&letter->link);
    if (outcome == PUBLISH_CONFIRMED) {
        run->refused_ms = 0;
        if (letter->fate == FATE_SEND)
            count_done(run, &letter->facts);
        else
            run->result->renewed++;
        ack(run, letter);
    } else if (is_of_now && outcome == PUBLISH_REFUSED) {
        on_refused(run, letter, why);
        return;
    } else if (is_of_now && outcome != PUBLISH_RETURNED) {
        if (outcome == PUBLISH_NACKED) run->nacked_ms = now_of(run);
        if (outcome == PUBLISH_NACKED && !run->refused_ms) run->refused_ms = now_of(run);
        list_append(&run->waiting, &letter->link);
        return;
    } else if (outcome == PUBLISH_RETURNED) {
        keep(run, letter);
        on_returned(run, letter, why);
    }
    letter_free(letter);
}

static void on_room(void *own)
{
    send_some(own);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static bool is_sated(const struct run *run)
{
    return run->task->limit && run->result->matched >= run->task->limit;
}

static enum fate choose(struct run *run, const struct dead_facts *facts)
{
    const struct dead_task *task = run->task;
    const bool is_worn = facts->deliveries >= run->renew_from;
    const enum fate stays = is_worn ? FATE_RENEW : FATE_KEEP;
    if (is_sated(run) || !dead_filter_takes(&task->filter, facts)) return stays;
    run->result->matched++;
    switch (task->verb) {
    case DEAD_LIST: break;
    case DEAD_SHOW:
    case DEAD_EXPORT: return FATE_WRITE;
    case DEAD_RETRY:
        if (acts(run)) return FATE_SEND;
        break;
    case DEAD_DROP:
        if (acts(run)) return FATE_ACK;
        break;
    }
    count_done(run, facts);
    return stays;
}

static void write_down(struct run *run, const struct letter *letter)
{
    struct metrics_text *out = &run->spout.text;
    const struct amqp_properties *properties = &letter->delivery.properties;
    const struct wr_text body = body_of(letter);
    if (run->task->verb == DEAD_EXPORT)
        run->result->cut += dead_write_line(out, &letter->facts, properties, body);
    else if (run->task->json)
        dead_write_json(out, &letter->facts, properties, &body);
    else
        dead_write_page(out, &letter->facts, properties, body);
    count_done(run, &letter->facts);
}

static void list_one(struct run *run, const struct dead_facts *facts,
                     const struct amqp_properties *properties)
{
    if (run->task->json)
        dead_write_json(&run->spout.text, facts, properties, NULL);
    else
        dead_write_row(&run->spout.text, facts);
}

static char *on_begin(void *own, const struct amqp_delivery *delivery, void **token)
{
    struct run *run = own;
    struct dead_facts facts;
    const uint64_t before = run->result->matched;
    read_facts(run, delivery, &facts);
    run->result->seen++;
    const enum fate fate = choose(run, &facts);
    if (run->task->verb == DEAD_LIST && run->result->matched > before)
        list_one(run, &facts, &delivery->properties);
    if (fate != FATE_KEEP && fate != FATE_ACK) {
        struct letter *letter = letter_new(run, delivery, fate);
        *token = letter;
        return letter->body;
    }
    if (fate == FATE_ACK) count_done(run, &facts);
    run->plain.walk = run->walks;
    run->plain.tag = delivery->tag;
    run->plain.fate = fate;
    *token = &run->plain;
    return NULL;
}

/* What was put back stands behind what was put back before: only a walk to the end keeps the order. */
static void stop_early(struct run *run)
{
    if (!is_sated(run) || !run->walk) return;
    if (run->has_kept && run->result->ready <= IN_ORDER_MOST) return;
    walk_stop(run->walk);
    run->is_walked = true;
}

static void on_letter(void *own, void *token)
{
    struct run *run = own;
    struct letter *letter = token;
    switch (letter->fate) {
    case FATE_KEEP: keep(run, letter); break;
    case FATE_ACK: ack(run, letter); break;
    case FATE_WRITE:
        write_down(run, letter);
        if (letter->facts.deliveries >= run->renew_from) {
            letter->fate = FATE_RENEW;
            list_append(&run->waiting, &letter->link);
            break;
        }
        keep(run, letter);
        letter_free(letter);
        break;
    case FATE_SEND:
    case FATE_RENEW:
        list_append(&run->waiting, &letter->link);
        send_some(run);
        break;
    }
    stop_early(run);
}

static void on_torn(void *own, void *token)
{
    struct run *run = own;
    if (token != &run->plain) letter_free(token);
}

static void on_begun(void *own, const struct walk_facts *facts)
{
    struct run *run = own;
    const uint64_t most = run->task->limit;
    run->result->consumers = facts->consumers;
    run->result->limit = facts->limit;
    run->renew_from = dead_renew_from(facts->limit, amqp_connection_broker(run->connection));
    if (run->was_begun) return;
    run->was_begun = true;
    if (run->task->verb == DEAD_LIST && !run->task->json) dead_write_heading(&run->spout.text);
    run->result->ready = run->left = facts->ready;
    run->begun_ms = now_of(run);
    const bool is_bounded = most && most < facts->ready && dead_filter_is_empty(&run->task->filter);
    progress_begin(&run->progress, is_bounded ? most : facts->ready, run->begun_ms);
    if (!acts(run) && run->task->verb != DEAD_EXPORT && isatty(STDOUT_FILENO) == 1)
        run->progress.is_shown = false; /* the letters themselves are shown there */
}

static bool has_room(void *own)
{
    const struct run *run = own;
    return spout_waiting(&run->spout) < OUTPUT_WAITING;
}

static void forget_waiting(struct run *run)
{
    for (struct list *link; (link = list_take_first(&run->waiting));)
        letter_free(LIST_ENTRY(link, struct letter, link));
}

/* All that left is counted; all else is with the broker and will come again. */
static void begin_again(struct run *run)
{
    struct walk *walk = run->walk;
    run->walk = NULL;
    walk_free(walk);
    forget_waiting(run);
    run->result->matched = run->result->done;
    run->result->seen = run->result->done;
}

static void on_end(void *own, enum walk_end end, const char *why)
{
    struct run *run = own;
    switch (end) {
    case WALK_DONE: run->is_walked = true; return;
    case WALK_LOST:
        if (acts(run)) {
            begin_again(run);
            return;
        }
        status_fail(run->status, EXIT_UNREACHABLE,
                    "%s; %llu of %llu letters were seen, and all are back in their queue: run it "
                    "again",
                    why, (unsigned long long)run->result->seen,
                    (unsigned long long)run->result->ready);
        finish(run, false);
        return;
    case WALK_MISSING:
    case WALK_REFUSED: fail(run, EXIT_USAGE, why); return;
    case WALK_STALLED: fail(run, EXIT_UNREACHABLE, why); return;
    }
}

static void begin_walk(struct run *run)
{
    static const struct walk_events events = { on_begun,  has_room, on_begin,
                                               on_letter, on_torn,  on_end };
    const struct dead_task *task = run->task;
    run->is_walked = run->was_begun && !run->left;
    if (run->is_walked) return;
    const bool leaves_all = acts(run) && dead_filter_is_empty(&task->filter);
    const bool holds_bodies = acts(run) || task->verb == DEAD_EXPORT;
    run->walks++;
    run->walk_settings = (struct walk_settings){
        .queue = task->dead,
        .name = run->config->name,
        .most = run->was_begun ? run->left
                : leaves_all   ? task->limit
                               : 0,
        .hand_bytes = holds_bodies ? HAND_BYTES : UINT64_MAX,
    };
    run->walk = walk_new(run->connection, &run->walk_settings, &events, run);
}

/* ---- the connection -------------------------------------------------------------------------- */

static bool on_server(void *own, struct amqp_server *out, struct status *status)
{
    struct run *run = own;
    return brokers_next(&run->brokers, out, status);
}

static void on_ready(void *own)
{
    struct run *run = own;
    brokers_forget(&run->brokers);
    run->away_ms = 0;
}

static void on_lost(void *own, const char *why, bool is_refusal)
{
    struct run *run = own;
    if (!run->away_ms) run->away_ms = now_of(run);
    if (run->is_over) return;
    status_fail(run->status, EXIT_UNREACHABLE, "%s", why);
    if (is_refusal) finish(run, false);
}

static void on_blocked(void *own, bool blocked, const char *reason)
{
    (void)own;
    fprintf(stderr,
            blocked ? "\nwarrener: the broker blocks publishers (%s); waiting\n"
                    : "\nwarrener: the broker takes messages again\n",
            reason);
}

static void on_closed(void *own)
{
    struct run *run = own;
    loop_stop(run->loop);
}

static bool is_settled(const struct run *run)
{
    return run->is_walked && list_is_empty(&run->waiting) && list_is_empty(&run->sent) &&
           now_of(run) >= run->acked_ms + (run->acked_ms ? ACK_REST_MS : 0);
}

static void look_at_output(struct run *run)
{
    char why[100];
    spout_flush(&run->spout);
    if (!run->spout.is_broken || run->is_over) return;
    if (run->spout.fault == EPIPE) {
        finish(run, true); /* whoever read it has seen enough */
        return;
    }
    (void)snprintf(why, sizeof why, "standard output: %s", strerror(run->spout.fault));
    fail(run, EXIT_INTERNAL, why);
}

static void look_at_clock(struct run *run)
{
    const uint64_t now_ms = now_of(run);
    if (run->away_ms && now_ms - run->away_ms > GIVE_UP_MS) finish(run, false);
    if (run->refused_ms && now_ms - run->refused_ms > GIVE_UP_MS)
        fail(run, EXIT_UNREACHABLE,
             "the broker does not take the letters (basic.nack): is the queue full? They stay in "
             "the "
             "dead queue");
}

static void on_tick(void *own)
{
    struct run *run = own;
    const struct dead_task *task = run->task;
    timer_arm_ms(&run->tick, TICK_MS);
    look_at_output(run);
    look_at_clock(run);
    if (run->is_over) return;
    progress_show(&run->progress, acts(run) && task->limit ? run->result->done : run->result->seen,
                  now_of(run));
    send_some(run);
    if (is_settled(run)) {
        walk_free(run->walk); /* what was kept goes back now, however long the reading takes */
        run->walk = NULL;
        if (!spout_waiting(&run->spout)) finish(run, !run->is_interrupted);
    } else if (run->walk) {
        walk_nudge(run->walk);
    } else if (amqp_connection_is_ready(run->connection)) {
        begin_walk(run);
    }
}

/* What is on its way is waited for: or it would be in both queues. */
static void on_signal(void *own, int number)
{
    struct run *run = own;
    const bool is_second = run->is_interrupted;
    status_fail(run->status, EXIT_MESSAGE,
                "ended by signal %d; what was not done yet stays in the dead queue", number);
    run->is_interrupted = run->is_walked = true;
    if (run->walk) walk_stop(run->walk);
    forget_waiting(run);
    spout_fini(&run->spout);
    spout_init(&run->spout, STDOUT_FILENO);
    if (is_second || list_is_empty(&run->sent)) finish(run, false);
}

static void open_all(struct run *run)
{
    static const struct amqp_connection_events events = { on_server, on_ready, on_lost, on_blocked,
                                                          on_closed };
    static const struct publisher_events publisher_events = { on_outcome, on_room, NULL };
    char name[BROKERS_NAME_BYTES];
    struct amqp_connection_settings settings;
    brokers_init(&run->brokers, run->config);
    brokers_settings(run->config, "dead-command", name, &settings);
    run->connection = amqp_connection_new(run->loop, &settings, &events, run);
    run->publisher = publisher_new(run->connection, WINDOW, &publisher_events, run);
    timer_init(&run->tick, run->loop, on_tick, run);
    timer_arm_ms(&run->tick, 0);
    signal_watch_init(&run->on_int, run->loop, SIGINT, on_signal, run);
    signal_watch_init(&run->on_term, run->loop, SIGTERM, on_signal, run);
    spout_init(&run->spout, STDOUT_FILENO);
}

/* The broker has our acks before it sees us go. */
static void say_goodbye(struct run *run)
{
    walk_free(run->walk);
    run->walk = NULL;
    if (!amqp_connection_is_ready(run->connection)) return;
    amqp_connection_end(run->connection);
    loop_run(run->loop);
}

static void close_all(struct run *run)
{
    signal_watch_fini(&run->on_int);
    signal_watch_fini(&run->on_term);
    timer_fini(&run->tick);
    say_goodbye(run);
    publisher_free(run->publisher);
    forget_waiting(run);
    for (struct list *link; (link = list_take_first(&run->sent));)
        letter_free(LIST_ENTRY(link, struct letter, link));
    amqp_connection_free(run->connection);
    brokers_fini(&run->brokers);
    spout_fini(&run->spout);
    free(run->room);
    loop_free(run->loop);
}

bool dead_run(const struct config *config, const struct dead_task *task, struct dead_result *result,
              struct status *status)
{
    struct run *run = NEW(struct run);
    *result = (struct dead_result){ .ready = 0 };
    run->config = config;
    run->task = task;
    run->result = result;
    run->status = status;
    run->is_marked = true;
    list_init(&run->waiting);
    list_init(&run->sent);
    run->loop = loop_new();
    CHECK(run->loop);
    run->begun_ms = run->away_ms = now_of(run);
    open_all(run);
    loop_run(run->loop);
    const uint64_t now_ms = now_of(run);
    progress_end(&run->progress, result->seen, now_ms);
    result->took_ms = now_ms - run->begun_ms;
    const bool is_well = run->is_well;
    close_all(run);
    free(run);
    return is_well;
}
