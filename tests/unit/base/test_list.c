/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists: order is kept, and what is moved is nowhere else. */
#include <criterion/criterion.h>

#include "base/list.h"

struct item {
    struct list link;
    int number;
};

/* Forwards and backwards. */
static void expect_numbers(const struct list *list, const int *numbers, int n)
{
    int i = 0;
    for (const struct list *at = list->next; at != list; at = at->next, i++) {
        cr_assert_lt(i, n);
        cr_expect_eq(LIST_ENTRY(at, const struct item, link)->number, numbers[i]);
    }
    cr_expect_eq(i, n);
    for (const struct list *at = list->previous; at != list && i > 0; at = at->previous)
        cr_expect_eq(LIST_ENTRY(at, const struct item, link)->number, numbers[--i]);
    cr_expect_eq(i, 0);
}

Test(list, moves_all_behind_what_is_there)
{
    struct list to, from;
    struct item items[5];
    list_init(&to);
    list_init(&from);
    list_move_all(&to, &from);
    cr_expect(list_is_empty(&to));
    for (int i = 0; i < 5; i++) {
        items[i].number = i;
        list_append(i < 2 ? &to : &from, &items[i].link);
    }
    list_move_all(&to, &from);
    cr_expect(list_is_empty(&from));
    expect_numbers(&to, (const int[]){ 0, 1, 2, 3, 4 }, 5);
    list_move_all(&from, &to);
    cr_expect(list_is_empty(&to));
    expect_numbers(&from, (const int[]){ 0, 1, 2, 3, 4 }, 5);
}

Test(list, removes_while_it_is_walked)
{
    struct list list;
    struct item items[4];
    list_init(&list);
    for (int i = 0; i < 4; i++) {
        items[i].number = i;
        list_append(&list, &items[i].link);
    }
    LIST_EACH (link, &list)
        if (LIST_ENTRY(link, struct item, link)->number % 2 == 0) list_remove(link);
    expect_numbers(&list, (const int[]){ 1, 3 }, 2);
    list_remove(&items[0].link); /* once more is harmless */
    expect_numbers(&list, (const int[]){ 1, 3 }, 2);
}
