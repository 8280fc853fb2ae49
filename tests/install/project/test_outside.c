/* SPDX-License-Identifier: Apache-2.0
 *
 * The handler's test, with no test framework. Names that the trial's own code has too must not meet. */
#include <stdio.h>

#include <warrener/testing.h>

void *arena_take(void *arena, size_t bytes);
void *arena_take(void *arena, size_t bytes)
{
    (void)arena;
    (void)bytes;
    return NULL;
}

int main(void)
{
    struct wr_trial *trial = wr_trial_open(&warrener_handler, NULL, 0);
    if (!trial) return 1;
    const struct wr_message full = { .body = WR_TEXT_OF("x") }, empty = { .attempt = 1 };
    const bool is_well =
        wr_trial_handle(trial, full) == WR_DONE && wr_trial_counted(trial, 0) == 1 &&
        wr_trial_handle(trial, empty) == WR_REJECT &&
        wr_trial_is(wr_trial_reason(trial), "the body is empty") && !arena_take(NULL, 1);
    printf("outside: %s\n", is_well ? "well" : wr_trial_reason(trial).at);
    wr_trial_close(trial);
    return !is_well;
}
