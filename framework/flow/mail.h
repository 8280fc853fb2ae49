/* SPDX-License-Identifier: Apache-2.0
 *
 * The outbox's policy: what is sent next, what is sent again and when, and when a delivery's messages
 * are all in. A bundle is one delivery's; an item one message of it. Messages go out in the order they
 * came; one that the broker does not take rests and goes again. Where the broker closes the channel
 * over a message and does not say which, all that were out are suspects and go one at a time. Pure:
 * told the time and the outcomes. */
#ifndef FLOW_MAIL_H
#define FLOW_MAIL_H

#include "amqp/publisher.h"
#include "flow/delivery.h"
#include "flow/outbox.h"
#include "flow/shun.h"

#define MAIL_TRIES 5 /* of a handler's own message that no queue takes */

enum mail_kind {
    MAIL_COPY,  /* to a retry or dead queue: sent until it is in */
    MAIL_OWN,   /* a handler's message */
    MAIL_REPLY, /* likewise, but nobody need be there for it */
};

enum mail_state {
    MAIL_WAITING, /* to be sent */
    MAIL_OUT,     /* sent, not answered */
    MAIL_RESTING, /* to be sent again at due_ms */
    MAIL_STUCK,   /* its queue is missing: until mail_again */
    MAIL_REFUSED, /* the channel was closed over this one or another: until mail_lost */
    MAIL_IN,      /* confirmed, or given up */
};

struct mail_bundle;

struct mail_item {
    struct list link; /* in the one list its state stands for; of STUCK, in its owner's */
    struct mail_bundle *bundle;
    enum mail_kind kind;
    enum mail_state state;
    bool is_suspect;
    uint32_t nth;      /* of the messages its handler published, from 0 */
    uint32_t rests;    /* so far: each is longer */
    uint32_t refusals; /* tries that ended because no queue takes it */
    uint64_t number;   /* its place in the order */
    uint64_t due_ms;
    const struct effect_publish *publish; /* in its delivery's arena; NULL: a copy */
};

struct mail_bundle {
    struct list link;
    struct delivery *delivery; /* NULL: forgotten; what is out is waited for and ignored */
    const void *owner;
    outbox_on_sent *on_sent;
    bool is_unroutable;
    unsigned n_items, n_open, n_out;
    /* What its messages are made from, of no concern here. */
    struct outbox_member *member;
    struct outbox_side *side; /* of a copy: where to */
    struct wr_text reason, detail, code, handler;
    uint32_t attempt;
    struct mail_item items[];
};

struct mail {
    struct list bundles, orphans, done;
    struct list waiting; /* items, by number */
    struct list resting; /* items, by due_ms */
    struct list refused; /* items */
    uint64_t next_number;
    size_t n_deliveries; /* in bundles and done */
    size_t n_out;        /* those of orphans too */
    size_t n_refused;    /* likewise */
    bool is_suspect_out; /* alone on its way */
    struct shun shun;    /* exchanges */
};

void mail_init(struct mail *mail);
void mail_fini(struct mail *mail); /* forgets everything; deliveries are their owners' */

/* Items are for the caller to fill (kind, publish, nth), then the bundle is posted. One of no items is
 * done at once. */
struct mail_bundle *mail_bundle_new(struct delivery *delivery, unsigned n_items);
void mail_post(struct mail *mail, struct mail_bundle *bundle);

/* The next to send, or NULL. Where it is a handler's and its exchange is shunned, it rests instead. */
struct mail_item *mail_next(struct mail *mail, uint64_t now_ms);
void mail_is_out(struct mail *mail, struct mail_item *item); /* mail_next's was sent */
/* mail_next's can never be encoded: given up. `why` is for its owner. */
void mail_give_up(struct mail *mail, struct mail_item *item, const char *why);
void mail_put_off(struct mail *mail, struct mail_item *item, uint64_t now_ms); /* or: rests */

/* Exactly one for each that is out. True: it is STUCK, for the caller to keep. */
MUST_USE bool mail_answer(struct mail *mail, struct mail_item *item, enum publish_outcome outcome,
                          const char *why, uint64_t now_ms);
/* The channel went: after the answers that this caused. */
void mail_lost(struct mail *mail, const char *why, uint64_t now_ms);
void mail_again(struct mail *mail, struct mail_item *item); /* was STUCK */

uint64_t mail_due_ms(const struct mail *mail);         /* when one has rested; 0: none rests */
struct mail_bundle *mail_take_done(struct mail *mail); /* for the caller to free; NULL: none */
void mail_forget(struct mail *mail, const void *owner, struct list *into);

#endif
