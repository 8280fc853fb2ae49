/* SPDX-License-Identifier: Apache-2.0
 *
 * The shelf against a database that the test plays. Which keys are asked for together is test_inquiry.c's. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "flow/shelf.h"
#include "flow/ship_policy.h"
#include "store/pool.h"
#include "unit/flow/clerk.h"

#define ARRAY_HEAD_BYTES 20

static struct cache_reader *reader;
static struct loader loader;
static struct shelf *shelf;
static char told[512]; /* "a=1" loaded, "a=" absent, "a!" refused, "a?" not yet */

struct guest {
    struct seat seat;
    const char *name;
};

static void tell(const struct seat *seat, const char *what, struct wr_text value)
{
    const struct guest *guest = seat->owner;
    const size_t used = strlen(told);
    snprintf(told + used, sizeof told - used, "%s%s%s%.*s", used ? " " : "", guest->name, what,
             TEXT_ARGS(value));
}

static void on_settled(void *owner, struct seat *seat)
{
    const struct loaded *loaded = shelf_loaded(seat);
    (void)owner;
    cr_assert_not_null(loaded);
    tell(seat, "=", loaded->is_absent ? text_of("") : loaded->value);
}

static void on_refused(void *owner, struct seat *seat, const struct shelf_refusal *refusal)
{
    (void)owner;
    tell(seat, refusal->is_final ? "!" : "?", text_of(refusal->sqlstate));
    shelf_leave(seat);
}

static struct shelf *new_shelf(void)
{
    static const struct shelf_events events = { on_settled, on_refused };
    return shelf_new(
        clerk.loop,
        &(struct shelf_settings){
            .loader = &loader, .store = clerk.store, .reader = reader, .consumer = "q" },
        &events, NULL);
}

static void open_shelf(const char *cache_key)
{
    static char sql[] = "select k, v, x from t where k = any($1)";
    clerk_open();
    reader = cache_key ? cache_reader_new(clerk.loop, NULL) : NULL;
    loader = (struct loader){
        .name = "cart", .sql = sql, .cache_key = cache_key, .ttl_s = 60, .absent_ttl_s = 1
    };
    shelf = new_shelf();
}

static void open_plain(void)
{
    open_shelf(NULL);
}

static void open_cached(void)
{
    open_shelf("cart:{key}");
}

static void close_shelf(void)
{
    clerk_close_store();
    shelf_free(shelf);
    if (reader) cache_reader_free(reader);
    clerk_close_loop();
}

TestSuite(shelf, .init = open_plain, .fini = close_shelf, .timeout = 120);
TestSuite(cached_shelf, .init = open_cached, .fini = close_shelf, .timeout = 120);

static void want(struct guest *guest, const char *key, const char *name)
{
    *guest = (struct guest){ .seat = { .owner = guest }, .name = name };
    list_init(&guest->seat.link);
    shelf_want(shelf, text_of(key), &guest->seat);
}

/* The keys of one letter that a question asks for. */
static const char *keys_of(const struct query *query)
{
    static char keys[64];
    const char *at = query->step.values[0], *const end = at + query->step.lengths[0];
    size_t n = 0;
    for (at += ARRAY_HEAD_BYTES; at < end; at += 4 + 1) keys[n++] = at[4];
    keys[n] = '\0';
    return keys;
}

static struct query *take_question(const char *keys)
{
    struct query *query = clerk_take();
    cr_assert_str_eq(keys_of(query), keys);
    return query;
}

/* Rows of key, version, value. */
#define ANSWER(query, ...)                                                                         \
    clerk_answer(query, (const struct clerk_row[]){ __VA_ARGS__ },                                 \
                 sizeof(struct clerk_row[]){ __VA_ARGS__ } / sizeof(struct clerk_row))

static void leave(struct guest *guest)
{
    shelf_leave(&guest->seat);
}

/* ---- sharing --------------------------------------------------------------------------------- */

Test(shelf, each_key_is_asked_for_once_however_many_want_it)
{
    struct guest first, second, other;
    want(&first, "a", "first");
    want(&second, "a", "second");
    want(&other, "b", "other");
    cr_assert_null(shelf_loaded(&first.seat));
    ANSWER(take_question("ab"), { { "a", "7", "1" } }, { { "x", "1", "not asked for" } });
    cr_assert_str_eq(told, "first=1 second=1 other=");
    cr_assert_eq(shelf_loaded(&second.seat)->version, 7);
    cr_assert(!clerk_is_asked());
    leave(&first);
    leave(&first); /* harmless */
    cr_assert(text_is(shelf_loaded(&second.seat)->value, "1"), "as long as one has a seat");
    leave(&second);
    leave(&other);
}

Test(shelf, a_newcomer_is_told_what_is_so_now)
{
    struct guest early, late;
    want(&early, "a", "early");
    struct query *query = take_question("a");
    want(&late, "a", "late");
    cr_assert(!clerk_is_asked(), "one question at a time");
    ANSWER(query, { { "a", "1", "old" } });
    ANSWER(take_question("a"), { { "a", "2", "new" } });
    cr_assert_str_eq(told, "early=old late=new");
    leave(&early);
    leave(&late);
}

Test(shelf, who_came_during_a_failure_is_answered_too)
{
    struct guest early, late;
    want(&early, "a", "early");
    struct query *query = take_question("a");
    want(&late, "a", "late");
    clerk_fail(query, "40001");
    ANSWER(take_question("aa"), { { "a", "1", "there" } });
    cr_assert_str_eq(told, "early=there late=there");
    leave(&early);
    leave(&late);
}

Test(shelf, what_a_guard_reads_is_not_shared)
{
    static const struct sink sink;
    struct guest first, second;
    loader.guards = &sink;
    want(&first, "a", "first");
    want(&second, "a", "second");
    ANSWER(take_question("aa"), { { "a", "1", "there" } });
    cr_assert_str_eq(told, "first=there second=there");
    leave(&first);
    leave(&second);
}

Test(shelf, who_leaves_is_not_told)
{
    struct guest gone, away, early, stays;
    want(&gone, "a", "gone");
    want(&early, "b", "early");
    want(&stays, "b", "stays");
    leave(&gone);
    struct query *query = take_question("b");
    want(&away, "c", "away");
    leave(&early);
    ANSWER(query, { { "b", "1", "1" } });
    query = take_question("c");
    leave(&away);
    clerk_answer(query, NULL, 0);
    cr_assert_str_eq(told, "stays=1");
    leave(&stays);
    cr_assert(!clerk_is_asked());
}

static void await_told(const char *words)
{
    while (strlen(told) < strlen(words)) clerk_turn();
    cr_assert_str_eq(told, words);
}

Test(cached_shelf, gives_both_kinds_of_answer)
{
    struct guest first, second, other;
    want(&first, "a", "first");
    want(&second, "a", "second");
    want(&other, "b", "other");
    ANSWER(take_question("ab"), { { "a", "7", "1" } });
    await_told("first=1 second=1 other=");
    leave(&first);
    leave(&second);
    leave(&other);
}

Test(cached_shelf, what_one_consumer_loads_the_others_get)
{
    struct guest ours, theirs;
    struct shelf *const mine = shelf;
    want(&ours, "a", "ours");
    struct shelf *const other = shelf = new_shelf();
    want(&theirs, "a", "theirs");
    ANSWER(take_question("a"), { { "a", "7", "1" } });
    await_told("ours=1 theirs=1");
    cr_assert(!clerk_is_asked());
    leave(&ours);
    leave(&theirs);
    shelf_free(other);
    shelf = mine;
}

/* ---- failures -------------------------------------------------------------------------------- */

Test(shelf, a_key_that_cannot_be_taken_is_found)
{
    struct guest guests[4];
    const char *const keys[] = { "a", "b", "c", "d" };
    for (int i = 0; i < 4; i++) want(&guests[i], keys[i], keys[i]);
    clerk_fail(take_question("abcd"), "22P02");
    clerk_answer(take_question("ab"), NULL, 0);
    clerk_fail(take_question("cd"), "22P02");
    clerk_fail(take_question("c"), "22P02");
    clerk_answer(take_question("d"), NULL, 0);
    cr_assert_str_eq(told, "a= b= c!22P02 d=");
    for (int i = 0; i < 4; i++) leave(&guests[i]);
}

Test(shelf, a_version_below_zero_is_that_keys_fault_alone)
{
    struct guest a, b, c;
    want(&a, "a", "a");
    want(&b, "b", "b");
    want(&c, "c", "c");
    ANSWER(take_question("abc"), { { "a", "-1", "1" } }, { { "b", NULL, NULL } },
           { { "c", "0", "2" } });
    cr_assert_str_eq(told, "a! b= c=2");
    cr_assert_eq(shelf_loaded(&b.seat)->version, 0);
    cr_assert_eq(shelf_loaded(&c.seat)->version, 0);
    leave(&b);
    leave(&c);
}

Test(shelf, the_servers_own_faults_are_waited_for)
{
    struct guest guest;
    want(&guest, "a", "a");
    for (int i = 0; i < SHIP_PATIENCE - 1; i++) {
        clerk_fail(take_question("a"), "40001");
        cr_assert_str_eq(shelf_fault(shelf), "");
        cr_assert(!clerk_is_asked(), "it rests");
    }
    cr_assert_str_eq(told, "");
    clerk_fail(take_question("a"), "40001");
    cr_assert_str_eq(told, "a?40001", "alone on a server that is well");
    cr_assert(!clerk_is_asked());
}

Test(shelf, a_full_disk_is_said_and_never_a_keys_fault)
{
    struct guest guest;
    want(&guest, "a", "a");
    for (int i = 0; i < SHIP_PATIENCE; i++) clerk_fail(take_question("a"), "53100");
    cr_assert_str_eq(shelf_fault(shelf), "loader cart: 53100: it failed");
    ANSWER(take_question("a"), { { "a", "1", "1" } });
    cr_assert_str_eq(told, "a=1");
    cr_assert_str_eq(shelf_fault(shelf), "");
    leave(&guest);
}

Test(shelf, what_its_sql_lacks_is_the_stores_to_judge)
{
    struct guest guest;
    want(&guest, "a", "a");
    clerk_fail(take_question("a"), "42703");
    cr_assert_eq(clerk.store->tables, TABLES_AT_FAULT);
    cr_assert_str_eq(told, "");
    cr_assert(!clerk_is_asked(), "nor is it asked at once");
    leave(&guest);
}

Test(shelf, of_too_few_columns_nothing_is_taken)
{
    struct guest guest;
    want(&guest, "a", "a");
    clerk_answer_columns(take_question("a"), CLERK_COLUMNS - 1,
                         &(struct clerk_row){ { "a", "1", NULL } }, 1);
    cr_assert_eq(clerk.store->tables, TABLES_AT_FAULT);
    cr_assert_str_eq(told, "");
    leave(&guest);
}
