/* SPDX-License-Identifier: Apache-2.0
 *
 * See trial.h. */
#include "support/trial.h"

#include <stdio.h>

struct wr_trial *trial;

void trial_open_with(const struct wr_pair *options, size_t n)
{
    wr_trial_close(trial);
    trial = wr_trial_open(&warrener_handler, options, n);
    cr_assert(trial, "%s", wr_trial_fault());
}

void trial_open(void)
{
    trial_open_with(NULL, 0);
}

void trial_close(void)
{
    wr_trial_close(trial);
    trial = NULL;
}

enum wr_verdict trial_handle(const char *body)
{
    return wr_trial_handle(
        trial, (struct wr_message){ .body = { body, strlen(body) }, .id = WR_TEXT_OF("m-1") });
}

void trial_expect_row(const char *body, const char *const *columns, size_t n, const char *expected)
{
    char row[512];
    size_t len = 0;
    cr_expect_eq(trial_handle(body), WR_DONE, "%s: %s", body, wr_trial_reason(trial).at);
    cr_assert_eq(wr_trial_rows(trial, 0), 1);
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(row + len, sizeof row - len, "%s%s", i ? " " : "",
                                wr_trial_value(trial, 0, 0, columns[i]).at);
    cr_expect_str_eq(row, expected);
}

void trial_expect_reason(const char *body, const char *reason)
{
    cr_expect_eq(trial_handle(body), WR_REJECT, "%s", body);
    cr_expect_eq(strncmp(wr_trial_reason(trial).at, reason, strlen(reason)), 0,
                 "\"%s\" does not begin: %s", wr_trial_reason(trial).at, reason);
}

const char *trial_login(const char *id, const char *user, const char *kind, const char *at,
                        const char *more)
{
    static char body[1024];
    snprintf(body, sizeof body, "{\"event_id\":%s,\"user_id\":%s,\"kind\":%s,\"at\":%s%s}", id,
             user, kind, at, more);
    return body;
}
