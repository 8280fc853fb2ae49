/* SPDX-License-Identifier: Apache-2.0
 *
 * A walk's way back; see walk.h. Letters go back when their channel closes, and the broker does not say
 * when they are there: they are counted before, and again until they are. */
#include "amqp/walk_inside.h"
#include "base/check.h"

#define RETURN_MOST_MS 5000 /* without one more that is back: others take them */

void walk_be_back(struct walk *walk)
{
    walk->state = STATE_ENDED;
    timer_disarm(&walk->tick);
    walk->events.on_back(walk->owner);
}

static void on_returned(void *owner, void *decoded)
{
    struct walk *walk = owner;
    const amqp_queue_declare_ok_t *ok = decoded;
    const uint64_t now_ms = walk_now_ms(walk);
    walk->is_asking = false;
    if (walk->state != STATE_RETURNING) return;
    if (walk->ready != ok->message_count) walk->changed_ms = now_ms;
    walk->ready = ok->message_count;
    if (walk->ready >= walk->awaited || now_ms - walk->changed_ms > RETURN_MOST_MS)
        walk_be_back(walk);
}

void walk_ask_returned(struct walk *walk)
{
    walk->is_asking = true;
    walk_count(walk, on_returned);
}

static void on_counted(void *owner, void *decoded)
{
    struct walk *walk = owner;
    const amqp_queue_declare_ok_t *ok = decoded;
    walk->ready = ok->message_count;
    walk->awaited = walk->ready + walk->plan.kept;
    walk->changed_ms = walk_now_ms(walk);
    walk->state = STATE_RETURNING;
    walk->is_asking = false;
    channel_close(walk->channel);
    channel_open(walk->channel);
    timer_arm_ms(&walk->tick, WALK_TICK_MS);
}

void walk_give_back(struct walk *walk)
{
    struct amqp_connection *connection = walk->connection;
    CHECK(walk->state == STATE_ENDED);
    connection_enter(connection);
    walk->state = STATE_COUNTING;
    if (channel_is_open(walk->channel) && walk->plan.kept)
        walk_count(walk, on_counted);
    else
        timer_arm_ms(&walk->tick, 0);
    connection_leave(connection);
}
