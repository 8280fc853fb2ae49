/* SPDX-License-Identifier: Apache-2.0
 *
 * The rounds; see census.h. One question is out at a time. Only two things move it on: an answer, and
 * the timer, which is armed between rounds and after every loss of the channel. */
#include "amqp/census.h"

#include <stdlib.h>

#include "amqp/channel.h"
#include "amqp/late_zero.h"
#include "base/check.h"

#define FIRST_MS 1000 /* after a connect: until then queues are declared */

struct asked {
    unsigned leave;   /* rounds to leave it out yet */
    unsigned refused; /* times in a row */
};

struct census {
    struct amqp_connection *connection;
    struct census_settings settings;
    struct census_events events;
    void *owner;
    struct channel *channel;
    struct timer timer;
    size_t nth; /* the queue that is asked for */
    uint64_t asked_ms;
    struct asked *asked;
};

static void ask(struct census *census);

static uint64_t now_ms(const struct census *census)
{
    return loop_now_ms(connection_loop(census->connection));
}

static void rest(struct census *census, uint64_t ms)
{
    timer_arm_ms(&census->timer, ms);
}

/* Twice as long each time. */
static void leave_out(struct census *census, struct asked *asked)
{
    const unsigned rounds = asked->refused < 16 ? 1u << asked->refused : census->settings.patience;
    asked->leave = rounds < census->settings.patience ? rounds : census->settings.patience;
    asked->refused++;
}

/* The next that is to be asked for in this round, or the pause after it. */
static void go_on(struct census *census)
{
    for (; census->nth < census->settings.n; census->nth++) {
        struct asked *asked = &census->asked[census->nth];
        if (!asked->leave) {
            ask(census);
            return;
        }
        asked->leave--;
    }
    census->nth = 0;
    rest(census, census->settings.every_ms);
}

static void on_counted(void *own, void *decoded)
{
    struct census *census = own;
    const amqp_queue_declare_ok_t *ok = decoded;
    const uint64_t took_ms = now_ms(census) - census->asked_ms;
    census->asked[census->nth].refused = 0;
    const struct census_queue *queue = &census->settings.queues[census->nth++];
    if (!is_late_zero(ok->message_count, took_ms))
        census->events.on_count(census->owner, queue->token, ok->message_count);
    go_on(census);
}

static void ask(struct census *census)
{
    amqp_queue_declare_t declare = { .queue = codec_cstr(census->settings.queues[census->nth].name),
                                     .passive = 1 };
    census->asked_ms = now_ms(census);
    if (channel_call(census->channel, AMQP_QUEUE_DECLARE_METHOD, &declare,
                     AMQP_QUEUE_DECLARE_OK_METHOD, on_counted))
        return;
    leave_out(census, &census->asked[census->nth++]); /* a name longer than any can be */
    go_on(census);
}

static void on_time(void *own)
{
    struct census *census = own;
    struct amqp_connection *connection = census->connection;
    connection_enter(connection);
    if (channel_is_open(census->channel))
        go_on(census);
    else if (amqp_connection_is_ready(connection))
        channel_open(census->channel);
    connection_leave(connection);
}

static void on_connected(void *own)
{
    struct census *census = own;
    census->nth = 0;
    rest(census, FIRST_MS);
}

static void on_open(void *own)
{
    go_on(own);
}

/* With a code it is an answer to what was asked; without one the connection is gone, which will say
 * when it is back, or the broker was late, and the next round comes. */
static void on_lost(void *own, const struct channel_loss *loss)
{
    struct census *census = own;
    if (loss->code && census->nth < census->settings.n) {
        leave_out(census, &census->asked[census->nth]);
        const struct census_queue *queue = &census->settings.queues[census->nth++];
        census->events.on_refused(census->owner, queue->token, loss->why);
        rest(census, 0);
        return;
    }
    census->nth = 0;
    rest(census, census->settings.every_ms);
}

struct census *census_new(struct amqp_connection *connection,
                          const struct census_settings *settings,
                          const struct census_events *events, void *owner)
{
    static const struct channel_events channel_events = { .on_connected = on_connected,
                                                          .on_open = on_open,
                                                          .on_lost = on_lost };
    struct census *census = NEW(struct census);
    census->connection = connection;
    census->settings = *settings;
    census->events = *events;
    census->owner = owner;
    census->asked = memory_new(settings->n + 1, sizeof *census->asked);
    census->channel = channel_new(connection, &channel_events, census);
    timer_init(&census->timer, connection_loop(connection), on_time, census);
    rest(census, FIRST_MS);
    return census;
}

void census_free(struct census *census)
{
    if (!census) return;
    timer_fini(&census->timer);
    channel_free(census->channel);
    free(census->asked);
    connection_bury(census->connection, census);
}
