/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring of spans: what does not fit is counted, and all that fitted comes out in order. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "metrics/spans.h"

static struct counter dropped;

static bool give(struct spans *spans, uint32_t n)
{
    struct span *const span = spans_take(spans);
    if (!span) return false;
    cr_assert(!span->words && !span->links && !span->has_parent);
    span->attempt = n;
    span->words = text_copy(text_of("why"));
    span->links = calloc(1, sizeof *span->links);
    spans_give(spans);
    return true;
}

Test(spans, are_dropped_and_counted_where_there_is_no_room)
{
    struct spans *const spans = spans_new(3, &dropped);
    cr_expect_null(spans_first(spans));
    for (uint32_t i = 0; i < 4; i++) cr_expect(give(spans, i));
    cr_expect_not(give(spans, 4));
    cr_expect_not(give(spans, 5));
    cr_expect_eq(dropped.value, 2);
    cr_expect_eq(spans_count(spans), 4);
    cr_expect_eq(spans_first(spans)->attempt, 0);
    spans_drop(spans);
    cr_expect(give(spans, 6));
    cr_expect_eq(spans_first(spans)->attempt, 1);
    spans_free(spans); /* and what they point to */
}

static void count(void *rung)
{
    ++*(unsigned *)rung;
}

Test(spans, ring_at_every_quarter)
{
    struct spans *const spans = spans_new(16, &dropped);
    unsigned rung = 0;
    spans_on_quarter(spans, count, &rung);
    for (uint32_t i = 0; i < 18; i++) {
        give(spans, i);
        cr_expect_eq(rung, i < 16 ? (i + 1) / 4 : 4, "what is dropped rings nobody");
    }
    spans_on_quarter(spans, NULL, NULL);
    for (uint32_t i = 0; i < 4; i++) {
        spans_drop(spans);
        give(spans, i);
    }
    cr_expect_eq(rung, 4);
    spans_free(spans);
}

#define MANY 200000u

static void *give_many(void *own)
{
    for (uint32_t i = 0; i < MANY;)
        if (give(own, i))
            i++;
        else
            sched_yield(); /* or both spin, a ring's worth to each turn of the other */
    return NULL;
}

Test(spans, pass_between_two_threads)
{
    struct spans *const spans = spans_new(64, &dropped);
    pthread_t thread;
    cr_assert(pthread_create(&thread, NULL, give_many, spans) == 0);
    for (uint32_t i = 0; i < MANY;) {
        const struct span *const span = spans_first(spans);
        if (!span) {
            sched_yield();
            continue;
        }
        cr_assert_eq(span->attempt, i++);
        cr_assert_str_eq(span->words, "why");
        spans_drop(spans);
    }
    pthread_join(thread, NULL);
    spans_free(spans);
}
