/* SPDX-License-Identifier: Apache-2.0
 *
 * Queues that are counted, those that are missing among them. */
#include "amqp/census.h"

#include "integration/amqp/stage.h"
#include "support/proxy.h"

struct counted {
    int counts, refusals;
    int n_marks, marks[2]; /* rounds of the owner at the first two refusals since n_marks was 0 */
    uint32_t ready;
    char why[300];
};

static void on_count(void *owner, void *token, uint32_t ready)
{
    struct counted *counted = token;
    (void)owner;
    counted->counts++;
    counted->ready = ready;
}

static void on_refused(void *owner, void *token, const char *why)
{
    struct counted *counted = token;
    const struct counted *rounds = owner;
    if (rounds && counted->n_marks < 2) counted->marks[counted->n_marks++] = rounds->counts;
    counted->refusals++;
    snprintf(counted->why, sizeof counted->why, "%s", why);
}

#define EVERY_MS 20

static void await_rounds(struct stage *stage, const struct counted *counted, int n)
{
    const int wanted = counted->counts + n;
    WAIT_ON(stage, counted->counts >= wanted);
}

/* A missing queue closes the channel: those behind it are counted all the same, and it is itself once
 * it is there. */
Test(census, goes_on_behind_a_missing_queue)
{
    struct stage stage;
    if (!stage_open(&stage, "census")) return;
    static const struct census_events events = { on_count, on_refused };
    struct counted counted[4] = { { 0 } };
    char longest[300] = "";
    memset(longest, 'x', sizeof longest - 1); /* no queue has such a name: it is passed over */
    const struct census_queue queues[] = { { stage.dead, &counted[0] },
                                           { longest, &counted[3] },
                                           { stage.queue, &counted[1] },
                                           { stage.dead, &counted[2] } };
    const struct census_settings settings = {
        .queues = queues, .n = 4, .every_ms = EVERY_MS, .patience = 4
    };
    stage_declare(&stage, &(amqp_queue_declare_t){ .queue = codec_cstr(stage.queue) });
    struct census *census = census_new(stage.consume.connection, &settings, &events, &counted[1]);
    WAIT_ON(&stage, counted[1].counts > 2);
    cr_assert(counted[1].ready == 0 && counted[1].refusals == 0);
    cr_assert(counted[0].counts == 0 && counted[0].refusals > 0 && counted[2].refusals > 0);
    cr_assert(strstr(counted[0].why, "NOT_FOUND") && strstr(counted[0].why, stage.dead), "%s",
              counted[0].why);
    stage_send(&stage, "m1", text_of("{}"));
    stage_send(&stage, "m2", text_of("{}"));
    WAIT_ON(&stage, counted[1].ready == 2);
    /* asked for ever more seldom, but never given up */
    const int refusals = counted[0].refusals;
    const uint64_t began_ms = stage_now_ms();
    await_rounds(&stage, &counted[1], 40);
    const int more = counted[0].refusals - refusals;
    cr_assert(more >= 6 && more < 20, "%d", more); /* one in five; ever more seldom: 4 */
    cr_assert_geq(stage_now_ms() - began_ms, 39 * EVERY_MS, "rounds follow each other at once");
    stage_declare(&stage, &(amqp_queue_declare_t){ .queue = codec_cstr(stage.dead) });
    WAIT_ON(&stage, counted[0].counts > 1 && counted[2].counts > 1);
    /* and soon again where it was there meanwhile */
    counted[0].n_marks = 0;
    stage_drop(&stage, stage.dead);
    WAIT_ON(&stage, counted[0].n_marks == 2);
    cr_assert_leq(counted[0].marks[1] - counted[0].marks[0], 3);
    cr_assert(counted[3].counts == 0 && counted[3].refusals == 0);
    census_free(census);
    stage_turn(&stage);
    stage_close(&stage);
}

/* The loss of the connection is no answer to what was asked, and the rounds go on behind it. */
Test(census, goes_on_with_a_new_connection)
{
    struct stage stage;
    if (!stage_open(&stage, "census-cut")) return;
    static const struct census_events events = { on_count, on_refused };
    struct proxy *proxy = proxy_open(stage.consume.server.port);
    struct line line = { .server = stage.consume.server };
    struct counted counted = { 0 };
    const struct census_queue queue = { stage.queue, &counted };
    const struct census_settings settings = {
        .queues = &queue, .n = 1, .every_ms = EVERY_MS, .patience = 4
    };
    stage_declare(&stage, &(amqp_queue_declare_t){ .queue = codec_cstr(stage.queue) });
    line.server.host = "127.0.0.1";
    line.server.port = proxy_port(proxy);
    line_open(&stage, &line, "census-cut");
    struct census *census = census_new(line.connection, &settings, &events, NULL);
    WAIT_ON(&stage, counted.counts > 0);
    proxy_set(proxy, PROXY_DEAF_TO_BROKER); /* a question is out */
    for (int i = 0; i < 5; i++) stage_turn(&stage);
    proxy_cut_after(proxy, 1);
    proxy_set(proxy, PROXY_PASS);
    WAIT_ON(&stage, line.losses > 0);
    await_rounds(&stage, &counted, 3);
    cr_assert_eq(counted.refusals, 0, "%s", counted.why);
    census_free(census);
    stage_turn(&stage);
    line_close(&stage, &line);
    proxy_close(proxy);
    stage_close(&stage);
}

/* A name of `bytes` bytes, which on a slow line take a while. */
static void make_long(char *out, size_t bytes, const char *name, char last)
{
    const int n = snprintf(out, bytes + 1, "%s.", name);
    memset(out + n, last, bytes - (size_t)n);
    out[bytes] = '\0';
}

/* Where the leader is busy a queue says 0, and says it late: what was last known stands. */
Test(census, takes_a_late_0_for_no_answer)
{
    enum { EMPTY, FULL, QUEUES };
    struct stage stage;
    if (!stage_open(&stage, "census-late")) return;
    static const struct census_events events = { on_count, on_refused };
    struct proxy *proxy = proxy_open(stage.consume.server.port);
    struct line line = { .server = stage.consume.server };
    struct counted counted[QUEUES] = { { 0 } };
    char names[QUEUES][256];
    struct census_queue queues[QUEUES];
    for (int i = 0; i < QUEUES; i++) {
        make_long(names[i], 230, stage.queue, "ef"[i]);
        queues[i] = (struct census_queue){ names[i], &counted[i] };
        stage_declare(&stage, &(amqp_queue_declare_t){ .queue = codec_cstr(names[i]) });
    }
    const struct amqp_outgoing message = { .routing_key = text_of(names[FULL]),
                                           .message_id = text_of("m1"),
                                           .body = text_of("{}") };
    struct status status = { 0 };
    WAIT_ON(&stage, publisher_has_room(stage.publisher));
    cr_assert(publisher_send(stage.publisher, &message, NULL, &status), "%s", status.text);
    const struct census_settings settings = {
        .queues = queues, .n = QUEUES, .every_ms = EVERY_MS, .patience = 4
    };
    line.server.host = "127.0.0.1";
    line.server.port = proxy_port(proxy);
    line_open(&stage, &line, "census-late");
    struct census *census = census_new(line.connection, &settings, &events, NULL);
    WAIT_ON(&stage, counted[EMPTY].counts > 0 && counted[FULL].ready == 1);
    proxy_set(proxy, PROXY_SLOW);
    await_rounds(&stage, &counted[FULL], 2);
    const int counts = counted[EMPTY].counts;
    await_rounds(&stage, &counted[FULL], 2);
    cr_assert_eq(counted[EMPTY].counts, counts);
    proxy_set(proxy, PROXY_PASS);
    WAIT_ON(&stage, counted[EMPTY].counts > counts);
    cr_assert(counted[EMPTY].ready == 0 && counted[EMPTY].refusals == 0);
    census_free(census);
    stage_turn(&stage);
    line_close(&stage, &line);
    for (int i = 0; i < QUEUES; i++) stage_drop(&stage, names[i]);
    proxy_close(proxy);
    stage_close(&stage);
}
