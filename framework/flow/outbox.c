/* SPDX-License-Identifier: Apache-2.0
 *
 * The outbox as its owners see it; see outbox.h. */
#include <stdio.h>
#include <stdlib.h>

#include "amqp/codec.h"
#include "flow/outbox_inside.h"

/* ---- members and sides ------------------------------------------------------------------------- */

void outbox_join(struct outbox *outbox, const void *owner, const char *consumer)
{
    static const char *const outcomes[PUBLISHED_COUNT] = { "confirmed", "returned", "nacked" };
    struct outbox_member *member = NEW(struct outbox_member);
    member->owner = owner;
    member->consumer = consumer;
    for (int i = 0; i < PUBLISHED_COUNT; i++)
        member->published[i] = metrics_counter(outbox->metrics, METRIC_PUBLISHED,
                                               (const char *[]){ consumer, outcomes[i] });
    list_append(&outbox->members, &member->link);
}

static struct outbox_member *member_of(struct outbox *outbox, const void *owner)
{
    struct outbox_member *member = NULL;
    LIST_EACH (link, &outbox->members) {
        member = LIST_ENTRY(link, struct outbox_member, link);
        if (member->owner == owner) return member;
    }
    CHECK(member && member->owner == owner); /* who sends has joined before */
    return member;
}

static void on_mended(void *own, struct outbox_side *side)
{
    struct outbox *outbox = own;
    for (struct list *link; (link = list_take_first(&side->stuck));)
        mail_again(&outbox->mail, LIST_ENTRY(link, struct mail_item, link));
    outbox_turn_soon(outbox);
}

static struct outbox_side *side_of(struct outbox *outbox, const char *queue, uint32_t delay_ms)
{
    LIST_EACH (link, &outbox->sides) {
        struct outbox_side *side = LIST_ENTRY(link, struct outbox_side, link);
        if (side->delay_ms == delay_ms && strcmp(side->queue, queue) == 0) return side;
    }
    struct outbox_side *side = side_new(outbox->loop, queue, delay_ms, on_mended, outbox);
    list_append(&outbox->sides, &side->link);
    return side;
}

/* ---- for owners -------------------------------------------------------------------------------- */

struct outbox *outbox_new(struct loop *loop, const char *host_name, struct metrics *metrics)
{
    struct outbox *outbox = NEW(struct outbox);
    outbox->loop = loop;
    outbox->host = host_name;
    outbox->metrics = metrics;
    mail_init(&outbox->mail);
    list_init(&outbox->members);
    list_init(&outbox->sides);
    timer_init(&outbox->timer, loop, outbox_turn, outbox);
    outbox->room.properties = memory_new(1, CODEC_FRAME_MOST);
    return outbox;
}

void outbox_connect(struct outbox *outbox, struct amqp_connection *connection)
{
    outbox->connection = connection;
    outbox->publisher = publisher_new(connection, OUTBOX_WINDOW, &outbox_publisher_events, outbox);
    outbox_turn_soon(outbox);
}

void outbox_free(struct outbox *outbox)
{
    if (!outbox) return;
    publisher_free(outbox->publisher);
    timer_fini(&outbox->timer);
    mail_fini(&outbox->mail);
    for (struct list *link; (link = list_take_first(&outbox->sides));)
        side_free(LIST_ENTRY(link, struct outbox_side, link));
    for (struct list *link; (link = list_take_first(&outbox->members));)
        free(LIST_ENTRY(link, struct outbox_member, link));
    free(outbox->room.properties);
    free(outbox);
}

static struct mail_bundle *begin(struct outbox *outbox, struct delivery *delivery, unsigned n,
                                 outbox_on_sent *on_sent, void *owner)
{
    struct mail_bundle *bundle = mail_bundle_new(delivery, n);
    bundle->on_sent = on_sent;
    bundle->owner = owner;
    bundle->member = member_of(outbox, owner);
    list_remove(&delivery->link);
    outbox_turn_soon(outbox);
    return bundle;
}

static void copy_texts(struct mail_bundle *bundle, struct wr_text detail, struct wr_text code,
                       const char *handler)
{
    struct arena *arena = &bundle->delivery->arena;
    bundle->detail = arena_copy(arena, detail);
    bundle->code = arena_copy(arena, code);
    bundle->handler = text_of(handler);
    bundle->items[0].kind = MAIL_COPY;
}

void outbox_bury(struct outbox *outbox, struct delivery *delivery,
                 const struct outbox_letter *letter, outbox_on_sent *on_sent, void *owner)
{
    struct mail_bundle *bundle = begin(outbox, delivery, 1, on_sent, owner);
    bundle->side = side_of(outbox, letter->queue, 0);
    bundle->attempt = delivery->attempt;
    bundle->reason = text_of(dead_reason_name(letter->reason));
    copy_texts(bundle, letter->detail, letter->code, letter->handler);
    mail_post(&outbox->mail, bundle);
}

void outbox_retry_later(struct outbox *outbox, struct delivery *delivery,
                        const struct outbox_retry *retry, outbox_on_sent *on_sent, void *owner)
{
    struct mail_bundle *bundle = begin(outbox, delivery, 1, on_sent, owner);
    bundle->side = side_of(outbox, retry->queue, retry->delay_ms);
    bundle->attempt = retry->next_attempt;
    bundle->reason = text_of("");
    copy_texts(bundle, retry->detail, retry->code, retry->handler);
    mail_post(&outbox->mail, bundle);
}

void outbox_publish(struct outbox *outbox, struct delivery *delivery, outbox_on_sent *on_sent,
                    void *owner)
{
    const struct effects *effects = &delivery->outcome.effects;
    struct mail_bundle *bundle = begin(outbox, delivery, effects->n_publishes, on_sent, owner);
    unsigned n = 0;
    for (const struct effect_publish *publish = effects->publishes; publish;
         publish = publish->next, n++) {
        bundle->items[n].publish = publish;
        bundle->items[n].nth = n;
        bundle->items[n].kind = publish->is_reply ? MAIL_REPLY : MAIL_OWN;
    }
    CHECK(n == effects->n_publishes);
    mail_post(&outbox->mail, bundle);
}

void outbox_forget(struct outbox *outbox, const void *owner, struct list *into)
{
    mail_forget(&outbox->mail, owner, into);
    LIST_EACH (link, &outbox->sides) { /* whose faults nobody waits for */
        struct outbox_side *side = LIST_ENTRY(link, struct outbox_side, link);
        if (list_is_empty(&side->stuck)) side->fault[0] = '\0';
    }
}

size_t outbox_count(const struct outbox *outbox)
{
    return outbox->mail.n_deliveries;
}

bool outbox_is_blocked(const struct outbox *outbox)
{
    return !outbox->publisher || !amqp_connection_is_ready(outbox->connection) ||
           amqp_connection_is_blocked(outbox->connection);
}

static const struct outbox_side *side_at_fault(const struct outbox *outbox)
{
    LIST_EACH (link, &outbox->sides) {
        const struct outbox_side *side = LIST_ENTRY(link, struct outbox_side, link);
        if (side->fault[0]) return side;
    }
    return NULL;
}

const char *outbox_fault(struct outbox *outbox)
{
    const struct outbox_side *side = side_at_fault(outbox);
    const size_t n = outbox_count(outbox);
    if (!n) return "";
    if (outbox_is_blocked(outbox))
        (void)snprintf(outbox->fault, sizeof outbox->fault, "publishing: %zu messages wait, %s", n,
                       outbox->connection && amqp_connection_is_ready(outbox->connection)
                           ? "the broker blocks publishers (an alarm of its memory or disk)"
                           : "there is no connection to publish on");
    else if (side)
        (void)snprintf(outbox->fault, sizeof outbox->fault,
                       "publishing: queue '%s' does not take what is sent there: %s", side->name,
                       side->fault);
    else
        return "";
    return outbox->fault;
}
