/* SPDX-License-Identifier: Apache-2.0
 *
 * A broker that waits less for an ack than a handler takes (consumer_timeout, here of two seconds). In the
 * long form alone: the broker looks at its clocks once in a while. */
#include <string.h>

#include "faults/scene.h"

TestSuite(late, .timeout = 300);

#define FAST 40 /* messages beside the slow one */

static bool open_play(struct play *play, const char *name, const struct setup *setup)
{
    if (!scene_is_full() || !broker_is_ours() || !play_open(play, name)) return false;
    broker_ctl("eval", "application:set_env(rabbit, channel_tick_interval, 500), "
                       "application:set_env(rabbit, consumer_timeout, 2000).");
    play_configure(play, setup);
    cr_assert(rabbit_declare(play->rabbit, play->dead, "quorum", 1000000, false));
    cr_assert(rabbit_declare(play->rabbit, play->queue, "quorum", 100, true));
    play_start_ready(play);
    return true;
}

static void close_play(struct play *play)
{
    broker_ctl("eval", "application:set_env(rabbit, channel_tick_interval, 60000), "
                       "application:set_env(rabbit, consumer_timeout, 1800000).");
    PROVE(play, play_end(play) == 0);
    play_close(play);
}

/* Every other one is handled and acked, the slow one is a letter, and the connection has stood. */
static void expect_letter(struct play *play, const char *id)
{
    struct letter letter;
    WAIT(play, rabbit_ready(play->rabbit, play->dead) == 1);
    WAIT(play, play_handled(play, FAST) == FAST && play_is_still(play));
    PROVE(play, rabbit_get(play->rabbit, play->dead, &letter));
    PROVE(play, !strcmp(letter.id, id) && !strcmp(letter.reason, "stuck"), "%s: %s", letter.id,
          letter.reason);
    PROVE(play, strstr(letter.detail, "(consumer_timeout)"), "%s", letter.detail);
    PROVE(play, play_log_has(play, "within the 2000 ms that the broker gives"));
    PROVE(play, play_metric(play, "warrener_reconnects_total{server=\"amqp\"}") == 0);
}

Test(late, a_handler_that_is_slower_than_the_broker_waits)
{
    struct play play;
    if (!open_play(&play, "late", &(struct setup){ .consumer = "lanes: 2" })) return;
    play_send_many(&play, 0, FAST / 2, "{}");
    play_send(&play, "{\"id\":\"slow\",\"body\":{\"do\":\"sleep\",\"ms\":4000}}\n");
    play_send_many(&play, FAST / 2, FAST / 2, "{}");
    expect_letter(&play, "slow");
    close_play(&play);
}

Test(late, attempts_in_place_that_are_longer_than_the_broker_waits)
{
    struct play play;
    const struct setup setup = {
        .consumer = "lanes: 2, order_by: \"json:key\", retry: {delays: [500ms], attempts: 20}"
    };
    if (!open_play(&play, "late-in-place", &setup)) return;
    play_send(&play, "{\"id\":\"again\",\"body\":{\"key\":\"a\",\"do\":\"retry\"}}\n");
    play_send_many(&play, 0, FAST, "{\"key\":\"a\"}");
    expect_letter(&play, "again");
    close_play(&play);
}
