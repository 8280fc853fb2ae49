/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches on their way, against a store that is told what to answer: who goes next, who waits, and what
 * becomes of each message. The clock is only a number here. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "flow/convoy.h"

#define MOST 26

static struct convoy convoy;
static struct delivery deliveries[MOST]; /* 'a' to 'z' */
static uint64_t now_ms, rested_ms;       /* rested: when the rest that was asked for is over */
static char told[256];                   /* what became of them, in order: "+ab" is stored */

static void open_convoy(bool is_ordered)
{
    convoy_init(&convoy, is_ordered, NULL);
    for (int i = 0; i < MOST; i++) {
        list_init(&deliveries[i].link);
        deliveries[i].order_key = 0;
    }
    now_ms = rested_ms = 0;
    told[0] = '\0';
}

static void add(const char *names)
{
    struct batch batch;
    batch_init(&batch);
    for (const char *name = names; *name; name++)
        batch_add(&batch, &deliveries[*name - 'a'], now_ms);
    convoy_add(&convoy, &batch);
    cr_assert_eq(batch.n, 0);
}

static const char *names_of(const struct shipment *shipment)
{
    static char names[MOST + 1];
    size_t n = 0;
    if (!shipment) return "-";
    LIST_EACH (link, &shipment->deliveries) {
        names[n++] = (char)('a' + (LIST_ENTRY(link, struct delivery, link) - deliveries));
    }
    names[n] = '\0';
    cr_assert_eq(n, shipment->n);
    return names;
}

#define GOES(shipment, names)                                                                      \
    do {                                                                                           \
        (shipment) = convoy_go(&convoy);                                                           \
        cr_assert_str_eq(names_of(shipment), names);                                               \
    } while (0)

static void tell(struct shipment *shipment, char mark)
{
    const size_t used = strlen(told);
    snprintf(told + used, sizeof told - used, "%c%s", mark, names_of(shipment));
    free(shipment);
}

/* As the shipper does it. */
static void answer(struct shipment *shipment, enum fault_class fault, bool is_well)
{
    const struct ship_choice choice = convoy_answer(&convoy, shipment, fault, is_well);
    if (choice.after_ms) rested_ms = now_ms + choice.after_ms;
    if (choice.step == SHIP_STORED) tell(shipment, '+');
    if (choice.step == SHIP_BURY) tell(shipment, '!');
    if (choice.step == SHIP_SPEND) tell(shipment, '?');
}

static void pass(uint64_t ms)
{
    now_ms += ms;
    if (rested_ms && now_ms >= rested_ms) {
        convoy.is_resting = false;
        rested_ms = 0;
    }
}

/* Until nothing is left: what holds `bad` fails with `fault`, all else is committed. */
static unsigned run(char bad, enum fault_class fault)
{
    unsigned answers = 0;
    while (!convoy_is_idle(&convoy) && answers < 1000) {
        struct shipment *shipment = convoy_go(&convoy);
        if (shipment) {
            answers++;
            answer(shipment, strchr(names_of(shipment), bad) ? fault : FAULT_NONE, true);
        }
        pass(10);
    }
    return answers;
}

static void forget_all(void)
{
    for (struct shipment *shipment; (shipment = convoy_forget(&convoy));) tell(shipment, '~');
}

/* ---- who goes next --------------------------------------------------------------------------- */

Test(convoy, several_fly_in_the_order_they_were_closed)
{
    struct shipment *first, *second;
    open_convoy(false);
    cr_assert(convoy_would_go(&convoy));
    add("ab");
    add("c");
    cr_assert(!convoy_would_go(&convoy), "they stand before it");
    GOES(first, "ab");
    GOES(second, "c");
    cr_assert_null(convoy_go(&convoy));
    cr_assert_eq(convoy_count(&convoy), 3);
    answer(second, FAULT_NONE, true);
    answer(first, FAULT_NONE, true);
    cr_assert_str_eq(told, "+c+ab");
    cr_assert(convoy_is_idle(&convoy));
    cr_assert_eq(convoy_count(&convoy), 0);
}

Test(convoy, with_an_order_to_keep_one_flies_at_a_time)
{
    struct shipment *first, *second;
    open_convoy(true);
    add("a");
    add("b");
    GOES(first, "a");
    cr_assert_null(convoy_go(&convoy));
    answer(first, FAULT_NONE, true);
    GOES(second, "b");
    cr_assert(!convoy_would_go(&convoy));
    answer(second, FAULT_NONE, true);
    cr_assert(convoy_would_go(&convoy));
}

Test(convoy, what_fails_rests_and_nothing_passes_it)
{
    struct shipment *first;
    open_convoy(false);
    add("ab");
    add("c");
    GOES(first, "ab");
    answer(first, FAULT_TRANSIENT, true);
    cr_assert_eq(rested_ms, 50);
    pass(49);
    cr_assert_null(convoy_go(&convoy));
    cr_assert(!convoy_would_go(&convoy));
    pass(1);
    GOES(first, "ab");
    answer(first, FAULT_TRANSIENT, true);
    cr_assert_eq(rested_ms, 50 + 100, "longer each time");
    pass(100);
    GOES(first, "ab");
    answer(first, FAULT_NONE, true);
    run('-', FAULT_NONE);
    cr_assert_str_eq(told, "+ab+c");
}

Test(convoy, what_was_not_sent_has_its_place_again)
{
    struct shipment *first, *second, *third;
    open_convoy(false);
    add("a");
    add("b");
    add("c");
    GOES(first, "a");
    GOES(second, "b");
    convoy_land(second);
    convoy_give_back(&convoy, second);
    convoy_land(first);
    convoy_give_back(&convoy, first);
    GOES(first, "a");
    GOES(second, "b");
    GOES(third, "c");
    answer(first, FAULT_NONE, true);
    answer(second, FAULT_NONE, true);
    answer(third, FAULT_NONE, true);
}

/* A deployment's fault is waited for by the store, which is not ready meanwhile. */
Test(convoy, a_fault_of_the_tables_is_no_rest_and_no_failure)
{
    struct shipment *first;
    open_convoy(false);
    add("a");
    for (int i = 0; i < 20; i++) {
        GOES(first, "a");
        answer(first, FAULT_DEPLOYMENT, false);
    }
    cr_assert(!convoy_is_failing(&convoy));
    GOES(first, "a");
    answer(first, FAULT_NONE, true);
}

/* ---- splitting ------------------------------------------------------------------------------- */

Test(convoy, halves_stand_in_their_parents_place)
{
    struct shipment *first, *second;
    open_convoy(false);
    add("abcde");
    add("f");
    GOES(first, "abcde");
    answer(first, FAULT_DATA, true);
    GOES(first, "ab");
    GOES(second, "cde");
    answer(second, FAULT_DATA, true);
    answer(first, FAULT_DATA, true);
    run('-', FAULT_NONE);
    cr_assert_str_eq(told, "+a+b+c+de+f");
}

Test(convoy, one_bad_row_costs_one_message_wherever_it_is)
{
    for (const char *bads = "abcdefghijklm"; *bads; bads++) {
        const char bad = *bads;
        char ids[64] = "";
        size_t n = 0;
        open_convoy(true);
        add("abcdefgh");
        add("ijklm");
        cr_assert_leq(run(bad, FAULT_DATA), 2 + 2 * 4, "%c", bad);
        const char *const mark = strchr(told, '!');
        cr_assert(mark && mark[1] == bad, "%s", told);
        for (const char *c = told; *c; c++)
            if (*c != '+' && *c != '!') ids[n++] = *c;
        cr_assert_str_eq(ids, "abcdefghijklm", "in order all the same: %s", told);
    }
}

Test(convoy, a_row_whose_parent_is_missing_spends_an_attempt_alone)
{
    open_convoy(false);
    add("abcd");
    run('c', FAULT_PARENT);
    cr_assert_str_eq(told, "+ab?c+d");
}

Test(convoy, a_row_that_always_times_out_is_found)
{
    open_convoy(false);
    add("abcd");
    run('b', FAULT_TRANSIENT);
    cr_assert_str_eq(told, "+a?b+cd");
    cr_assert(now_ms > UINT64_C(3) * (50 + 100 + 200 + 400), "with rests, three times over");
}

/* ---- the server's own faults ----------------------------------------------------------------- */

Test(convoy, while_the_server_is_away_nothing_is_split_or_spent)
{
    struct shipment *first;
    open_convoy(false);
    add("ab");
    for (int i = 0; i < 50; i++) {
        GOES(first, "ab");
        answer(first, FAULT_TRANSIENT, false);
        cr_assert_leq(rested_ms - now_ms, 5000);
        pass(5000);
    }
    GOES(first, "ab");
    answer(first, FAULT_NONE, true);
    cr_assert_str_eq(told, "+ab");
}

Test(convoy, a_full_disk_is_never_the_datas_fault)
{
    struct shipment *first;
    open_convoy(false);
    add("ab");
    for (int i = 0; i < 50; i++) {
        GOES(first, "ab");
        answer(first, FAULT_SERVER, true);
        pass(5000);
    }
    GOES(first, "ab");
    answer(first, FAULT_NONE, true);
    cr_assert_str_eq(told, "+ab");
}

Test(convoy, failures_of_another_kind_begin_anew)
{
    struct shipment *first;
    open_convoy(false);
    add("ab");
    for (int i = 0; i < 20; i++) {
        GOES(first, "ab");
        answer(first, i % 4 ? FAULT_TRANSIENT : FAULT_SERVER, true);
        pass(5000);
    }
    run('-', FAULT_NONE);
    cr_assert_str_eq(told, "+ab", "never five in a row of one kind");
}

Test(convoy, halves_begin_anew)
{
    struct shipment *half;
    open_convoy(false);
    add("ab");
    for (int i = 0; i < SHIP_PATIENCE; i++, pass(5000)) {
        struct shipment *whole;
        GOES(whole, "ab");
        answer(whole, FAULT_TRANSIENT, true);
    }
    GOES(half, "a");
    answer(half, FAULT_TRANSIENT, true);
    pass(5000);
    GOES(half, "a");
    answer(half, FAULT_NONE, true);
    GOES(half, "b");
    answer(half, FAULT_TRANSIENT, true);
    cr_assert_str_eq(told, "+a", "one failure of its own spends nothing");
    pass(5000);
    GOES(half, "b");
    answer(half, FAULT_NONE, true);
}

Test(convoy, says_when_nothing_is_committed_any_more)
{
    struct shipment *first, *second;
    open_convoy(false);
    add("a");
    add("b");
    for (int i = 0; i < SHIP_PATIENCE; i++) {
        cr_assert(!convoy_is_failing(&convoy));
        GOES(first, "a");
        answer(first, FAULT_SERVER, true);
        pass(5000);
    }
    cr_assert(convoy_is_failing(&convoy));
    GOES(first, "a");
    GOES(second, "b");
    answer(second, FAULT_NONE, true);
    cr_assert(!convoy_is_failing(&convoy), "whosever commit it was");
    answer(first, FAULT_NONE, true);
}

/* ---- a key that has stopped ------------------------------------------------------------------ */

Test(convoy, what_waits_behind_a_stopped_key_is_taken_back)
{
    char taken[MOST + 1] = "";
    size_t n = 0;
    struct shipment *first;
    struct list behind;
    list_init(&behind);
    open_convoy(true);
    for (const char *c = "adfg"; *c; c++) deliveries[*c - 'a'].order_key = 1;
    add("abcd");
    add("ef");
    add("g");
    GOES(first, "abcd");
    answer(first, FAULT_PARENT, true);
    GOES(first, "ab");
    convoy_take_key(&convoy, 1, &behind);
    LIST_EACH (link, &behind) {
        taken[n++] = (char)('a' + (LIST_ENTRY(link, struct delivery, link) - deliveries));
    }
    cr_assert_str_eq(taken, "dfg", "but for what flies");
    cr_assert_eq(convoy_count(&convoy), 2 + 1 + 1);
    answer(first, FAULT_NONE, true);
    run('-', FAULT_NONE);
    cr_assert_str_eq(told, "+ab+c+e");
}

/* ---- the end of a subscription --------------------------------------------------------------- */

Test(convoy, forgetting_gives_back_what_waits_and_marks_what_flies)
{
    struct shipment *first;
    open_convoy(false);
    add("ab");
    add("c");
    add("d");
    GOES(first, "ab");
    forget_all();
    cr_assert_str_eq(told, "~c~d");
    cr_assert(first->is_forgotten);
    cr_assert(!convoy_is_idle(&convoy), "its answer is still to come");
    add("e");
    struct shipment *fresh;
    GOES(fresh, "e");
    cr_assert(!fresh->is_forgotten);
    convoy_land(first);
    tell(first, '~');
    answer(fresh, FAULT_NONE, true);
    cr_assert_str_eq(told, "~c~d~ab+e");
    cr_assert(convoy_is_idle(&convoy));
}
