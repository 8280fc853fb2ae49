/* SPDX-License-Identifier: Apache-2.0
 *
 * A doubly linked list whose links live in its members: no allocation, removal without a search. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

struct list {
    struct list *next, *previous; /* a list head points to itself when empty */
};

static inline void list_init(struct list *head)
{
    head->next = head->previous = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_append(struct list *head, struct list *link)
{
    link->previous = head->previous;
    link->next = head;
    head->previous->next = link;
    head->previous = link;
}

/* Leaves the link pointing to itself, so that removing twice is harmless. */
static inline void list_remove(struct list *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

static inline struct list *list_take_first(struct list *head)
{
    if (list_is_empty(head)) return NULL;
    struct list *first = head->next;
    list_remove(first);
    return first;
}

/* All of them, in their order, behind what is there. */
static inline void list_move_all(struct list *head, struct list *from)
{
    if (list_is_empty(from)) return;
    from->next->previous = head->previous;
    head->previous->next = from->next;
    from->previous->next = head;
    head->previous = from->previous;
    list_init(from);
}

/* Safe against removal of `link` inside the body. */
#define LIST_EACH(link, head)                                                                      \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head);              \
         link = link##_next, link##_next = link->next)

#define LIST_ENTRY(link, type, member) OWNER_OF(link, type, member)

#endif
