/* SPDX-License-Identifier: Apache-2.0
 *
 * When a host that has died is started again. */
#include <criterion/criterion.h>

#include "ops/restart.h"

static const struct restart_death young = { .was_up = true, .lived_ms = 500 };
static const struct restart_death old = { .was_up = true, .lived_ms = RESTART_YOUNG_MS };
static const struct restart_death unborn = { .was_up = false, .lived_ms = 50 };
static const struct restart_death killed = { .was_up = true, .is_killed = true, .lived_ms = 5 };

Test(restart, comes_soon_and_then_less_and_less_so)
{
    struct restart restart = { 0 };
    uint32_t before_ms = restart_after_ms(&restart, &young);
    cr_assert(before_ms == RESTART_FIRST_MS);
    for (int i = 0; i < 20; i++) {
        const uint32_t after_ms = restart_after_ms(&restart, &young);
        cr_assert(after_ms == RESTART_MOST_MS || after_ms == before_ms * 2);
        before_ms = after_ms;
    }
    cr_assert(before_ms == RESTART_MOST_MS);
}

Test(restart, comes_soon_again_after_a_life_of_some_length)
{
    struct restart restart = { 0 };
    for (int i = 0; i < 5; i++) (void)restart_after_ms(&restart, &young);
    cr_assert(restart_after_ms(&restart, &old) == RESTART_FIRST_MS);
    cr_assert(restart_after_ms(&restart, &young) == 2 * RESTART_FIRST_MS);
}

Test(restart, is_given_up_where_the_host_never_comes_up)
{
    struct restart restart = { 0 };
    cr_assert(restart_after_ms(&restart, &unborn) != RESTART_NEVER);
    cr_assert(restart_after_ms(&restart, &unborn) != RESTART_NEVER);
    cr_assert(restart_after_ms(&restart, &young) != RESTART_NEVER);
    for (int i = 1; i < RESTART_FAILED_STARTS; i++)
        cr_assert(restart_after_ms(&restart, &unborn) != RESTART_NEVER);
    cr_assert(restart_after_ms(&restart, &unborn) == RESTART_NEVER);
}

Test(restart, of_one_that_was_killed_from_outside_is_held_against_nobody)
{
    struct restart restart = { 0 };
    for (int i = 0; i < 20; i++) cr_assert(restart_after_ms(&restart, &killed) == RESTART_FIRST_MS);
    const struct restart_death early = { .is_killed = true };
    for (int i = 0; i < 20; i++) cr_assert(restart_after_ms(&restart, &early) != RESTART_NEVER);
}
