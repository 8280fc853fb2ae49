/* SPDX-License-Identifier: Apache-2.0
 *
 * How often a thing is said that happens over and over. */
#include <criterion/criterion.h>

#include "base/log_pace.h"

Test(log_pace, says_it_once_a_second_and_how_often_it_was)
{
    struct log_pace pace = { 0 };
    cr_assert_eq(log_pace_note(&pace, 300), 1, "the first at once, however young the clock");
    cr_assert_eq(log_pace_note(&pace, 301), 0);
    cr_assert_eq(log_pace_note(&pace, 1299), 0);
    cr_assert_eq(log_pace_note(&pace, 1300), 3);
    cr_assert_eq(log_pace_note(&pace, 1301), 0);
    cr_assert_eq(log_pace_note(&pace, 9000), 2);
}

Test(log_pace, what_was_held_back_is_due_when_its_second_is_over)
{
    struct log_pace pace = { 0 };
    cr_assert_eq(log_pace_due_ms(&pace), 0, "nothing was said yet");
    cr_assert_eq(log_pace_take_held(&pace, UINT64_MAX), 0);
    cr_assert_eq(log_pace_note(&pace, 300), 1);
    cr_assert_eq(log_pace_due_ms(&pace), 0, "all was said");
    cr_assert_eq(log_pace_note(&pace, 301) + log_pace_note(&pace, 302), 0);
    cr_assert_eq(log_pace_due_ms(&pace), 1300);
    cr_assert_eq(log_pace_take_held(&pace, 1299), 0);
    cr_assert_eq(log_pace_take_held(&pace, 1300), 2);
    cr_assert_eq(log_pace_take_held(&pace, 9000), 0, "it is told once");
    cr_assert_eq(log_pace_note(&pace, 1301), 0, "and was a line like another");
}
