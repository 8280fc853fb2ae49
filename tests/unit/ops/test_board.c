/* SPDX-License-Identifier: Apache-2.0
 *
 * The board: drafts carry on, readers see whole snapshots only, and no password gets in. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "ops/board.h"

static struct board *board_of_two(void)
{
    const struct board_consumer_plan consumers[] = { { 2, 30000 }, { 3, 500 } };
    return board_new(&(struct board_plan){ 1, 2, consumers });
}

Test(board, is_empty_until_something_is_published_and_carries_on)
{
    struct board *board = board_of_two();
    cr_assert_null(board_latest(board));
    struct board_snapshot *draft = board_draft(board);
    cr_assert_eq(draft->consumers[1].n_lanes, 3);
    board_say(draft->consumers[1].queue, sizeof draft->consumers[1].queue, "orders");
    draft->consumers[1].lanes[2].handled = 7;
    board_publish(board);
    cr_assert_str_eq(board_latest(board)->consumers[1].queue, "orders");

    draft = board_draft(board); /* what was told is in it */
    cr_assert_str_eq(draft->consumers[1].queue, "orders");
    cr_assert_eq(draft->consumers[1].lanes[2].handled, 7);
    draft->consumers[1].lanes[2].handled = 8;
    cr_assert_eq(board_latest(board)->consumers[1].lanes[2].handled, 7);
    board_publish(board);
    cr_assert_eq(board_latest(board)->consumers[1].lanes[2].handled, 8);
    cr_assert_eq(board_latest(board)->consumers[1].lanes[2].handled, 8);
    cr_assert_eq(board_timeout_ms(board, 1), 500);
    board_free(board);
}

Test(board, pulses_are_each_lanes_own)
{
    struct board *board = board_of_two();
    board_tick(board, 1000);
    board_tick(board, 1500);
    cr_assert_eq(board_counted_ms(board), 501);
    cr_assert_eq(board_loop_beat_ms(board), 0);
    pulse_beat(board_loop_pulse(board));
    pulse_beat(board_lane_pulse(board, 1, 2));
    cr_assert_eq(board_loop_beat_ms(board), 501);
    cr_assert_eq(board_lane_since_ms(board, 1, 2), 501);
    cr_assert_eq(board_lane_since_ms(board, 1, 1), 0);
    pulse_rest(board_lane_pulse(board, 1, 2));
    cr_assert_eq(board_lane_since_ms(board, 1, 2), 0);
    cr_assert_not(board_is_draining(board));
    board_set_draining(board);
    cr_assert(board_is_draining(board));
    board_free(board);
}

Test(board, reasons_past_the_last_place_are_dropped)
{
    struct board *board = board_of_two();
    struct board_snapshot *draft = board_draft(board);
    for (int i = 0; i < BOARD_REASONS + 3; i++) board_add_reason(draft, "amqp is away");
    cr_assert_eq(draft->n_reasons, BOARD_REASONS);
    cr_assert_str_eq(draft->reasons[BOARD_REASONS - 1], "amqp is away");
    board_free(board);
}

Test(board, says_no_passwords_and_halves_no_characters)
{
    const struct {
        const char *text, *wanted;
    } cases[] = {
        { NULL, "" },
        { "plain", "plain" },
        { "amqp://h:5672/v", "amqp://h:5672/v" },
        { "amqp://user:pass@h/v", "amqp://***@h/v" },
        { "to amqps://u:p@a and redis://:q@b: no", "to amqps://***@a and redis://***@b: no" },
        { "amqp://u:p@ss@h/ mail me@x", "amqp://***@h/ mail me@x" },
        { "amqp://u:p/q@h/", "amqp://***@h/" },
        { "://", "://" },
        { "://@", "://***@" },
        { "two\nlines\tand", "two lines and" },
    };
    char out[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        board_say(out, sizeof out, cases[i].text);
        cr_assert_str_eq(out, cases[i].wanted, "%s: %s", cases[i].text, out);
    }
    char small[6];
    board_say(small, sizeof small, "abcdefgh");
    cr_assert_str_eq(small, "abcde");
    board_say(small, sizeof small, "abcd\xc3\xa9");
    cr_assert_str_eq(small, "abcd");
    board_say(small, sizeof small, "abc\xc3\xa9");
    cr_assert_str_eq(small, "abc\xc3\xa9");
    board_say(small, sizeof small, "ab\xf0\x9f\x90\x87");
    cr_assert_str_eq(small, "ab");
}

#define ROUNDS 20000

static void *publish_much(void *argument)
{
    struct board *board = argument;
    for (unsigned i = 1; i <= ROUNDS; i++) {
        struct board_snapshot *draft = board_draft(board);
        draft->consumers[0].received = i;
        draft->consumers[1].lanes[2].handled = i;
        snprintf(draft->name, sizeof draft->name, "%u", i);
        pulse_beat(board_loop_pulse(board));
        board_publish(board);
    }
    return NULL;
}

Test(board, a_reader_sees_whole_snapshots_in_order, .timeout = 120)
{
    struct board *board = board_of_two();
    pthread_t loop;
    pthread_create(&loop, NULL, publish_much, board);
    uint64_t before = 0;
    for (uint64_t now_ms = 1; before < ROUNDS; now_ms++) {
        board_tick(board, now_ms);
        const struct board_snapshot *snapshot = board_latest(board);
        if (!snapshot) continue;
        const uint64_t received = snapshot->consumers[0].received;
        char name[16];
        snprintf(name, sizeof name, "%llu", (unsigned long long)received);
        cr_assert_str_eq(snapshot->name, name);
        cr_assert_eq(snapshot->consumers[1].lanes[2].handled, received);
        cr_assert_geq(received, before);
        before = received;
    }
    pthread_join(loop, NULL);
    board_free(board);
}
