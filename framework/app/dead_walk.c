/* SPDX-License-Identifier: Apache-2.0
 *
 * What is done with each letter of the walk, and what a lost walk means: while letters leave it begins
 * again, for what is gone stays gone; what was only to be looked at cannot be told twice. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/dead_inside.h"
#include "app/dead_write.h"

#define IN_ORDER_MOST 20000 /* so many letters are walked to the end, though no more are wanted */
#define HAND_BYTES (32u << 20)     /* of letters that are held */
#define OUTPUT_WAITING (64u << 10) /* above it no more letters are asked for */

static bool is_sated(const struct dead_run *run)
{
    return run->task->limit && run->result->matched >= run->task->limit;
}

static void note_values(struct dead_run *run, const struct dead_facts *facts)
{
    const struct dead_filter *filter = &run->task->filter;
    for (size_t i = 0; i < filter->n_where && i < DEAD_WHERES_TOLD; i++)
        dead_values_note(&run->result->has[i], dead_filter_value(&filter->where[i], facts));
}

static enum letter_fate choose(struct dead_run *run, const struct dead_facts *facts)
{
    const struct dead_task *task = run->task;
    const bool is_worn = facts->deliveries >= run->renew_from;
    const enum letter_fate stays = is_worn ? FATE_RENEW : FATE_KEEP;
    if (!run->result->matched) note_values(run, facts);
    if (is_sated(run) || !dead_filter_takes(&task->filter, facts)) return stays;
    run->result->matched++;
    switch (task->verb) {
    case DEAD_LIST: break;
    case DEAD_SHOW:
    case DEAD_EXPORT: return FATE_WRITE;
    case DEAD_RETRY:
        if (dead_acts(run)) return FATE_SEND;
        break;
    case DEAD_DROP:
        if (dead_acts(run)) return FATE_ACK;
        break;
    }
    dead_count_done(run, facts);
    return stays;
}

static void write_down(struct dead_run *run, const struct letter *letter)
{
    struct metrics_text *out = &run->spout.text;
    const struct amqp_properties *properties = &letter->delivery.properties;
    const struct wr_text body = letter_body(letter);
    if (run->task->verb == DEAD_EXPORT)
        run->result->cut += dead_write_line(out, &letter->facts, properties, body);
    else if (run->task->json)
        dead_write_json(out, &letter->facts, properties, &body);
    else
        dead_write_page(out, &letter->facts, properties, body);
    dead_count_done(run, &letter->facts);
}

static void list_one(struct dead_run *run, const struct dead_facts *facts,
                     const struct amqp_properties *properties)
{
    if (run->task->json)
        dead_write_json(&run->spout.text, facts, properties, NULL);
    else
        dead_write_row(&run->spout.text, facts);
}

static char *on_begin(void *own, const struct amqp_delivery *delivery, void **token)
{
    struct dead_run *run = own;
    struct dead_facts facts;
    const uint64_t before = run->result->matched;
    dead_read_facts(run, delivery, &facts);
    run->result->seen++;
    const enum letter_fate fate = choose(run, &facts);
    if (run->task->verb == DEAD_LIST && run->result->matched > before)
        list_one(run, &facts, &delivery->properties);
    if (fate != FATE_KEEP && fate != FATE_ACK) {
        struct letter *letter = letter_new(run, delivery, fate);
        *token = letter;
        return letter->body;
    }
    if (fate == FATE_ACK) dead_count_done(run, &facts);
    run->plain->walk = run->walks;
    run->plain->tag = delivery->tag;
    run->plain->fate = fate;
    *token = run->plain;
    return NULL;
}

/* What was put back stands behind what was put back before: only a walk to the end keeps the order. */
static void stop_early(struct dead_run *run)
{
    if (!is_sated(run) || !run->walk) return;
    if (run->has_kept && run->result->ready <= IN_ORDER_MOST) return;
    walk_stop(run->walk);
    run->is_walked = true;
}

static void on_letter(void *own, void *token)
{
    struct dead_run *run = own;
    struct letter *letter = token;
    switch (letter->fate) {
    case FATE_KEEP: dead_keep(run, letter); break;
    case FATE_ACK: dead_ack(run, letter); break;
    case FATE_WRITE:
        write_down(run, letter);
        if (letter->facts.deliveries >= run->renew_from) {
            letter->fate = FATE_RENEW;
            list_append(&run->waiting, &letter->link);
            break;
        }
        dead_keep(run, letter);
        letter_free(letter);
        break;
    case FATE_SEND:
    case FATE_RENEW:
        list_append(&run->waiting, &letter->link);
        dead_send_some(run);
        break;
    }
    stop_early(run);
}

static void on_torn(void *own, void *token)
{
    struct dead_run *run = own;
    if (token != run->plain) letter_free(token);
}

static void on_begun(void *own, const struct walk_facts *facts)
{
    struct dead_run *run = own;
    const uint64_t most = run->task->limit;
    run->result->consumers = facts->consumers;
    run->result->limit = facts->limit;
    run->renew_from = dead_renew_from(facts->limit, amqp_connection_broker(run->errand.connection));
    if (run->was_begun) return;
    run->was_begun = true;
    if (run->task->verb == DEAD_LIST && !run->task->json) dead_write_heading(&run->spout.text);
    run->result->ready = facts->ready;
    run->begun_ms = errand_now_ms(&run->errand);
    const bool is_bounded = most && most < facts->ready && dead_filter_is_empty(&run->task->filter);
    progress_begin(&run->progress, is_bounded ? most : facts->ready, run->begun_ms);
    if (!dead_acts(run) && run->task->verb != DEAD_EXPORT && isatty(STDOUT_FILENO) == 1)
        run->progress.is_shown = false; /* the letters themselves are shown there */
}

static bool has_room(void *own)
{
    const struct dead_run *run = own;
    return spout_waiting(&run->spout) < OUTPUT_WAITING;
}

/* All that left is counted; all else is with the broker and will come again. */
static void begin_again(struct dead_run *run)
{
    struct walk *walk = run->walk;
    run->walk = NULL;
    walk_free(walk);
    dead_forget_waiting(run);
    if (!dead_acts(run)) return; /* it had come to its end, but for letters to be renewed */
    run->is_walked = run->is_interrupted;
    run->result->matched = run->result->done;
    run->result->seen = run->result->done;
}

static void on_end(void *own, enum walk_end end, const char *why)
{
    struct dead_run *run = own;
    switch (end) {
    case WALK_DONE:
        run->is_walked = true;
        if (run->result->seen < run->result->ready && !is_sated(run))
            run->result->missed = run->result->ready - run->result->seen;
        return;
    case WALK_LOST:
        if (dead_acts(run) || run->is_walked) {
            begin_again(run);
            return;
        }
        status_fail(run->errand.status, EXIT_UNREACHABLE,
                    "%s; %llu of %llu letters were seen, and all are back in their queue: run it "
                    "again",
                    why, (unsigned long long)run->result->seen,
                    (unsigned long long)run->result->ready);
        errand_finish(&run->errand, false);
        return;
    case WALK_MISSING:
    case WALK_REFUSED: errand_fail(&run->errand, EXIT_USAGE, why); return;
    case WALK_STALLED: errand_fail(&run->errand, EXIT_UNREACHABLE, why); return;
    }
}

static void on_back(void *own)
{
    struct dead_run *run = own;
    run->is_back = true;
}

void dead_begin_walk(struct dead_run *run)
{
    static const struct walk_events events = { on_begun, has_room, on_begin, on_letter,
                                               on_torn,  on_end,   on_back };
    const struct dead_task *task = run->task;
    const bool leaves_all = dead_acts(run) && dead_filter_is_empty(&task->filter);
    const bool holds_bodies = dead_acts(run) || task->verb == DEAD_EXPORT;
    run->walks++;
    run->walk_settings = (struct walk_settings){
        .queue = task->dead,
        .name = run->config->name,
        .most = run->was_begun ? run->result->ready
                : leaves_all   ? task->limit
                               : 0,
        .least = run->was_begun ? run->result->ready : 0, /* the last acks may not have arrived */
        .hand_bytes = holds_bodies ? HAND_BYTES : UINT64_MAX,
    };
    run->walk = walk_new(run->errand.connection, &run->walk_settings, &events, run);
}
