/* SPDX-License-Identifier: Apache-2.0
 *
 * What is settled is of the subscription it came by: what an older one brought is not acked, not counted,
 * and in nobody's place. */
#include "flow/settle.h"

#include <criterion/criterion.h>

#define WINDOW 40
#define GRACE_MS 50

static struct metrics *metrics;
static struct settle settle;
static const struct settle_time now = { .now_ns = 5000000000, .unix_ms = 1767323045000 };

static void open_settle(void)
{
    metrics = metrics_new();
    settle_init(&settle, metrics, "q", WINDOW, GRACE_MS);
    settle_begin(&settle, 2);
    for (uint64_t tag = 1; tag <= 3; tag++) cr_assert(settle_open(&settle, 2, tag));
}

static void close_settle(void)
{
    settle_fini(&settle);
    metrics_free(metrics);
}

TestSuite(settle, .init = open_settle, .fini = close_settle);

static struct delivery *of(uint64_t epoch, uint64_t tag)
{
    static struct delivery delivery;
    delivery = (struct delivery){ .epoch = epoch, .tag = tag, .received_ns = 4000000000 };
    return &delivery;
}

static uint64_t counted(void)
{
    return counter_read(settle.done) + counter_read(settle.retried) + counter_read(settle.dead) +
           counter_read(settle.reasons[DEAD_REJECTED]) +
           counter_read(settle.reasons[DEAD_OVERSIZE]);
}

Test(settle, each_is_counted_as_what_became_of_it)
{
    settle_done(&settle, of(2, 1), &now);
    settle_retried(&settle, of(2, 2), &now);
    settle_dead(&settle, of(2, 3), DEAD_REJECTED, &now);
    cr_expect_eq(counter_read(settle.done), 1);
    cr_expect_eq(counter_read(settle.retried), 1);
    cr_expect_eq(counter_read(settle.dead), 1);
    cr_expect_eq(counter_read(settle.reasons[DEAD_REJECTED]), 1);
    cr_expect_eq(settle.ledger.finished, 3);
    cr_expect(!settle_is_clear(&settle));
}

Test(settle, what_an_older_subscription_brought_is_in_nobodys_place)
{
    settle_done(&settle, of(1, 1), &now);
    settle_retried(&settle, of(1, 2), &now);
    settle_dead(&settle, of(1, 3), DEAD_REJECTED, &now);
    settle_oversize(&settle, 1, 4);
    cr_expect_eq(counted(), 0);
    cr_expect(settle_is_clear(&settle));
    cr_expect_eq(settle.ledger.open, 3);
    cr_expect(!settle_open(&settle, 1, 4));
    cr_expect(settle_open(&settle, 2, 4));
}

Test(settle, nothing_is_settled_between_subscriptions)
{
    settle_begin(&settle, 0);
    settle_done(&settle, of(2, 1), &now);
    cr_expect(!settle_open(&settle, 2, 1));
    cr_expect(counted() == 0 && settle_is_clear(&settle));
}

/* The consumer has rejected it: an ack of its tag would be one too many. */
Test(settle, what_is_too_large_is_counted_and_never_acked)
{
    settle_oversize(&settle, 2, 4);
    cr_expect_eq(counter_read(settle.dead), 1);
    cr_expect_eq(counter_read(settle.reasons[DEAD_OVERSIZE]), 1);
    cr_expect(settle_is_clear(&settle));
}

/* Few may wait for a moment after an ack; many, or after that, may not. */
Test(settle, acks_of_a_few_rest_for_a_moment)
{
    cr_expect(!settle_may_rest(&settle, 1000), "nothing is finished");
    settle.acked_ms = 1000;
    settle_done(&settle, of(2, 1), &now);
    cr_expect(settle_may_rest(&settle, 1004));
    cr_expect(!settle_may_rest(&settle, 1005));
    for (uint64_t tag = 4; tag <= 12; tag++) {
        cr_assert(settle_open(&settle, 2, tag));
        settle_done(&settle, of(2, tag), &now);
    }
    cr_expect_eq(settle.ledger.finished, WINDOW / 4);
    cr_expect(!settle_may_rest(&settle, 1004));
}

/* As long as more than a few could still come, the socket is worth a look. */
Test(settle, plenty_is_nearly_the_whole_window)
{
    cr_expect(!settle_has_plenty(&settle));
    for (uint64_t tag = 4; tag <= WINDOW - WINDOW / 4; tag++)
        cr_assert(settle_open(&settle, 2, tag));
    cr_expect(!settle_has_plenty(&settle));
    settle_done(&settle, of(2, 2), &now);
    cr_expect(!settle_has_plenty(&settle), "what is finished is in hand until it is acked");
    cr_assert(settle_open(&settle, 2, WINDOW - WINDOW / 4 + 1));
    cr_expect(settle_has_plenty(&settle));
}
