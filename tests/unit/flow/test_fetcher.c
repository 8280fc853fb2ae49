/* SPDX-License-Identifier: Apache-2.0
 *
 * The fetcher against a database that the test plays: who waits for whom, what a decision is held
 * against, and how long what was loaded is there. How keys are asked for is test_shelf.c's. */
#include "flow/fetcher.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "flow/ship_policy.h"
#include "unit/flow/clerk.h"

enum { ACCOUNT, PLAIN, LOADERS };

static char sql[] = "select k, v, x from t where k = any($1)";
static const struct sink accounts;
static struct loader account = { .nth = ACCOUNT, .name = "account", .sql = sql };
static struct loader plain = { .nth = PLAIN, .name = "plain", .sql = sql };
static struct loader *const loaders[LOADERS] = { &account, &plain };

static struct fetcher *fetcher;
static struct delivery_pool pool;
static char told[256]; /* tags: "1" has what it wants, "1!" was refused, "1?" for now */
static struct delivery *leaving[2]; /* by tag 1, from inside, as soon as it is told */
static bool is_telling;

static void tell(const struct delivery *delivery, const char *what)
{
    const size_t used = strlen(told);
    snprintf(told + used, sizeof told - used, "%s%llu%s", used ? " " : "",
             (unsigned long long)delivery->tag, what);
}

static void on_fetched(void *owner, struct delivery *delivery)
{
    (void)owner;
    cr_assert(delivery->is_fetched);
    cr_assert(!is_telling, "a long line is no deep stack");
    is_telling = true;
    tell(delivery, "");
    for (int i = 0; i < 2 && leaving[i]; i++) fetcher_leave(fetcher, leaving[i]);
    is_telling = false;
}

static void on_refused(void *owner, struct delivery *delivery, const struct fetch_refusal *refusal)
{
    (void)owner;
    cr_expect(!delivery->fetch && list_is_empty(&delivery->link));
    cr_expect(!text_is(refusal->words, "") && refusal->code.len == 5);
    tell(delivery, refusal->is_final ? "!" : "?");
}

static void open_fetcher(bool is_ordered)
{
    static const struct fetcher_events events = { on_fetched, on_refused };
    clerk_open();
    delivery_pool_init(&pool);
    account.guards = &accounts;
    fetcher = fetcher_new(clerk.loop,
                          &(struct fetcher_settings){ .store = clerk.store,
                                                      .loaders = loaders,
                                                      .n_loaders = LOADERS,
                                                      .consumer = "q",
                                                      .is_ordered = is_ordered },
                          &events, NULL);
}

static void open_unordered(void)
{
    open_fetcher(false);
}

static void open_ordered(void)
{
    open_fetcher(true);
}

static void close_fetcher(void)
{
    clerk_close_store();
    fetcher_free(fetcher);
    delivery_pool_fini(&pool);
    clerk_close_loop();
}

TestSuite(fetcher, .init = open_unordered, .fini = close_fetcher, .timeout = 120);
TestSuite(ordered_fetcher, .init = open_ordered, .fini = close_fetcher, .timeout = 120);

/* ---- deliveries ------------------------------------------------------------------------------ */

static void want(struct delivery *delivery, unsigned loader, const char *key)
{
    struct wanted *const wanted = arena_take(&delivery->arena, sizeof *wanted);
    *wanted = (struct wanted){ delivery->wanted, loader, text_of(key), NULL };
    delivery->wanted = wanted;
}

static struct delivery *add_of(uint64_t order_key, uint64_t tag, unsigned loader, const char *key)
{
    struct delivery *const delivery = delivery_take(&pool);
    delivery->tag = tag;
    delivery->order_key = order_key;
    delivery->outcome = (struct job_outcome){ 0 };
    want(delivery, loader, key);
    fetcher_add(fetcher, delivery);
    return delivery;
}

/* It wants this one key. */
static struct delivery *add(uint64_t tag, unsigned loader, const char *key)
{
    return add_of(0, tag, loader, key);
}

static void leave(struct delivery *delivery)
{
    fetcher_leave(fetcher, delivery);
    delivery_give(&pool, &delivery);
}

/* One question, of one key, answered with that version of it. */
static void answer(const char *key, const char *version)
{
    clerk_answer(clerk_take(), &(struct clerk_row){ { key, version, "value" } }, 1);
}

/* ---- guards ---------------------------------------------------------------------------------- */

static size_t guards_with(struct delivery *delivery, const struct effects *effects)
{
    const struct parcel_guard *guards;
    delivery->outcome.effects = *effects;
    const size_t n = fetcher_guards(delivery, &guards);
    if (n) cr_assert(guards->loader == &account && guards->version == 7);
    if (n) cr_assert(text_is(guards->key, "a"));
    return n;
}

/* A message that was decided on what is no longer so must do nothing, whatever that is. */
Test(fetcher, whatever_a_decision_leads_to_is_guarded)
{
    struct delivery *const delivery = add(1, ACCOUNT, "a");
    answer("a", "7");
    fetcher_note_handled(delivery);
    cr_expect_eq(guards_with(delivery, &(struct effects){ .n_rows = 1 }), 1);
    cr_expect_eq(guards_with(delivery, &(struct effects){ .n_caches = 1 }), 1);
    cr_expect_eq(guards_with(delivery, &(struct effects){ .n_publishes = 1 }), 1);
    cr_expect_eq(guards_with(delivery, &(struct effects){ 0 }), 0, "nothing was decided");
    leave(delivery);
}

Test(fetcher, what_guards_nothing_is_not_checked)
{
    struct delivery *const delivery = add(1, PLAIN, "a");
    answer("a", "7");
    cr_expect_eq(guards_with(delivery, &(struct effects){ .n_rows = 1 }), 0);
    leave(delivery);
}

/* Checked against what it was decided on the second time, and that alone. */
Test(fetcher, what_moved_is_loaded_again)
{
    const struct parcel_guard *guards;
    struct delivery *const delivery = add(1, ACCOUNT, "a"), *const behind = add(2, ACCOUNT, "a");
    answer("a", "6");
    const void *const made = arena_take(&delivery->arena, 8);
    fetcher_note_handled(delivery);
    fetcher_add_again(fetcher, delivery);
    cr_expect(arena_take(&delivery->arena, 8) == made, "what it made before is gone");
    answer("a", "7");
    cr_expect_str_eq(told, "1 1", "its key is its own meanwhile");
    cr_expect_eq(delivery->wanted->loaded->version, 7);
    delivery->outcome.effects.n_rows = 1;
    cr_expect_eq(fetcher_guards(delivery, &guards), 1);
    cr_expect_eq(guards->version, 7);
    leave(delivery);
    leave(behind);
}

/* ---- lifetimes ------------------------------------------------------------------------------- */

/* Many that are handled wait for their commit: what they have read is not kept for them. */
Test(fetcher, what_was_loaded_goes_once_it_is_handled)
{
    struct delivery *const first = add(1, PLAIN, "a"), *const second = add(2, PLAIN, "a");
    answer("a", "7");
    const struct loaded *const loaded = first->wanted->loaded;
    cr_assert(loaded && loaded == second->wanted->loaded);
    fetcher_note_handled(first);
    cr_expect_null(first->wanted->loaded);
    cr_expect(text_is(loaded->value, "value"), "the other has it still");
    fetcher_note_handled(second);
    cr_expect_null(second->wanted->loaded);
#ifdef __SANITIZE_ADDRESS__
    cr_expect(__asan_address_is_poisoned(loaded));
#endif
    leave(first);
    leave(second);
}

/* ---- who waits for whom ------------------------------------------------------------------------ */

Test(fetcher, who_waits_for_a_guarded_key_is_seen)
{
    struct delivery *const first = add(1, ACCOUNT, "a"), *const other = add(2, ACCOUNT, "b");
    struct delivery *const unguarded = add(3, PLAIN, "a"), *const same = add(4, PLAIN, "a");
    cr_expect(!fetcher_is_waited_for(first), "those want other keys, or are not guarded");
    struct delivery *const second = add(5, ACCOUNT, "a");
    cr_expect(fetcher_is_waited_for(first));
    cr_expect(!fetcher_is_waited_for(second));
    cr_expect(!fetcher_is_waited_for(other));
    cr_expect(!fetcher_is_waited_for(unguarded), "what guards nothing is waited for by nobody");
    leave(second);
    cr_expect(!fetcher_is_waited_for(first));
    leave(first);
    leave(other);
    leave(unguarded);
    leave(same);
}

Test(ordered_fetcher, who_waits_for_its_order_is_seen)
{
    struct delivery *const first = add(1, ACCOUNT, "a"), *const second = add(2, ACCOUNT, "b");
    cr_expect(fetcher_is_waited_for(first));
    cr_expect(!fetcher_is_waited_for(second));
    leave(second);
    cr_expect(!fetcher_is_waited_for(first));
    leave(first);
}

/* What guards nothing has its place only until it is loaded. */
Test(ordered_fetcher, order_is_kept_whoever_is_loaded_first)
{
    struct delivery *const first = add(1, PLAIN, "a"), *const second = add(2, ACCOUNT, "b");
    struct query *const query = clerk_take();
    answer("b", "1");
    cr_expect_str_eq(told, "");
    clerk_answer(query, NULL, 0);
    cr_expect_str_eq(told, "1 2");
    leave(first);
    leave(second);
}

/* Its turn at its order is not its turn at what it wants. */
Test(ordered_fetcher, both_turns_are_waited_for)
{
    struct delivery *const holder = add_of(9, 1, ACCOUNT, "a");
    answer("a", "1");
    struct delivery *const first = add(2, PLAIN, "b"), *const second = add(3, ACCOUNT, "a");
    answer("b", "1");
    cr_expect_str_eq(told, "1 2");
    leave(first);
    leave(holder);
    answer("a", "2");
    cr_expect_str_eq(told, "1 2 3");
    cr_expect_eq(second->wanted->loaded->version, 2);
    leave(second);
}

/* It may be handled again, which nobody behind it may overtake. */
Test(ordered_fetcher, a_guarded_one_keeps_its_place_until_it_is_stored)
{
    struct delivery *const first = add(1, ACCOUNT, "a"), *const second = add(2, PLAIN, "b");
    for (int i = 0; i < 2; i++) clerk_answer(clerk_take(), NULL, 0);
    fetcher_note_handled(first);
    cr_expect_str_eq(told, "1");
    leave(first);
    cr_expect_str_eq(told, "1 2");
    leave(second);
}

Test(ordered_fetcher, what_leaves_while_others_are_told_is_told_no_more)
{
    struct delivery *const first = add(1, ACCOUNT, "a"), *const second = add(2, PLAIN, "b");
    struct delivery *const third = add(3, PLAIN, "b");
    struct query *const query = clerk_take();
    answer("b", "1");
    leaving[0] = first;
    leaving[1] = second;
    clerk_answer(query, NULL, 0);
    cr_expect_str_eq(told, "1 3");
    leave(first);
    leave(second);
    leave(third);
}

Test(ordered_fetcher, whose_turn_it_would_be_goes_too)
{
    struct list back;
    list_init(&back);
    struct delivery *const first = add(1, ACCOUNT, "a"), *const second = add(2, PLAIN, "b");
    struct query *const query = clerk_take();
    answer("b", "1");
    fetcher_forget(fetcher, &back);
    clerk_answer(query, NULL, 0);
    cr_expect_str_eq(told, "");
    cr_expect(list_take_first(&back) == &first->link && list_take_first(&back) == &second->link);
    leave(first);
    leave(second);
}

Test(fetcher, all_that_is_loaded_is_given_back)
{
    struct list back;
    list_init(&back);
    struct delivery *all[] = { add(1, ACCOUNT, "a"), add(2, ACCOUNT, "a"), add(3, PLAIN, "a") };
    cr_expect(!fetcher_is_idle(fetcher));
    fetcher_forget(fetcher, &back);
    cr_expect(fetcher_is_idle(fetcher));
    cr_expect(!clerk_is_asked(), "for nobody");
    for (int i = 0; i < 3; i++) {
        cr_assert(list_take_first(&back) == &all[i]->link);
        leave(all[i]);
    }
    cr_expect(list_is_empty(&back));
    cr_expect_str_eq(told, "");
}

Test(fetcher, what_is_refused_is_its_owners_and_its_keys_the_next_ones)
{
    struct delivery *const first = add(1, ACCOUNT, "a"), *const second = add(2, ACCOUNT, "a");
    struct delivery *const third = add(3, ACCOUNT, "a");
    clerk_fail(clerk_take(), "22P02");
    clerk_fail(clerk_take(), "23503");
    answer("a", "1");
    cr_expect_str_eq(told, "1! 2? 3");
    leave(first);
    leave(second);
    leave(third);
}

/* ---- faults ------------------------------------------------------------------------------------ */

Test(fetcher, what_is_wrong_with_any_loader_is_said)
{
    struct delivery *const delivery = add(1, PLAIN, "a");
    for (int i = 0; i < SHIP_PATIENCE; i++) {
        cr_expect_str_eq(fetcher_fault(fetcher), "");
        clerk_fail(clerk_take(), "53100");
    }
    cr_expect_str_eq(fetcher_fault(fetcher), "loader plain: 53100: it failed");
    answer("a", "7");
    cr_expect_str_eq(fetcher_fault(fetcher), "");
    leave(delivery);
}
