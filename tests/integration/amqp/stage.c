/* SPDX-License-Identifier: Apache-2.0
 *
 * See stage.h. */
#include "integration/amqp/stage.h"

#include <event2/event.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "amqp/table.h"
#include "base/check.h"
#include "base/clock.h"

uint64_t stage_now_ms(void)
{
    return clock_now_ms();
}

static void on_tick(void *owner UNUSED)
{
}

void stage_turn(struct stage *stage)
{
    timer_arm_ms(&stage->tick, 20);
    event_base_loop(loop_base(stage->loop), EVLOOP_ONCE);
}

/* amqp[s]://user:password@host:port/vhost, as the test servers print it. */
bool stage_server(const char *name, struct amqp_server *out)
{
    static char host[100], user[100], password[100], vhost[100], port[8];
    const char *url = getenv(name);
    if (!url) return false;
    vhost[0] = '\0';
    const char *after = strstr(url, "://");
    cr_assert(after && sscanf(after + 3, "%99[^:]:%99[^@]@%99[^:]:%7[0-9]/%99s", user, password,
                              host, port, vhost) >= 4);
    *out = (struct amqp_server){ .host = host,
                                 .port = (uint16_t)strtoul(port, NULL, 10),
                                 .vhost = vhost[0] ? vhost : "/",
                                 .user = user,
                                 .password = password,
                                 .use_tls = url[4] == 's',
                                 .tls = { .verify = true },
                                 .shown = "amqp://the-broker" };
    return true;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool on_server(void *owner, struct amqp_server *out, struct status *status UNUSED)
{
    struct line *line = owner;
    *out = line->server;
    return true;
}

static void on_ready(void *owner)
{
    struct line *line = owner;
    line->readies++;
}

static void on_lost(void *owner, const char *why, bool is_refusal)
{
    struct line *line = owner;
    line->losses++;
    line->is_refusal = is_refusal;
    snprintf(line->why, sizeof line->why, "%s", why);
}

static void on_closed(void *owner)
{
    struct line *line = owner;
    line->ends++;
}

void line_open(struct stage *stage, struct line *line, const char *name)
{
    static const struct amqp_connection_events events = {
        .on_server = on_server, .on_ready = on_ready, .on_lost = on_lost, .on_closed = on_closed
    };
    struct amqp_connection_settings settings = { .name = name,
                                                 .heartbeat_s = 20,
                                                 .connect_ms = 10000,
                                                 .backoff_first_ms = 50,
                                                 .backoff_most_ms = 500,
                                                 .rest_us = 2000 };
    line->connection = amqp_connection_new(stage->loop, &settings, &events, line);
}

void line_close(struct stage *stage, struct line *line)
{
    if (!line->connection) return;
    amqp_connection_end(line->connection);
    WAIT_ON(stage, line->ends == 1);
    amqp_connection_free(line->connection);
    line->connection = NULL;
}

/* ---- the admin's channel --------------------------------------------------------------------- */

static void admin_connected(void *owner UNUSED)
{
}

static void admin_open(void *owner)
{
    struct stage *stage = owner;
    stage->admin_answered = true;
}

static void admin_lost(void *owner, const struct channel_loss *loss)
{
    struct stage *stage = owner;
    stage->admin_answered = true;
    stage->admin_refusal = loss->code ? loss->code : 1;
}

static void admin_reply(void *owner, void *decoded)
{
    struct stage *stage = owner;
    const amqp_queue_declare_ok_t *ok = decoded;
    stage->admin_answered = true;
    stage->admin_messages = ok ? ok->message_count : 0;
}

static void admin_wait(struct stage *stage)
{
    WAIT_ON(stage, stage->admin_answered);
    stage->admin_answered = false;
}

static void admin_ready(struct stage *stage)
{
    static const struct channel_events events = { .on_connected = admin_connected,
                                                  .on_open = admin_open,
                                                  .on_lost = admin_lost };
    WAIT_ON(stage, amqp_connection_is_ready(stage->publish.connection));
    if (!stage->admin) stage->admin = channel_new(stage->publish.connection, &events, stage);
    stage->admin_answered = false;
    stage->admin_refusal = 0;
    if (channel_is_open(stage->admin)) return;
    channel_open(stage->admin);
    admin_wait(stage);
}

void stage_declare(struct stage *stage, amqp_queue_declare_t *declare)
{
    admin_ready(stage);
    cr_assert(channel_call(stage->admin, AMQP_QUEUE_DECLARE_METHOD, declare,
                           AMQP_QUEUE_DECLARE_OK_METHOD, admin_reply));
    admin_wait(stage);
}

bool stage_exists(struct stage *stage, const char *queue)
{
    amqp_queue_declare_t declare = { .queue = codec_cstr(queue), .passive = 1 };
    stage_declare(stage, &declare);
    return stage->admin_refusal == 0 || stage->admin_refusal == 405;
}

uint32_t stage_count(struct stage *stage, const char *queue)
{
    cr_assert(stage_exists(stage, queue), "queue %s is not there", queue);
    return stage->admin_messages;
}

/* RabbitMQ 3.10 loses its supervisor of at-least-once dead-lettering for good (no such queue can be
 * made any more: 541) where one is deleted while its worker still starts, of which nothing can be seen
 * from outside. So no queue is dropped younger than this. */
#define LEAST_AGE_MS 500

void stage_drop(struct stage *stage, const char *queue)
{
    for (const uint64_t until_ms = stage_now_ms() + LEAST_AGE_MS; stage_now_ms() < until_ms;)
        stage_turn(stage);
    admin_ready(stage);
    amqp_queue_delete_t drop = { .queue = codec_cstr(queue), .nowait = 1 };
    channel_send(stage->admin, AMQP_QUEUE_DELETE_METHOD, &drop);
    (void)stage_exists(stage, queue); /* its answer comes after */
}

void stage_drop_exchange(struct stage *stage, const char *exchange)
{
    admin_ready(stage);
    amqp_exchange_delete_t drop = { .exchange = codec_cstr(exchange), .nowait = 1 };
    channel_send(stage->admin, AMQP_EXCHANGE_DELETE_METHOD, &drop);
}

bool stage_broker_ctl(const char *command, const char *argument)
{
    const char *tool = getenv("WARRENER_TEST_BROKER_TOOL"), *dir = getenv("WARRENER_TEST_BROKER");
    if (!tool || !dir) {
        fprintf(stderr,
                "passed over: WARRENER_TEST_BROKER and WARRENER_TEST_BROKER_TOOL are not set\n");
        return false;
    }
    char *const arguments[] = { (char *)tool,    (char *)"ctl",    (char *)dir, (char *)"-q",
                                (char *)command, (char *)argument, NULL };
    pid_t pid;
    int end;
    cr_assert(posix_spawn(&pid, tool, NULL, NULL, arguments, environ) == 0);
    cr_assert(waitpid(pid, &end, 0) == pid && WIFEXITED(end) && WEXITSTATUS(end) == 0);
    return true;
}

/* ---- publishing ------------------------------------------------------------------------------ */

static void on_outcome(void *owner, void *token, enum publish_outcome outcome, const char *why)
{
    struct stage *stage = owner;
    stage->outcomes[outcome]++;
    stage->last_token = token;
    snprintf(stage->outcome_why, sizeof stage->outcome_why, "%s", why);
}

static void on_room(void *owner)
{
    struct stage *stage = owner;
    stage->rooms++;
}

static void on_publisher_lost(void *owner, const char *why UNUSED)
{
    struct stage *stage = owner;
    stage->publisher_losses++;
}

static const struct publisher_events publisher_events = { on_outcome, on_room, on_publisher_lost };

void stage_send(struct stage *stage, const char *id, struct wr_text body)
{
    struct amqp_outgoing message = { .routing_key = text_of(stage->queue),
                                     .message_id = text_of(id),
                                     .body = body,
                                     .mandatory = true };
    struct status status = { 0 };
    WAIT_ON(stage, publisher_has_room(stage->publisher));
    WAIT_ON(stage, publisher_pending(stage->publisher) == 0); /* what a test has sent by itself */
    const int before = stage->outcomes[PUBLISH_CONFIRMED];
    cr_assert(publisher_send(stage->publisher, &message, NULL, &status), "%s", status.text);
    WAIT_ON(stage, publisher_pending(stage->publisher) == 0);
    cr_assert(stage->outcomes[PUBLISH_CONFIRMED] == before + 1, "%s", stage->outcome_why);
}

/* ---- ears ------------------------------------------------------------------------------------ */

static void on_subscribed(void *owner, uint64_t epoch)
{
    struct ear *ear = owner;
    ear->subscribed++;
    ear->epoch = epoch;
}

static void on_unsubscribed(void *owner, const char *why)
{
    struct ear *ear = owner;
    ear->unsubscribed++;
    snprintf(ear->why, sizeof ear->why, "%s", why);
}

static void free_ears_consumer(struct ear *ear)
{
    struct consumer *consumer = ear->consumer;
    ear->consumer = NULL;
    consumer_free(consumer);
}

static void note(char *into, size_t bytes, struct wr_text text)
{
    snprintf(into, bytes, "%.*s", TEXT_ARGS(text));
}

static char *on_begin(void *owner, const struct amqp_delivery *delivery, void **token)
{
    struct ear *ear = owner;
    if (ear->habit == REFUSES) return NULL;
    cr_assert(ear->begun < HEARD_MOST);
    struct heard *heard = &ear->heard[ear->begun++];
    heard->tag = delivery->tag;
    heard->epoch = delivery->epoch;
    heard->redelivered = delivery->redelivered;
    heard->bytes = (size_t)delivery->body_bytes;
    heard->body = malloc(heard->bytes + 1); /* exact but for one, so that no overrun goes unseen */
    note(heard->id, sizeof heard->id, delivery->properties.message_id);
    note(heard->exchange, sizeof heard->exchange, delivery->exchange);
    note(heard->key, sizeof heard->key, delivery->routing_key);
    heard->timestamp_ms = delivery->properties.timestamp_ms;
    heard->priority = delivery->properties.priority;
    heard->delivery_mode = delivery->properties.delivery_mode;
    struct wr_pair pair;
    if (table_find(delivery->properties.headers, "shop", &pair))
        note(heard->shop, sizeof heard->shop, pair.text);
    *token = heard;
    if (ear->habit == FREES_AT_BEGIN) free_ears_consumer(ear);
    if (ear->habit == PAUSES_AT_BEGIN) consumer_pause(ear->consumer);
    return heard->body;
}

static void on_message(void *owner, void *token)
{
    struct ear *ear = owner;
    struct heard *heard = token;
    heard->is_whole = true;
    heard->body[heard->bytes] = '\0';
    ear->whole++;
    if (ear->habit == ACKS) cr_assert(consumer_ack(ear->consumer, heard->epoch, heard->tag, false));
    if (ear->habit == FREES_AT_MESSAGE) free_ears_consumer(ear);
}

static void on_torn(void *owner, void *token)
{
    struct ear *ear = owner;
    struct heard *heard = token;
    ear->torn++;
    cr_assert(!heard->is_whole);
}

static void on_oversize(void *owner, const struct amqp_delivery *delivery UNUSED)
{
    struct ear *ear = owner;
    ear->oversize++;
}

static void on_batch_end(void *owner)
{
    struct ear *ear = owner;
    ear->batches++;
}

static void on_warning(void *owner, const char *text)
{
    struct ear *ear = owner;
    ear->warned++;
    snprintf(ear->warning, sizeof ear->warning, "%s", text);
}

struct ear *ear_open(struct stage *stage, enum habit habit, uint16_t prefetch, uint64_t most_bytes)
{
    static const struct consumer_events events = { on_subscribed, on_unsubscribed, on_begin,
                                                   on_message,    on_torn,         on_oversize,
                                                   on_batch_end,  on_warning };
    struct consumer_settings settings = { .topology = stage->topology,
                                          .tag = "a-test",
                                          .prefetch = prefetch,
                                          .most_body_bytes = most_bytes };
    struct ear *ear = NEW(struct ear);
    ear->stage = stage;
    ear->habit = habit;
    ear->consumer = consumer_new(stage->consume.connection, &settings, &events, ear);
    return ear;
}

void ear_close(struct ear *ear)
{
    consumer_free(ear->consumer);
    for (int i = 0; i < ear->begun; i++) free(ear->heard[i].body);
    free(ear);
}

/* ---- the stage ------------------------------------------------------------------------------- */

bool stage_open(struct stage *stage, const char *name)
{
    *stage = (struct stage){ 0 };
    struct amqp_server server;
    if (!stage_server("AMQP_URL", &server)) {
        fprintf(stderr, "passed over: AMQP_URL is not set\n");
        return false;
    }
    snprintf(stage->queue, sizeof stage->queue, "test.amqp.%s.%d", name, (int)getpid());
    topology_dead_name(stage->queue, stage->dead, sizeof stage->dead);
    stage->topology = (struct topology){ .queue = stage->queue,
                                         .declare = TOPOLOGY_QUORUM,
                                         .delivery_limit = 100 };
    stage->loop = loop_new();
    timer_init(&stage->tick, stage->loop, on_tick, stage);
    stage->consume.server = stage->publish.server = server;
    line_open(stage, &stage->consume, "test/consume");
    line_open(stage, &stage->publish, "test/publish");
    stage->publisher = publisher_new(stage->publish.connection, 100, &publisher_events, stage);
    return true;
}

void stage_close(struct stage *stage)
{
    stage_drop(stage, stage->queue);
    stage_drop(stage, stage->dead);
    publisher_free(stage->publisher);
    channel_free(stage->admin);
    line_close(stage, &stage->consume);
    line_close(stage, &stage->publish);
    timer_fini(&stage->tick);
    loop_free(stage->loop);
}
