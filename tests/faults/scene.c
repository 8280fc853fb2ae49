/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame of a fault test; see scene.h. */
#include "faults/scene.h"

#include <stdlib.h>
#include <string.h>

#define MORE 200

__attribute__((constructor)) static void one_at_a_time(void)
{
    setenv("CRITERION_JOBS", "1", 1);
}

bool scene_is_full(void)
{
    const char *form = getenv("WARRENER_FAULTS");
    return form && strcmp(form, "full") == 0;
}

bool scene_open(struct scene *scene, const char *name, const struct setup *setup, uint32_t n)
{
    *scene = (struct scene){ .sent = n };
    struct play *play = &scene->play;
    if (getenv("AMQP_URL")) {
        if (!broker_is_ours()) return false;
        broker_mend();
    }
    if (!play_open(play, name)) return false;
    play_configure(play, setup);
    cr_assert(rabbit_declare(play->rabbit, play->dead, "quorum", 1000000, false));
    cr_assert(rabbit_declare(play->rabbit, play->queue, "quorum", 100, true));
    if (n) play_send_many(play, 0, n, "{}");
    play_start_ready(play);
    scene->watch = watch_livez_start(play->port);
    WAIT(play, record_lines(play->record) >= n / 50);
    return true;
}

void scene_await_ready(struct scene *scene)
{
    WAIT(&scene->play, play_is_ready(&scene->play));
}

/* Late by more than it should be: how often. Where the watch itself could not run in time, or the page
 * could not answer, the machine was too busy to say anything of the loop. */
static void prove_promptness(struct scene *scene)
{
    struct play *play = &scene->play;
    const bool is_slow = play_is_sanitized();
    struct fetched *page = malloc(sizeof *page);
    fetch(play->port, "/metrics", page); /* both of one moment */
    const double ticks = fetch_series(page, "warrener_loop_lag_seconds_count");
    const double prompt =
        fetch_series(page, is_slow ? "warrener_loop_lag_seconds_bucket{le=\"0.5\"}"
                                   : "warrener_loop_lag_seconds_bucket{le=\"0.1\"}");
    free(page);
    const struct watch_report report = watch_livez_end(scene->watch);
    fprintf(stderr,
            "%s: /livez asked %u times, the slowest answer after %llu ms; of %.0f ticks of the "
            "loop %.0f late by more than %d ms; the machine kept us waiting for up to %llu ms\n",
            play->name, report.asked, (unsigned long long)report.slowest_ms, ticks, ticks - prompt,
            is_slow ? 500 : 100, (unsigned long long)report.starved_ms);
    PROVE(play, report.failed == 0, "/livez failed %u times of %u", report.failed, report.asked);
    PROVE(play, ticks > 0);
    PROVE(play, ticks == prompt || watch_saw_stutter(&report, is_slow ? 250 : 50),
          "%.0f ticks of %.0f were late", ticks - prompt, ticks);
}

void scene_close(struct scene *scene)
{
    struct play *play = &scene->play;
    play_send_many(play, scene->sent, MORE, "{}");
    scene->sent += MORE;
    WAIT(play, play_handled(play, scene->sent) == scene->sent && play_is_still(play));
    prove_promptness(scene);
    PROVE(play, play_end(play) == 0);
    PROVE(play, play_left(play) == 0);
    PROVE(play, rabbit_ready(play->rabbit, play->dead) == 0);
    play_close(play);
}
