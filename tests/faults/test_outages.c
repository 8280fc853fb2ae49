/* SPDX-License-Identifier: Apache-2.0
 *
 * The broker goes, stops, forgets the queue, runs out of memory; a handler sleeps. The host comes back
 * by itself, and its pages tell the truth meanwhile. */
#include "faults/scene.h"

#define BACKLOG 6000

TestSuite(outages, .timeout = 900);

/* A backlog for some seconds. */
static const struct setup slowly = { .amqp = "url: \"${AMQP_URL}\", heartbeat: 2s",
                                     .consumer = "lanes: 4",
                                     .options = "sleep_us: 1500" };

/* The test's own connection went with the broker. */
static void come_back(struct scene *scene)
{
    rabbit_close(scene->play.rabbit);
    scene->play.rabbit = rabbit_open(getenv("AMQP_URL"));
    cr_assert(scene->play.rabbit);
    scene_await_ready(scene);
}

static double reconnects(const struct scene *scene)
{
    return play_metric(&scene->play, "warrener_reconnects_total{server=\"amqp\"}");
}

Test(outages, the_broker_is_killed_and_comes_back)
{
    struct scene scene;
    if (!scene_open(&scene, "broker-killed", &slowly, BACKLOG)) return;
    /* RabbitMQ 3.10 notes which quorum queues there are in a table that it writes minutes later: one
     * that was made just before a SIGKILL comes back without its messages, and without a leader. */
    broker_ctl("eval", "[dets:sync(Table) || Table <- dets:all()].");
    broker_verb("kill");
    WAIT(&scene.play, play_unready_says(&scene.play, "amqp: not connected"));
    WAIT(&scene.play, play_metric(&scene.play, "warrener_connected{server=\"amqp\"}") == 0);
    broker_verb("start");
    come_back(&scene);
    WAIT(&scene.play, reconnects(&scene) >= 1);
    scene_close(&scene);
}

Test(outages, the_broker_is_restarted)
{
    struct scene scene;
    if (!scene_open(&scene, "broker-restarted", &slowly, BACKLOG)) return;
    broker_verb("stop");
    WAIT(&scene.play, play_unready_says(&scene.play, "amqp: not connected"));
    PROVE(&scene.play, play_log_has(&scene.play, "CONNECTION_FORCED"));
    broker_verb("start");
    come_back(&scene);
    scene_close(&scene);
}

/* Shorter than the heartbeat notices: the connection stands, and everything goes on. */
Test(outages, the_broker_stops_for_a_moment)
{
    struct setup setup = slowly;
    struct scene scene;
    setup.amqp = "url: \"${AMQP_URL}\", heartbeat: 5s";
    if (!scene_open(&scene, "broker-pauses", &setup, BACKLOG)) return;
    const uint64_t begun_ms = clock_now_ms();
    broker_verb("pause");
    play_pause_ms(3000);
    PROVE(&scene.play, play_is_ready(&scene.play));
    broker_verb("resume");
    const uint64_t stop_ms = clock_now_ms() - begun_ms; /* the verbs are programs to be started */
    WAIT(&scene.play, play_handled(&scene.play, BACKLOG) == BACKLOG);
    PROVE(&scene.play, reconnects(&scene) == 0 || stop_ms > 8000);
    scene_close(&scene);
}

Test(outages, the_broker_stops_for_long)
{
    struct scene scene;
    if (!scene_open(&scene, "broker-stops", &slowly, BACKLOG)) return;
    const uint64_t begun_ms = clock_now_ms();
    const uint64_t stop_ms = scene_is_full() ? 30000 : 8000;
    broker_verb("pause");
    WAIT(&scene.play, play_unready_says(&scene.play, "amqp: not connected"));
    PROVE(&scene.play,
          clock_now_ms() - begun_ms < 20000); /* two heartbeats, and a loaded machine */
    while (clock_now_ms() - begun_ms < stop_ms) {
        PROVE(&scene.play, !play_is_ready(&scene.play));
        play_pause_ms(100);
    }
    broker_verb("resume");
    scene_await_ready(&scene);
    scene_close(&scene);
}

Test(outages, the_queue_is_deleted_and_made_again)
{
    struct scene scene;
    if (!scene_open(&scene, "queue-deleted", &slowly, 0)) return;
    for (int i = 0; i < 3; i++) {
        play_pause_ms(500); /* 3.10 never ends the drop of a quorum queue that is younger */
        rabbit_delete(scene.play.rabbit, scene.play.queue);
        WAIT(&scene.play, play_log_has(&scene.play, "cancelled the consumer"));
        WAIT(&scene.play, rabbit_exists(scene.play.rabbit, scene.play.queue));
        scene_await_ready(&scene);
        play_send_many(&scene.play, scene.sent, 100, "{}");
        scene.sent += 100;
        WAIT(&scene.play, play_handled(&scene.play, scene.sent) == scene.sent);
    }
    PROVE(&scene.play, reconnects(&scene) == 0); /* the connection stood */
    scene_close(&scene);
}

/* What is published waits; what is there is worked on. */
Test(outages, the_broker_has_no_memory_left)
{
    struct scene scene;
    if (!scene_open(&scene, "alarm", &slowly, BACKLOG)) return;
    struct play *play = &scene.play;
    broker_ctl("set_vm_memory_high_watermark", "0.00001");
    play_write_many(play, "late", BACKLOG, 100, "{}");
    const pid_t publisher =
        play_spawn(play, (const char *const[]){ "publish", "--exchange", "", "--key", play->queue,
                                                "--ndjson", play_path(play, "late"), NULL });
    WAIT(play, play_handled(play, BACKLOG) == BACKLOG);
    WAIT(play, play_is_still(play));
    PROVE(play, play_is_ready(play));
    PROVE(play, play_handled(play, BACKLOG + 100) == BACKLOG);
    broker_ctl("set_vm_memory_high_watermark", "0.4");
    PROVE(play, play_reap(publisher) == 0);
    scene.sent += 100;
    scene_close(&scene);
}

/* Acks go on too: the host is not held up by one lane. */
Test(outages, a_handler_sleeps_in_one_lane_of_four)
{
    struct scene scene;
    struct setup setup = slowly;
    const unsigned sleep_ms = scene_is_full() ? 40000 : 8000;
    char body[64];
    setup.consumer = "lanes: 4, timeout: 2m";
    setup.options = "sleep_us: 200";
    if (!scene_open(&scene, "asleep", &setup, 100)) return;
    struct play *play = &scene.play;
    WAIT(play, play_handled(play, 100) == 100);
    snprintf(body, sizeof body, "{\"do\":\"sleep\",\"ms\":%u}", sleep_ms);
    const uint64_t begun_ms = clock_now_ms();
    play_send_many(play, 100, 1, body);
    WAIT(play, play_handled(play, 101) == 101);
    scene.sent = 101;
    unsigned rounds = 0;
    double done = 0;
    /* All but what waits behind the sleeper, again and again. */
    while (clock_now_ms() - begun_ms < sleep_ms - 2000) {
        play_send_many(play, scene.sent, 500, "{}");
        scene.sent += 500;
        WAIT_UP_TO(play, sleep_ms, rabbit_ready(play->rabbit, play->queue) == 0);
        done = play_metric(play, "warrener_messages_settled_total@,outcome=\"done\"}");
        PROVE(play, done >= scene.sent - 200, "%.0f of %u", done, scene.sent);
        PROVE(play, play_is_ready(play));
        if (clock_now_ms() - begun_ms >= sleep_ms)
            break; /* it has woken: this one proves nothing */
        rounds++;
    }
    fprintf(stderr, "asleep: %.0f messages flowed in %u rounds beside the sleeper\n", done, rounds);
    PROVE(play, rounds >= 1 && reconnects(&scene) == 0);
    scene_close(&scene);
}
