/* SPDX-License-Identifier: Apache-2.0
 *
 * The outbox's policy on a clock of the test's own: order, tries, suspects, and what is forgotten. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "flow/mail.h"

#define MOST 64

struct desk { /* sends and answers by hand */
    struct mail mail;
    struct delivery_pool pool;
    struct effect_publish publish[MOST];
    struct mail_item *out[MOST];
    unsigned n_out;
    uint64_t now_ms;
};

static const char owner[] = "a", other[] = "b";

static void on_sent(void *own, struct delivery *delivery, enum outbox_result result)
{
    (void)own;
    (void)delivery;
    (void)result;
}

static struct desk *open_desk(void)
{
    struct desk *desk = NEW(struct desk);
    mail_init(&desk->mail);
    delivery_pool_init(&desk->pool);
    desk->now_ms = 1000;
    return desk;
}

static void give_all(struct desk *desk, struct list *deliveries)
{
    for (struct list *link; (link = list_take_first(deliveries));) {
        struct delivery *delivery = LIST_ENTRY(link, struct delivery, link);
        delivery_give(&desk->pool, &delivery);
    }
}

static void forget(struct desk *desk, const char *whose, unsigned expected)
{
    struct list into;
    unsigned n = 0;
    list_init(&into);
    mail_forget(&desk->mail, whose, &into);
    LIST_EACH (link, &into) n++;
    cr_assert(n == expected, "%u", n);
    give_all(desk, &into);
}

static void close_desk(struct desk *desk)
{
    struct list into;
    list_init(&into);
    mail_forget(&desk->mail, owner, &into);
    mail_forget(&desk->mail, other, &into);
    give_all(desk, &into);
    mail_fini(&desk->mail);
    delivery_pool_fini(&desk->pool);
    free(desk);
}

static struct mail_bundle *post(struct desk *desk, const char *whose, unsigned n,
                                enum mail_kind kind, const char *exchange)
{
    static unsigned used;
    struct mail_bundle *bundle = mail_bundle_new(delivery_take(&desk->pool), n);
    bundle->owner = whose;
    bundle->on_sent = on_sent;
    for (unsigned i = 0; i < n; i++) {
        struct effect_publish *publish = &desk->publish[used++ % MOST];
        *publish = (struct effect_publish){ .next = NULL };
        publish->message.exchange = text_of(exchange);
        publish->message.routing_key = text_of("k");
        bundle->items[i].kind = kind;
        bundle->items[i].nth = i;
        bundle->items[i].publish = kind == MAIL_COPY ? NULL : publish;
    }
    mail_post(&desk->mail, bundle);
    return bundle;
}

/* Sends what may be sent now; how many. */
static unsigned send(struct desk *desk)
{
    unsigned n = 0;
    for (struct mail_item *item; (item = mail_next(&desk->mail, desk->now_ms)); n++) {
        mail_is_out(&desk->mail, item);
        desk->out[desk->n_out++] = item;
    }
    return n;
}

static bool answer(struct desk *desk, enum publish_outcome outcome) /* the oldest */
{
    cr_assert(desk->n_out > 0);
    struct mail_item *item = desk->out[0];
    memmove(desk->out, desk->out + 1, --desk->n_out * sizeof desk->out[0]);
    return mail_answer(&desk->mail, item, outcome, "312 NO_ROUTE", desk->now_ms);
}

static void lose(struct desk *desk, enum publish_outcome outcome)
{
    while (desk->n_out) cr_assert(!answer(desk, outcome));
    mail_lost(&desk->mail, "404 NOT_FOUND", desk->now_ms);
}

/* 1: sent; 2: unroutable; 0: nothing is done. */
static int take_done(struct desk *desk)
{
    struct mail_bundle *bundle = mail_take_done(&desk->mail);
    if (!bundle) return 0;
    const int result = bundle->is_unroutable ? 2 : 1;
    struct delivery *delivery = bundle->delivery;
    free(bundle);
    delivery_give(&desk->pool, &delivery);
    return result;
}

Test(mail, goes_out_in_order_and_is_done_when_all_of_it_is_in)
{
    struct desk *desk = open_desk();
    const struct mail_bundle *first = post(desk, owner, 2, MAIL_OWN, "e");
    const struct mail_bundle *second = post(desk, owner, 1, MAIL_COPY, "");
    cr_assert(send(desk) == 3);
    cr_assert(desk->out[0] == &first->items[0] && desk->out[1] == &first->items[1]);
    cr_assert(desk->out[2] == &second->items[0]);
    cr_assert(!answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 0, "one of two");
    cr_assert(!answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 1);
    cr_assert(desk->mail.n_deliveries == 1);
    cr_assert(!answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 1);
    cr_assert(desk->mail.n_deliveries == 0 && mail_due_ms(&desk->mail) == 0);
    close_desk(desk);
}

Test(mail, of_nothing_is_done_at_once)
{
    struct desk *desk = open_desk();
    post(desk, owner, 0, MAIL_OWN, "e");
    cr_assert(send(desk) == 0 && take_done(desk) == 1);
    close_desk(desk);
}

Test(mail, of_unknown_fate_goes_again_before_what_came_later)
{
    struct desk *desk = open_desk();
    struct mail_bundle *bundles[4];
    for (int i = 0; i < 3; i++) bundles[i] = post(desk, owner, 1, MAIL_COPY, "");
    cr_assert(send(desk) == 3);
    bundles[3] = post(desk, owner, 1, MAIL_COPY, "");
    cr_assert(!answer(desk, PUBLISH_CONFIRMED));
    lose(desk, PUBLISH_UNKNOWN);
    cr_assert(take_done(desk) == 1);
    cr_assert(send(desk) == 3, "all of it at once: nobody is suspected");
    for (int i = 0; i < 3; i++) cr_assert(desk->out[i] == &bundles[i + 1]->items[0], "%d", i);
    close_desk(desk);
}

Test(mail, that_is_nacked_rests_longer_each_time_and_never_ends)
{
    static const uint64_t rests_ms[] = { 1000, 2000, 4000, 8000, 8000, 8000, 8000, 8000 };
    struct desk *desk = open_desk();
    post(desk, owner, 1, MAIL_OWN, "e");
    for (size_t i = 0; i < sizeof rests_ms / sizeof *rests_ms; i++) {
        cr_assert(send(desk) == 1 && !answer(desk, PUBLISH_NACKED));
        cr_assert(mail_due_ms(&desk->mail) == desk->now_ms + rests_ms[i], "%zu", i);
        desk->now_ms += rests_ms[i] - 1;
        cr_assert(send(desk) == 0);
        desk->now_ms++;
    }
    cr_assert(send(desk) == 1 && !answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 1);
    close_desk(desk);
}

Test(mail, that_no_queue_takes_is_given_up_after_its_tries)
{
    struct desk *desk = open_desk();
    struct mail_bundle *bundle = post(desk, owner, 2, MAIL_OWN, "e");
    struct delivery *delivery = bundle->delivery;
    cr_assert(send(desk) == 2 && !answer(desk, PUBLISH_RETURNED) &&
              !answer(desk, PUBLISH_CONFIRMED));
    uint64_t rest_ms = 1000;
    for (int i = 1; i < MAIL_TRIES; i++, rest_ms *= 2) {
        cr_assert(take_done(desk) == 0 && mail_due_ms(&desk->mail) == desk->now_ms + rest_ms);
        desk->now_ms += rest_ms;
        cr_assert(send(desk) == 1 && !answer(desk, PUBLISH_RETURNED), "%d", i);
    }
    char words[300];
    text_show(delivery->unroutable, words, sizeof words);
    cr_assert(strstr(words, "'e'") && strstr(words, "'k'") && strstr(words, "312 NO_ROUTE"), "%s",
              words);
    cr_assert(take_done(desk) == 2);
    close_desk(desk);
}

Test(mail, that_is_given_up_waits_for_its_neighbours)
{
    struct desk *desk = open_desk();
    struct mail_bundle *bundle = post(desk, owner, 2, MAIL_OWN, "e");
    mail_give_up(&desk->mail, mail_next(&desk->mail, desk->now_ms), "its headers are too long");
    cr_assert(bundle->is_unroutable && take_done(desk) == 0);
    cr_assert(send(desk) == 1 && !answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 2);
    close_desk(desk);
}

Test(mail, of_a_copy_that_finds_no_queue_is_stuck_until_there_is_one)
{
    struct desk *desk = open_desk();
    struct mail_bundle *bundle = post(desk, owner, 1, MAIL_COPY, "");
    post(desk, owner, 1, MAIL_COPY, "");
    cr_assert(send(desk) == 2 && answer(desk, PUBLISH_RETURNED));
    cr_assert(!answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 1 && take_done(desk) == 0);
    desk->now_ms += 1000000;
    cr_assert(send(desk) == 0 && mail_due_ms(&desk->mail) == 0);
    mail_again(&desk->mail, &bundle->items[0]);
    cr_assert(send(desk) == 1 && !answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 1);
    close_desk(desk);
}

/* Three were out when the broker closed the channel; the second was to blame. */
Test(mail, under_suspicion_goes_one_by_one_until_the_culprit_is_found)
{
    struct desk *desk = open_desk();
    post(desk, owner, 1, MAIL_OWN, "good");
    post(desk, owner, 1, MAIL_OWN, "bad");
    post(desk, owner, 1, MAIL_COPY, "");
    cr_assert(send(desk) == 3);
    post(desk, owner, 1, MAIL_OWN, "good"); /* was not out */
    lose(desk, PUBLISH_REFUSED);
    cr_assert(send(desk) == 1, "alone");
    cr_assert(!answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 1);
    cr_assert(send(desk) == 1);
    lose(desk, PUBLISH_REFUSED); /* it is this one */
    cr_assert(send(desk) == 1 && desk->out[0]->kind == MAIL_COPY, "the copy is still a suspect");
    cr_assert(!answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 1);
    cr_assert(send(desk) == 1 && !answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 1);
    cr_assert(mail_due_ms(&desk->mail) == desk->now_ms + 1000, "the culprit rests");

    post(desk, owner, 1, MAIL_OWN, "bad");
    post(desk, owner, 1, MAIL_OWN, "good");
    cr_assert(send(desk) == 1, "its exchange is shunned, the other is not");
    cr_assert(!answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 1);
    desk->now_ms += 1000;
    cr_assert(send(desk) == 2);
    cr_assert(!answer(desk, PUBLISH_CONFIRMED) && !answer(desk, PUBLISH_CONFIRMED));
    cr_assert(take_done(desk) == 1 && take_done(desk) == 1);
    close_desk(desk);
}

Test(mail, under_suspicion_waits_for_what_is_out)
{
    struct desk *desk = open_desk();
    const struct mail_bundle *older = post(desk, owner, 1, MAIL_COPY, "");
    cr_assert(send(desk) == 1 && !answer(desk, PUBLISH_NACKED)); /* rests, and keeps its place */
    post(desk, owner, 1, MAIL_COPY, "");
    post(desk, owner, 1, MAIL_COPY, "");
    cr_assert(send(desk) == 2);
    lose(desk, PUBLISH_REFUSED);
    desk->now_ms += 1000;
    cr_assert(send(desk) == 1 && desk->out[0] == &older->items[0]);
    cr_assert(!answer(desk, PUBLISH_CONFIRMED) && send(desk) == 1);
    close_desk(desk);
}

Test(mail, that_gets_through_clears_its_exchange)
{
    struct desk *desk = open_desk();
    for (int i = 0; i < 2; i++) { /* the second time as short as the first */
        post(desk, owner, 1, MAIL_OWN, "bad");
        cr_assert(send(desk) == 1);
        lose(desk, PUBLISH_REFUSED);
        desk->now_ms += 1000;
        cr_assert(send(desk) == 1 && !answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 1);
    }
    close_desk(desk);
}

Test(mail, to_a_shunned_exchange_ends_though_it_is_never_sent)
{
    struct desk *desk = open_desk();
    post(desk, owner, 1, MAIL_OWN, "bad");
    for (int i = 0; i < 100 && desk->mail.n_deliveries; i++) {
        if (send(desk)) lose(desk, PUBLISH_REFUSED);
        if (take_done(desk) == 2) break;
        cr_assert(mail_due_ms(&desk->mail) > desk->now_ms);
        desk->now_ms = mail_due_ms(&desk->mail);
    }
    cr_assert(desk->mail.n_deliveries == 0 && desk->now_ms == 1000 + 15000, "%u",
              (unsigned)desk->now_ms);
    close_desk(desk);
}

Test(mail, of_a_copy_the_channel_was_closed_over_is_never_given_up)
{
    struct desk *desk = open_desk();
    post(desk, owner, 1, MAIL_COPY, "");
    for (int i = 0; i < 20; i++) {
        cr_assert(send(desk) == 1);
        lose(desk, PUBLISH_REFUSED);
        cr_assert(take_done(desk) == 0);
        desk->now_ms = mail_due_ms(&desk->mail);
    }
    cr_assert(send(desk) == 1 && !answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 1);
    close_desk(desk);
}

Test(mail, that_is_forgotten_is_given_back_whatever_its_state)
{
    struct desk *desk = open_desk();
    post(desk, owner, 1, MAIL_COPY, ""); /* will be done, and not told */
    post(desk, owner, 1, MAIL_COPY, ""); /* stuck */
    post(desk, owner, 1, MAIL_COPY, ""); /* rests */
    cr_assert(send(desk) == 3);
    cr_assert(!answer(desk, PUBLISH_CONFIRMED) && answer(desk, PUBLISH_RETURNED));
    cr_assert(!answer(desk, PUBLISH_NACKED));
    post(desk, owner, 2, MAIL_OWN, "e"); /* out */
    post(desk, other, 1, MAIL_COPY, ""); /* somebody else's */
    cr_assert(send(desk) == 3);
    post(desk, owner, 1, MAIL_COPY, ""); /* waits */
    forget(desk, owner, 5);
    cr_assert(desk->mail.n_deliveries == 1 && desk->mail.n_out == 3);
    cr_assert(mail_due_ms(&desk->mail) == 0 && send(desk) == 0);
    cr_assert(!answer(desk, PUBLISH_RETURNED) && !answer(desk, PUBLISH_CONFIRMED), "ignored");
    cr_assert(take_done(desk) == 0 && list_is_empty(&desk->mail.orphans));
    cr_assert(!answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 1);
    close_desk(desk);
}

Test(mail, that_was_forgotten_may_be_the_culprit)
{
    struct desk *desk = open_desk();
    post(desk, other, 1, MAIL_OWN, "bad");
    post(desk, owner, 1, MAIL_OWN, "good");
    cr_assert(send(desk) == 2);
    forget(desk, other, 1);
    lose(desk, PUBLISH_REFUSED);
    cr_assert(mail_due_ms(&desk->mail) == 0, "not the one that is left: two were out");
    cr_assert(send(desk) == 1 && !answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 1);
    close_desk(desk);
}

Test(mail, of_a_suspect_that_is_forgotten_blocks_nobody)
{
    struct desk *desk = open_desk();
    post(desk, other, 1, MAIL_OWN, "e");
    post(desk, owner, 1, MAIL_OWN, "e");
    cr_assert(send(desk) == 2);
    lose(desk, PUBLISH_REFUSED);
    cr_assert(send(desk) == 1);
    forget(desk, other, 1);
    cr_assert(send(desk) == 0, "it is still out");
    cr_assert(!answer(desk, PUBLISH_CONFIRMED));
    cr_assert(send(desk) == 1 && !answer(desk, PUBLISH_CONFIRMED) && take_done(desk) == 1);
    close_desk(desk);
}

/* Any sequence of outcomes: everything posted is told exactly once, or forgotten exactly once. */
Test(mail, adds_up_through_random_weather)
{
    for (unsigned seed = 1; seed <= 200; seed++) {
        struct desk *desk = open_desk();
        unsigned posted = 0, told = 0, forgotten = 0;
        struct list stuck;
        list_init(&stuck);
        srand(seed);
        for (int step = 0; step < 400; step++) {
            const int what = rand() % 10;
            desk->now_ms += (unsigned)rand() % 700;
            if (what < 3 && desk->pool.made < MOST / 4 + 8 && posted - told - forgotten < 16) {
                post(desk, rand() % 2 ? owner : other, (unsigned)rand() % 3,
                     (enum mail_kind)(rand() % 3), rand() % 4 ? "good" : "bad");
                posted++;
            } else if (what == 3) {
                for (struct list *link; (link = list_take_first(&stuck));)
                    mail_again(&desk->mail, LIST_ENTRY(link, struct mail_item, link));
            } else if (what == 4 && desk->n_out) {
                lose(desk, rand() % 2 ? PUBLISH_UNKNOWN : PUBLISH_REFUSED);
            } else if (what == 5 && rand() % 8 == 0) {
                struct list into;
                list_init(&into);
                mail_forget(&desk->mail, rand() % 2 ? owner : other, &into);
                LIST_EACH (link, &into) forgotten++;
                give_all(desk, &into);
            } else if (desk->n_out < MOST / 2) {
                send(desk);
            }
            while (desk->n_out && rand() % 3) {
                struct mail_item *item = desk->out[0];
                const enum publish_outcome outcomes[] = { PUBLISH_CONFIRMED, PUBLISH_CONFIRMED,
                                                          PUBLISH_RETURNED, PUBLISH_NACKED };
                if (answer(desk, outcomes[rand() % 4])) list_append(&stuck, &item->link);
            }
            while (take_done(desk)) told++;
            cr_assert(desk->mail.n_deliveries == posted - told - forgotten, "seed %u", seed);
        }
        struct list into;
        list_init(&into);
        mail_forget(&desk->mail, owner, &into);
        mail_forget(&desk->mail, other, &into);
        LIST_EACH (link, &into) forgotten++;
        give_all(desk, &into);
        cr_assert(posted == told + forgotten && desk->mail.n_out == desk->n_out, "seed %u", seed);
        while (desk->n_out) cr_assert(!answer(desk, PUBLISH_CONFIRMED));
        cr_assert(list_is_empty(&desk->mail.orphans) && desk->mail.n_out == 0, "seed %u", seed);
        close_desk(desk);
    }
}

Test(shun, lasts_longer_each_time_and_ends_with_success)
{
    struct shun shun;
    const struct wr_text bad = WR_TEXT_OF("bad"), good = WR_TEXT_OF("good");
    static const uint64_t rests_ms[] = { 1000, 2000, 4000, 8000, 8000 };
    uint64_t now_ms = 5;
    shun_init(&shun);
    for (size_t i = 0; i < sizeof rests_ms / sizeof *rests_ms; i++) {
        shun_add(&shun, bad, now_ms);
        cr_assert(!shun_has(&shun, good, now_ms));
        cr_assert(shun_has(&shun, bad, now_ms + rests_ms[i] - 1), "%zu", i);
        now_ms += rests_ms[i];
        cr_assert(!shun_has(&shun, bad, now_ms), "%zu", i);
    }
    shun_forgive(&shun, bad);
    shun_add(&shun, bad, now_ms);
    cr_assert(!shun_has(&shun, bad, now_ms + 1000), "begins anew");
    now_ms += 1000 + 60001; /* long forgotten */
    shun_add(&shun, good, now_ms);
    shun_add(&shun, bad, now_ms);
    cr_assert(shun_has(&shun, bad, now_ms + 999) && !shun_has(&shun, bad, now_ms + 1000));
    shun_fini(&shun);
}
