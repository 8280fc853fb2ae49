/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler that ends its host over a few messages among many: exactly those are in the dead queue,
 * all others once in the table, and no message costs a host more than two of its lives. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/crash/barn.h"
#include "support/scratch.h"

TestSuite(crash, .timeout = 900);

__attribute__((constructor)) static void one_at_a_time(void)
{
    setenv("CRITERION_JOBS", "1", 1);
}

static void prove_way(const char *name, const char *way, const char *reason)
{
    struct barn barn;
    const bool is_full = barn_is_full_form();
    const bool is_stuck =
        strcmp(reason, "stuck") == 0; /* dying, with a report, may take a second */
    if (!barn_open(&barn, name, is_full ? 2 : 1, "", is_stuck ? "timeout: 1s" : "timeout: 30s"))
        return;
    barn_send(&barn, is_full ? 100000 : 3000, is_full ? 3 : 1, way);
    barn_start(&barn);
    if (is_stuck) /* 503, or by now it has ended: it says so for a moment only */
        WAIT(&barn.plays[0], fetch_status(barn.plays[0].port, "/livez") != 200);
    barn_prove(&barn, reason);
    barn_close(&barn);
}

Test(crash, by_a_fault_of_memory)
{
    prove_way("segv", "segv", "crash");
}

Test(crash, by_abort)
{
    prove_way("abort", "abort", "crash");
}

Test(crash, by_a_stack_that_is_too_deep)
{
    prove_way("overflow", "overflow", "crash");
}

Test(crash, by_exit)
{
    prove_way("exit", "exit", "crash");
}

Test(crash, by_an_exit_that_tells_nobody)
{
    prove_way("slip", "_exit", "crash");
}

Test(crash, by_eating_all_memory)
{
    if (play_is_sanitized()) return; /* sanitizers do not survive it: the process hangs */
    prove_way("eat", "eat", "crash");
}

Test(crash, by_not_coming_back)
{
    prove_way("loop", "loop", "stuck");
}

static bool status_says(struct play *play, const char *words)
{
    return play_has_listened(play) && play_status_says(play, words);
}

static bool is_at_the_gate(const struct barn *barn)
{
    struct stat found;
    return stat(barn->gate, &found) == 0 && found.st_size > 0;
}

/* The supervisor is killed when the host has died once and handles the message again: the file in
 * `state` knows of both. */
Test(crash, is_remembered_by_the_state_directory)
{
    struct barn barn;
    char top[200], state[SCRATCH_BYTES];
    scratch_make(state, "state");
    snprintf(top, sizeof top, "state: %s", state);
    if (!barn_open(&barn, "state", 1, top, "timeout: 60s")) {
        scratch_remove(state);
        return;
    }
    struct play *play = &barn.plays[0];
    snprintf(barn.gate, sizeof barn.gate, "%s", play_path(play, "gate"));
    barn_send(&barn, 300, 1, "segv");
    barn_start(&barn);
    WAIT(play, is_at_the_gate(&barn));
    PROVE(play, barn_deaths(&barn, 0) == 1);
    play_kill(play);
    cr_assert(unlink(barn.gate) == 0);
    play_start(play);
    WAIT(play, status_says(play, "\"restarts\":3,\"last_death\":\""));
    PROVE(play, status_says(play, "\"last_death_at\":\"2") && status_says(play, "\"crashes\":2,"));
    PROVE(play, status_says(play, "\"last_death_consumer\":\"test.host.crash-state-0."));
    PROVE(play,
          status_says(play, "\"last_death_handler\":\"crasher\",\"last_death_message\":\"bad0\""));
    if (!play_is_sanitized()) /* sanitizers catch the signal themselves, and exit */
        PROVE(play, status_says(play, "\"last_death\":\"SIGSEGV: crasher.so+0x"));
    barn_prove(&barn, "crash");
    barn_close(&barn);
    scratch_remove(state);
}

/* The host alone is killed, from outside and in the middle of its work: nobody is accused, and it is
 * started again at once, over and over. */
Test(crash, from_outside_is_nobodys_fault)
{
    enum { KILLS = 6 };
    struct barn barn;
    if (!barn_open(&barn, "kill", 1, "", "timeout: 30s")) return;
    struct play *play = &barn.plays[0];
    barn_send(&barn, 3000, 0, "");
    barn_start(&barn);
    for (unsigned i = 1; i <= KILLS; i++) {
        WAIT(play, play_host_pid(play));
        play_pause_ms(i * 30);
        const pid_t pid = play_host_pid(play);
        cr_assert(pid > 0 && kill(pid, i % 2 ? SIGKILL : SIGSEGV) == 0);
        WAIT(play, barn_deaths(&barn, 0) == i);
    }
    barn.bad = KILLS; /* so many deaths are allowed, and no letters */
    WAIT(play, barn_count(&barn, "distinct id") == 3000);
    PROVE(play, rabbit_ready(play->rabbit, play->dead) == 0);
    PROVE(play, play_end(play) == 0 && barn_count(&barn, "*") == 3000);
    barn_close(&barn);
}

/* With an order to keep a suspect passes nobody, and nobody passes it. */
Test(crash, of_a_message_among_its_key_keeps_the_others_in_order)
{
    struct barn barn;
    if (!barn_open(&barn, "order", 1, "", "timeout: 30s, order_by: \"json:key\"")) return;
    barn_send(&barn, 3000, 1, "segv");
    barn_start(&barn);
    barn_prove(&barn, "crash");
    PROVE(&barn.plays[0], barn_is_in_order(&barn));
    barn_close(&barn);
}

static void send_to(const struct play *play, const char *queue, const char *lines)
{
    char output[2000];
    play_write(play, "lines", lines);
    PROVE(play,
          RUN(play, output, "publish", "--exchange", "", "--key", queue, "--ndjson",
              play_path(play, "lines")) == 0,
          "%s", output);
}

/* Its time to try again comes while the other's message waits to be alone: neither may hold up the other. */
Test(crash, beside_a_consumer_that_waits)
{
    OPEN(play, "crash-beside");
    char fatal[100], dead[110], again[120], more[200];
    snprintf(fatal, sizeof fatal, "%s.fatal", play.queue);
    snprintf(dead, sizeof dead, "%s.dead", fatal);
    snprintf(again, sizeof again, "%s.retry.1s", fatal);
    snprintf(more, sizeof more,
             "  - {queue: %s, handler: probe, lanes: 2, retry: {delays: [1s]}}\n", fatal);
    play_configure(&play, &(struct setup){ .more = more });
    play.may_die = true;
    play_start_ready(&play);
    send_to(&play, play.queue, "{\"id\":\"w\",\"body\":{\"do\":\"wait\"}}\n");
    WAIT(&play, play_unready_says(&play, "handler"));
    send_to(&play, fatal,
            "{\"id\":\"slow\",\"body\":{\"do\":\"sleep\",\"ms\":1000}}\n"
            "{\"id\":\"fatal\",\"body\":{\"do\":\"crash\"}}\n");
    WAIT(&play, rabbit_ready(play.rabbit, dead) == 1);
    play_kill(&play);
    rabbit_delete(play.rabbit, fatal);
    rabbit_delete(play.rabbit, dead);
    rabbit_delete(play.rabbit, again);
    play_close(&play);
}
