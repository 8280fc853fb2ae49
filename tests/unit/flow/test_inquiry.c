/* SPDX-License-Identifier: Apache-2.0
 *
 * Which keys are asked for together, and what becomes of those in a question that failed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "flow/inquiry.h"

#define MOST (2 * INQUIRY_MOST)

static struct inquiry inquiry;
static struct asking askings[MOST];
static char names[MOST][8];

static struct asking *add(size_t nth, const char *key)
{
    snprintf(names[nth], sizeof names[nth], "%s", key);
    const struct wr_text text = text_of(names[nth]);
    askings[nth] = (struct asking){ .hash = text_hash(text), .key = text };
    list_init(&askings[nth].link);
    inquiry_add(&inquiry, &askings[nth]);
    return &askings[nth];
}

static void add_all(const char *keys)
{
    for (size_t i = 0; keys[i]; i++) add(i, (const char[]){ keys[i], '\0' });
}

/* The keys of the question that is out, in order, with a dot for who has left. */
static const char *asked(void)
{
    static char text[MOST + 1];
    size_t n = 0;
    for (; n < inquiry.n; n++) text[n] = inquiry.asked[n] ? *inquiry.asked[n]->key.at : '.';
    text[n] = '\0';
    return text;
}

#define BEGINS(keys)                                                                               \
    do {                                                                                           \
        cr_assert(inquiry_begin(&inquiry));                                                        \
        cr_assert_str_eq(asked(), keys);                                                           \
    } while (0)

static void open_inquiry(void)
{
    inquiry_init(&inquiry);
}

TestSuite(inquiry, .init = open_inquiry);

/* All that is not answered is absent. */
static void succeed(void)
{
    inquiry_succeed(&inquiry);
    while (inquiry_take_any(&inquiry)) continue;
}

static enum ship_step fail(enum fault_class fault)
{
    return inquiry_fail(&inquiry, fault).step;
}

Test(inquiry, one_question_is_out_at_a_time)
{
    cr_assert(!inquiry_begin(&inquiry), "nobody asks");
    add_all("ab");
    BEGINS("ab");
    add(2, "c");
    cr_assert(!inquiry_begin(&inquiry));
    succeed();
    BEGINS("c");
    succeed();
    cr_assert(!inquiry_begin(&inquiry));
}

Test(inquiry, a_question_has_so_many_keys_at_most)
{
    char key[8];
    for (size_t i = 0; i < INQUIRY_MOST + 3; i++) {
        snprintf(key, sizeof key, "%zu", i);
        add(i, key);
    }
    cr_assert(inquiry_begin(&inquiry));
    cr_assert_eq(inquiry.n, INQUIRY_MOST);
    for (size_t i = 0; i < INQUIRY_MOST; i++)
        cr_assert_eq(inquiry_take(&inquiry, askings[i].key), &askings[i], "%zu", i);
    cr_assert_null(inquiry_take_any(&inquiry));
    inquiry_succeed(&inquiry);
    cr_assert(inquiry_begin(&inquiry));
    cr_assert_eq(inquiry.n, 3);
}

Test(inquiry, a_row_is_for_all_who_ask_for_its_key)
{
    add_all("aba");
    BEGINS("aba");
    cr_assert_null(inquiry_take(&inquiry, text_of("x")), "nobody asked for it");
    struct asking *first = inquiry_take(&inquiry, text_of("a"));
    struct asking *second = inquiry_take(&inquiry, text_of("a"));
    cr_assert(first && second && first != second);
    cr_assert_null(inquiry_take(&inquiry, text_of("a")));
    cr_assert_eq(inquiry_take_any(&inquiry), &askings[1]);
    cr_assert_null(inquiry_take_any(&inquiry));
}

Test(inquiry, keys_of_one_hash_are_two)
{
    add_all("ab");
    askings[0].hash = askings[1].hash;
    BEGINS("ab");
    cr_assert_eq(inquiry_take(&inquiry, text_of("b")), &askings[1]);
    cr_assert_null(inquiry_take(&inquiry, text_of("b")));
}

Test(inquiry, who_leaves_is_neither_asked_for_nor_answered)
{
    add_all("abc");
    inquiry_leave(&inquiry, &askings[1]);
    BEGINS("ac");
    inquiry_leave(&inquiry, &askings[0]);
    inquiry_leave(&inquiry, &askings[0]);
    cr_assert_str_eq(asked(), ".c");
    cr_assert_null(inquiry_take(&inquiry, text_of("a")));
    cr_assert_eq(inquiry_take(&inquiry, text_of("c")), &askings[2], "it is found behind a gap");
    cr_assert_null(inquiry_take_any(&inquiry));
}

Test(inquiry, who_leaves_is_not_asked_for_again_after_a_failure)
{
    add_all("abc");
    BEGINS("abc");
    inquiry_leave(&inquiry, &askings[1]);
    cr_assert_eq(fail(FAULT_TRANSIENT), SHIP_AGAIN);
    BEGINS("ac");
}

Test(inquiry, what_failed_goes_again_before_what_came_meanwhile)
{
    add_all("ab");
    BEGINS("ab");
    add(2, "c");
    const struct ship_choice choice = inquiry_fail(&inquiry, FAULT_TRANSIENT);
    cr_assert_eq(choice.step, SHIP_AGAIN);
    cr_assert_eq(choice.after_ms, 50);
    BEGINS("abc");
    cr_assert_eq(inquiry_fail(&inquiry, FAULT_TRANSIENT).after_ms, 100);
}

Test(inquiry, a_bad_key_is_found_and_questions_grow_again)
{
    add_all("abcdefg");
    BEGINS("abcdefg");
    cr_assert_eq(fail(FAULT_DATA), SHIP_SPLIT);
    BEGINS("abcd");
    cr_assert_eq(fail(FAULT_DATA), SHIP_SPLIT);
    BEGINS("ab");
    cr_assert_eq(fail(FAULT_DATA), SHIP_SPLIT);
    BEGINS("a");
    cr_assert_eq(fail(FAULT_DATA), SHIP_BURY);
    cr_assert_eq(inquiry_take_any(&inquiry), &askings[0]);
    cr_assert_null(inquiry_take_any(&inquiry));
    BEGINS("b");
    succeed();
    BEGINS("cd");
    succeed();
    BEGINS("efg");
    succeed();
    cr_assert_eq(inquiry.most, 8);
}

Test(inquiry, a_question_that_always_times_out_is_halved_and_begins_anew)
{
    add_all("ab");
    for (int i = 0; i < SHIP_PATIENCE - 1; i++) {
        BEGINS("ab");
        cr_assert_eq(fail(FAULT_TRANSIENT), SHIP_AGAIN);
    }
    BEGINS("ab");
    cr_assert_eq(fail(FAULT_TRANSIENT), SHIP_SPLIT);
    for (int i = 0; i < SHIP_PATIENCE - 1; i++) {
        BEGINS("a");
        cr_assert_eq(fail(FAULT_TRANSIENT), SHIP_AGAIN);
    }
    BEGINS("a");
    cr_assert_eq(fail(FAULT_TRANSIENT), SHIP_SPEND);
    cr_assert_eq(inquiry_take_any(&inquiry), &askings[0]);
    BEGINS("b");
    cr_assert_eq(fail(FAULT_TRANSIENT), SHIP_AGAIN);
}

Test(inquiry, a_success_forgets_failures)
{
    add_all("a");
    for (int i = 0; i < 3 * SHIP_PATIENCE; i++) {
        BEGINS("a");
        if (i % 4 == 3) {
            succeed();
            add_all("a");
        } else {
            cr_assert_eq(fail(FAULT_TRANSIENT), SHIP_AGAIN);
        }
    }
}

Test(inquiry, tables_that_are_not_as_declared_are_waited_for)
{
    add_all("ab");
    for (int i = 0; i < 3 * SHIP_PATIENCE; i++) {
        BEGINS("ab");
        cr_assert_eq(fail(FAULT_DEPLOYMENT), SHIP_HOLD);
    }
    BEGINS("ab");
    cr_assert_eq(fail(FAULT_TRANSIENT), SHIP_AGAIN, "the keys are not suspected for it");
}
