/* SPDX-License-Identifier: Apache-2.0 */
#include "base/standstill.h"

#include <criterion/criterion.h>

Test(standstill, missed_is_what_lies_beyond_a_period)
{
    struct standstill still = { 0 };
    cr_assert_eq(standstill_tick(&still, 100, 5000), 0, "nothing was missed before the first tick");
    cr_assert_eq(standstill_tick(&still, 100, 5100), 0);
    cr_assert_eq(standstill_tick(&still, 100, 5300), 0, "late by one period");
    cr_assert_eq(standstill_tick(&still, 100, 5501), 101);
    cr_assert_eq(standstill_tick(&still, 100, 15601), 10000);
    cr_assert_eq(standstill_tick(&still, 100, 15701), 0, "it is taken off once");
}
