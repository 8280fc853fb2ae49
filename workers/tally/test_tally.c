/* SPDX-License-Identifier: Apache-2.0
 *
 * tally as its users meet it: what is counted, by which field, and what is rejected. */
#include <criterion/criterion.h>

#include <warrener/testing.h>

static struct wr_trial *trial;

static void open_trial(void)
{
    trial = wr_trial_open(&warrener_handler, NULL, 0);
    cr_assert(trial, "%s", wr_trial_fault());
}

static void close_trial(void)
{
    wr_trial_close(trial);
}

TestSuite(tally, .init = open_trial, .fini = close_trial);

static enum wr_verdict handle(const char *body)
{
    return wr_trial_handle(trial, (struct wr_message){ .body = { body, strlen(body) } });
}

static void expect_counts(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    const uint64_t expected[] = { a, b, c, d };
    for (unsigned i = 0; i < 4; i++)
        cr_expect_eq(wr_trial_counted(trial, i), expected[i], "counter %u: %lu", i,
                     (unsigned long)wr_trial_counted(trial, i));
}

static void expect_rejected(const char *body, const char *reason)
{
    cr_expect_eq(handle(body), WR_REJECT);
    cr_expect_str_eq(wr_trial_reason(trial).at, reason);
}

Test(tally, counts_by_kind)
{
    cr_expect_eq(handle("{\"kind\": \"login_ok\"}"), WR_DONE);
    cr_expect_eq(handle("{\"kind\": \"login_failed\"}"), WR_DONE);
    cr_expect_eq(handle("{\"kind\": \"logout\"}"), WR_DONE);
    cr_expect_eq(handle("{\"kind\": \"login_ok\"}"), WR_DONE);
    cr_expect_eq(handle("{\"kind\": \"login\"}"), WR_DONE);
    expect_counts(2, 1, 1, 1);
}

Test(tally, rejects_what_has_no_kind)
{
    expect_rejected("{\"king\": \"login_ok\"}", "field \"kind\" is missing");
    expect_rejected("{\"kind\": 1}", "field \"kind\" is an integer, text was expected");
    expect_rejected("{\"kind\": \"\"}", "field \"kind\" is empty");
    expect_rejected("not JSON", "the body is not JSON: at byte 0: a value was expected");
    expect_counts(0, 0, 0, 0);
}

Test(tally, counts_by_another_field)
{
    const struct wr_pair options[] = { { .name = WR_TEXT_OF("field"),
                                         .text = WR_TEXT_OF("event.type") } };
    wr_trial_close(trial);
    trial = wr_trial_open(&warrener_handler, options, 1);
    cr_assert(trial, "%s", wr_trial_fault());
    cr_expect_eq(handle("{\"event\": {\"type\": \"logout\"}}"), WR_DONE);
    expect_counts(0, 0, 1, 0);
}
