/* SPDX-License-Identifier: Apache-2.0
 *
 * Queues that are counted, those that are missing among them. */
#include "amqp/census.h"

#include "integration/amqp/stage.h"

struct counted {
    int counts, refusals;
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
    (void)owner;
    counted->refusals++;
    snprintf(counted->why, sizeof counted->why, "%s", why);
}

/* A missing queue closes the channel: those behind it are counted all the same, and it is itself once
 * it is there. */
Test(census, goes_on_behind_a_missing_queue)
{
    struct stage stage;
    if (!stage_open(&stage, "census")) return;
    static const struct census_events events = { on_count, on_refused };
    struct counted counted[3] = { { 0 } };
    const struct census_queue queues[] = { { stage.dead, &counted[0] },
                                           { stage.queue, &counted[1] },
                                           { stage.dead, &counted[2] } };
    const struct census_settings settings = {
        .queues = queues, .n = 3, .every_ms = 20, .patience = 4
    };
    stage_declare(&stage, &(amqp_queue_declare_t){ .queue = codec_cstr(stage.queue) });
    struct census *census = census_new(stage.consume.connection, &settings, &events, NULL);
    WAIT_ON(&stage, counted[1].counts > 2);
    cr_assert(counted[1].ready == 0 && counted[1].refusals == 0);
    cr_assert(counted[0].counts == 0 && counted[0].refusals > 0 && counted[2].refusals > 0);
    cr_assert(strstr(counted[0].why, "NOT_FOUND") && strstr(counted[0].why, stage.dead), "%s",
              counted[0].why);
    stage_send(&stage, "m1", text_of("{}"));
    stage_send(&stage, "m2", text_of("{}"));
    WAIT_ON(&stage, counted[1].ready == 2);
    /* asked for ever more seldom */
    const int rounds = counted[1].counts, refusals = counted[0].refusals;
    WAIT_ON(&stage, counted[1].counts >= rounds + 20);
    cr_assert(counted[0].refusals - refusals < 10, "%d", counted[0].refusals - refusals);
    stage_declare(&stage, &(amqp_queue_declare_t){ .queue = codec_cstr(stage.dead) });
    WAIT_ON(&stage, counted[0].counts > 1 && counted[2].counts > 1);
    census_free(census);
    stage_turn(&stage);
    stage_close(&stage);
}
