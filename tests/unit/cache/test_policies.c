/* SPDX-License-Identifier: Apache-2.0
 *
 * The pure parts of the cache: breaker, the server's clock, ttls, versions, errors. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "cache/breaker.h"
#include "cache/fault.h"
#include "cache/server_clock.h"
#include "cache/versioned.h"

/* ---- breaker --------------------------------------------------------------------------------- */

static void fail_until_open(struct breaker *breaker, uint64_t now_ms)
{
    for (int i = 1; i < BREAKER_FAILURES; i++) cr_assert(!breaker_note(breaker, false, now_ms));
    cr_assert(breaker_note(breaker, false, now_ms));
    cr_assert_eq(breaker->state, BREAKER_OPEN);
}

Test(breaker, opens_after_failures_in_a_row_and_not_before)
{
    struct breaker breaker = { 0 };
    for (int round = 0; round < 10; round++) {
        for (int i = 1; i < BREAKER_FAILURES; i++) cr_assert(!breaker_note(&breaker, false, 5));
        cr_assert(!breaker_note(&breaker, true, 5));
    }
    cr_assert(breaker_lets(&breaker, 5));
    fail_until_open(&breaker, 5);
    cr_assert(!breaker_lets(&breaker, 5));
    cr_assert(!breaker_lets(&breaker, 5 + BREAKER_FIRST_MS - 1));
}

Test(breaker, one_probe_goes_and_closes_it)
{
    struct breaker breaker = { 0 };
    fail_until_open(&breaker, 0);
    cr_assert(breaker_lets(&breaker, BREAKER_FIRST_MS));
    cr_assert_eq(breaker.state, BREAKER_HALF_OPEN);
    cr_assert(!breaker_lets(&breaker, BREAKER_FIRST_MS), "a second one went");
    cr_assert(!breaker_lets(&breaker, BREAKER_FIRST_MS * 100), "a second one went");
    cr_assert(breaker_note(&breaker, true, 2000));
    cr_assert(breaker.state == BREAKER_CLOSED && breaker_lets(&breaker, 2000));
}

Test(breaker, failing_probes_make_it_rest_longer_up_to_a_bound)
{
    static const uint32_t rests_ms[] = { 1000, 2000, 4000, 8000, 16000, 30000, 30000 };
    struct breaker breaker = { 0 };
    uint64_t now_ms = 77;
    fail_until_open(&breaker, now_ms);
    for (size_t i = 0; i < sizeof rests_ms / sizeof *rests_ms; i++) {
        cr_assert(!breaker_lets(&breaker, now_ms + rests_ms[i] - 1), "rest %zu", i);
        now_ms += rests_ms[i];
        cr_assert(breaker_lets(&breaker, now_ms), "rest %zu", i);
        cr_assert(breaker_note(&breaker, false, now_ms));
    }
    now_ms += 30000;
    cr_assert(breaker_lets(&breaker, now_ms) && breaker_note(&breaker, true, now_ms));
    fail_until_open(&breaker, now_ms); /* and begins anew */
    cr_assert(breaker_lets(&breaker, now_ms + 1000));
}

Test(breaker, late_answers_do_not_close_it)
{
    struct breaker breaker = { 0 };
    fail_until_open(&breaker, 0);
    cr_assert(!breaker_note(&breaker, true, 1) && breaker.state == BREAKER_OPEN);
}

Test(breaker, a_new_connection_is_probed_at_once)
{
    struct breaker breaker = { 0 };
    breaker_renew(&breaker, 1);
    cr_assert_eq(breaker.state, BREAKER_CLOSED);
    fail_until_open(&breaker, 0);
    breaker_renew(&breaker, 10);
    cr_assert(breaker_lets(&breaker, 10) && breaker.state == BREAKER_HALF_OPEN);
}

/* ---- the server's clock ---------------------------------------------------------------------- */

Test(server_clock, is_never_thought_to_be_ahead_of_what_it_said)
{
    struct server_clock clock = { 0 };
    /* Asked at 1.0 s of ours, answered at 1.2 s: it said 500.1 s. */
    server_clock_note(&clock, 500100000, 1000000, 1200000);
    cr_assert_eq(server_clock_ms(&clock, 1200000), 500100);
    /* A quicker answer says more: its time was read between 2.000 and 2.001 s. */
    server_clock_note(&clock, 501050000, 2000000, 2001000);
    cr_assert_eq(server_clock_ms(&clock, 2001000), 501050);
    /* A slow one says nothing new. */
    server_clock_note(&clock, 502000000, 2500000, 3900000);
    cr_assert_eq(server_clock_ms(&clock, 3001000), 502050);
}

Test(server_clock, follows_a_clock_that_was_set)
{
    struct server_clock clock = { 0 };
    server_clock_note(&clock, 500000000, 1000000, 1001000);
    server_clock_note(&clock, 900000000, 2000000, 2001000);
    cr_assert_eq(server_clock_ms(&clock, 2001000), 900000);
    server_clock_note(&clock, 100000000, 3000000, 3001000);
    cr_assert_eq(server_clock_ms(&clock, 3000000), 100000);
}

/* ---- entries --------------------------------------------------------------------------------- */

Test(versioned, versions_compare_as_text)
{
    static const uint64_t rising[] = { 0,
                                       1,
                                       9,
                                       10,
                                       99,
                                       UINT64_C(9007199254740993),
                                       UINT64_C(9223372036854775808),
                                       UINT64_MAX - 1,
                                       UINT64_MAX };
    char before[VERSIONED_DIGITS + 1] = "", text[VERSIONED_DIGITS + 1];
    for (size_t i = 0; i < sizeof rising / sizeof *rising; i++) {
        uint64_t back = 1;
        versioned_show(rising[i], text);
        cr_assert_eq(strlen(text), VERSIONED_DIGITS);
        cr_assert(strcmp(before, text) < 0, "%s", text);
        cr_assert(versioned_read(text_of(text), &back) && back == rising[i], "%s", text);
        memcpy(before, text, sizeof before);
    }
}

Test(versioned, what_is_no_version_is_none)
{
    static const char *const cases[] = { "",
                                         "1",
                                         "0000000000000000000",
                                         "000000000000000000001",
                                         "0000000000000000000x",
                                         "-0000000000000000001",
                                         "18446744073709551616",
                                         "99999999999999999999" };
    uint64_t version;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert(!versioned_read(text_of(cases[i]), &version), "%s", cases[i]);
}

Test(versioned, ttls_are_spread_below_what_was_asked_for)
{
    const struct cache_entry set = { .ttl_s = 1000, .op = CACHE_SET };
    uint64_t least = UINT64_MAX, most = 0, dice = 1;
    for (int i = 0; i < 100000; i++) {
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        const uint64_t ms = versioned_ttl_ms(&set, dice >> 16);
        if (ms < least) least = ms;
        if (ms > most) most = ms;
    }
    cr_assert(least >= 850000 && least < 851000, "%llu", (unsigned long long)least);
    cr_assert(most <= 1000000 && most > 999000, "%llu", (unsigned long long)most);
    const struct cache_entry second = { .ttl_s = 1, .op = CACHE_SET };
    cr_assert_eq(versioned_ttl_ms(&second, 0), 1000);
    cr_assert_eq(versioned_ttl_ms(&second, 150), 850);
    const struct cache_entry longest = { .ttl_s = UINT32_MAX, .op = CACHE_SET };
    cr_assert_eq(versioned_ttl_ms(&longest, 0), UINT64_C(4294967295000));
    const struct cache_entry drop = { .ttl_s = 50, .op = CACHE_DROP };
    cr_assert_eq(versioned_ttl_ms(&drop, 12345), 100000);
}

Test(versioned, answers_are_read_by_letters_and_nothing_else_is)
{
    struct resp_value items[4] = { { .kind = RESP_TEXT, .text = text_of("1") },
                                   { .kind = RESP_TEXT, .text = text_of("2") },
                                   { .kind = RESP_TEXT, .text = text_of("soe?") },
                                   { .kind = RESP_TEXT, .text = text_of("OOM x") } };
    const struct resp_value answer = { .kind = RESP_LIST, .items = items, .n = 4 };
    unsigned char outcomes[4];
    struct wr_text error;
    cr_assert(versioned_take(&answer, 4, outcomes, &error) && text_is(error, "OOM x"));
    cr_assert(outcomes[0] == CACHE_STORED && outcomes[1] == CACHE_STALE);
    cr_assert(outcomes[2] == CACHE_FAILED && outcomes[3] == CACHE_FAILED);
    cr_assert(!versioned_take(&answer, 3, outcomes, &error));
    const struct resp_value cut = { .kind = RESP_LIST, .items = items, .n = 3 };
    cr_assert(!versioned_take(&cut, 4, outcomes, &error));
    const struct resp_value other = { .kind = RESP_STATUS, .text = text_of("OK") };
    cr_assert(!versioned_take(&other, 1, outcomes, &error));
}

/* ---- errors ---------------------------------------------------------------------------------- */

Test(fault, each_error_has_its_class)
{
    static const struct {
        const char *error;
        enum cache_fault fault;
        bool ends;
    } cases[] = {
        { "OOM command not allowed when used memory > 'maxmemory'.", CACHE_FAULT_FULL, false },
        { "-OOM command not allowed when used memory > 'maxmemory'.", CACHE_FAULT_FULL, false },
        { "@user_script: 34: -OOM command not allowed", CACHE_FAULT_FULL, false },
        { "ERR Error running script (call to f_ab): @user_script:3: @user_script: 3: -READONLY You "
          "can't write against a read only replica.",
          CACHE_FAULT_DEPLOYMENT, true },
        { "READONLY You can't write against a read only replica. script: ab, on @user_script:34.",
          CACHE_FAULT_DEPLOYMENT, true },
        { "LOADING Redis is loading the dataset in memory", CACHE_FAULT_AWAY, true },
        { "NOSCRIPT No matching script. Please use EVAL.", CACHE_FAULT_SCRIPT, false },
        { "WRONGTYPE Operation against a key", CACHE_FAULT_ENTRY, false },
        { "MOVED 3999 127.0.0.1:6381", CACHE_FAULT_DEPLOYMENT, true },
        { "WRONGPASS invalid username-password pair", CACHE_FAULT_DEPLOYMENT, true },
        { "NOAUTH Authentication required.", CACHE_FAULT_DEPLOYMENT, true },
        { "ERR AUTH <password> called without any password configured", CACHE_FAULT_DEPLOYMENT,
          true },
        { "ERR DB index is out of range", CACHE_FAULT_DEPLOYMENT, true },
        { "BUSY Redis is busy running a script.", CACHE_FAULT_AWAY, false },
        { "whatever", CACHE_FAULT_AWAY, false },
        { "", CACHE_FAULT_AWAY, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct cache_fault_about *about = cache_fault_of(text_of(cases[i].error));
        cr_expect_eq(about->fault, cases[i].fault, "%s", cases[i].error);
        cr_expect_eq(about->ends_connection, cases[i].ends, "%s", cases[i].error);
    }
}

Test(fault, words_tell_the_way_out_and_no_control_bytes)
{
    char words[300];
    cache_fault_show(text_of("@user_script: 3: -OOM no\x1b[2J"), words, sizeof words);
    cr_expect_str_eq(words, "OOM no\\x1b[2J; its maxmemory is reached: raise it, or set "
                            "maxmemory-policy allkeys-lru");
}
