/* SPDX-License-Identifier: Apache-2.0
 *
 * The small policies of the flow: batches, shares, retries, what follows an answer of the store. */
#include <criterion/criterion.h>

#include "flow/batch.h"
#include "flow/outage.h"
#include "flow/retry.h"
#include "flow/settle.h"
#include "flow/share.h"
#include "flow/ship_policy.h"

/* ---- batch --------------------------------------------------------------------------------- */

Test(batch, shrinks_to_half_of_a_small_prefetch)
{
    cr_assert(batch_policy_for(500, 20, 2000).rows == 500);
    cr_assert(batch_policy_for(500, 20, 50).rows == 25);
    cr_assert(batch_policy_for(500, 20, 1).rows == 1);
    cr_assert(batch_policy_for(500, 20, 50).wait_ms == 20);
}

Test(batch, is_due_when_full_or_old)
{
    const struct batch_policy policy = { .rows = 3, .wait_ms = 20 };
    struct delivery deliveries[3] = { 0 };
    struct batch batch;
    batch_init(&batch);
    cr_assert(!batch_is_due(&batch, &policy, 999));
    cr_assert(batch_due_ms(&batch, &policy) == 0);
    batch_add(&batch, &deliveries[0], 100);
    batch_add(&batch, &deliveries[1], 110);
    cr_assert(!batch_is_due(&batch, &policy, 119));
    cr_assert(batch_due_ms(&batch, &policy) == 120);
    cr_assert(batch_is_due(&batch, &policy, 120));
    batch_add(&batch, &deliveries[2], 111);
    cr_assert(batch_is_due(&batch, &policy, 111));
}

Test(batch, without_a_wait_is_due_at_once)
{
    const struct batch_policy policy = { .rows = 500, .wait_ms = 0 };
    struct delivery delivery = { 0 };
    struct batch batch;
    batch_init(&batch);
    batch_add(&batch, &delivery, 100);
    cr_assert(batch_is_due(&batch, &policy, 100));
}

/* ---- share --------------------------------------------------------------------------------- */

Test(share, gives_fast_handlers_much_and_slow_ones_little)
{
    static const struct {
        uint64_t typical_ns;
        uint32_t depth, piece;
    } cases[] = {
        { 0, 1000, 64 },   { 500, 1000, 64 }, { 10000, 200, 5 },
        { 1000000, 2, 1 }, { 5000000, 2, 1 }, { UINT64_MAX, 2, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert(share_depth(cases[i].typical_ns, 1000) == cases[i].depth);
        cr_assert(share_piece(cases[i].typical_ns) == cases[i].piece);
    }
    cr_assert(share_depth(UINT64_MAX, 1) == 1);
}

/* ---- retry --------------------------------------------------------------------------------- */

Test(retry, climbs_the_ladder_and_repeats_its_last_rung)
{
    const uint32_t delays[] = { 1000, 10000 };
    const struct retry_policy policy = { delays, 2, 5 };
    const struct {
        uint32_t attempt, after_ms;
        bool is_dead;
    } cases[] = { { 1, 1000, false },  { 2, 10000, false }, { 3, 10000, false },
                  { 4, 10000, false }, { 5, 0, true },      { 6, 0, true } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct retry_choice choice = retry_choose(&policy, cases[i].attempt);
        cr_assert(choice.is_dead == cases[i].is_dead);
        cr_assert(choice.after_ms == cases[i].after_ms);
    }
}

Test(retry, waits_double_up_to_a_bound)
{
    cr_assert(retry_wait_ms(1) == 250);
    cr_assert(retry_wait_ms(2) == 500);
    cr_assert(retry_wait_ms(5) == 4000);
    cr_assert(retry_wait_ms(6) == 5000);
    cr_assert(retry_wait_ms(4000000000u) == 5000);
}

Test(hold, gives_back_in_order_of_time_and_of_arrival)
{
    struct delivery deliveries[4] = { 0 };
    const uint64_t due_ms[4] = { 300, 100, 200, 100 };
    struct hold hold;
    hold_init(&hold);
    cr_assert(hold_due_ms(&hold) == 0);
    for (int i = 0; i < 4; i++) hold_add(&hold, &deliveries[i], due_ms[i]);
    cr_assert(hold_due_ms(&hold) == 100);
    cr_assert(hold_take_due(&hold, 99) == NULL);
    cr_assert(hold_take_due(&hold, 100) == &deliveries[1]);
    cr_assert(hold_take_due(&hold, 100) == &deliveries[3]);
    cr_assert(hold_take_due(&hold, 100) == NULL);
    cr_assert(hold_take_due(&hold, 999) == &deliveries[2]);
    cr_assert(hold_take_due(&hold, 999) == &deliveries[0]);
    cr_assert(hold_take_due(&hold, 999) == NULL);
    cr_assert(hold.n == 0);
}

/* ---- what follows an answer ---------------------------------------------------------------- */

Test(ship, follows_the_table)
{
    static const struct {
        enum fault_class fault;
        uint32_t messages, failures;
        bool is_well;
        enum ship_step step;
        uint32_t after_ms;
    } cases[] = {
        { FAULT_NONE, 500, 0, true, SHIP_STORED, 0 },
        { FAULT_DATA, 500, 0, true, SHIP_SPLIT, 0 },
        { FAULT_DATA, 2, 0, true, SHIP_SPLIT, 0 },
        { FAULT_DATA, 1, 0, true, SHIP_BURY, 0 },
        { FAULT_PARENT, 500, 0, true, SHIP_SPLIT, 0 },
        { FAULT_PARENT, 1, 0, true, SHIP_SPEND, 0 },
        { FAULT_TRANSIENT, 500, 1, true, SHIP_AGAIN, 50 },
        { FAULT_TRANSIENT, 500, 2, true, SHIP_AGAIN, 100 },
        { FAULT_TRANSIENT, 500, 4, true, SHIP_AGAIN, 400 },
        { FAULT_TRANSIENT, 500, 5, true, SHIP_SPLIT, 0 },
        { FAULT_TRANSIENT, 1, 5, true, SHIP_SPEND, 0 },
        { FAULT_TRANSIENT, 1, 50, false, SHIP_AGAIN, 5000 }, /* away: nothing is spent, ever */
        { FAULT_SERVER, 1, 50, true, SHIP_AGAIN, 5000 },     /* a full disk is no message's fault */
        { FAULT_SERVER, 500, 1, true, SHIP_AGAIN, 50 },
        { FAULT_MOVED, 500, 0, true, SHIP_REDO, 0 },
        { FAULT_MOVED, 1, 50, true, SHIP_REDO, 0 }, /* nothing is spent, ever */
        { FAULT_DEPLOYMENT, 1, 50, true, SHIP_HOLD, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct ship_choice choice =
            ship_choose(cases[i].fault, cases[i].messages, cases[i].failures, cases[i].is_well);
        cr_assert(choice.step == cases[i].step, "case %zu", i);
        cr_assert(choice.after_ms == cases[i].after_ms, "case %zu", i);
    }
}

/* ---- settling ------------------------------------------------------------------------------ */

Test(settle, lets_a_few_finished_ones_wait_for_more_but_not_for_long)
{
    struct settle settle = { .window = 2000, .few = 250, .acked_ms = 1000, .ledger.open = 1751 };
    cr_assert(settle_has_plenty(&settle));
    cr_assert_not(settle_may_rest(&settle, 1001), "nothing has finished: nothing waits");
    settle.ledger.finished = 249;
    cr_assert(settle_may_rest(&settle, 1001));
    cr_assert(settle_may_rest(&settle, 1004));
    cr_assert_not(settle_may_rest(&settle, 1005));
    cr_assert_eq(settle_rested_ms(&settle), 1010);
    settle.ledger.finished = 250;
    cr_assert_not(settle_may_rest(&settle, 1001));
    settle.ledger.finished = 1;
    settle.acked_ms = 0;
    cr_assert_not(settle_may_rest(&settle, 100000), "the first is told at once");
    settle.acked_ms = 1000;
    settle.ledger.open = 1748;
    cr_assert_not(settle_has_plenty(&settle), "the broker may send 251");
    settle = (struct settle){
        .window = 7, .few = 0, .acked_ms = 1000, .ledger = { .open = 6, .finished = 1 }
    };
    cr_assert_not(settle_may_rest(&settle, 1001), "nor do those of a small window wait");
}

/* ---- outages ------------------------------------------------------------------------------- */

Test(outage, nothing_is_taken_before_all_is_well)
{
    struct outage outage = { 0 };
    cr_assert(outage_note(&outage, false, false, 0) == OUTAGE_PAUSE);
    cr_assert(outage_note(&outage, false, false, 10) == OUTAGE_GO_ON);
    cr_assert(outage.is_paused);
    cr_assert(outage_note(&outage, true, false, 20) == OUTAGE_RESUME);
    cr_assert(!outage.is_paused);
    cr_assert(outage_note(&outage, true, false, 30) == OUTAGE_GO_ON);
}

Test(outage, a_short_one_is_sat_out)
{
    struct outage outage = { .was_ever_well = true };
    cr_assert(outage_note(&outage, false, false, 1000) == OUTAGE_GO_ON);
    cr_assert(outage_note(&outage, false, false, 1000 + OUTAGE_PATIENCE_MS - 1) == OUTAGE_GO_ON);
    cr_assert(outage_note(&outage, true, false, 1000 + OUTAGE_PATIENCE_MS) == OUTAGE_GO_ON);
    cr_assert(outage_note(&outage, false, false, 2000 + OUTAGE_PATIENCE_MS) == OUTAGE_GO_ON,
              "each outage is timed anew");
}

Test(outage, a_long_one_gives_the_window_back_once)
{
    struct outage outage = { .was_ever_well = true };
    cr_assert(outage_note(&outage, false, false, 1000) == OUTAGE_GO_ON);
    cr_assert(outage_note(&outage, false, false, 1000 + OUTAGE_PATIENCE_MS) == OUTAGE_PAUSE);
    cr_assert(outage_note(&outage, false, false, 9000 + OUTAGE_PATIENCE_MS) == OUTAGE_GO_ON);
    cr_assert(outage_note(&outage, true, false, 9999 + OUTAGE_PATIENCE_MS) == OUTAGE_RESUME);
}

Test(outage, a_fault_that_waiting_does_not_mend_pauses_at_once)
{
    struct outage outage = { .was_ever_well = true };
    cr_assert(outage_note(&outage, false, true, 1000) == OUTAGE_PAUSE);
    cr_assert(outage_note(&outage, true, false, 1001) == OUTAGE_RESUME);
}
