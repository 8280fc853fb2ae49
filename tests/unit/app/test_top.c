/* SPDX-License-Identifier: Apache-2.0
 *
 * What `warrener top` makes of a /status: every number in its place, and pictures that fit. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/top_draw.h"

#define STAGES(held)                                                                               \
    "\"stages\":{\"waiting\":1,\"handling\":2,\"held\":" held ",\"staged\":3,\"storing\":4,"       \
    "\"caching\":5,\"sending\":6,\"acking\":7}"
#define LANE "{\"state\":\"busy\"}"

static const char status[] =
    "{\"now\":\"2026-01-02T03:04:05.678Z\",\"name\":\"shop\",\"version\":\"1.0\","
    "\"uptime_seconds\":5400,\"restarts\":2,\"last_death_at\":\"2026-01-02T03:02:05Z\","
    "\"last_death\":\"SIGSEGV: 0x1 < 0x2\",\"last_death_by\":\"crash\","
    "\"last_death_consumer\":\"orders\",\"last_death_message\":\"m1\","
    "\"health\":{\"level\":\"warn\",\"title\":\"Work flows, with trouble\",\"reasons\":["
    "\"mail is paused\",\"a \\u001b[2J\"]},"
    "\"connections\":["
    "{\"server\":\"amqp\",\"name\":\"consume\",\"connected\":true,\"breaker\":null},"
    "{\"server\":\"postgres\",\"name\":\"store\",\"connected\":false,\"breaker\":null},"
    "{\"server\":\"redis\",\"name\":\"cache\",\"connected\":true,\"breaker\":\"half-open\"},"
    "{\"server\":\"redis\",\"name\":\"more\",\"connected\":true,\"breaker\":\"closed\"}],"
    "\"consumers\":["
    "{\"name\":\"orders\",\"state\":{\"level\":\"good\",\"trouble\":0,\"word\":\"flowing\"},"
    "\"rates\":{\"done\":9.94},\"lanes_busy\":0.25,\"done\":100,\"retried\":11,\"dead\":0,"
    "\"in_flight\":12,\"prefetch\":50,\"ready\":13,\"retry_ready\":14,\"dead_ready\":15,"
    "\"settle_median_us\":1500,\"settle_p99_us\":995000," STAGES(
        "8") ",\"lanes\":[" LANE "]},"
             "{\"name\":\"stock\",\"state\":{\"level\":\"good\",\"trouble\":0,\"word\":\"idle\"},"
             "\"rates\":{\"done\":0},\"lanes_busy\":0,\"done\":0,\"retried\":0,\"dead\":0,"
             "\"in_flight\":0,\"prefetch\":50,\"ready\":0,\"retry_ready\":0,\"dead_ready\":0,"
             "\"settle_median_us\":0,\"settle_p99_us\":0,\"lanes\":[" LANE "," LANE "]},"
             "{\"name\":\"mail\",\"state\":{\"level\":\"warn\",\"trouble\":2,\"word\":\"paused\"},"
             "\"rates\":{\"done\":12.4},\"lanes_busy\":2.96,\"done\":200,\"retried\":21,\"dead\":"
             "22,"
             "\"in_flight\":23,\"prefetch\":60,\"ready\":24,\"retry_ready\":25,\"dead_ready\":26,"
             "\"settle_median_us\":9949,\"settle_p99_us\":9950," STAGES(
                 "9") ",\"lanes\":[" LANE "," LANE "," LANE "]}],"
                      "\"faults\":["
                      "{\"at\":\"2026-01-02T03:04:00Z\",\"count\":1,\"level\":\"warn\",\"what\":"
                      "\"slow\","
                      "\"about\":null,\"reason\":null},"
                      "{\"at\":\"2026-01-02T01:04:05Z\",\"count\":2,\"level\":\"error\",\"what\":"
                      "\"lost\","
                      "\"about\":\"orders\",\"reason\":\"refused\"}],"
                      "\"history\":{\"step_ms\":3000,\"done\":[0,3,30,300,1]}}";

static struct top_view view;
static struct top_canvas canvas;
static char *picture;

static void read_status(void)
{
    canvas = (struct top_canvas){ .columns = 130 };
    cr_assert(top_view_read(&view, text_of(status)));
}

static void forget(void)
{
    free(picture);
    picture = NULL;
    top_view_fini(&view);
}

TestSuite(top_view, .init = read_status, .fini = forget);

static size_t draw(void)
{
    free(picture);
    return top_draw(&view, &canvas, &picture);
}

static void expect_picture(const char *wanted)
{
    cr_expect_str_eq(picture, wanted, "%s", picture);
}

static void expect_line(const char *words)
{
    cr_expect(strstr(picture, words), "\"%s\" is not in\n%s", words, picture);
}

Test(top_view, whole_and_plain_has_each_number_in_its_place)
{
    draw();
    expect_picture("shop  Warrener 1.0  up 2 h                                        "
                   "                                                        03:04:05\n"
                   "Work flows, with trouble\n"
                   "  mail is paused\n"
                   "  a \\x1b[2J\n"
                   "started again 2 times, last 2 min ago: SIGSEGV, in orders on message m1\n"
                   "22/s done   settled within 1.0 s (99 of 100), 9.9 ms (half)\n"
                   " ..#.\n"
                   "broker 37 > lane? 2 > handler 4 > batch 6 > commit 8 > cache 10 >"
                   " publish 12 > ack 14\n"
                   "waiting for another try 56   in dead queues 41   died here 22\n"
                   "CONSUMER                                STATE         DONE/S     P99 "
                   " WAITING   DEAD     FLIGHT     LANES  RETRIED\n"
                   "mail                                    paused            12   10 ms "
                   "      24     22      23/60     3.0/3       21\n"
                   "orders                                  flowing          9.9   1.0 s "
                   "      13      0      12/50     0.2/1       11\n"
                   "stock                                   idle               0       - "
                   "       0      0       0/50     0.0/2        0\n"
                   "amqp consume up   postgres store away   redis cache broken   redis more up\n"
                   "    5 s ago  slow\n"
                   "    2 h ago  x2 lost, orders: refused\n");
}

Test(top_view, of_a_screen_is_as_high_as_that)
{
    canvas = (struct top_canvas){ .columns = 70, .rows = 17, .has_utf8 = true, .first = 1 };
    const size_t room = draw();
    unsigned lines = 0;
    for (const char *at = picture; (at = strchr(at, '\n')); at++) lines++;
    cr_expect_eq(lines, 17, "%u", lines);
    cr_expect_eq(room, 3, "%zu", room);
    expect_line("\nq quits\n");
    cr_expect(!strstr(picture, "mail  ") && strstr(picture, "\nstock  "), "%s", picture);
    canvas.rows = 14;
    cr_expect_eq(draw(), 2);
    expect_line("\nq quits   ↑ ↓ scroll: 2 to 3 of 3 consumers\n");
}

Test(top_view, is_plotted_from_the_newest_backwards)
{
    canvas.columns = 4;
    draw();
    expect_line("\n..#.\n");
    canvas.has_utf8 = true;
    draw();
    expect_line("\n▁▁█▁\n");
}

Test(top_view, says_nothing_that_a_terminal_cannot)
{
    snprintf(view.consumers[0].name, TOP_TEXT, "caf\xc3\xa9");
    draw();
    expect_line("\ncaf?  ");
    canvas.has_utf8 = true;
    draw();
    expect_line("\ncaf\xc3\xa9  ");
}

/* A quiet host's is not blown up: below one a second a column is not full. */
Test(top_view, is_plotted_as_it_is_where_little_happens)
{
    top_view_fini(&view);
    cr_assert(top_view_read(
        &view, text_of("{\"consumers\":[],\"history\":{\"step_ms\":3000,\"done\":[1]}}")));
    draw();
    expect_line("\n:\nbroker ");
}

Test(top_view, has_as_many_columns_as_fit)
{
    canvas.columns = 97;
    draw();
    expect_line("  RETRIED\n");
    canvas.columns = 96;
    draw();
    cr_expect(!strstr(picture, "RETRIED") && strstr(picture, "LANES"), "%s", picture);
}

Test(top_view, has_colours_of_trouble)
{
    canvas.has_colour = true;
    draw();
    expect_line("\033[33mWork flows, with trouble\033[0m\n");
    expect_line("\033[33mpaused\033[0m");
    expect_line("\033[32mflowing\033[0m");
    expect_line("\033[1;31m22\033[0m");
    expect_line("\033[1;31maway\033[0m");
    expect_line("\033[33mbroken\033[0m");
    expect_line("\033[33m    5 s ago  \033[0mslow");
    expect_line("\033[1;31m    2 h ago  \033[0mx2 lost");
}

Test(top_view, shows_spans_in_units_that_are_read_at_a_glance)
{
    static const struct {
        int64_t us;
        const char *shown;
    } cases[] = {
        { 0, "within - (" },
        { 9949, "within 9.9 ms (" },
        { 9950, "within 10 ms (" },
        { 994999, "within 995 ms (" },
        { 995000, "within 1.0 s (" },
        { 9949999, "within 9.9 s (" },
        { 9950000, "within 9 s (" },
        { 89999999, "within 89 s (" },
        { 90000000, "within 2 min (" },
        { INT64_C(5399000000), "within 90 min (" },
        { INT64_C(5400000000), "within 2 h (" },
        { INT64_C(129599000000), "within 36 h (" },
        { INT64_C(129600000000), "within 1 d (" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        view.sum.late_us = cases[i].us;
        draw();
        expect_line(cases[i].shown);
    }
}

Test(top_view, of_another_version_is_what_it_tells)
{
    top_view_fini(&view);
    cr_expect(!top_view_read(&view, text_of("{}")));
    cr_expect(!top_view_read(&view, text_of("no JSON")));
    cr_assert(top_view_read(&view, text_of("{\"consumers\":[{\"done\":\"many\"}]}")));
    cr_expect(view.n_consumers == 1 && view.sum.done == 0 && view.level == TOP_BAD);
    top_view_fini(&view);
    cr_assert(top_view_read(
        &view, text_of("{\"consumers\":[],\"now\":\"2026-01-02T00:00:00Z\",\"restarts\":1,"
                       "\"last_death\":\"stuck: f < g\",\"last_death_by\":\"stuck\","
                       "\"last_death_at\":\"2026-01-01T00:00:00Z\"}")));
    draw();
    expect_line("\nstarted again 1 time, last 24 h ago: stuck: f\n");
    expect_line("\nwaiting for another try 0   in dead queues 0   died here 0\n");
}
