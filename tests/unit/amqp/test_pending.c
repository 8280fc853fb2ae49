/* SPDX-License-Identifier: Apache-2.0
 *
 * Publishes that wait for their confirms, and returns that look like them. */
#include <criterion/criterion.h>

#include "amqp/pending.h"

static int tokens[16];

static int number_of(const struct pending_entry *entry)
{
    return (int)((int *)entry->token - tokens);
}

static uint64_t look(const char *key, const char *id)
{
    return pending_looks(text_of("e"), text_of(key), text_of(id), 3, text_of("abc"));
}

Test(pending, multiple_settles_all_up_to_a_number_in_order)
{
    struct pending pending;
    struct pending_entry entry;
    pending_init(&pending, 8);
    for (int i = 0; i < 5; i++) pending_add(&pending, 0, &tokens[i]);
    cr_assert(pending_settle(&pending, 2, false, &entry) && number_of(&entry) == 1);
    cr_assert(!pending_settle(&pending, 2, false, &entry), "once");
    cr_assert(pending_settle(&pending, 4, true, &entry) && number_of(&entry) == 0);
    cr_assert(pending_settle(&pending, 4, true, &entry) && number_of(&entry) == 2);
    cr_assert(pending_settle(&pending, 4, true, &entry) && number_of(&entry) == 3);
    cr_assert(!pending_settle(&pending, 4, true, &entry));
    cr_assert(pending.n_open == 1);
    cr_assert(pending_take_any(&pending, &entry) && number_of(&entry) == 4);
    cr_assert(!pending_take_any(&pending, &entry) && pending.n_open == 0);
    pending_fini(&pending);
}

Test(pending, the_window_is_full_until_its_oldest_is_settled)
{
    struct pending pending;
    struct pending_entry entry;
    pending_init(&pending, 3);
    for (int round = 0; round < 5; round++) {
        uint64_t first = pending.next;
        for (int i = 0; i < 3; i++) pending_add(&pending, 0, &tokens[i]);
        cr_assert(!pending_has_room(&pending));
        cr_assert(pending_settle(&pending, first + 1, false, &entry));
        cr_assert(!pending_has_room(&pending), "its place is not the oldest");
        cr_assert(pending_settle(&pending, first, false, &entry));
        cr_assert(pending_has_room(&pending));
        cr_assert(pending_settle(&pending, first + 2, true, &entry) && number_of(&entry) == 2);
    }
    pending_fini(&pending);
}

Test(pending, a_return_is_matched_to_the_oldest_that_looks_the_same)
{
    struct pending pending;
    struct pending_entry entry;
    pending_init(&pending, 8);
    pending_add(&pending, look("a", "1"), &tokens[0]);
    pending_add(&pending, look("b", "1"), &tokens[1]);
    pending_add(&pending, look("b", "1"), &tokens[2]);
    pending_add(&pending, 0, &tokens[3]);
    cr_assert(pending_return(&pending, look("b", "1"), 312));
    cr_assert(!pending_return(&pending, look("b", "2"), 312));
    cr_assert(pending_return(&pending, look("b", "1"), 313));
    cr_assert(!pending_return(&pending, look("b", "1"), 312), "each one once");
    static const uint16_t returned[] = { 0, 312, 313, 0 };
    for (int i = 0; i < 4; i++) {
        cr_assert(pending_settle(&pending, 4, true, &entry));
        cr_assert(entry.returned == returned[i] && number_of(&entry) == i);
    }
    pending_fini(&pending);
}

Test(pending, looks_differ_where_anything_does)
{
    const struct wr_text a = WR_TEXT_OF("a"), b = WR_TEXT_OF("b");
    const uint64_t looks[] = {
        pending_looks(a, a, a, 1, a), pending_looks(b, a, a, 1, a), pending_looks(a, b, a, 1, a),
        pending_looks(a, a, b, 1, a), pending_looks(a, a, a, 2, a), pending_looks(a, a, a, 1, b),
        pending_looks(b, b, a, 1, a), pending_looks(a, b, b, 1, a),
    };
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        for (size_t j = 0; j < i; j++) cr_assert(looks[i] != looks[j], "%zu and %zu", i, j);
    char body[80];
    memset(body, 'x', sizeof body);
    cr_assert(pending_looks(a, a, a, 80, text_from(body, 80)) ==
                  pending_looks(a, a, a, 80, text_from(body, PENDING_LOOK_BYTES)),
              "only the first bytes count");
}

Test(pending, numbers_of_nobody_settle_nothing)
{
    struct pending pending;
    struct pending_entry entry;
    pending_init(&pending, 4);
    cr_assert(!pending_settle(&pending, 0, false, &entry));
    cr_assert(!pending_settle(&pending, 1, true, &entry));
    pending_add(&pending, 0, &tokens[0]);
    cr_assert(!pending_settle(&pending, 2, true, &entry));
    cr_assert(!pending_settle(&pending, UINT64_MAX, true, &entry));
    pending_restart(&pending);
    cr_assert(pending.n_open == 0 && !pending_take_any(&pending, &entry));
    pending_fini(&pending);
}
