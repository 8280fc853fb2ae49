/* SPDX-License-Identifier: Apache-2.0
 *
 * SIGHUP: what changes at once, what is said of the rest, and that a file with faults changes nothing. */
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
