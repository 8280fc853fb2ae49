/* SPDX-License-Identifier: Apache-2.0
 *
 * A broker that is none, or that breaks every rule: the host stays up and not ready, says why, and
 * works as soon as a real one answers at the same address. */
#include "faults/hostile.h"
#include "faults/scene.h"

#define AT_ONCE 3 /* scripts a host meets: its pauses between tries double */

TestSuite(hostile, .timeout = 900);

static void meet(struct play *play, struct proxy *proxy, const struct proxy_script *const *scripts,
                 unsigned n, uint32_t *sent)
{
    const unsigned before = proxy_accepted(proxy);
    proxy_play(proxy, scripts, n);
    proxy_set(proxy, PROXY_DEAF); /* the real one behind them: until the page has been looked at */
    play_start(play);
    struct watch_livez *watch = watch_livez_start(play->port);
    WAIT(play, play_unready_says(play, "amqp"));
    WAIT(play, proxy_accepted(proxy) > before + n);
    PROVE(play, proxy_scripts_left(proxy) == 0);
    proxy_set(proxy, PROXY_PASS);
    for (unsigned i = 0; i < n; i++) fprintf(stderr, "hostile: met %s\n", scripts[i]->name);
    WAIT(play, play_is_ready(play));
    play_send_many(play, *sent, 10, "{}");
    *sent += 10;
    WAIT(play, play_handled(play, *sent) == *sent);
    PROVE(play, play_metric(play, "process_resident_memory_bytes") < 1e9);
    const struct watch_report report = watch_livez_end(watch);
    PROVE(play, report.failed == 0, "/livez failed %u times of %u", report.failed, report.asked);
    PROVE(play, play_end(play) == 0, "after %s", scripts[0]->name);
}

Test(hostile, brokers_do_no_harm)
{
    const struct proxy_script *scripts, *met[AT_ONCE];
    uint32_t sent = 0;
    char amqp[128];
    OPEN(play, "hostile");
    dice_begin("hostile");
    const unsigned n = hostile_scripts(&scripts);
    struct proxy *proxy = proxy_open(play_broker_port());
    snprintf(amqp, sizeof amqp, "urls: [\"amqp://guest:guest@127.0.0.1:%u/\"]", proxy_port(proxy));
    play_configure(&play, &(struct setup){ .amqp = amqp });
    for (unsigned first = 0; first < n; first += AT_ONCE) {
        unsigned many = 0;
        for (; many < AT_ONCE && first + many < n; many++) met[many] = &scripts[first + many];
        meet(&play, proxy, met, many, &sent);
    }
    proxy_close(proxy);
    play_close(&play);
}

/* Accepts, and says nothing: given up after the connect deadline. Another URL of the list is real. */
Test(hostile, one_that_is_silent_is_left_for_another)
{
    static const struct proxy_script silent = { .name = "silence" };
    static const struct proxy_script *const scripts[] = { &silent, &silent, &silent, &silent };
    char amqp[256];
    uint32_t sent = 10;
    OPEN(play, "silent");
    struct proxy *proxy = proxy_open(play_broker_port());
    proxy_play(proxy, scripts, 4);
    snprintf(amqp, sizeof amqp,
             "urls: [\"amqp://guest:guest@127.0.0.1:%u/\", \"amqp://guest:guest@127.0.0.1:%u/\"]",
             proxy_port(proxy), play_broker_port());
    play_configure(&play, &(struct setup){ .amqp = amqp });
    for (int i = 0; i < (scene_is_full() ? 4 : 2); i++) {
        play_start_ready(&play);
        PROVE(&play, play_end(&play) == 0);
    }
    play_start_ready(&play);
    play_send_many(&play, 0, sent, "{}");
    WAIT(&play, play_handled(&play, sent) == sent);
    PROVE(&play, play_end(&play) == 0);
    proxy_close(proxy);
    play_close(&play);
}
