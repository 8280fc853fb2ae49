/* SPDX-License-Identifier: Apache-2.0
 *
 * Trials as authors of handlers use them: each test is a handler's `handle` and the questions asked of
 * what came of it. */
#include <signal.h>

#include <criterion/criterion.h>

#include <warrener/testing.h>

#include "base/check.h"

static const struct wr_column columns[] = {
    WR_COLUMN("user_id", WR_INT8),
    WR_COLUMN("sku", WR_TEXT),
    WR_COLUMN("n", WR_INT4),
    WR_COLUMN("at", WR_TIMESTAMPTZ),
    { 0 },
};
static const struct wr_sink sinks[] = {
    { .table = "${table}", .columns = columns, .key = "sku, user_id" },
    { .table = "log", .columns = columns },
    { 0 },
};
static const struct wr_option options[] = {
    { "table", "cart", NULL },
    { "limit", NULL, "how many" },
    { 0 },
};
static const struct wr_counter counters[] = { { "seen", NULL }, { "more", NULL }, { 0 } };

typedef enum wr_verdict act(struct wr_job *job, const struct wr_message *message);
static act *what;

static enum wr_verdict handle(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    return what(job, message);
}

static struct wr_handler handler = {
    .size = sizeof(struct wr_handler),
    .abi_major = WR_ABI_MAJOR,
    .abi_minor = WR_ABI_MINOR,
    .sink_size = sizeof(struct wr_sink),
    .column_size = sizeof(struct wr_column),
    .loader_size = sizeof(struct wr_loader),
    .option_size = sizeof(struct wr_option),
    .counter_size = sizeof(struct wr_counter),
    .name = "cart",
    .sinks = sinks,
    .options = options,
    .counters = counters,
    .handle = handle,
};

static struct wr_trial *trial;

static struct wr_text text(const char *cstr)
{
    return (struct wr_text){ cstr, strlen(cstr) };
}

static enum wr_verdict run(act *how, const char *body)
{
    const struct wr_pair limit = { .name = text("limit"), .number = 3, .kind = WR_H_INT };
    if (!trial) trial = wr_trial_open(&handler, &limit, 1);
    cr_assert(trial, "%s", wr_trial_fault());
    what = how;
    return wr_trial_handle(trial, (struct wr_message){ .body = text(body), .id = text("m-1") });
}

static void close_trial(void)
{
    wr_trial_close(trial);
}

TestSuite(trial, .fini = close_trial);

#define expect_is(given, expected)                                                                 \
    do {                                                                                           \
        const struct wr_text given_ = (given);                                                     \
        cr_expect(wr_trial_is(given_, (expected)), "\"%s\" is not \"%s\"", given_.at, (expected)); \
        cr_expect_eq(given_.at[given_.len], '\0');                                                 \
    } while (0)

static void put(struct wr_job *job, unsigned sink, int64_t user, const char *sku)
{
    wr_row(job, sink);
    wr_put_int(job, user);
    wr_put_text(job, text(sku));
    wr_put_null(job);
    wr_put_time_us(job, wr_now_us(job));
}

static enum wr_verdict put_rows(struct wr_job *job, const struct wr_message *message)
{
    (void)message;
    put(job, 0, 7, "a");
    put(job, 1, 8, "b");
    put(job, 0, 9, "c");
    wr_delete(job, 0);
    wr_put_text(job, text("gone"));
    wr_put_int(job, 10);
    return WR_DONE;
}

Test(trial, tells_rows_by_sink_and_column)
{
    cr_expect_eq(run(put_rows, ""), WR_DONE);
    wr_trial_now(trial, INT64_C(1767323045000000));
    cr_expect_eq(run(put_rows, ""), WR_DONE);
    cr_expect_eq(wr_trial_rows(trial, 0), 3);
    cr_expect_eq(wr_trial_rows(trial, 1), 1);
    expect_is(wr_trial_value(trial, 0, 0, "user_id"), "7");
    expect_is(wr_trial_value(trial, 0, 1, "sku"), "c");
    expect_is(wr_trial_value(trial, 1, 0, "n"), "NULL");
    expect_is(wr_trial_value(trial, 1, 0, "at"), "2026-01-02 03:04:05+00");
    cr_expect(!wr_trial_is_delete(trial, 0, 1));
    cr_expect(wr_trial_is_delete(trial, 0, 2));
    expect_is(wr_trial_value(trial, 0, 2, "user_id"), "10");
    expect_is(wr_trial_value(trial, 0, 2, "sku"), "gone");
}

static enum wr_verdict put_a_zero(struct wr_job *job, const struct wr_message *message)
{
    (void)message;
    wr_row(job, 0);
    wr_put_int(job, 1);
    wr_put_text(job, (struct wr_text){ "a\0b", 3 });
    return WR_DONE;
}

Test(trial, names_the_table_with_its_options)
{
    cr_expect_eq(run(put_a_zero, ""), WR_REJECT);
    expect_is(wr_trial_reason(trial),
              "wr_put_text: the value for \"sku\" of \"cart\" holds a zero byte");
}

static enum wr_verdict send_all(struct wr_job *job, const struct wr_message *message)
{
    const struct wr_pair header = { .name = text("n"), .number = 4, .kind = WR_H_INT };
    wr_publish(job, (struct wr_outgoing){ .exchange = text("events"),
                                          .routing_key = text("cart.full"),
                                          .body = message->body,
                                          .headers = &header,
                                          .n_headers = 1 });
    wr_cache_set(job, text("cart:7"), text("one"), 1, 60);
    wr_cache_set(job, text("cart:7"), text("two"), 2, 61);
    wr_cache_drop(job, text("cart:8"), 3);
    wr_count(job, 1, 2);
    return WR_DONE;
}

Test(trial, tells_messages_cache_and_counters)
{
    cr_expect_eq(run(send_all, "full"), WR_DONE);
    cr_assert_eq(wr_trial_published(trial), 1);
    const struct wr_outgoing *const message = wr_trial_publish(trial, 0);
    expect_is(message->routing_key, "cart.full");
    expect_is(message->body, "full");
    cr_assert_eq(message->n_headers, 1);
    expect_is(message->headers[0].name, "n");
    cr_expect_eq(message->headers[0].number, 4);
    const struct wr_entry *const set = wr_trial_cached(trial, text("cart:7"));
    cr_assert(set);
    expect_is(set->value, "two");
    cr_expect_eq(set->version, 2);
    cr_expect_eq(set->ttl_s, 61);
    cr_expect(!set->is_drop);
    cr_assert(wr_trial_cached(trial, text("cart:8")));
    cr_expect(wr_trial_cached(trial, text("cart:8"))->is_drop);
    cr_expect_null(wr_trial_cached(trial, text("cart:9")));
    run(send_all, "");
    cr_expect_eq(wr_trial_counted(trial, 0), 0);
    cr_expect_eq(wr_trial_counted(trial, 1), 4);
}

static const struct wr_loader loaders[] = {
    { .name = "first", .sql = "select k, 1, k from unnest($1::text[]) k" },
    { .name = "second", .sql = "select k, 1, k from unnest($1::text[]) k" },
    { 0 },
};

static void want_two(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    (void)message;
    wr_want(job, 1, text("a"));
    wr_want(job, 1, text("b"));
}

static enum wr_verdict read_two(struct wr_job *job, const struct wr_message *message)
{
    struct wr_text value;
    uint64_t version;
    (void)message;
    cr_expect_eq(wr_got(job, 1, text("b"), &value, &version), WR_ABSENT);
    if (wr_got(job, 1, text("a"), &value, &version) == WR_ABSENT) return WR_RETRY;
    cr_expect(wr_trial_is(value, "newer"));
    cr_expect_eq(version, 4);
    return WR_DONE;
}

Test(trial, answers_loaders)
{
    handler.loaders = loaders;
    handler.prepare = want_two;
    cr_expect_eq(run(read_two, ""), WR_RETRY);
    wr_trial_load(trial, 0, text("b"), 1, text("another loader's"));
    wr_trial_load(trial, 1, text("a"), 3, text("older"));
    wr_trial_load(trial, 1, text("a"), 4, text("newer"));
    cr_expect_eq(run(read_two, ""), WR_DONE);
}

static enum wr_verdict decline(struct wr_job *job, const struct wr_message *message)
{
    struct wr_pair pair;
    put(job, 0, 1, "dropped");
    cr_expect_eq(message->attempt, 1);
    cr_expect(wr_header(job, "flag", &pair) && pair.kind == WR_H_BOOL && pair.number == 1);
    cr_expect(wr_header(job, "who", &pair) && wr_trial_is(pair.text, "me"));
    cr_expect(!wr_header(job, "whom", &pair));
    wr_because(job, "not %s", "now");
    wr_code(job, "busy");
    return WR_RETRY;
}

Test(trial, tells_why_and_gives_headers)
{
    const struct wr_pair headers[] = {
        { .name = text("flag"), .number = 1, .kind = WR_H_BOOL },
        { .name = text("who"), .text = text("me"), .kind = WR_H_TEXT },
    };
    run(put_rows, "");
    wr_trial_headers(trial, headers, 2);
    cr_expect_eq(run(decline, ""), WR_RETRY);
    expect_is(wr_trial_reason(trial), "not now");
    expect_is(wr_trial_code(trial), "busy");
    cr_expect_eq(wr_trial_rows(trial, 0), 0);
    wr_trial_headers(trial, NULL, 0);
    run(put_rows, "");
    expect_is(wr_trial_reason(trial), "");
}

Test(trial, refuses_what_the_host_would)
{
    const struct wr_pair misspelt = { .name = text("tabel"), .text = text("x") };
    cr_expect_null(wr_trial_open(&handler, &misspelt, 1));
    cr_expect_str_eq(wr_trial_fault(),
                     "the handler cart has no option \"tabel\"; did you mean \"table\"?\n"
                     "the handler cart needs the option \"limit\": how many");
    const struct wr_sink bad[] = {
        { .table = "t", .columns = columns, .key = "user_di" },
        { 0 },
    };
    const struct wr_pair limit = { .name = text("limit"), .text = text("3") };
    handler.sinks = bad;
    cr_expect_null(wr_trial_open(&handler, &limit, 1));
    cr_expect_str_eq(
        wr_trial_fault(),
        "the handler: sink 0 (t): key names \"user_di\", which is no column of it; did "
        "you mean \"user_id\"?");
}

#ifdef __SANITIZE_ADDRESS__
static const void *kept[6];

static enum wr_verdict keep(struct wr_job *job, const struct wr_message *message)
{
    kept[0] = message;
    kept[1] = message->body.at;
    kept[2] = message->id.at;
    kept[3] = wr_alloc(job, 8);
    kept[4] = wr_format(job, "%s", "formatted").at;
    struct wr_text value;
    cr_expect_eq(wr_got(job, 1, text("a"), &value, NULL), WR_FOUND);
    kept[5] = value.at;
    for (size_t i = 0; i < 6; i++) cr_expect(!__asan_address_is_poisoned(kept[i]), "%zu", i);
    cr_expect(__asan_address_is_poisoned(message->body.at + message->body.len), "reading past it");
    return WR_DONE;
}

Test(trial, what_was_lent_is_out_of_bounds_afterwards)
{
    handler.loaders = loaders;
    handler.prepare = want_two;
    run(read_two, "");
    wr_trial_load(trial, 1, text("a"), 3, text("value"));
    run(keep, "body");
    for (size_t i = 0; i < 6; i++) cr_expect(__asan_address_is_poisoned(kept[i]), "%zu", i);
}
#endif

/* Questions that make no sense end the test. */
Test(trial, knows_its_columns, .signal = SIGABRT)
{
    run(put_rows, "");
    wr_trial_value(trial, 0, 0, "user");
}

Test(trial, knows_its_rows, .signal = SIGABRT)
{
    run(put_rows, "");
    wr_trial_value(trial, 1, 1, "user_id");
}

Test(trial, knows_its_sinks, .signal = SIGABRT)
{
    run(put_rows, "");
    wr_trial_rows(trial, 2);
}
