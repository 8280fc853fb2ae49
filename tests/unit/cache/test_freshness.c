/* SPDX-License-Identifier: Apache-2.0 */
#include "cache/freshness.h"

#include <criterion/criterion.h>

#define MS UINT64_C(1000000)

Test(freshness, lasts_on_the_connection_that_stood)
{
    struct freshness fresh = FRESHNESS_INIT;
    freshness_add(&fresh, 100 * MS, 600);
    cr_expect(freshness_lasts(&fresh, 100 * MS, 100 * MS));
    cr_expect(freshness_lasts(&fresh, 50 * MS, 15099 * MS));
    cr_expect(!freshness_lasts(&fresh, 101 * MS, 102 * MS), "it is another connection");
    cr_expect(!freshness_lasts(&fresh, 50 * MS, 15100 * MS), "it is old");
}

Test(freshness, is_that_of_the_oldest_and_of_the_shortest_lived)
{
    struct freshness fresh = FRESHNESS_INIT;
    freshness_add(&fresh, 300 * MS, 600);
    freshness_add(&fresh, 100 * MS, 2);
    freshness_add(&fresh, 200 * MS, 60);
    cr_expect(freshness_lasts(&fresh, 100 * MS, 599 * MS));
    cr_expect(!freshness_lasts(&fresh, 100 * MS, 600 * MS), "half a second of two");
    cr_expect(!freshness_lasts(&fresh, 150 * MS, 200 * MS));
}
