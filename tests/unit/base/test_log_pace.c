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
