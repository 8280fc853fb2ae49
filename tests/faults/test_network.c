/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything a network can do between host and broker, by a proxy of our own: afterwards every message
 * is accounted for. */
#include <stdlib.h>

#include "faults/scene.h"
#include "support/proxy.h"

TestSuite(network, .timeout = 900);

struct wire {
    struct scene scene;
    struct proxy *proxy;
};

static bool wire_open(struct wire *wire, const char *name, const char *options, uint32_t n)
{
    char amqp[128];
    if (!getenv("AMQP_URL")) return scene_open(&wire->scene, name, &(struct setup){ 0 }, 0);
    wire->proxy = proxy_open(play_broker_port());
    snprintf(amqp, sizeof amqp, "url: \"amqp://guest:guest@127.0.0.1:%u/\", heartbeat: 2s",
             proxy_port(wire->proxy));
    const struct setup setup = { .amqp = amqp, .consumer = "lanes: 4", .options = options };
    return scene_open(&wire->scene, name, &setup, n);
}

static void wire_close(struct wire *wire)
{
    proxy_set(wire->proxy, PROXY_PASS);
    scene_await_ready(&wire->scene);
    scene_close(&wire->scene);
    proxy_close(wire->proxy);
}

Test(network, is_cut_at_any_byte)
{
    struct wire wire;
    const unsigned cuts = scene_is_full() ? 40 : 12;
    dice_begin("cut");
    if (!wire_open(&wire, "cut", "sleep_us: 300", cuts * 2000)) return;
    struct play *play = &wire.scene.play;
    for (unsigned i = 1; i <= cuts; i++) {
        /* every other one within the handshake or soon after it */
        proxy_cut_after(wire.proxy, dice_below(i % 2 ? 3000 : 150000));
        WAIT(play, proxy_cuts(wire.proxy) == i || play_is_still(play));
        if (proxy_cuts(wire.proxy) == i) continue;
        play_send_many(play, wire.scene.sent, 2000,
                       "{}"); /* while we were kept waiting it ran dry */
        wire.scene.sent += 2000;
        WAIT(play, proxy_cuts(wire.proxy) == i);
    }
    fprintf(stderr, "cut: %u times\n", proxy_cuts(wire.proxy));
    wire_close(&wire);
}

Test(network, brings_one_byte_at_a_time)
{
    struct wire wire;
    if (!wire_open(&wire, "bytewise", "sleep_us: 0", 0)) return;
    struct play *play = &wire.scene.play;
    play_send_many(play, 0, 3000, "{\"key\":\"%u\"}");
    wire.scene.sent = 3000;
    WAIT(play, play_handled(play, 3000) == 3000);
    proxy_set(wire.proxy, PROXY_BYTEWISE);
    play_kill(play); /* the handshake, too */
    const struct watch_report report = watch_livez_end(wire.scene.watch);
    PROVE(play, report.asked > 0);
    play_start_ready(play);
    wire.scene.watch = watch_livez_start(play->port);
    play_send_many(play, 3000, 1000, "{\"key\":\"%u\"}");
    wire.scene.sent = 4000;
    WAIT(play, play_handled(play, 4000) == 4000);
    wire_close(&wire);
}

/* The most that the machine kept us, and so the proxy's thread, waiting meanwhile. */
static uint64_t pause_ms(uint64_t ms)
{
    const uint64_t end_ms = clock_now_ms() + ms;
    uint64_t starved_ms = 0;
    for (uint64_t now_ms = clock_now_ms(); now_ms < end_ms;) {
        const uint64_t begun_ms = now_ms;
        play_pause_ms(50);
        now_ms = clock_now_ms();
        if (now_ms - begun_ms > 50 + starved_ms) starved_ms = now_ms - begun_ms - 50;
    }
    return starved_ms;
}

/* Slower than the heartbeat's patience by far for what waits, and still no reason to give up. */
Test(network, brings_a_kilobyte_a_second)
{
    struct wire wire;
    if (!wire_open(&wire, "slow", "sleep_us: 1000", 8000)) return;
    struct play *play = &wire.scene.play;
    proxy_set(wire.proxy, PROXY_SLOW);
    const uint64_t before = proxy_bytes(wire.proxy);
    const uint64_t starved_ms = pause_ms(scene_is_full() ? 30000 : 7000);
    PROVE(play, proxy_bytes(wire.proxy) > before + 1000);
    WAIT(play, play_is_ready(play));
    PROVE(play, play_metric(play, "warrener_reconnects_total{server=\"amqp\"}") == 0 ||
                    starved_ms > 1000);
    wire_close(&wire);
}

static void deafen(const char *name, enum proxy_mode mode)
{
    struct wire wire;
    if (!wire_open(&wire, name, "sleep_us: 2000", 8000)) return;
    struct play *play = &wire.scene.play;
    const uint64_t begun_ms = clock_now_ms();
    proxy_set(wire.proxy, mode);
    WAIT(play, play_unready_says(play, "amqp: not connected"));
    const uint64_t noticed_ms = clock_now_ms() - begun_ms;
    fprintf(stderr, "%s: noticed after %llu ms\n", name, (unsigned long long)noticed_ms);
    PROVE(play, noticed_ms < 25000); /* a socket alone would take minutes */
    play_pause_ms(scene_is_full() ? 20000 : 1000);
    PROVE(play, !play_is_ready(play));
    wire_close(&wire);
}

Test(network, lets_nothing_through_to_the_host)
{
    deafen("deaf-to-broker", PROXY_DEAF_TO_BROKER);
}

Test(network, lets_nothing_through_to_the_broker)
{
    deafen("deaf-to-host", PROXY_DEAF_TO_HOST);
}

Test(network, lets_nothing_through)
{
    deafen("deaf", PROXY_DEAF);
}

/* All of it by turns, at random, for a while. */
Test(network, has_a_bad_day)
{
    struct wire wire;
    const uint32_t messages = scene_is_full() ? 60000 : 12000;
    const uint64_t day_ms = scene_is_full() ? 120000 : 15000;
    dice_begin("bad day");
    if (!wire_open(&wire, "bad-day", "sleep_us: 3000", messages)) return;
    struct play *play = &wire.scene.play;
    const uint64_t begun_ms = clock_now_ms();
    while (clock_now_ms() - begun_ms < day_ms) {
        const enum proxy_mode mode = (enum proxy_mode)dice_below(PROXY_DEAF + 1);
        proxy_set(wire.proxy, mode);
        if (dice_below(3) == 0) proxy_cut_after(wire.proxy, dice_below(20000));
        play_pause_ms((uint32_t)dice_below(2000));
        PROVE(play, fetch_status(play->port, "/livez") == 200);
    }
    fprintf(stderr, "bad day: %u connections, %u cuts, %u of %u messages handled in it\n",
            proxy_accepted(wire.proxy), proxy_cuts(wire.proxy), play_handled(play, messages),
            messages);
    wire_close(&wire);
}
