/* SPDX-License-Identifier: Apache-2.0
 *
 * What the loop thread tells the HTTP thread: pulses and a flag at once, everything else as a
 * snapshot a few times a second. Neither ever waits for the other: the loop fills a draft of its own
 * and swaps it in; the HTTP thread swaps out what is newest and reads it at leisure. Texts put into
 * a snapshot go through board_say, so that no password can be in it. */
#ifndef OPS_BOARD_H
#define OPS_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics/pulse.h"

#define BOARD_NAME_BYTES 256
#define BOARD_WORDS_BYTES 512
#define BOARD_REASONS 16

struct board_server {
    char kind[16];               /* amqp, postgres, redis */
    char name[BOARD_NAME_BYTES]; /* consume, publish */
    char address[BOARD_NAME_BYTES];
    bool connected;
    int64_t since_unix_us; /* of the present state; 0: unknown */
    uint64_t reconnects;
    char last_error[BOARD_WORDS_BYTES]; /* "": none */
    char breaker[16];                   /* closed, open, half-open; "": it has none */
};

struct board_lane {
    uint64_t handled; /* whether it is busy, and since when, its pulse tells */
};

/* Where messages in flight are; the pipeline of the page, in its order. */
enum board_stage {
    BOARD_WAITING,  /* for a lane */
    BOARD_HANDLING, /* in lanes' hands */
    BOARD_HELD,     /* wait to be handled again */
    BOARD_STAGED,   /* in the batch that is being filled */
    BOARD_STORING,
    BOARD_CACHING,
    BOARD_SENDING, /* what they publish, or their copies, is not confirmed yet */
    BOARD_ACKING,
    BOARD_STAGES
};

struct board_consumer {
    char queue[BOARD_NAME_BYTES], name[BOARD_NAME_BYTES];
    char handler[BOARD_NAME_BYTES], handler_version[64];
    bool subscribed, paused;
    char breaker[16];            /* as above */
    char why[BOARD_WORDS_BYTES]; /* it is paused; "" while it is not */
    uint32_t prefetch, in_flight;
    uint64_t bytes_in_flight, received, done, retried, dead, crashes;
    uint32_t stages[BOARD_STAGES];
    uint32_t ready, dead_ready, retry_ready; /* at the broker, when it was asked */
    int64_t counted_unix_us;                 /* that moment; 0: not yet */
    int64_t since_unix_us;              /* of being subscribed and not paused, or not; 0: never */
    char last_error[BOARD_WORDS_BYTES]; /* "": none */
    uint32_t n_lanes;                   /* set by board_new, like `lanes` */
    struct board_lane *lanes;
};

/* What is said of the cache beside its connection. */
struct board_cache {
    bool is_there;
    uint64_t hits, absents, misses; /* keys read since the start */
    uint64_t stored, stale, failed; /* entries written */
    uint64_t pending;               /* messages whose entries are on their way, or held */
    uint64_t repairs;               /* recorded in the database, by whomever */
};

struct board_snapshot {
    char version[64], name[BOARD_NAME_BYTES];
    int64_t started_unix_us;
    uint64_t started_ms;                /* the same, monotonic */
    uint64_t restarts;                  /* of the host, by its supervisor */
    char last_death[BOARD_WORDS_BYTES]; /* what the last one died of; "" */
    int64_t last_death_unix_us;
    char last_death_by[16]; /* "crash", "exit", "oom", "stuck", "killed"; "" */
    /* Whose message it was, where that is known, else "". */
    char last_death_consumer[BOARD_NAME_BYTES], last_death_handler[BOARD_NAME_BYTES];
    char last_death_message[BOARD_NAME_BYTES]; /* "": it has no id */
    size_t n_servers, n_consumers;             /* set by board_new, like the two lists */
    struct board_server *servers;
    struct board_consumer *consumers;
    struct board_cache cache;
    size_t n_reasons; /* why work would not flow; none: ready */
    char reasons[BOARD_REASONS][BOARD_WORDS_BYTES];
};

struct board_consumer_plan {
    uint32_t lanes;
    uint64_t timeout_ms; /* of one handler call; past it a lane is stuck */
};

struct board_plan {
    size_t n_servers, n_consumers;
    const struct board_consumer_plan *consumers;
};

struct board;

struct board *board_new(const struct board_plan *plan);
void board_free(struct board *board);

/* ---- the loop's thread ------------------------------------------------------------------------- */

/* To beat at each tick of the loop, once it runs. */
struct pulse *board_loop_pulse(struct board *board);

/* To hand to the lane. */
struct pulse *board_lane_pulse(struct board *board, size_t consumer, size_t lane);

/* What was published last, to be changed and published again. */
struct board_snapshot *board_draft(struct board *board);
void board_publish(struct board *board);

/* Adds a line to the draft's reasons (set n_reasons to 0 first); those past the last place are
 * dropped. */
void board_add_reason(struct board_snapshot *draft, const char *words);

void board_set_draining(struct board *board);

/* Copies text as one line, cut to fit at a character's end, with "***" for user and password of any
 * URL in it. NULL is "". */
void board_say(char *out, size_t out_bytes, const char *text);

/* ---- the HTTP thread --------------------------------------------------------------------------- */

/* The newest snapshot, valid until the next call; NULL before the first was published. */
const struct board_snapshot *board_latest(struct board *board);

bool board_is_draining(const struct board *board);
void board_tick(struct board *board, uint64_t now_ms); /* moves the counted clock */
uint64_t board_counted_ms(const struct board *board);
uint64_t board_loop_beat_ms(const struct board *board); /* 0: not yet */
uint64_t board_lane_since_ms(const struct board *board, size_t consumer, size_t lane); /* 0: idle */
/* From any thread. */
bool board_lane_is_stuck(const struct board *board, size_t consumer, size_t lane);
uint64_t board_timeout_ms(const struct board *board, size_t consumer);

#endif
