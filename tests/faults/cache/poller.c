/* SPDX-License-Identifier: Apache-2.0
 *
 * See poller.h. The value is a number that only grows. */
#include "poller.h"

#include <criterion/criterion.h>
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/play.h"

#define PAUSE_MS 1
#define PATIENCE_US 300000

struct poller {
    pthread_t thread;
    uint16_t port;
    const char *key;
    atomic_bool ends;
    redisContext *line;
    unsigned long long ver, value; /* the newest seen */
    struct poll_report report;
};

static void judge(struct poller *poller, const char *ver, const char *value)
{
    struct poll_report *report = &poller->report;
    const unsigned long long v = strtoull(ver, NULL, 10), n = strtoull(value, NULL, 10);
    report->found++;
    if (v < poller->ver || n < poller->value) {
        if (!report->back++)
            snprintf(report->worst, sizeof report->worst, "%llu %llu after %llu %llu", v, n,
                     poller->ver, poller->value);
        return;
    }
    poller->ver = v;
    poller->value = n;
}

static void ask(struct poller *poller)
{
    poller->report.asked++;
    redisReply *reply = redisCommand(poller->line, "HMGET %s ver value", poller->key);
    if (!reply) {
        poller->report.away++;
        redisFree(poller->line);
        poller->line = NULL;
        return;
    }
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        if (reply->element[1]->type == REDIS_REPLY_STRING)
            judge(poller, reply->element[0]->str, reply->element[1]->str);
        else
            poller->report.absent++;
    }
    freeReplyObject(reply);
}

static void *poll(void *own)
{
    struct poller *poller = own;
    const struct timeval patience = { .tv_usec = PATIENCE_US };
    while (!atomic_load(&poller->ends)) {
        if (!poller->line) {
            poller->line = redisConnectWithTimeout("127.0.0.1", poller->port, patience);
            if (poller->line && !poller->line->err) redisSetTimeout(poller->line, patience);
        }
        if (poller->line && poller->line->err) {
            redisFree(poller->line);
            poller->line = NULL;
        }
        if (poller->line) ask(poller);
        play_pause_ms(poller->line ? PAUSE_MS : 20);
    }
    return NULL;
}

struct poller *poller_start(uint16_t port, const char *key)
{
    struct poller *poller = calloc(1, sizeof *poller);
    cr_assert(poller);
    poller->port = port;
    poller->key = key;
    cr_assert_eq(pthread_create(&poller->thread, NULL, poll, poller), 0);
    return poller;
}

struct poll_report poller_end(struct poller *poller)
{
    atomic_store(&poller->ends, true);
    pthread_join(poller->thread, NULL);
    if (poller->line) redisFree(poller->line);
    const struct poll_report report = poller->report;
    free(poller);
    return report;
}
