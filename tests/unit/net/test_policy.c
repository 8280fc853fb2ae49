/* SPDX-License-Identifier: Apache-2.0
 *
 * The pure parts of net: backoff, pace, and how long an address may be silent. */
#include <criterion/criterion.h>

#include "net/backoff.h"
#include "net/dial.h"
#include "net/pace.h"

Test(backoff, doubles_to_its_most_between_half_and_all)
{
    static const uint32_t most_ms[] = { 100, 200, 400, 800, 1600, 3000, 3000, 3000 };
    struct backoff low = BACKOFF_INIT(100, 3000), high = low;
    for (size_t i = 0; i < sizeof most_ms / sizeof *most_ms; i++) {
        cr_assert_eq(backoff_next_ms(&low, 0), most_ms[i] / 2, "try %zu", i);
        /* The range has most/2 + 1 values: this picks the last. */
        cr_assert_eq(backoff_next_ms(&high, most_ms[i] - most_ms[i] / 2), most_ms[i], "try %zu", i);
    }
    cr_assert_eq(low.tries, 8);
}

Test(backoff, stays_within_its_range_for_any_random_number)
{
    struct backoff backoff = BACKOFF_INIT(7, 1000);
    uint64_t random = 1;
    for (unsigned i = 0; i < 10000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        backoff.tries = i % 12;
        const uint64_t grown_ms = (uint64_t)7 << backoff.tries;
        const uint64_t most_ms = grown_ms < 1000 ? grown_ms : 1000;
        const uint32_t wait_ms = backoff_next_ms(&backoff, random);
        cr_assert(wait_ms >= most_ms / 2 && wait_ms <= most_ms, "%u of %u", wait_ms, i);
    }
}

Test(backoff, starts_anew_after_a_success_and_never_overflows)
{
    struct backoff backoff = BACKOFF_INIT(1000, UINT32_MAX);
    backoff.tries = UINT32_MAX;
    cr_assert_geq(backoff_next_ms(&backoff, UINT64_MAX), UINT32_MAX / 2);
    cr_assert_eq(backoff.tries, UINT32_MAX);
    backoff_reset(&backoff);
    cr_assert_eq(backoff_next_ms(&backoff, 0), 500);
    struct backoff none = BACKOFF_INIT(0, 0);
    cr_assert_eq(backoff_next_ms(&none, 12345), 0);
}

/* A story a case: drains at given moments, and what follows each. */
struct drain {
    uint64_t at_us;
    size_t bytes;
    uint32_t rest_us;
};

static void play(const char *name, uint32_t rest_us, const struct drain *drains, size_t n)
{
    struct pace pace = { .rest_us = rest_us };
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(pace_rest_us(&pace, drains[i].at_us, drains[i].bytes), drains[i].rest_us,
                     "%s: drain %zu", name, i);
}
#define PLAY(name, rest_us, ...)                                                                   \
    play(name, rest_us, (const struct drain[]){ __VA_ARGS__ },                                     \
         sizeof((const struct drain[]){ __VA_ARGS__ }) / sizeof(struct drain))

Test(pace, rests_while_busy_and_never_when_quiet)
{
    PLAY("a lone message", 3000, { 1000000, 400, 0 });
    PLAY("one large drain", 3000, { 1000000, PACE_BUSY_BYTES, 3000 });
    PLAY("just below", 3000, { 1000000, PACE_BUSY_BYTES - 1, 0 });
    PLAY("small pieces in quick succession", 3000, { 1000000, 6000, 0 }, { 1000500, 6000, 0 },
         { 1001000, 6000, 3000 });
    PLAY("the same pieces, far apart", 3000, { 1000000, 6000, 0 }, { 1002000, 6000, 0 },
         { 1004000, 6000, 0 }, { 1006000, 6000, 0 });
    PLAY("busy, then little", 3000, { 1000000, 70000, 3000 }, { 1003100, 70000, 3000 },
         { 1006200, 400, 0 }, { 1006300, 400, 0 });
    PLAY("busy, then a lone message", 3000, { 1000000, 70000, 3000 }, { 1003100, 0, 0 },
         { 9000000, 400, 0 });
    PLAY("a timer that came early", 3000, { 1000000, 70000, 3000 }, { 1002900, 70000, 3000 },
         { 1005900, 400, 0 });
    PLAY("switched off", 0, { 1000000, 1u << 20, 0 }, { 1000000, 1u << 20, 0 });
}

Test(pace, a_steady_trickle_is_never_rested)
{
    struct pace pace = { .rest_us = 5000 };
    for (uint64_t now_us = 1; now_us < 10000000; now_us += 200) /* 5,000/s of 400 bytes */
        cr_assert_eq(pace_rest_us(&pace, now_us, 400), 0);
}

Test(pace, a_reader_with_plenty_lets_a_busy_stream_wait_until_it_is_hungry)
{
    struct pace pace = { .rest_us = 3000, .has_plenty = true };
    cr_assert_eq(pace_rest_us(&pace, 1000000, 400), 0, "a quiet stream never waits");
    cr_assert_eq(pace_rest_us(&pace, 1000100, 70000), 3000 * PACE_LONG_RESTS);
    cr_assert_eq(pace_left_us(&pace, 1000100), 3000);
    cr_assert_eq(pace_left_us(&pace, 1002100), 1000);
    cr_assert_eq(pace_left_us(&pace, 1003100), 3000);
    cr_assert_eq(pace_left_us(&pace, 1011100), 1000);
    pace.has_plenty = false;
    cr_assert_eq(pace_rest_us(&pace, 1024100, 70000), 3000);
}

Test(dial, shares_the_time_among_the_addresses_that_are_left)
{
    static const struct {
        uint64_t left_ms;
        unsigned after;
        uint64_t share_ms;
    } table[] = {
        { 10000, 0, 10000 }, /* the last may have it all */
        { 10000, 1, 2000 },  /* no more than 2 s before another starts */
        { 3000, 1, 1500 },   { 1000, 3, 250 }, { 1, 5, 1 }, /* never 0: that is for ever */
        { 0, 0, 0 },                                        /* no deadline */
        { 0, 3, 2000 },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        cr_assert_eq(dial_share_ms(table[i].left_ms, table[i].after), table[i].share_ms, "%zu", i);
}

Test(dial, shows_times_as_people_write_them)
{
    char out[24];
    cr_assert_str_eq(dial_show_ms(5000, out, sizeof out), "5 s");
    cr_assert_str_eq(dial_show_ms(250, out, sizeof out), "250 ms");
    cr_assert_str_eq(dial_show_ms(1500, out, sizeof out), "1500 ms");
}
