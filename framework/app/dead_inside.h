/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of a run share and nobody else sees: dead_letter.c (a letter in hand), dead_walk.c
 * (what is done with each), dead_send.c (those that leave) and dead_run.c (beginning and end). */
#ifndef APP_DEAD_INSIDE_H
#define APP_DEAD_INSIDE_H

#include "amqp/walk.h"
#include "app/dead_run.h"
#include "app/errand.h"
#include "app/progress.h"
#include "app/spout.h"

enum letter_fate { FATE_KEEP, FATE_ACK, FATE_WRITE, FATE_SEND, FATE_RENEW };

struct letter {
    struct list link; /* in `waiting` or `sent` */
    uint64_t walk;    /* of which walk; acks of others are over */
    uint64_t tag;
    enum letter_fate fate;
    struct amqp_delivery delivery;
    struct dead_facts facts;
    char *body;
    char bytes[]; /* what they point to */
};

struct dead_run {
    const struct config *config;
    const struct dead_task *task;
    struct dead_result *result;
    struct errand errand;
    struct walk *walk; /* NULL: none now */
    uint64_t walks;
    struct progress progress;
    struct spout spout;
    struct list waiting, sent;
    struct letter *plain; /* stands for those that nobody holds */
    struct walk_settings walk_settings;
    uint32_t renew_from;
    char *room; /* for a copy's properties; NULL at first */
    size_t room_bytes;
    uint64_t sent_out;                                  /* letters that left, for the rate */
    uint64_t begun_ms, acked_ms, nacked_ms, refused_ms; /* 0: not */
    bool is_walked;                                     /* no more letters come */
    bool is_marked;                                     /* copies carry our user id */
    bool was_begun, is_interrupted, has_kept;
    bool is_giving_back, is_back; /* what was kept */
};

bool dead_acts(const struct dead_run *run); /* letters leave */

void dead_read_facts(const struct dead_run *run, const struct amqp_delivery *delivery,
                     struct dead_facts *facts);
struct letter *letter_new(struct dead_run *run, const struct amqp_delivery *from,
                          enum letter_fate fate);
void letter_free(struct letter *letter);
struct wr_text letter_body(const struct letter *letter);
void dead_count_done(struct dead_run *run, const struct dead_facts *facts);
void dead_keep(struct dead_run *run, const struct letter *letter);
void dead_ack(struct dead_run *run, const struct letter *letter);

extern const struct publisher_events dead_publisher_events;
void dead_send_some(struct dead_run *run);
void dead_forget_waiting(struct dead_run *run);

void dead_begin_walk(struct dead_run *run);

#endif
