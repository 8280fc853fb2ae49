/* SPDX-License-Identifier: Apache-2.0
 *
 * The site as a whole: a stalled loop and a stuck lane are seen while HTTP goes on answering. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "ops/site.h"
#include "unit/ops/client.h"

struct scene {
    struct board *board;
    struct metrics *metrics;
    struct site *site;
};

/* A host in which `ticks` seconds of counted time have gone by since the loop's last beat. */
static struct scene scene_open(unsigned seconds)
{
    struct scene scene = { .metrics = metrics_new() };
    struct status status = { .text = "" };
    const struct board_consumer_plan consumer = { .lanes = 2, .timeout_ms = 10 };
    scene.board = board_new(&(struct board_plan){ 0, 1, &consumer });
    board_say(board_draft(scene.board)->consumers[0].queue, BOARD_NAME_BYTES, "orders");
    board_publish(scene.board);
    pulse_beat(board_loop_pulse(scene.board));
    for (unsigned i = 0; i <= seconds; i++) board_tick(scene.board, 1000 * (i + 1));
    scene.site = site_open("127.0.0.1:0", scene.board, scene.metrics, &status);
    cr_assert(scene.site, "%s", status.text);
    return scene;
}

static void scene_close(struct scene *scene)
{
    site_close(scene->site);
    board_free(scene->board);
    metrics_free(scene->metrics);
}

static bool has(struct scene *scene, const char *path, const char *part)
{
    struct client *client = client_get(site_port(scene->site), path);
    const bool found = strstr(client->in, part) != NULL;
    client_close(client);
    return found;
}

static void expect(struct scene *scene, const char *path, const char *part)
{
    const uint64_t deadline_ms = clock_now_ms() + CLIENT_DEADLINE_MS;
    while (!has(scene, path, part)) cr_assert_lt(clock_now_ms(), deadline_ms, "%s: %s", path, part);
}

TestSuite(site, .timeout = 120);

Test(site, every_page_is_there)
{
    struct scene scene = scene_open(0);
    expect(&scene, "/livez", "200 OK");
    expect(&scene, "/readyz", "\r\n\r\nready\n");
    expect(&scene, "/metrics", "\nwarrener_build_info{version=");
    expect(&scene, "/status", "\"queue\":\"orders\"");
    expect(&scene, "/", "<!doctype html>");
    expect(&scene, "/", "Content-Security-Policy: default-src 'none'");
    expect(&scene, "/x", "/\n/livez\n/readyz\n/metrics\n/status\n");
    scene_close(&scene);
}

Test(site, a_stalled_loop_is_seen_and_forgiven)
{
    struct scene scene = scene_open(12);
    expect(&scene, "/livez", "503 Service Unavailable");
    expect(&scene, "/livez", "the loop has not moved for 12 s, since 2");
    expect(&scene, "/readyz", "503 Service Unavailable");
    expect(&scene, "/status", "\"live\":false");
    pulse_beat(board_loop_pulse(scene.board));
    expect(&scene, "/livez", "200 OK");
    expect(&scene, "/readyz", "200 OK");
    scene_close(&scene);
}

Test(site, a_stuck_lane_is_named)
{
    struct scene scene = scene_open(0);
    pulse_beat(board_lane_pulse(scene.board, 0, 1));
    expect(&scene, "/livez", "200 OK");
    expect(&scene, "/livez", "lane 1 of queue orders is stuck");
    pulse_rest(board_lane_pulse(scene.board, 0, 1));
    expect(&scene, "/livez", "200 OK");
    scene_close(&scene);
}

Test(site, not_ready_says_why_and_is_alive)
{
    struct scene scene = scene_open(0);
    board_add_reason(board_draft(scene.board), "amqp: cannot reach amqp://a:b@h/");
    board_publish(scene.board);
    expect(&scene, "/readyz", "\r\n\r\namqp: cannot reach amqp://***@h/\n");
    expect(&scene, "/livez", "200 OK");
    board_draft(scene.board)->n_reasons = 0;
    board_publish(scene.board);
    expect(&scene, "/readyz", "200 OK");
    board_set_draining(scene.board);
    expect(&scene, "/readyz", "draining");
    expect(&scene, "/livez", "200 OK");
    scene_close(&scene);
}

#define SCRAPES 30

static void *scrape(void *argument)
{
    struct scene *scene = argument;
    for (int i = 0; i < SCRAPES; i++) {
        cr_assert(has(scene, i % 2 ? "/metrics" : "/status", "200 OK"));
    }
    return NULL;
}

/* Lanes, loop and scrapers at once, for the thread sanitizer. */
Test(site, everybody_at_once)
{
    struct scene scene = scene_open(0);
    struct histogram *seconds =
        metrics_histogram(scene.metrics, METRIC_HANDLER_SECONDS, (const char *const[]){ "orders" });
    pthread_t scraper;
    pthread_create(&scraper, NULL, scrape, &scene);
    for (int i = 0; i < 5000; i++) {
        pulse_beat(board_lane_pulse(scene.board, 0, 0));
        histogram_note(seconds, (uint64_t)i * 1000);
        pulse_beat(board_loop_pulse(scene.board));
        board_draft(scene.board)->consumers[0].done = (uint64_t)i;
        board_publish(scene.board);
        pulse_rest(board_lane_pulse(scene.board, 0, 0));
    }
    pthread_join(scraper, NULL);
    expect(&scene, "/metrics", "warrener_handler_seconds_count{queue=\"orders\"} 5000\n");
    expect(&scene, "/status", "\"done\":4999");
    scene_close(&scene);
}

Test(site, an_address_that_is_taken_is_told)
{
    struct scene scene = scene_open(0);
    struct status status = { .text = "" };
    char listen[32];
    snprintf(listen, sizeof listen, "127.0.0.1:%u", site_port(scene.site));
    cr_assert_null(site_open(listen, scene.board, scene.metrics, &status));
    cr_assert(strstr(status.text, "taken"), "%s", status.text);
    scene_close(&scene);
}
