/* SPDX-License-Identifier: Apache-2.0
 *
 * tally as its users meet it: what is counted, by which field, and what is rejected. */
#include "support/trial.h"

TestSuite(tally, .init = trial_open, .fini = trial_close);

static void expect_counts(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    const uint64_t expected[] = { a, b, c, d };
    for (unsigned i = 0; i < 4; i++)
        cr_expect_eq(wr_trial_counted(trial, i), expected[i], "counter %u: %lu", i,
                     (unsigned long)wr_trial_counted(trial, i));
}

Test(tally, counts_by_kind)
{
    cr_expect_eq(trial_handle("{\"kind\": \"login_ok\"}"), WR_DONE);
    cr_expect_eq(trial_handle("{\"kind\": \"login_failed\"}"), WR_DONE);
    cr_expect_eq(trial_handle("{\"kind\": \"logout\"}"), WR_DONE);
    cr_expect_eq(trial_handle("{\"kind\": \"login_ok\"}"), WR_DONE);
    cr_expect_eq(trial_handle("{\"kind\": \"login\"}"), WR_DONE);
    expect_counts(2, 1, 1, 1);
}

Test(tally, rejects_what_has_no_kind)
{
    trial_expect_reason("{\"king\": \"login_ok\"}", "field \"kind\" is missing");
    trial_expect_reason("{\"kind\": 1}", "field \"kind\" is an integer, text was expected");
    trial_expect_reason("{\"kind\": \"\"}", "field \"kind\" is empty");
    trial_expect_reason("not JSON", "the body is not JSON: at byte 0: a value was expected");
    expect_counts(0, 0, 0, 0);
}

Test(tally, counts_by_another_field)
{
    const struct wr_pair options[] = { { .name = WR_TEXT_OF("field"),
                                         .text = WR_TEXT_OF("event.type") } };
    trial_open_with(options, 1);
    cr_expect_eq(trial_handle("{\"event\": {\"type\": \"logout\"}}"), WR_DONE);
    expect_counts(0, 0, 1, 0);
}
