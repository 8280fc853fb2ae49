/* SPDX-License-Identifier: Apache-2.0
 *
 * Trace contexts and samplers, to the letter of the W3C and of OpenTelemetry. */
#include <criterion/criterion.h>

#include "base/trace.h"

#define GOOD "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static struct trace_context context;

static bool reads(const char *parent)
{
    return trace_read(text_of(parent), &context);
}

Test(trace, is_read_and_written)
{
    char out[TRACE_PARENT_CHARS];
    cr_assert(reads(GOOD));
    cr_expect(context.is_there && context.flags == TRACE_SAMPLED);
    cr_expect_eq(context.id[0], 0x4b);
    cr_expect_eq(context.id[15], 0x36);
    cr_expect_eq(context.span[7], 0xb7);
    trace_write(&context, out);
    cr_expect_arr_eq(out, GOOD, sizeof out);
}

Test(trace, of_another_version_is_read_as_far_as_it_is_known)
{
    cr_expect(reads("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    cr_expect(reads("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what"));
    cr_expect_not(reads("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what"));
    cr_expect_not(reads("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    cr_expect_not(reads(GOOD "-what"));
}

Test(trace, that_is_not_to_the_letter_is_none)
{
    static const char *const bad[] = {
        "",
        "00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
        " 0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-x1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_not(reads(bad[i]), "%s", bad[i]);
        cr_expect_not(context.is_there);
    }
}

Test(trace, state_is_printable_and_not_long)
{
    char longest[TRACE_STATE_BYTES + 1];
    memset(longest, 'a', sizeof longest);
    cr_expect(trace_is_state(text_of("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")));
    cr_expect(trace_is_state(text_of(" ~")));
    cr_expect(trace_is_state(text_from(longest, TRACE_STATE_BYTES)));
    cr_expect_not(trace_is_state(text_from(longest, TRACE_STATE_BYTES + 1)));
    cr_expect_not(trace_is_state(text_of("")));
    cr_expect_not(trace_is_state(text_of("a=1\n")));
    cr_expect_not(trace_is_state(text_of("a=\xc3\xa9")));
}

/* Of ids with these low bits; parents: none, one that is sampled, one that is not, though it says
 * something else. */
static void expect_sampled(const char *name, const char *argument, uint8_t high, const char *wanted)
{
    struct trace_sampler sampler;
    struct status status = { 0 };
    const uint8_t id[TRACE_ID_BYTES] = { [8] = high, [15] = 1 };
    const struct trace_context parents[] = { { .is_there = false },
                                             { .is_there = true, .flags = 1 },
                                             { .is_there = true, .flags = 2 } };
    cr_assert(trace_sampler_read(name, argument, &sampler, &status), "%s", status.text);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(trace_is_sampled(&sampler, &parents[i], id), wanted[i] == '+', "%s %s: %d",
                     name, argument, i);
}

Test(trace, samplers_decide_as_they_say)
{
    expect_sampled(NULL, NULL, 0, "++-");
    expect_sampled("", "", 0, "++-");
    expect_sampled("always_on", "", 0, "+++");
    expect_sampled("always_off", "", 0, "---");
    expect_sampled("parentbased_always_on", NULL, 0, "++-");
    expect_sampled("parentbased_always_off", NULL, 0, "-+-");
    expect_sampled("traceidratio", "0.5", 0x3f, "+++");
    expect_sampled("traceidratio", "0.5", 0x40, "---");
    expect_sampled("traceidratio", "0.5", 0xbf, "+++"); /* its first bit is not looked at */
    expect_sampled("traceidratio", "0", 0, "---");
    expect_sampled("traceidratio", "0.95", 0x7b, "---");
    expect_sampled("traceidratio", "0.95", 0x79, "+++");
    expect_sampled("traceidratio", "1", 0x7f, "+++");
    expect_sampled("traceidratio", NULL, 0x7f, "+++");
    expect_sampled("parentbased_traceidratio", "0.5", 0x40, "-+-");
}

/* So many of all ids are below it: it is not one of them itself. */
Test(trace, a_ratio_ends_below_itself)
{
    static const uint8_t lowest[TRACE_ID_BYTES] = { 1 }, half[TRACE_ID_BYTES] = { [8] = 0x40 };
    const struct trace_context none = { .is_there = false };
    struct trace_sampler sampler;
    struct status status = { 0 };
    cr_assert(trace_sampler_read("traceidratio", "0", &sampler, &status));
    cr_expect_not(trace_is_sampled(&sampler, &none, lowest));
    cr_assert(trace_sampler_read("traceidratio", "0.5", &sampler, &status));
    cr_expect_not(trace_is_sampled(&sampler, &none, half));
}

Test(trace, samplers_that_are_none_are_told)
{
    struct trace_sampler sampler;
    struct status status = { 0 };
    cr_expect_not(trace_sampler_read("jaeger_remote", NULL, &sampler, &status));
    cr_expect(strstr(status.text, "jaeger_remote") && strstr(status.text, "traceidratio"));
    cr_expect(sampler.follows_parent && sampler.root == TRACE_ALWAYS);
    static const char *const bad[] = { "half", "1.5", "-1", "nan", "0.5x" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(trace_sampler_read("traceidratio", bad[i], &sampler, &status), "%s", bad[i]);
}
