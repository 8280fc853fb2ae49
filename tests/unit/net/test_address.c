/* SPDX-License-Identifier: Apache-2.0
 *
 * Names to addresses: answers, refusals in words, and questions nobody waits for any more (run under
 * the address and thread sanitizers as well). */
#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>

#include "net/address.h"
#include "unit/net/support.h"

struct asker {
    struct loop *loop;
    unsigned answers;
    struct address_list found;
    char why_not[1000];
};

static void on_answer(void *owner, const struct address_list *found, const struct status *why_not)
{
    struct asker *asker = owner;
    asker->answers++;
    cr_assert_neq(!found, !why_not, "one of the two");
    if (found) asker->found = *found;
    if (why_not) snprintf(asker->why_not, sizeof asker->why_not, "%s", why_not->text);
    loop_stop(asker->loop);
}

static void ask(struct asker *asker, const char *host)
{
    *asker = (struct asker){ .loop = loop_new() };
    cr_assert(resolve_start(asker->loop, host, 5672, on_answer, asker));
    cr_assert_eq(asker->answers, 0, "never from inside");
    loop_run(asker->loop);
    loop_free(asker->loop);
    cr_assert_eq(asker->answers, 1);
}

Test(address, literals_and_names_become_addresses)
{
    static const struct {
        const char *host, *first, *second;
    } table[] = {
        { "127.0.0.1", "127.0.0.1:5672", NULL },
        { "::1", "[::1]:5672", NULL },
        { "one.test", "127.0.0.1:5672", NULL },
        { "two.test", "127.0.0.2:5672", "127.0.0.1:5672" },
        { "both.test", "[::1]:5672", "127.0.0.1:5672" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct asker asker;
        char shown[80];
        ask(&asker, table[i].host);
        cr_assert_eq(asker.found.n, table[i].second ? 2u : 1u, "%s", table[i].host);
        cr_assert_str_eq(address_show(&asker.found.at[0], shown, sizeof shown), table[i].first);
        if (table[i].second)
            cr_assert_str_eq(address_show(&asker.found.at[1], shown, sizeof shown),
                             table[i].second);
    }
    cr_assert(names_saw_signals_blocked());
}

Test(address, a_name_that_is_none_is_told_in_words)
{
    struct asker asker;
    ask(&asker, "name.invalid");
    cr_assert_eq(asker.found.n, 0);
    /* Without any name server the system says "Temporary failure in name resolution". */
    cr_assert_eq(strncmp(asker.why_not, "cannot resolve \"name.invalid\": ", 31), 0, "%s",
                 asker.why_not);
    cr_assert_gt(strlen(asker.why_not), 31);
}

Test(address, a_cancelled_question_gets_no_answer)
{
    struct asker asker = { .loop = loop_new() };
    resolve_cancel(resolve_start(asker.loop, "127.0.0.1", 1, on_answer, &asker)); /* is posted */
    resolve_cancel(resolve_start(asker.loop, "slow.test", 1, on_answer, &asker)); /* hangs */
    resolve_start(asker.loop, "one.test", 1, on_answer, &asker);
    names_let_go();
    loop_run(asker.loop);
    cr_assert_eq(asker.answers, 1);
    loop_free(asker.loop);
}

Test(address, cancelling_and_answering_may_meet)
{
    struct asker asker = { .loop = loop_new() };
    for (unsigned i = 1; i <= 200; i++) {
        struct resolve *question = resolve_start(asker.loop, "one.test", 1, on_answer, &asker);
        for (unsigned spins = 0; spins < i % 7; spins++) sched_yield();
        resolve_cancel(question);
    }
    while (names_answered() < 200) sched_yield();
    cr_assert_eq(asker.answers, 0);
    loop_free(asker.loop);
}

Test(address, an_answer_for_a_loop_that_has_gone_is_dropped)
{
    struct asker asker = { .loop = loop_new() };
    resolve_cancel(resolve_start(asker.loop, "slow.test", 1, on_answer, &asker));
    loop_free(asker.loop);
    names_let_go();
    while (names_answered() < 1) sched_yield();
    cr_assert_eq(asker.answers, 0);
}
