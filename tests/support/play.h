/* SPDX-License-Identifier: Apache-2.0
 *
 * The play of one test: a directory, a queue and a host that are its own, and what can be done with
 * them. All waiting is for a condition, up to a deadline; where it does not come, the end of the
 * host's log is shown. The host is the program WARRENER_BIN; it dies with the test. */
#ifndef SUPPORT_PLAY_H
#define SUPPORT_PLAY_H

#include <criterion/criterion.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/clock.h"
#include "support/fetch.h"
#include "support/rabbit.h"
#include "support/record.h"
#include "support/scratch.h"

#define PLAY_PATIENCE_MS 60000
#define PLAY_TEXT_BYTES 65536

struct play {
    char name[64]; /* of the host, too */
    char queue[80], dead[96];
    char dir[SCRATCH_BYTES], record[160], log[160];
    struct rabbit *rabbit;
    pid_t host; /* its supervisor's; 0: none */
    uint16_t port;
    long log_from; /* where the log of this host begins */
    bool may_die;  /* the host: it is started again. Otherwise that is a fault */
};

/* What the host's file says; NULL is the default. Each stands inside { }, but for `top` and `more`. */
struct setup {
    const char *amqp;     /* url: "${AMQP_URL}" */
    const char *top;      /* more top-level lines */
    const char *plugins;  /* where probe is */
    const char *handler;  /* probe, which records */
    const char *options;  /* more options: "sleep_us: 100" */
    const char *consumer; /* more keys of the consumer: "lanes: 4"; no breaker but by one here */
    const char *more;     /* more consumers, as lines of YAML */
};

/* False: there is no broker to play with; said on stderr. */
bool play_open(struct play *play, const char *name);
void play_close(struct play *play); /* ends the host, deletes queue and directory */

/* DIR/warrener.yaml, and its record afresh where `setup` has none */
void play_configure(const struct play *play, const struct setup *setup);
void play_write(const struct play *play, const char *file, const char *text);
const char *play_path(const struct play *play, const char *file); /* until the next but three */

/* ---- the host ---- */
void play_start(struct play *play);        /* runs it until it listens */
bool play_has_listened(struct play *play); /* and where: a host that died listens elsewhere */
void play_start_ready(struct play *play);  /* … and is ready */
/* The host is built with sanitizers: slower by some times, and it keeps freed memory for a while. */
bool play_is_sanitized(void);
void play_signal(const struct play *play,
                 int number);     /* to the supervisor; SIGSTOP, SIGCONT: the host */
int play_wait(struct play *play); /* for its end: its exit status, or minus its signal */
int play_end(struct play *play);  /* SIGTERM, and waits */
/* SIGKILL to the supervisor, with which the host dies; waits for both. */
void play_kill(struct play *play);
pid_t play_host_pid(const struct play *play); /* the host's own; 0: none lives at the moment */
bool play_is_ready(const struct play *play);
bool play_unready_says(const struct play *play, const char *words);  /* /readyz is 503, with them */
bool play_status_says(const struct play *play, const char *words);   /* /status, somewhere */
bool play_log_has(const struct play *play, const char *words);       /* of this host's log */
double play_metric(const struct play *play, const char *format, ...) /* @ is {queue="…" */
    __attribute__((format(printf, 2, 3)));

/* ---- other commands; `words` ends with NULL, and output (both streams) is cut to `room` ---- */
int play_run(const struct play *play, char *output, size_t room, const char *const *words);
#define RUN(play, output, ...)                                                                     \
    play_run(play, output, sizeof output, (const char *const[]){ __VA_ARGS__, NULL })
pid_t play_spawn(const struct play *play, const char *const *words); /* says nothing */
bool play_has_ended(pid_t pid);
int play_reap(pid_t pid); /* as play_wait */

/* ---- messages, by `warrener publish`, to the play's queue ---- */
void play_send(const struct play *play, const char *lines);
/* n messages m<first> … with the body given; "%u" in it is the number. */
void play_send_many(const struct play *play, uint32_t first, uint32_t n, const char *body);
void play_write_many(const struct play *play, const char *file, uint32_t first, uint32_t n,
                     const char *body);

/* ---- accounts ---- */
uint32_t play_handled(const struct play *play, uint32_t ids); /* different ids so far */
bool play_is_still(const struct play *play);                  /* nothing in flight, nothing ready */
/* The host has gone, and the broker has noticed: how many messages are in the queue. */
uint32_t play_left(const struct play *play);

/* Shows the end of the host's log, and makes the words that follow. */
const char *play_confess(const struct play *play, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define PROVE(play, condition, ...)                                                                \
    do {                                                                                           \
        if (!(condition))                                                                          \
            cr_assert(false, "not true: %s%s", #condition, play_confess(play, " " __VA_ARGS__));   \
    } while (0)

#define WAIT_UP_TO(play, ms, condition)                                                            \
    do {                                                                                           \
        const uint64_t wait_deadline_ms = clock_now_ms() + (ms);                                   \
        while (!(condition)) {                                                                     \
            PROVE(play, clock_now_ms() < wait_deadline_ms, "did not come: %s", #condition);        \
            play_pause_ms(10);                                                                     \
        }                                                                                          \
    } while (0)
#define WAIT(play, condition) WAIT_UP_TO(play, PLAY_PATIENCE_MS, condition)

void play_pause_ms(uint32_t ms);
uint16_t play_broker_port(void);    /* of AMQP_URL */
const char *play_workers_dir(void); /* where tally is */

#define OPEN(play, name)                                                                           \
    struct play play;                                                                              \
    if (!play_open(&play, name)) return

#endif
