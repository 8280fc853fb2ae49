/* SPDX-License-Identifier: Apache-2.0
 *
 * The job: open and close, verdicts and reasons, memory, UUIDs, counters, clock. */
#include "plugin/job.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "unit/plugin/desk.h"

#define ACT(name) static enum wr_verdict name(struct wr_job *job, UNUSED const struct wr_message *m)

ACT(say_done)
{
    (void)job;
    return WR_DONE;
}

static void make(void)
{
    desk_open(say_done);
}

TestSuite(job, .init = make, .fini = desk_close);

/* ---- verdicts ----------------------------------------------------------------------------------- */

ACT(say_retry)
{
    wr_because(job, "first");
    wr_because(job, "the %s is down, %d", "oracle", 7);
    wr_code(job, "oracle_down");
    return WR_RETRY;
}

ACT(say_wait)
{
    (void)job;
    return WR_WAIT;
}

ACT(say_17)
{
    (void)job;
    return (enum wr_verdict)17;
}

ACT(say_minus_1)
{
    wr_because(job, "not this");
    return (enum wr_verdict) - 1;
}

ACT(fail_twice)
{
    wr_because(job, "not this");
    wr_fail(job, "no %s", "stock");
    wr_fail(job, "nor this");
    wr_because(job, "nor that");
    return WR_WAIT;
}

Test(job, verdicts_pass)
{
    cr_expect_eq(desk_run(say_done), WR_DONE);
    expect_text(desk.outcome.reason, "");
    expect_text(desk.outcome.code, "");
    cr_expect_eq(desk_run(say_retry), WR_RETRY);
    expect_text(desk.outcome.reason, "the oracle is down, 7");
    expect_text(desk.outcome.code, "oracle_down");
    cr_expect_eq(desk_run(say_wait), WR_WAIT);
    expect_text(desk.outcome.reason, "");
}

Test(job, what_is_no_verdict_rejects)
{
    desk_run(say_17);
    desk_expect_rejected("the handler returned 17, which is no verdict");
    desk_run(say_minus_1);
    desk_expect_rejected("the handler returned -1, which is no verdict");
}

Test(job, failing_is_sticky_and_forgotten_with_the_message)
{
    desk_run(fail_twice);
    desk_expect_rejected("no stock");
    cr_expect_eq(desk_run(say_done), WR_DONE);
    expect_text(desk.outcome.reason, "");
}

ACT(talk_long)
{
    char line[3000];
    memset(line, 'x', sizeof line);
    for (size_t i = 1; i + 1 < sizeof line; i += 2) memcpy(line + i, "\xc3\xa4", 2);
    job->api->because(job, (struct wr_text){ line, sizeof line });
    wr_code(job, "a code that is longer than a label should be, by far, and then some more of it");
    return WR_REJECT;
}

Test(job, reasons_and_codes_are_cut_between_characters)
{
    desk_run(talk_long);
    cr_expect_eq(desk.outcome.reason.len, 1023);
    cr_expect(text_is_utf8(desk.outcome.reason));
    cr_expect_eq(desk.outcome.code.len, 64);
}

ACT(give_nulls)
{
    job->api->because(job, (struct wr_text){ NULL, 0 });
    wr_code(job, NULL);
    return WR_REJECT;
}

Test(job, nothing_may_be_null)
{
    desk_run(give_nulls);
    desk_expect_rejected("");
}

/* ---- open and close ------------------------------------------------------------------------------ */

static void *closed;

static bool open_well(struct wr_host *host, void **self)
{
    cr_expect_null(wr_option(host, "none"));
    *self = (void *)(uintptr_t)wr_option(host, "greeting");
    return true;
}

static bool open_silently(struct wr_host *host, void **self)
{
    (void)host;
    (void)self;
    return false;
}

static bool open_with_words(struct wr_host *host, void **self)
{
    (void)self;
    wr_open_because(host, "the %s is not at home", "oracle");
    return false;
}

static void note_closed(void *self)
{
    closed = self;
}

static void no_fault(void *owner, int index, const char *text)
{
    (void)owner;
    cr_assert_fail("%d: %s", index, text);
}

Test(job, open_may_ask_for_options)
{
    static const struct wr_option declared[] = { { "greeting", "hello", NULL }, { 0 } };
    const struct wr_handler handler = {
        .name = "greeter", .options = declared, .open = open_well, .close = note_closed
    };
    struct options *const options = options_bind(&handler, NULL, 0, no_fault, NULL);
    const struct job_settings settings = { .handler = &handler, .options = options, .queue = "q" };
    struct job *const job = job_new(&settings);
    struct status status;
    cr_assert(job_open(job, &status));
    job_close(job);
    cr_expect_str_eq(closed, "hello");
    job_free(job);
    options_free(options);
}

Test(job, a_handler_may_decline)
{
    struct status status;
    desk_handler.open = open_silently;
    cr_expect_not(job_open(desk.job, &status));
    cr_expect_eq(status.exit, EXIT_CONFIG);
    cr_expect_str_eq(status.text,
                     "the handler desk did not open in lane 0 of login.events: it gave no "
                     "reason (wr_open_because)");
    desk_handler.open = open_with_words;
    cr_expect_not(job_open(desk.job, &status));
    cr_expect_str_eq(status.text,
                     "the handler desk did not open in lane 0 of login.events: the oracle "
                     "is not at home");
}

static struct wr_job *kept;

ACT(keep)
{
    kept = job;
    return WR_DONE;
}

Test(job, a_kept_job_is_caught, .signal = SIGABRT)
{
    desk_run(keep);
    freopen("/dev/null", "w", stderr);
    wr_count(kept, 0, 1);
}

/* ---- memory --------------------------------------------------------------------------------------- */

ACT(take_much)
{
    for (int i = 0; i < 63; i++) {
        char *const block = wr_alloc(job, 1 << 20);
        cr_expect_not_null(block);
        cr_expect_eq((uintptr_t)block % _Alignof(max_align_t), 0);
        if (block) block[0] = block[(1 << 20) - 1] = 1;
    }
    return WR_DONE;
}

ACT(take_too_much)
{
    take_much(job, m);
    cr_expect_not_null(wr_alloc(job, 1 << 20));
    cr_expect_null(wr_alloc(job, 1 << 20));
    cr_expect_null(wr_alloc(job, SIZE_MAX));
    cr_expect_str_eq(wr_cstr(job, (struct wr_text){ "x", 1 }), "");
    return WR_DONE;
}

/* A small piece at the brink makes a block that goes beyond it; nothing more is to be had then. */
ACT(take_to_the_brink)
{
    cr_expect_not_null(wr_alloc(job, JOB_MEMORY_BYTES - 64));
    for (int i = 0; i < 100; i++) (void)wr_alloc(job, 8);
    cr_expect_null(wr_alloc(job, 8));
    return WR_DONE;
}

Test(job, memory_is_bounded)
{
    cr_expect_eq(desk_run(take_much), WR_DONE);
    desk_run(take_too_much);
    desk_expect_rejected("the handler took more than 64 MiB of memory for one message");
    cr_expect_eq(desk_run(take_much), WR_DONE);
    desk_run(take_to_the_brink);
    desk_expect_rejected("the handler took more than 64 MiB of memory for one message");
}

ACT(make_cstr)
{
    cr_expect_str_eq(wr_cstr(job, (struct wr_text){ "abcd", 3 }), "abc");
    cr_expect_str_eq(wr_cstr(job, (struct wr_text){ NULL, 0 }), "");
    const struct wr_text said = wr_format(job, "%s-%d", "n", 12);
    expect_text(said, "n-12");
    expect_text(wr_format(job, "%s", ""), "");
    for (int n = 1; n <= 600; n++) {
        const struct wr_text padded = wr_format(job, "%*d!", n, 7);
        cr_assert(padded.len == (size_t)n + 1 && strlen(padded.at) == padded.len);
        cr_assert(padded.at[n - 1] == '7' && padded.at[n] == '!');
    }
    return WR_DONE;
}

ACT(make_bad_cstr)
{
    cr_expect_str_eq(wr_cstr(job, (struct wr_text){ "a\0b", 3 }), "");
    return WR_DONE;
}

Test(job, texts_are_made)
{
    cr_expect_eq(desk_run(make_cstr), WR_DONE);
    desk_run(make_bad_cstr);
    desk_expect_rejected("wr_cstr: the text holds a zero byte");
}

/* ---- UUIDs ---------------------------------------------------------------------------------------- */

static char uuids[2][37];

ACT(make_uuids)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct wr_text uuid = wr_uuid_of(job, i);
        cr_assert_eq(uuid.len, 36);
        memcpy(uuids[i], uuid.at, 36);
    }
    return WR_DONE;
}

/* These stand for ever: rows and messages of earlier versions are known by them. */
Test(job, uuids_follow_from_the_message)
{
    struct wr_message *const message = &desk.message.message;
    message->id = text_of("0194f0c8-7c1e-7a3b-9d2e-000000000001");
    desk_run_body(make_uuids, "{}");
    cr_expect_str_eq(uuids[0], "57cb13d6-8b18-85fe-8391-99c6c48ce14e");
    cr_expect_str_eq(uuids[1], "d8efc070-b983-815c-8a2e-9707194ca0e7");
    message->redelivered = true;
    message->attempt = 3;
    desk_run_body(make_uuids, "other");
    cr_expect_str_eq(uuids[0], "57cb13d6-8b18-85fe-8391-99c6c48ce14e");

    message->id = text_of("");
    desk_run_body(make_uuids, "{\"n\": 123456789}");
    cr_expect_str_eq(uuids[0], "693d2bb3-8bc6-8baf-ac09-d25b9d9f5aea");
    message->timestamp_ms = 1;
    desk_run(make_uuids);
    cr_expect_str_neq(uuids[0], "693d2bb3-8bc6-8baf-ac09-d25b9d9f5aea");
    message->timestamp_ms = 0;
    desk_handler.name = "other";
    desk_run(make_uuids);
    cr_expect_str_neq(uuids[0], "693d2bb3-8bc6-8baf-ac09-d25b9d9f5aea");
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, 36);
}

Test(job, uuids_differ)
{
    enum { N = 20000 };
    static char all[N][36];
    for (unsigned i = 0; i < N; i += 2) {
        char id[16];
        snprintf(id, sizeof id, "%u", i);
        desk.message.message.id = text_of(id);
        desk_run(make_uuids);
        memcpy(all[i], uuids[0], 36);
        memcpy(all[i + 1], uuids[1], 36);
        cr_assert(uuids[0][14] == '8' && strchr("89ab", uuids[0][19]));
    }
    qsort(all, N, sizeof *all, compare);
    for (int i = 1; i < N; i++) cr_assert(memcmp(all[i - 1], all[i], 36) != 0);
}

/* ---- the rest ------------------------------------------------------------------------------------- */

ACT(count_some)
{
    wr_count(job, 1, 3);
    return WR_DONE;
}

ACT(count_what_is_not)
{
    wr_count(job, 2, 3);
    return WR_DONE;
}

Test(job, counters_are_counted)
{
    static const struct wr_counter declared[] = { { "a", NULL }, { "b", NULL }, { 0 } };
    static struct counter a, b;
    struct counter *counters[] = { &a, &b };
    desk_close();
    desk_handler.counters = declared;
    desk.settings.counters = counters;
    desk_open(count_some);
    cr_expect_eq(desk_run(NULL), WR_DONE);
    cr_expect_eq(desk_run(NULL), WR_DONE);
    cr_expect_eq(counter_read(&a), 0);
    cr_expect_eq(counter_read(&b), 6);
    desk_run(count_what_is_not);
    desk_expect_rejected("wr_count: there is no counter 2, the handler declares 2");
}

static int64_t noon(const void *owner)
{
    (void)owner;
    return 43200000000;
}

static int64_t seen_us, seen_ms;

ACT(look_at_clocks)
{
    seen_us = wr_now_us(job);
    seen_ms = wr_left_ms(job);
    return WR_DONE;
}

Test(job, clocks_are_the_hosts)
{
    desk.deadline_ms = clock_now_ms() + 60000;
    desk_run(look_at_clocks);
    cr_expect(llabs(seen_us - clock_unix_us()) < 60000000);
    cr_expect(seen_ms > 0 && seen_ms <= 60000);
    desk.deadline_ms = 0;
    desk_run(look_at_clocks);
    cr_expect_eq(seen_ms, 0);
    desk.deadline_ms = UINT64_MAX;
    desk_run(look_at_clocks);
    cr_expect(seen_ms > 0);
    desk_close();
    desk.settings.unix_us = noon;
    desk_open(look_at_clocks);
    desk_run(NULL);
    cr_expect_eq(seen_us, 43200000000);
}

static struct wr_pair pair;
static bool has_header;

ACT(read_header)
{
    has_header = wr_header(job, "tenant", &pair);
    return WR_DONE;
}

Test(job, headers_are_read)
{
    desk_run(read_header);
    cr_expect_not(has_header);
    static const char table[] = "\6tenantS\0\0\0\4acme";
    desk.message.headers = (struct wr_text){ table, sizeof table - 1 };
    desk_run(read_header);
    cr_expect(has_header);
    cr_expect_eq(pair.kind, WR_H_TEXT);
    expect_text(pair.text, "acme");
}

/* ---- prepare and loads ---------------------------------------------------------------------------- */

static const struct wr_loader loaders[] = { { .name = "users", .sql = "select" }, { 0 } };

static void prepare(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    (void)message;
    char key[] = "42";
    wr_want(job, 0, (struct wr_text){ key, 2 });
    key[0] = 'x'; /* copied */
    if (wr_json_has(job, "also")) wr_want(job, 1, (struct wr_text){ "1", 1 });
    if (wr_json_has(job, "list")) wr_json_enter(job, "list", 0, NULL);
}

ACT(get_wanted)
{
    struct wr_text value = { "x", 1 };
    uint64_t version = 7;
    cr_expect_eq(wr_got(job, 0, (struct wr_text){ "42", 2 }, &value, &version), WR_ABSENT);
    expect_text(value, "");
    cr_expect_eq(version, 0);
    cr_expect(wr_json_has(job, "list") || !wr_json_has(job, "")); /* at the body again */
    wr_got(job, 0, (struct wr_text){ "42", 2 }, NULL, NULL);
    return WR_DONE;
}

ACT(get_unwanted)
{
    wr_got(job, 0, (struct wr_text){ "43", 2 }, NULL, NULL);
    return WR_DONE;
}

ACT(want_late)
{
    wr_want(job, 0, (struct wr_text){ "43", 2 });
    return WR_DONE;
}

ACT(get_undeclared)
{
    wr_got(job, 4, (struct wr_text){ "43", 2 }, NULL, NULL);
    return WR_DONE;
}

Test(job, keys_are_wanted_in_prepare)
{
    desk_close();
    desk_handler.loaders = loaders;
    desk_handler.prepare = prepare;
    desk_open(get_wanted);
    cr_expect_eq(desk_run_body(NULL, "{\"list\": [1]}"), WR_DONE);
    desk_run_body(NULL, "{\"also\": 1}");
    desk_expect_rejected("wr_want: there is no loader 1, the handler declares 1");
    desk_run_body(get_unwanted, "{}");
    desk_expect_rejected("wr_got: the key \"43\" of the loader users was not wanted in prepare");
    desk_run(want_late);
    desk_expect_rejected("wr_want: keys are wanted in prepare, and nowhere else");
    desk_run(get_undeclared);
    desk_expect_rejected("wr_got: there is no loader 4, the handler declares 1");
}

ACT(get_loaded)
{
    struct wr_text value;
    uint64_t version;
    cr_expect_eq(wr_got(job, 0, (struct wr_text){ "42", 2 }, &value, &version), WR_FOUND);
    expect_text(value, "answer");
    cr_expect_eq(version, 9);
    return WR_DONE;
}

ACT(get_absent)
{
    struct wr_text value;
    cr_expect_eq(wr_got(job, 0, (struct wr_text){ "42", 2 }, &value, NULL), WR_ABSENT);
    expect_text(value, "");
    return WR_DONE;
}

static void prepare_badly(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    (void)message;
    if (wr_json_has(job, "publish"))
        wr_publish(job, (struct wr_outgoing){ .exchange = { "x", 1 } });
    if (wr_json_has(job, "nul")) wr_want(job, 0, (struct wr_text){ "4\0002", 3 });
    if (wr_json_has(job, "utf8")) wr_want(job, 0, (struct wr_text){ "\xff", 1 });
    for (int i = 0; i < 3; i++) wr_want(job, 0, (struct wr_text){ "42", 2 });
}

static void open_reader(desk_act *act,
                        void (*how)(void *, struct wr_job *, const struct wr_message *))
{
    desk_close();
    desk_handler.loaders = loaders;
    desk_handler.prepare = how;
    desk_open(act);
}

static bool prepare_body(const char *body, struct wanted **wanted)
{
    desk.message.message.body = text_of(body);
    return job_prepare(desk.job, &desk.arena, &desk.message, desk.deadline_ms, wanted,
                       &desk.outcome);
}

Test(job, what_was_loaded_in_between_is_got)
{
    struct wanted *wanted;
    open_reader(get_loaded, prepare);
    cr_expect(job_reads(&desk_handler));
    cr_assert(prepare_body("{}", &wanted));
    cr_assert(wanted && !wanted->next && !wanted->loaded);
    expect_text(wanted->key, "42");
    const struct loaded answer = { .value = text_of("answer"), .version = 9 };
    wanted->loaded = &answer;
    job_handle(desk.job, &desk.arena, &desk.message, desk.deadline_ms, wanted, &desk.outcome);
    cr_expect_eq(desk.outcome.verdict, WR_DONE);
    desk_handler.handle = NULL;
    desk_handler.prepare = NULL;
    cr_expect(!job_reads(&desk_handler));
}

Test(job, what_was_found_absent_is_absent)
{
    struct wanted *wanted;
    open_reader(get_absent, prepare_badly);
    cr_assert(prepare_body("{}", &wanted));
    cr_assert(wanted && !wanted->next, "three times the same is one");
    wanted->loaded = &(const struct loaded){ .is_absent = true };
    job_handle(desk.job, &desk.arena, &desk.message, desk.deadline_ms, wanted, &desk.outcome);
    cr_expect_eq(desk.outcome.verdict, WR_DONE);
}

Test(job, prepare_only_says_what_to_load)
{
    struct wanted *wanted;
    open_reader(get_absent, prepare_badly);
    cr_assert(!prepare_body("{\"publish\": 1}", &wanted));
    desk_expect_rejected(
        "prepare says what to load; rows, cache entries and messages are for handle");
    cr_expect_eq(desk.outcome.effects.n_publishes, 0);
    cr_assert(!prepare_body("{\"nul\": 1}", &wanted));
    desk_expect_rejected(
        "wr_want: the key \"4\\x002\" of the loader users is not UTF-8, or holds a zero byte");
    cr_assert(!prepare_body("{\"utf8\": 1}", &wanted));
}
