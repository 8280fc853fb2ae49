/* SPDX-License-Identifier: Apache-2.0
 *
 * What a row that is read again makes of the entry that was made of it earlier. */
#include <criterion/criterion.h>

#include "flow/reread.h"

static struct cache_entry before(enum cache_op op, uint64_t version)
{
    return (struct cache_entry){
        .key = text_of("k"), .value = text_of("old"), .version = version, .ttl_s = 60, .op = op
    };
}

static void expect(struct cache_entry was, struct recalled_again now, enum cache_op op,
                   uint64_t version)
{
    const struct cache_entry entry = reread_entry(&was, &now);
    cr_expect_eq(entry.op, op);
    cr_expect_eq(entry.version, version);
    cr_expect(text_is(entry.key, "k") && entry.ttl_s == 60);
    cr_expect(text_is(entry.value, op == CACHE_SET ? "new" : ""));
}

#define THERE(v) ((struct recalled_again){ 0, true, v, WR_TEXT_OF("new"), true })
#define NO_VALUE(v) ((struct recalled_again){ 0, true, v, WR_TEXT_OF(""), false })
#define GONE ((struct recalled_again){ 0, false, 0, WR_TEXT_OF(""), false })

Test(reread, a_row_that_is_there_is_its_entry)
{
    expect(before(CACHE_SET, 10), THERE(10), CACHE_SET, 10);
    expect(before(CACHE_SET, 10), THERE(12), CACHE_SET, 12);
    expect(before(CACHE_DROP, 10), THERE(12), CACHE_SET, 12);
    expect(before(CACHE_DROP, 10), THERE(10), CACHE_SET, 10);
    expect(before(CACHE_SET, 10), NO_VALUE(12), CACHE_DROP, 12);
}

/* A value stays over a drop of the same version. */
Test(reread, a_row_that_has_gone_is_dropped_above_its_value)
{
    expect(before(CACHE_SET, 10), GONE, CACHE_DROP, 11);
    expect(before(CACHE_DROP, 10), GONE, CACHE_DROP, 10);
}

/* It was deleted and made again by a clock that is behind: readers have seen more. */
Test(reread, an_older_row_does_not_come_back)
{
    expect(before(CACHE_SET, 10), THERE(8), CACHE_DROP, 11);
    expect(before(CACHE_DROP, 10), THERE(8), CACHE_DROP, 10);
}
