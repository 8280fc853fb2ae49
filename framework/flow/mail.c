/* SPDX-License-Identifier: Apache-2.0
 *
 * Items and bundles on their way; see mail.h. A bundle is freed when nobody waits for it any more:
 * neither its owner nor the broker's answers. */
#include "flow/mail.h"

#include <stdio.h>
#include <stdlib.h>

#define REST_FIRST_MS 1000u
#define REST_MOST_MS 8000u

static struct mail_item *item_at(struct list *link)
{
    return LIST_ENTRY(link, struct mail_item, link);
}

static struct mail_bundle *bundle_at(struct list *link)
{
    return LIST_ENTRY(link, struct mail_bundle, link);
}

void mail_init(struct mail *mail)
{
    *mail = (struct mail){ .next_number = 1 };
    list_init(&mail->bundles);
    list_init(&mail->orphans);
    list_init(&mail->done);
    list_init(&mail->waiting);
    list_init(&mail->resting);
    list_init(&mail->refused);
    shun_init(&mail->shun);
}

static void free_bundles(struct list *bundles)
{
    for (struct list *link; (link = list_take_first(bundles));) {
        struct mail_bundle *bundle = bundle_at(link);
        for (unsigned i = 0; i < bundle->n_items; i++) list_remove(&bundle->items[i].link);
        free(bundle);
    }
}

void mail_fini(struct mail *mail)
{
    free_bundles(&mail->bundles);
    free_bundles(&mail->orphans);
    free_bundles(&mail->done);
    shun_fini(&mail->shun);
}

/* ---- states of an item ------------------------------------------------------------------------- */

/* By number; those that go again are older than what waits, so that the front is looked at first. */
static void line_up(struct mail *mail, struct mail_item *item)
{
    struct list *before = mail->waiting.next;
    const struct list *last = mail->waiting.previous;
    if (last != &mail->waiting &&
        LIST_ENTRY(last, const struct mail_item, link)->number < item->number)
        before = &mail->waiting;
    while (before != &mail->waiting && item_at(before)->number < item->number)
        before = before->next;
    item->state = MAIL_WAITING;
    list_remove(&item->link);
    list_append(before, &item->link); /* ahead of it */
}

static void rest(struct mail *mail, struct mail_item *item, uint64_t now_ms)
{
    uint32_t ms = REST_FIRST_MS;
    for (uint32_t i = 0; i < item->rests && ms < REST_MOST_MS; i++) ms *= 2;
    item->rests++;
    item->due_ms = now_ms + (ms < REST_MOST_MS ? ms : REST_MOST_MS);
    item->state = MAIL_RESTING;
    struct list *after = mail->resting.previous;
    while (after != &mail->resting && item_at(after)->due_ms > item->due_ms)
        after = after->previous;
    list_remove(&item->link);
    list_append(after->next, &item->link);
}

void mail_put_off(struct mail *mail, struct mail_item *item, uint64_t now_ms)
{
    rest(mail, item, now_ms);
}

/* Confirmed, or given up: when it was the last, its owner is to be told. */
static void bring_in(struct mail *mail, struct mail_item *item)
{
    struct mail_bundle *bundle = item->bundle;
    item->state = MAIL_IN;
    list_remove(&item->link);
    if (--bundle->n_open > 0) return;
    list_remove(&bundle->link);
    list_append(&mail->done, &bundle->link);
}

void mail_give_up(struct mail *mail, struct mail_item *item, const char *why)
{
    struct mail_bundle *bundle = item->bundle;
    struct delivery *delivery = bundle->delivery;
    const struct wr_outgoing *message = &item->publish->message;
    char words[700], exchange[128], key[128];
    (void)snprintf(words, sizeof words,
                   "published to exchange '%s' with key '%s', which no queue takes: %s",
                   text_show(message->exchange, exchange, sizeof exchange),
                   text_show(message->routing_key, key, sizeof key), why);
    delivery->unroutable = arena_copy(&delivery->arena, text_of(words));
    bundle->is_unroutable = true;
    bring_in(mail, item);
}

static void try_again(struct mail *mail, struct mail_item *item, const char *why, uint64_t now_ms)
{
    item->is_suspect = false;
    if (item->kind != MAIL_COPY && ++item->refusals >= MAIL_TRIES)
        mail_give_up(mail, item, why);
    else
        rest(mail, item, now_ms);
}

/* ---- giving and taking ------------------------------------------------------------------------- */

struct mail_bundle *mail_bundle_new(struct delivery *delivery, unsigned n_items)
{
    struct mail_bundle *bundle = memory_new(1, sizeof *bundle + n_items * sizeof *bundle->items);
    list_init(&bundle->link);
    bundle->delivery = delivery;
    bundle->n_items = bundle->n_open = n_items;
    for (unsigned i = 0; i < n_items; i++) {
        list_init(&bundle->items[i].link);
        bundle->items[i].bundle = bundle;
    }
    return bundle;
}

void mail_post(struct mail *mail, struct mail_bundle *bundle)
{
    mail->n_deliveries++;
    list_append(bundle->n_items ? &mail->bundles : &mail->done, &bundle->link);
    for (unsigned i = 0; i < bundle->n_items; i++) {
        bundle->items[i].number = mail->next_number++;
        line_up(mail, &bundle->items[i]);
    }
}

struct mail_bundle *mail_take_done(struct mail *mail)
{
    struct list *link = list_take_first(&mail->done);
    if (!link) return NULL;
    mail->n_deliveries--;
    return bundle_at(link);
}

static void forget(struct mail *mail, struct mail_bundle *bundle, struct list *into)
{
    for (unsigned i = 0; i < bundle->n_items; i++) {
        struct mail_item *item = &bundle->items[i];
        if (item->state != MAIL_OUT) list_remove(&item->link);
    }
    list_append(into, &bundle->delivery->link);
    bundle->delivery = NULL;
    mail->n_deliveries--;
    list_remove(&bundle->link);
    if (bundle->n_out)
        list_append(&mail->orphans, &bundle->link);
    else
        free(bundle);
}

static void forget_in(struct mail *mail, struct list *bundles, const void *owner, struct list *into)
{
    LIST_EACH (link, bundles) {
        if (bundle_at(link)->owner == owner) forget(mail, bundle_at(link), into);
    }
}

void mail_forget(struct mail *mail, const void *owner, struct list *into)
{
    forget_in(mail, &mail->bundles, owner, into);
    forget_in(mail, &mail->done, owner, into);
}

/* ---- sending ----------------------------------------------------------------------------------- */

static void wake_rested(struct mail *mail, uint64_t now_ms)
{
    for (struct list *first; (first = mail->resting.next) != &mail->resting;) {
        if (item_at(first)->due_ms > now_ms) return;
        line_up(mail, item_at(first));
    }
}

static bool is_shunned(const struct mail *mail, const struct mail_item *item, uint64_t now_ms)
{
    return item->kind == MAIL_OWN && shun_has(&mail->shun, item->publish->message.exchange, now_ms);
}

struct mail_item *mail_next(struct mail *mail, uint64_t now_ms)
{
    wake_rested(mail, now_ms);
    while (!mail->is_suspect_out && !list_is_empty(&mail->waiting)) {
        struct mail_item *item = item_at(mail->waiting.next);
        if (is_shunned(mail, item, now_ms)) {
            try_again(mail, item, "the broker does not know that exchange, or lets nobody in",
                      now_ms);
            continue;
        }
        return item->is_suspect && mail->n_out ? NULL : item;
    }
    return NULL;
}

void mail_is_out(struct mail *mail, struct mail_item *item)
{
    list_remove(&item->link);
    item->state = MAIL_OUT;
    item->bundle->n_out++;
    mail->n_out++;
    mail->is_suspect_out = item->is_suspect;
}

/* ---- answers ----------------------------------------------------------------------------------- */

static void answer_orphan(struct mail_bundle *bundle)
{
    if (bundle->n_out) return;
    list_remove(&bundle->link);
    free(bundle);
}

static void confirmed(struct mail *mail, struct mail_item *item)
{
    if (item->kind == MAIL_OWN) shun_forgive(&mail->shun, item->publish->message.exchange);
    bring_in(mail, item);
}

bool mail_answer(struct mail *mail, struct mail_item *item, enum publish_outcome outcome,
                 const char *why, uint64_t now_ms)
{
    struct mail_bundle *bundle = item->bundle;
    mail->n_out--;
    bundle->n_out--;
    if (item->is_suspect) mail->is_suspect_out = false;
    if (outcome == PUBLISH_REFUSED) mail->n_refused++;
    if (!bundle->delivery) {
        answer_orphan(bundle);
        return false;
    }
    switch (outcome) {
    case PUBLISH_CONFIRMED: confirmed(mail, item); break;
    case PUBLISH_UNKNOWN: line_up(mail, item); break;
    case PUBLISH_NACKED: rest(mail, item, now_ms); break;
    case PUBLISH_REFUSED:
        item->state = MAIL_REFUSED;
        list_append(&mail->refused, &item->link);
        break;
    case PUBLISH_RETURNED:
        if (item->kind != MAIL_COPY) {
            try_again(mail, item, why, now_ms);
            break;
        }
        item->is_suspect = false;
        item->state = MAIL_STUCK;
        return true;
    }
    return false;
}

void mail_lost(struct mail *mail, const char *why, uint64_t now_ms)
{
    const bool is_culprit = mail->n_refused == 1; /* it was alone */
    mail->n_refused = 0;
    for (struct list *link; (link = list_take_first(&mail->refused));) {
        struct mail_item *item = item_at(link);
        if (!is_culprit) {
            item->is_suspect = true;
            line_up(mail, item);
            continue;
        }
        if (item->kind == MAIL_OWN) shun_add(&mail->shun, item->publish->message.exchange, now_ms);
        try_again(mail, item, why, now_ms);
    }
}

void mail_again(struct mail *mail, struct mail_item *item)
{
    line_up(mail, item);
}

uint64_t mail_due_ms(const struct mail *mail)
{
    if (list_is_empty(&mail->resting)) return 0;
    return LIST_ENTRY(mail->resting.next, const struct mail_item, link)->due_ms;
}
