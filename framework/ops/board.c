/* SPDX-License-Identifier: Apache-2.0
 *
 * Three snapshots go round: the loop's draft, the one published, and the one being read. The mutex
 * is held for a swap of two pointers and nothing else. */
#include "ops/board.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "ops/probes.h"

struct consumer_pulses {
    uint64_t timeout_ms;
    size_t n_lanes;
    struct pulse *lanes;
};

struct board {
    struct pulse_clock clock;
    struct probe_clock counting; /* the HTTP thread's */
    struct pulse loop;
    _Atomic bool draining;
    size_t n_consumers;
    struct consumer_pulses *consumers;

    pthread_mutex_t swapping; /* of `published` and `is_fresh` */
    struct board_snapshot *published;
    bool is_fresh; /* published since the reader last looked */

    struct board_snapshot *draft;   /* the loop's */
    struct board_snapshot *reading; /* the HTTP thread's */
    bool has_any;                   /* the HTTP thread has seen one */
};

static struct board_snapshot *snapshot_new(const struct board_plan *plan)
{
    struct board_snapshot *snapshot = NEW(struct board_snapshot);
    snapshot->n_servers = plan->n_servers;
    snapshot->n_consumers = plan->n_consumers;
    snapshot->servers = memory_new(plan->n_servers + 1, sizeof *snapshot->servers);
    snapshot->consumers = memory_new(plan->n_consumers + 1, sizeof *snapshot->consumers);
    for (size_t i = 0; i < plan->n_consumers; i++) {
        struct board_consumer *consumer = &snapshot->consumers[i];
        consumer->n_lanes = plan->consumers[i].lanes;
        consumer->lanes = memory_new(consumer->n_lanes + 1, sizeof *consumer->lanes);
    }
    return snapshot;
}

static void snapshot_free(struct board_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->n_consumers; i++) free(snapshot->consumers[i].lanes);
    free(snapshot->consumers);
    free(snapshot->servers);
    free(snapshot);
}

/* Contents only: each snapshot keeps its own lists. */
static void snapshot_copy(struct board_snapshot *to, const struct board_snapshot *from)
{
    struct board_server *servers = to->servers;
    struct board_consumer *consumers = to->consumers;
    *to = *from;
    to->servers = servers;
    to->consumers = consumers;
    memcpy(servers, from->servers, from->n_servers * sizeof *servers);
    for (size_t i = 0; i < from->n_consumers; i++) {
        struct board_lane *lanes = consumers[i].lanes;
        consumers[i] = from->consumers[i];
        consumers[i].lanes = lanes;
        memcpy(lanes, from->consumers[i].lanes, consumers[i].n_lanes * sizeof *lanes);
    }
}

static struct pulse *pulses_new(struct board *board, size_t n)
{
    struct pulse *pulses = aligned_alloc(_Alignof(struct pulse), (n + 1) * sizeof *pulses);
    CHECK(pulses != NULL);
    memset(pulses, 0, (n + 1) * sizeof *pulses);
    for (size_t i = 0; i < n; i++) pulses[i].clock = &board->clock;
    return pulses;
}

struct board *board_new(const struct board_plan *plan)
{
    struct board *board = aligned_alloc(_Alignof(struct board), sizeof *board);
    CHECK(board != NULL);
    memset(board, 0, sizeof *board);
    atomic_init(&board->clock.counted_ms, 1);
    board->counting.counted_ms = 1;
    board->loop.clock = &board->clock;
    pthread_mutex_init(&board->swapping, NULL);
    board->draft = snapshot_new(plan);
    board->published = snapshot_new(plan);
    board->reading = snapshot_new(plan);
    board->n_consumers = plan->n_consumers;
    board->consumers = memory_new(plan->n_consumers + 1, sizeof *board->consumers);
    for (size_t i = 0; i < plan->n_consumers; i++) {
        board->consumers[i].timeout_ms = plan->consumers[i].timeout_ms;
        board->consumers[i].n_lanes = plan->consumers[i].lanes;
        board->consumers[i].lanes = pulses_new(board, plan->consumers[i].lanes);
    }
    return board;
}

void board_free(struct board *board)
{
    if (!board) return;
    for (size_t i = 0; i < board->n_consumers; i++) free(board->consumers[i].lanes);
    free(board->consumers);
    snapshot_free(board->draft);
    snapshot_free(board->published);
    snapshot_free(board->reading);
    pthread_mutex_destroy(&board->swapping);
    free(board);
}

struct pulse *board_loop_pulse(struct board *board)
{
    return &board->loop;
}

struct pulse *board_lane_pulse(struct board *board, size_t consumer, size_t lane)
{
    CHECK(consumer < board->n_consumers && lane < board->consumers[consumer].n_lanes);
    return &board->consumers[consumer].lanes[lane];
}

struct board_snapshot *board_draft(struct board *board)
{
    return board->draft;
}

void board_publish(struct board *board)
{
    struct board_snapshot *told = board->draft;
    pthread_mutex_lock(&board->swapping);
    board->draft = board->published;
    board->published = told;
    board->is_fresh = true;
    pthread_mutex_unlock(&board->swapping);
    snapshot_copy(board->draft, told); /* nobody writes what was told; the reader only reads it */
}

void board_add_reason(struct board_snapshot *draft, const char *words)
{
    if (draft->n_reasons == BOARD_REASONS) return;
    board_say(draft->reasons[draft->n_reasons++], BOARD_WORDS_BYTES, words);
}

void board_set_draining(struct board *board)
{
    atomic_store_explicit(&board->draining, true, memory_order_relaxed);
}

/* The '@' that ends the user info of a URL's part behind "://": the last before a blank, for
 * passwords may hold one; NULL where there is none. */
static const char *end_of_user(const char *at)
{
    const char *end = NULL;
    for (; *at && !strchr(" \t\r\n\"'<>", *at); at++) {
        if (*at == '@') end = at;
    }
    return end;
}

static void append(char *out, size_t out_bytes, size_t *len, const char *at, size_t n)
{
    const size_t room = out_bytes - 1 - *len;
    if (n > room) n = room;
    memcpy(out + *len, at, n);
    *len += n;
}

/* Without the character at the end that a cut has halved. */
static size_t whole_length(const char *at, size_t len)
{
    size_t begin = len;
    while (begin > 0 && len - begin < 3 && ((unsigned char)at[begin - 1] & 0xc0) == 0x80) begin--;
    if (begin > 0) begin--;
    return text_is_utf8(text_from(at + begin, len - begin)) ? len : begin;
}

void board_say(char *out, size_t out_bytes, const char *text)
{
    size_t len = 0;
    CHECK(out_bytes > 0);
    const char *last = text ? text : "";
    for (const char *mark; (mark = strstr(last, "://"));) {
        const char *user = mark + 3, *end = end_of_user(user);
        append(out, out_bytes, &len, last, (size_t)(user - last));
        if (end) append(out, out_bytes, &len, "***", 3);
        last = end ? end : user;
    }
    append(out, out_bytes, &len, last, strlen(last));
    if (len == out_bytes - 1) len = whole_length(out, len);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)out[i] < ' ') out[i] = ' ';
    }
    out[len] = '\0';
}

const struct board_snapshot *board_latest(struct board *board)
{
    pthread_mutex_lock(&board->swapping);
    if (board->is_fresh) {
        struct board_snapshot *seen = board->reading;
        board->reading = board->published;
        board->published = seen;
        board->is_fresh = false;
        board->has_any = true;
    }
    pthread_mutex_unlock(&board->swapping);
    return board->has_any ? board->reading : NULL;
}

bool board_is_draining(const struct board *board)
{
    return atomic_load_explicit(&board->draining, memory_order_relaxed);
}

void board_tick(struct board *board, uint64_t now_ms)
{
    probe_clock_tick(&board->counting, now_ms);
    atomic_store_explicit(&board->clock.counted_ms, board->counting.counted_ms,
                          memory_order_relaxed);
}

uint64_t board_counted_ms(const struct board *board)
{
    return pulse_clock_now_ms(&board->clock);
}

uint64_t board_loop_beat_ms(const struct board *board)
{
    return pulse_at_ms(&board->loop);
}

uint64_t board_lane_since_ms(const struct board *board, size_t consumer, size_t lane)
{
    return pulse_at_ms(&board->consumers[consumer].lanes[lane]);
}

/* The pulse is read before the clock. */
bool board_lane_is_stuck(const struct board *board, size_t consumer, size_t lane)
{
    const uint64_t since_ms = board_lane_since_ms(board, consumer, lane);
    return probe_is_stuck(board_counted_ms(board), since_ms, board_timeout_ms(board, consumer));
}

uint64_t board_timeout_ms(const struct board *board, size_t consumer)
{
    return board->consumers[consumer].timeout_ms;
}
