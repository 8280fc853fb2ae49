/* SPDX-License-Identifier: Apache-2.0
 *
 * The trial of a worker's tests: one of the handler in this program, made anew for each test, and what
 * is expected of it in one line. Link test_trial. */
#ifndef SUPPORT_TRIAL_H
#define SUPPORT_TRIAL_H

#include <criterion/criterion.h>

#include <warrener/testing.h>

extern struct wr_trial *trial;

void trial_open(void); /* without options; for a TestSuite, as trial_close */
void trial_close(void);
void trial_open_with(const struct wr_pair *options, size_t n); /* instead of the one there is */

enum wr_verdict trial_handle(const char *body); /* of a message with an id */

/* Done, with one row in the first sink: these columns of it, with spaces between. */
void trial_expect_row(const char *body, const char *const *columns, size_t n, const char *expected);
/* Rejected, for a reason that begins so. */
void trial_expect_reason(const char *body, const char *reason);

/* An event of the login log, of JSON that the test gives, until the next; `more`: further fields, from
 * their comma on. */
const char *trial_login(const char *id, const char *user, const char *kind, const char *at,
                        const char *more);
#define LOGIN_ID "\"01976F00-0000-7000-8000-000000000001\""
#define LOGIN_AT "\"2026-01-02T03:04:05Z\""

#endif
