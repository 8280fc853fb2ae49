/* SPDX-License-Identifier: Apache-2.0
 *
 * The valve on a clock of the test's own: when it shuts, what it lets through, when it opens. */
#include "flow/valve.h"

#include <criterion/criterion.h>

#include "flow/retry.h"

static const struct valve_policy policy = { .share_percent = 90, .of = 20, .rest_ms = 1000 };

static struct valve valve;

static void open_it(void)
{
    valve_init(&valve, &policy);
}

static void close_it(void)
{
    valve_fini(&valve);
}

TestSuite(valve, .init = open_it, .fini = close_it);

static void note(enum valve_stage stage, uint32_t n, bool is_failure, uint64_t now_ms)
{
    while (n--) valve_note(&valve, stage, is_failure, now_ms);
}

static void trip_at(enum valve_stage stage, uint64_t now_ms)
{
    note(stage, 20, true, now_ms);
    cr_assert(valve_has_tripped(&valve));
}

static bool is_paused(enum valve_reason reason)
{
    return valve_is_paused(&valve, reason);
}

Test(valve, lets_all_through_as_long_as_enough_is_well)
{
    note(VALVE_HANDLED, 17, true, 0);
    cr_assert(valve_allows(&valve, 0) == VALVE_ALL, "too few to say");
    note(VALVE_HANDLED, 3, false, 0);
    for (int round = 0; round < 50; round++) { /* 17 of any 20 fail */
        note(VALVE_HANDLED, 17, true, 0);
        note(VALVE_HANDLED, 3, false, 0);
        cr_assert(valve_allows(&valve, 0) == VALVE_ALL);
    }
    cr_assert(valve_due_ms(&valve) == 0 && valve_paused_since_ms(&valve) == 0);
}

Test(valve, shuts_at_the_share_of_the_last)
{
    note(VALVE_HANDLED, 2000, false, 10);
    note(VALVE_HANDLED, 17, true, 20);
    cr_assert(!valve_has_tripped(&valve));
    note(VALVE_HANDLED, 1, true, 30);
    cr_assert(valve_has_tripped(&valve) && valve.failures == 18);
    cr_assert(valve_allows(&valve, 30) == 0 && valve_allows(&valve, 1029) == 0);
    cr_assert(valve_due_ms(&valve) == 1030 && valve_paused_since_ms(&valve) == 30);
    cr_assert(is_paused(VALVE_BREAKER) && !is_paused(VALVE_WAIT));
}

Test(valve, is_never_shut_without_a_breaker)
{
    struct valve none;
    valve_init(&none, &(struct valve_policy){ 0 });
    for (int i = 0; i < 1000; i++) valve_note(&none, VALVE_HANDLED, true, 0);
    cr_assert(valve_allows(&none, 0) == VALVE_ALL);
    cr_assert_str_empty(valve_breaker_name(&none));
    valve_fini(&none);
}

Test(valve, tries_a_few_after_its_rest_and_rests_again)
{
    trip_at(VALVE_HANDLED, 1);
    for (uint64_t now_ms = 1001; now_ms < 5000; now_ms += 1000) {
        cr_assert(valve_allows(&valve, now_ms) == VALVE_FEW);
        cr_assert(!valve_has_tripped(&valve), "what fails of the few has failed");
        valve_gave(&valve, 3);
        cr_assert(valve_allows(&valve, now_ms) == VALVE_FEW - 3);
        valve_gave(&valve, 2);
        cr_assert(valve_allows(&valve, now_ms) == 0 && is_paused(VALVE_BREAKER));
        note(VALVE_HANDLED, VALVE_FEW, true, now_ms);
        cr_assert(valve_due_ms(&valve) == now_ms + 1000);
    }
    cr_assert(valve_paused_since_ms(&valve) == 1, "it never opened");
}

Test(valve, opens_when_the_few_are_well_and_counts_anew)
{
    cr_assert_str_eq(valve_breaker_name(&valve), "closed");
    trip_at(VALVE_HANDLED, 0);
    cr_assert_str_eq(valve_breaker_name(&valve), "open");
    cr_assert(valve_allows(&valve, 1000) == VALVE_FEW);
    cr_assert_str_eq(valve_breaker_name(&valve), "half-open");
    valve_gave(&valve, VALVE_FEW);
    note(VALVE_HANDLED, 4, true, 1000);
    cr_assert(valve_allows(&valve, 1000) == 0);
    note(VALVE_HANDLED, 1, false, 1000);
    cr_assert(valve_allows(&valve, 1000) == VALVE_ALL && valve_is_open(&valve, VALVE_BREAKER));
    cr_assert(valve_paused_since_ms(&valve) == 0);
    note(VALVE_HANDLED, 19, true, 1001);
    cr_assert(valve_allows(&valve, 1001) == VALVE_ALL);
    note(VALVE_HANDLED, 1, true, 1002);
    cr_assert(valve_allows(&valve, 1002) == 0);
}

Test(valve, takes_no_word_of_what_was_begun_before_it_shut)
{
    trip_at(VALVE_HANDLED, 0);
    note(VALVE_HANDLED, 100, false, 10);
    cr_assert(valve_allows(&valve, 10) == 0 && valve_due_ms(&valve) == 1000);
}

/* The handler says done to everything; its rows are bad. */
Test(valve, opens_by_the_stage_that_shut_it)
{
    note(VALVE_HANDLED, 500, false, 0);
    trip_at(VALVE_STORED, 0);
    cr_assert(valve_allows(&valve, 1000) == VALVE_FEW);
    valve_gave(&valve, VALVE_FEW);
    note(VALVE_HANDLED, VALVE_FEW, false, 1000);
    cr_assert(valve_allows(&valve, 1000) == 0, "that they are handled says nothing");
    note(VALVE_STORED, 1, false, 1001);
    cr_assert(valve_allows(&valve, 1001) == VALVE_ALL);
}

/* Failures at an early stage are known before successes at a late one. */
Test(valve, keeps_a_window_for_each_stage)
{
    note(VALVE_HANDLED, 100, false, 0);
    note(VALVE_STORED, 15, true, 0);
    note(VALVE_HANDLED, 15, true, 0);
    cr_assert(valve_allows(&valve, 0) == VALVE_ALL);
}

Test(valve, waits_longer_each_time_and_tries_one)
{
    uint64_t now_ms = 100;
    for (uint32_t nth = 1; nth < 9; nth++) {
        valve_wait(&valve, now_ms);
        valve_wait(&valve, now_ms + 1); /* another lane's */
        cr_assert(valve_due_ms(&valve) == now_ms + retry_wait_ms(nth));
        cr_assert(is_paused(VALVE_WAIT) && valve_paused_since_ms(&valve) == 100);
        now_ms = valve_due_ms(&valve);
        cr_assert(valve_allows(&valve, now_ms - 1) == 0);
        cr_assert(valve_allows(&valve, now_ms) == 1);
        valve_gave(&valve, 1);
        cr_assert(valve_allows(&valve, now_ms) == 0);
    }
    note(VALVE_HANDLED, 1, true, now_ms); /* any other verdict: it is not down */
    cr_assert(valve_allows(&valve, now_ms) == VALVE_ALL);
    valve_wait(&valve, now_ms);
    cr_assert(valve_due_ms(&valve) == now_ms + retry_wait_ms(1));
}

Test(valve, is_not_judged_by_messages_that_wait)
{
    trip_at(VALVE_HANDLED, 0);
    cr_assert(valve_allows(&valve, 1000) == VALVE_FEW);
    valve_gave(&valve, VALVE_FEW);
    for (int i = 0; i < VALVE_FEW; i++) valve_wait(&valve, 1000);
    cr_assert(valve_allows(&valve, 1250) == 1, "both have to allow it");
    valve_gave(&valve, 1);
    note(VALVE_HANDLED, 1, true, 1250);
    cr_assert(valve_allows(&valve, 1250) == VALVE_FEW - 1, "it waits no more, but may be broken");
}

Test(valve, tries_anew_what_came_back_or_was_given_up)
{
    trip_at(VALVE_HANDLED, 0);
    cr_assert(valve_allows(&valve, 1000) == VALVE_FEW);
    valve_gave(&valve, VALVE_FEW);
    valve_took_back(&valve);
    cr_assert(valve_allows(&valve, 1000) == 1);
    valve_gave(&valve, 1);
    valve_forget(&valve);
    cr_assert(valve_allows(&valve, 1000) == VALVE_FEW);
    cr_assert(!is_paused(VALVE_BREAKER), "it waits for messages to try, and takes them");
    cr_assert(!valve_is_open(&valve, VALVE_BREAKER));
}
