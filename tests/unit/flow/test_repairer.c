/* SPDX-License-Identifier: Apache-2.0
 *
 * What the repairer says of records that cannot be made, against a database that the test plays. */
#include <criterion/criterion.h>

#include "flow/repairer.h"
#include "unit/flow/clerk.h"

static struct metrics *metrics;
static struct repairer *repairer;
static int recorded;

static void open_repairer(void)
{
    clerk_open();
    metrics = metrics_new();
    repairer = repairer_new(clerk.loop, clerk.store, NULL, metrics);
}

static void close_repairer(void)
{
    clerk_close_store();
    repairer_free(repairer);
    metrics_free(metrics);
    clerk_close_loop();
}

TestSuite(repairer, .init = open_repairer, .fini = close_repairer, .timeout = 120);

static void on_recorded(void *owner)
{
    (void)owner;
    recorded++;
}

static struct repair_request *record(void)
{
    static const struct cache_entry entry = {
        .key = WR_TEXT_OF("k"), .value = WR_TEXT_OF("v"), .version = 1, .ttl_s = 60
    };
    static const struct origin origin = { .sink = NULL, .row = WR_TEXT_OF("") };
    return repairer_record(repairer, &entry, &origin, 1, on_recorded, NULL);
}

/* The next record that is to be made; its own count of them is answered on the way. */
static struct query *take_record(void)
{
    struct query *query;
    while ((query = clerk_take())->on_rows)
        clerk_answer(query, (const struct clerk_row[]){ { { "0", NULL, NULL } } }, 1);
    return query;
}

Test(repairer, says_why_as_long_as_a_record_waits_that_could_not_be_made)
{
    struct repair_request *first = record();
    struct query *firsts = take_record();
    (void)record();
    struct query *seconds = take_record();
    cr_assert_str_eq(repairer_fault(repairer), "");
    clerk_fail(firsts, "42501");
    cr_assert_str_eq(repairer_fault(repairer), "it failed");
    clerk_answer(seconds, NULL, 0);
    cr_assert_eq(recorded, 1);
    cr_assert_str_eq(repairer_fault(repairer), "it failed", "the first waits still");
    repair_request_cancel(first);
    cr_assert_str_eq(repairer_fault(repairer), "", "nobody waits any more");
}

Test(repairer, tries_again_until_it_is_recorded)
{
    (void)record();
    for (int i = 0; i < 3; i++) clerk_fail(take_record(), "42501");
    cr_assert_eq(recorded, 0);
    clerk_answer(take_record(), NULL, 0);
    cr_assert_eq(recorded, 1);
    cr_assert_str_eq(repairer_fault(repairer), "");
}
