/* SPDX-License-Identifier: Apache-2.0
 *
 * The broker takes nothing that is published, or has no place for letters: the originals stay unacked,
 * in bounded number, and all of it goes its way afterwards. */
#include <stdlib.h>

#include "faults/scene.h"

#define PREFETCH 500
#define MESSAGES 5000

TestSuite(letters, .timeout = 900);

static double settled(const struct play *play, const char *outcome)
{
    return play_metric(play, "warrener_messages_settled_total@,outcome=\"%s\"}", outcome);
}

static double in_flight(const struct play *play)
{
    return play_metric(play, "warrener_messages_in_flight@}");
}

static bool open_play(struct play *play, const char *name)
{
    if (!getenv("AMQP_URL") || !broker_is_ours()) return false;
    broker_mend();
    if (!play_open(play, name)) return false;
    play_configure(
        play, &(struct setup){ .consumer = "lanes: 2, prefetch: 500", .options = "sleep_us: 700" });
    return true;
}

/* Its short form is integration_outbox's. */
Test(letters, and_publishes_wait_for_the_end_of_an_alarm)
{
    struct play play;
    char out[120], body[200];
    if (!scene_is_full() || !open_play(&play, "long-alarm")) return;
    snprintf(out, sizeof out, "%s.out", play.queue);
    snprintf(body, sizeof body, "{\"publish\":{\"key\":\"%s\"}}", out);
    PROVE(&play, rabbit_declare(play.rabbit, out, "quorum", 0, false));
    PROVE(&play, rabbit_declare(play.rabbit, play.dead, "quorum", 1000000, false));
    PROVE(&play, rabbit_declare(play.rabbit, play.queue, "quorum", 100, true));
    play_send_many(&play, 0, MESSAGES, body);
    play_send_many(&play, MESSAGES, 100, "{\"do\":\"reject\"}");
    play_start(&play);
    WAIT(&play, settled(&play, "done") > 50);
    broker_ctl("set_vm_memory_high_watermark", "0.00001");
    WAIT(&play, in_flight(&play) == PREFETCH && play_unready_says(&play, "blocks publishers"));
    const double before = settled(&play, "done");
    const uint64_t end_ms = clock_now_ms() + 20000;
    while (clock_now_ms() < end_ms) {
        PROVE(&play, settled(&play, "done") == before && in_flight(&play) == PREFETCH);
        PROVE(&play, fetch_status(play.port, "/livez") == 200);
        play_pause_ms(50);
    }
    broker_ctl("set_vm_memory_high_watermark", "0.4");
    WAIT(&play, settled(&play, "done") == MESSAGES && settled(&play, "dead") == 100);
    WAIT(&play, play_is_ready(&play) && play_is_still(&play));
    fprintf(stderr, "alarm: %.0f done before it, all %d after it; %u published\n", before, MESSAGES,
            rabbit_ready(play.rabbit, out));
    PROVE(&play, rabbit_ready(play.rabbit, out) >= MESSAGES);
    PROVE(&play, rabbit_ready(play.rabbit, play.dead) == 100);
    PROVE(&play, play_end(&play) == 0 && play_left(&play) == 0);
    rabbit_delete(play.rabbit, out);
    play_close(&play);
}

static void allow_to_declare(bool is_allowed)
{
    char words[300];
    snprintf(words, sizeof words,
             "rabbit_auth_backend_internal:set_permissions(<<\"guest\">>, <<\"/\">>, <<\"%s\">>, "
             "<<\".*\">>, <<\".*\">>, <<\"test\">>).",
             is_allowed ? ".*" : "");
    broker_ctl("eval", words);
}

/* Deleted, and the host may not make it again. */
Test(letters, stay_unacked_without_a_dead_queue)
{
    struct play play;
    if (!open_play(&play, "unbound")) return;
    play_start_ready(&play);
    play_pause_ms(500); /* 3.10 never ends the drop of a quorum queue that is younger */
    rabbit_delete(play.rabbit, play.dead);
    allow_to_declare(false);
    play_send_many(&play, 0, 50, "{\"do\":\"reject\"}");
    WAIT(&play, play_metric(&play, "warrener_published_total@,outcome=\"returned\"}") > 0);
    WAIT(&play, !play_is_ready(&play));
    play_send_many(&play, 50, 100, "{}"); /* others go on */
    WAIT(&play, settled(&play, "done") == 100);
    WAIT(&play, in_flight(&play) == 50);
    PROVE(&play, settled(&play, "dead") == 0);
    allow_to_declare(true);
    WAIT(&play, settled(&play, "dead") == 50 && play_is_ready(&play));
    PROVE(&play, rabbit_ready(play.rabbit, play.dead) == 50);
    PROVE(&play, play_end(&play) == 0 && play_left(&play) == 0);
    play_close(&play);
}
