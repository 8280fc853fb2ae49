/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking at the broker; see survey_broker.h. */
#include "app/survey_broker.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/brokers.h"
#include "app/topologies.h"
#include "base/check.h"
#include "net/loop.h"

#define GIVE_UP_MS 10000

struct survey {
    const struct handlers *handlers;
    struct loop *loop;
    struct brokers brokers;
    struct amqp_connection *connection;
    struct timer deadline;
    struct topology_work *work;
    struct topology topology;
    struct topology_lists lists;
    size_t next; /* the handler whose queue is looked at next */
    enum exit_status exit;
};

static void end(struct survey *survey, enum exit_status exit)
{
    if (exit != EXIT_WELL) survey->exit = exit;
    loop_stop(survey->loop);
}

static void look_at_next(struct survey *survey);

static void on_answer(void *own, const struct topology_report *report)
{
    struct survey *survey = own;
    survey->work = NULL;
    const char *queue = survey->topology.queue;
    if (report->done)
        printf("queue %s: agrees\n", queue);
    else if (report->is_unmade)
        printf("queue %s: `warrener run` makes what is not there yet: %s\n", queue,
               report->fault.text);
    else
        printf("queue %s: %s\n", queue, report->fault.text);
    if (*report->warning) printf("queue %s: warning: %s\n", queue, report->warning);
    if (!report->done && !report->is_unmade) survey->exit = EXIT_CONFIG;
    topology_lists_free(&survey->lists);
    look_at_next(survey);
}

static void look_at_next(struct survey *survey)
{
    if (survey->next == survey->handlers->n) {
        end(survey, EXIT_WELL);
        return;
    }
    const struct handler_in_use *use = &survey->handlers->at[survey->next++];
    timer_arm_ms(&survey->deadline, GIVE_UP_MS); /* for each queue, however many there are */
    survey->topology = topology_of(use->consumer, &survey->lists);
    survey->work =
        topology_start(survey->connection, &survey->topology, TOPOLOGY_CHECK, on_answer, survey);
}

static bool on_server(void *own, struct amqp_server *out, struct status *status)
{
    struct survey *survey = own;
    return brokers_next(&survey->brokers, out, status);
}

static void on_ready(void *own)
{
    struct survey *survey = own;
    printf("%s: connected, %s\n", amqp_connection_server(survey->connection),
           amqp_connection_broker(survey->connection));
    look_at_next(survey);
}

static void on_lost(void *own, const char *why, bool is_refusal)
{
    struct survey *survey = own;
    const char *const server = amqp_connection_server(survey->connection);
    (void)is_refusal;
    if (text_starts(text_of(why), server))
        printf("%s\n", why); /* a refusal names the server itself */
    else
        printf("%s: %s\n", server, why);
    if (survey->brokers.next >= survey->brokers.n || survey->next) end(survey, EXIT_UNREACHABLE);
}

static void on_blocked(void *own, bool blocked, const char *reason)
{
    (void)own;
    if (blocked) printf("the broker blocks publishers: %s\n", reason);
}

static void on_closed(void *own)
{
    (void)own;
}

static void on_deadline(void *own)
{
    struct survey *survey = own;
    printf("%s: no answer within %d s\n", amqp_connection_server(survey->connection),
           GIVE_UP_MS / 1000);
    end(survey, EXIT_UNREACHABLE);
}

enum exit_status survey_broker(const struct config *config, const struct handlers *handlers)
{
    static const struct amqp_connection_events events = {
        on_server, on_ready, on_lost, on_blocked, on_closed,
    };
    struct survey survey = { .handlers = handlers, .loop = loop_new() };
    char name[BROKERS_NAME_BYTES];
    struct amqp_connection_settings settings;
    CHECK(survey.loop);
    brokers_init(&survey.brokers, config);
    brokers_settings(config, "check", name, &settings);
    settings.connect_ms = GIVE_UP_MS / 2;
    survey.connection = amqp_connection_new(survey.loop, &settings, &events, &survey);
    timer_init(&survey.deadline, survey.loop, on_deadline, &survey);
    timer_arm_ms(&survey.deadline, GIVE_UP_MS);
    loop_run(survey.loop);
    timer_fini(&survey.deadline);
    topology_cancel(survey.work);
    topology_lists_free(&survey.lists);
    amqp_connection_free(survey.connection);
    brokers_fini(&survey.brokers);
    loop_free(survey.loop);
    return survey.exit;
}
