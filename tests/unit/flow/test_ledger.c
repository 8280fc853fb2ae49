/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger: dialogues for each rule, then random traffic held against a list of all tags. */
#include "flow/ledger.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define GRACE_MS 50
#define ROOM 64

static struct ledger opened(unsigned tags)
{
    struct ledger ledger;
    ledger_init(&ledger, 400);
    ledger_begin(&ledger, 7);
    for (unsigned tag = 1; tag <= tags; tag++) cr_assert(ledger_open(&ledger, tag));
    return ledger;
}

static size_t collect(struct ledger *ledger, uint64_t now_ms, struct ledger_ack *acks)
{
    return ledger_collect(ledger, now_ms, GRACE_MS, acks, ROOM);
}

Test(ledger, acks_a_finished_prefix_by_one_multiple)
{
    struct ledger ledger = opened(5);
    struct ledger_ack acks[ROOM];
    ledger_finish(&ledger, 2);
    ledger_finish(&ledger, 1);
    ledger_finish(&ledger, 3);
    cr_assert(collect(&ledger, 1000, acks) == 1);
    cr_assert(acks[0].tag == 3 && acks[0].multiple);
    cr_assert(collect(&ledger, 1000, acks) == 0);
    ledger_fini(&ledger);
}

Test(ledger, acks_one_alone_without_multiple)
{
    struct ledger ledger = opened(2);
    struct ledger_ack acks[ROOM];
    ledger_finish(&ledger, 1);
    cr_assert(collect(&ledger, 1000, acks) == 1);
    cr_assert(acks[0].tag == 1 && !acks[0].multiple);
    ledger_fini(&ledger);
}

Test(ledger, waits_for_the_head_and_then_acks_singly)
{
    struct ledger ledger = opened(4);
    struct ledger_ack acks[ROOM];
    ledger_finish(&ledger, 3);
    cr_assert(collect(&ledger, 1000, acks) == 0);
    cr_assert(ledger_due_ms(&ledger, GRACE_MS) == 1000 + GRACE_MS);
    cr_assert(collect(&ledger, 1000 + GRACE_MS - 1, acks) == 0);
    cr_assert(collect(&ledger, 1000 + GRACE_MS, acks) == 1);
    cr_assert(acks[0].tag == 3 && !acks[0].multiple);
    cr_assert(ledger_due_ms(&ledger, GRACE_MS) == 0);
    ledger_finish(&ledger, 1);
    ledger_finish(&ledger, 2);
    ledger_finish(&ledger, 4);
    cr_assert(collect(&ledger, 2000, acks) == 1);
    cr_assert(acks[0].tag == 4 && acks[0].multiple);
    ledger_fini(&ledger);
}

/* What moves is given time anew, or a stream of slow messages would be acked one by one. */
Test(ledger, a_head_that_moves_stands_still_no_more)
{
    struct ledger ledger = opened(4);
    struct ledger_ack acks[ROOM];
    ledger_finish(&ledger, 3);
    cr_assert(collect(&ledger, 1000, acks) == 0);
    ledger_finish(&ledger, 1);
    cr_assert(collect(&ledger, 1000 + GRACE_MS - 1, acks) == 1);
    cr_assert(acks[0].tag == 1);
    cr_assert(ledger_due_ms(&ledger, GRACE_MS) == 1000 + 2 * GRACE_MS - 1);
    cr_assert(collect(&ledger, 1000 + 2 * GRACE_MS - 2, acks) == 0);
    cr_assert(collect(&ledger, 1000 + 2 * GRACE_MS - 1, acks) == 1);
    cr_assert(acks[0].tag == 3 && !acks[0].multiple);
    ledger_fini(&ledger);
}

/* All but the head of a full window, in one subscription and in the next. */
Test(ledger, nothing_of_an_old_subscription_takes_room)
{
    enum { WINDOW = 63 };
    struct ledger ledger;
    struct ledger_ack acks[ROOM];
    ledger_init(&ledger, WINDOW);
    for (uint64_t epoch = 1; epoch < 4; epoch++) {
        ledger_begin(&ledger, epoch);
        for (uint64_t tag = 1; tag <= WINDOW; tag++) cr_assert(ledger_open(&ledger, tag));
        for (uint64_t tag = 2; tag <= WINDOW; tag++) ledger_finish(&ledger, tag);
        cr_assert(collect(&ledger, 1000, acks) == 0);
    }
    cr_assert(collect(&ledger, 1000 + GRACE_MS, acks) == WINDOW - 1);
    ledger_fini(&ledger);
}

Test(ledger, never_names_a_tag_that_is_no_longer_out)
{
    struct ledger ledger = opened(3);
    struct ledger_ack acks[ROOM];
    ledger_finish(&ledger, 1);
    ledger_finish(&ledger, 2);
    ledger_drop(&ledger, 3); /* rejected: the multiple must end before it */
    cr_assert(collect(&ledger, 1000, acks) == 1);
    cr_assert(acks[0].tag == 2 && acks[0].multiple);
    ledger_fini(&ledger);
}

Test(ledger, refuses_tags_out_of_turn)
{
    struct ledger ledger = opened(2);
    cr_assert(!ledger_open(&ledger, 2));
    cr_assert(!ledger_open(&ledger, 4));
    cr_assert(ledger_open(&ledger, 3));
    ledger_begin(&ledger, 8);
    cr_assert(!ledger_open(&ledger, 4));
    cr_assert(ledger_open(&ledger, 1));
    ledger_fini(&ledger);
}

Test(ledger, widens_behind_a_head_that_does_not_move)
{
    struct ledger ledger = opened(1);
    struct ledger_ack acks[ROOM];
    uint64_t now_ms = 1000;
    for (uint64_t tag = 2; tag < 5000; tag++) {
        cr_assert(ledger_open(&ledger, tag));
        ledger_finish(&ledger, tag);
        (void)collect(&ledger, now_ms, acks);
        now_ms += GRACE_MS;
    }
    ledger_finish(&ledger, 1);
    cr_assert(collect(&ledger, now_ms, acks) >= 1);
    cr_assert(acks[0].tag == 1 || acks[0].tag == 4999);
    cr_assert(ledger.first == 5000 && !ledger.finished && !ledger.open);
    ledger_fini(&ledger);
}

/* What the broker would hold. */
enum { OUT, FINISHED, ACKED, DROPPED };
struct model {
    uint8_t state[20001];
    uint64_t first, next;
};

static void apply(struct model *model, const struct ledger_ack *ack)
{
    cr_assert(model->state[ack->tag] == FINISHED, "tag %llu acked but not finished",
              (unsigned long long)ack->tag);
    for (uint64_t tag = ack->multiple ? model->first : ack->tag; tag <= ack->tag; tag++) {
        cr_assert(model->state[tag] != OUT, "tag %llu acked while out", (unsigned long long)tag);
        if (model->state[tag] == FINISHED) model->state[tag] = ACKED;
    }
    while (model->first < model->next && model->state[model->first] >= ACKED) model->first++;
}

static uint64_t pick_out(const struct model *model)
{
    const uint64_t span = model->next - model->first;
    for (int i = 0; span && i < 8; i++) {
        const uint64_t tag = model->first + (uint64_t)rand() % span;
        if (model->state[tag] == OUT) return tag;
    }
    return 0;
}

Test(ledger, agrees_with_a_plain_list_under_random_traffic)
{
    for (unsigned seed = 1; seed <= 20; seed++) {
        srand(seed);
        struct ledger ledger = opened(0);
        static struct model model;
        memset(&model, 0, sizeof model);
        model.first = model.next = 1;
        struct ledger_ack acks[3]; /* little room: collecting takes several calls */
        uint64_t now_ms = 1000;
        while (model.next <= 20000) {
            const uint64_t tag = rand() % 2 ? pick_out(&model) : 0;
            if (!tag && model.next - model.first < 400) {
                cr_assert(ledger_open(&ledger, model.next));
                model.state[model.next++] = OUT;
            } else if (tag && rand() % 20 == 0) {
                ledger_drop(&ledger, tag);
                model.state[tag] = DROPPED;
            } else if (tag) {
                ledger_finish(&ledger, tag);
                model.state[tag] = FINISHED;
            }
            now_ms += (uint64_t)rand() % 5;
            size_t n;
            do {
                n = ledger_collect(&ledger, now_ms, GRACE_MS, acks, 3);
                for (size_t i = 0; i < n; i++) apply(&model, &acks[i]);
            } while (n == 3);
            if (model.next - model.first >= 400 && !tag) { /* let the head finish */
                if (model.state[model.first] == OUT) {
                    ledger_finish(&ledger, model.first);
                    model.state[model.first] = FINISHED;
                }
            }
        }
        ledger_fini(&ledger);
    }
}
