/* SPDX-License-Identifier: Apache-2.0
 *
 * A walk through a queue, by a broker that takes its time. */
#include "amqp/walk.h"

#include "integration/amqp/stage.h"
#include "support/proxy.h"

#define LATE_MS 300 /* some ticks of the walk's clock */

struct walker {
    int letters, ends;
    enum walk_end end;
};

static void on_begun(void *owner, const struct walk_facts *facts)
{
    (void)owner;
    cr_assert_eq(facts->ready, 2);
}

static bool has_room(void *owner)
{
    (void)owner;
    return true;
}

static char *on_begin(void *owner, const struct amqp_delivery *delivery, void **token)
{
    (void)owner;
    (void)delivery;
    *token = NULL;
    return NULL;
}

static void on_letter(void *owner, void *token)
{
    struct walker *walker = owner;
    (void)token;
    walker->letters++;
}

static void on_torn(void *owner, void *token)
{
    (void)owner;
    (void)token;
    cr_assert_fail("no letter was torn");
}

static void on_end(void *owner, enum walk_end end, const char *why)
{
    struct walker *walker = owner;
    (void)why;
    walker->ends++;
    walker->end = end;
}

static void on_back(void *owner)
{
    (void)owner;
}

/* Its channel is asked for once, however late the broker opens it. */
Test(walk, waits_for_a_channel_that_comes_late)
{
    static const struct walk_events events = { on_begun, has_room, on_begin, on_letter,
                                               on_torn,  on_end,   on_back };
    struct stage stage;
    struct walker walker = { 0 };
    if (!stage_open(&stage, "walk")) return;
    stage_declare(&stage, &(amqp_queue_declare_t){ .queue = codec_cstr(stage.queue) });
    stage_send(&stage, "m1", text_of("{}"));
    stage_send(&stage, "m2", text_of("{}"));
    struct proxy *proxy = proxy_open(stage.consume.server.port);
    struct line line = { .server = stage.consume.server };
    line.server.host = "127.0.0.1";
    line.server.port = proxy_port(proxy);
    line_open(&stage, &line, "walk");
    WAIT_ON(&stage, line.readies);

    proxy_set(proxy, PROXY_DEAF_TO_BROKER);
    const struct walk_settings settings = { .queue = stage.queue,
                                            .name = "walk",
                                            .hand_bytes = UINT64_MAX };
    struct walk *walk = walk_new(line.connection, &settings, &events, &walker);
    const uint64_t late_ms = stage_now_ms() + LATE_MS;
    while (stage_now_ms() < late_ms) stage_turn(&stage);
    proxy_set(proxy, PROXY_PASS);
    WAIT_ON(&stage, walker.ends);
    cr_assert_eq(walker.end, WALK_DONE);
    cr_assert_eq(walker.letters, 2);
    walk_free(walk);
    line_close(&stage, &line);
    proxy_close(proxy);
    stage_close(&stage);
}
