/* SPDX-License-Identifier: Apache-2.0
 *
 * SIGHUP: what changes at once, what is said of the rest, and that a file with faults changes nothing. */
#include <signal.h>
#include <string.h>

#include "support/play.h"

TestSuite(reload, .timeout = 120);

Test(reload, changes_the_log_and_tells_what_has_to_wait)
{
    OPEN(play, "reload");
    play_configure(&play, &(struct setup){ .top = "log: {level: info}" });
    play_start_ready(&play);
    play_configure(&play, &(struct setup){ .top = "log: {level: warn, format: json}\ndrain: 7s",
                                           .consumer = "lanes: 3" });
    play_signal(&play, SIGHUP);
    WAIT(&play, play_log_has(&play, "\"key\":\"consumers[0].lanes\""));
    WAIT(&play, play_log_has(&play, "\"key\":\"drain\""));
    PROVE(&play, play_log_has(&play, "takes effect at the next start only"));
    PROVE(&play, !play_log_has(&play, "\"key\":\"log."));
    PROVE(&play, play_metric(&play, "warrener_lanes@}") == 1);

    play_write(&play, "warrener.yaml", "consumers: [{queue: a}]\nlog: {level: debug}\n");
    play_signal(&play, SIGHUP);
    WAIT(&play, play_log_has(&play, "the configuration has faults: nothing is changed"));

    /* as often as one likes, and the host goes on */
    play_configure(&play, &(struct setup){ .top = "log: {level: info, format: json}" });
    for (int i = 0; i < 4; i++) {
        play_signal(&play, SIGHUP);
        play_pause_ms(50);
    }
    WAIT(&play, play_log_has(&play, "\"to_level\":\"info\""));
    PROVE(&play, play_is_ready(&play));
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}

Test(reload, at_odd_moments_ends_nobody)
{
    OPEN(play, "odd");
    play_configure(&play, &(struct setup){ .consumer = "lanes: 2" });
    play_start_ready(&play);
    play_signal(&play, SIGUSR1);
    play_signal(&play, SIGUSR2);
    WAIT(&play, play_log_has(&play, "a signal that means nothing"));
    PROVE(&play, play_is_ready(&play) && !play_log_has(&play, "the host died"));
    play.may_die = true;
    const pid_t first = play_host_pid(&play);
    cr_assert_eq(kill(first, SIGKILL), 0);
    WAIT(&play, play_host_pid(&play) && play_host_pid(&play) != first);
    for (int i = 0; i < 100; i++) { /* while the second begins */
        play_signal(&play, SIGHUP);
        play_pause_ms(2);
    }
    WAIT(&play, play_log_has(&play, "the configuration was read again"));
    WAIT(&play, play_has_listened(&play) && play_is_ready(&play));
    PROVE(&play, play_metric(&play, "warrener_host_restarts_total{why=\"killed\"}") == 1);
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}
