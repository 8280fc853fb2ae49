/* SPDX-License-Identifier: Apache-2.0
 *
 * A walk against a scripted broker that does what a loaded one does now and then: it gives letters
 * while a window's consumer is being cancelled, and says 0 because it does not know. */
#include "amqp/walk.h"
#include "unit/amqp/script.h"

/* The queue, and what has become of the walk. */
static struct script script;
static struct {
    unsigned counted, given; /* what the broker says it has, and how many letters it gave */
    unsigned consumes, cancels;
    struct walk *walk;
    unsigned seen, begun, ends;
    enum walk_end end;
    char why[600];
} scene;

static void give(unsigned n)
{
    while (n--) {
        script_deliver(&script, ++scene.given);
        script_header(&script, 0);
    }
}

static bool say_count(uint16_t channel)
{
    amqp_queue_declare_ok_t ok = { .queue = codec_cstr("q"), .message_count = scene.counted };
    script_say_method(&script, channel, AMQP_QUEUE_DECLARE_OK_METHOD, &ok);
    return true;
}

static void on_begun(void *owner UNUSED, const struct walk_facts *facts)
{
    cr_assert(facts->ready == scene.counted);
    scene.begun++;
}

static bool has_room(void *owner UNUSED)
{
    return true;
}

static char *on_begin(void *owner UNUSED, const struct amqp_delivery *delivery, void **token)
{
    cr_assert(delivery->tag == ++scene.seen);
    *token = &scene;
    return NULL;
}

/* One is acked, and the others stay. */
static void on_letter(void *owner UNUSED, void *token UNUSED)
{
    if (scene.seen == 1)
        walk_ack(scene.walk, scene.seen);
    else
        walk_keep(scene.walk, scene.seen);
}

static void on_torn(void *owner UNUSED, void *token UNUSED)
{
    cr_assert(false);
}

static void on_end(void *owner UNUSED, enum walk_end end, const char *why)
{
    scene.ends++;
    scene.end = end;
    (void)snprintf(scene.why, sizeof scene.why, "%s", why);
}

static void on_back(void *owner UNUSED)
{
}

static void open_scene(unsigned counted,
                       bool (*hears)(struct script *, uint16_t, amqp_method_number_t))
{
    static const struct walk_events events = { on_begun, has_room, on_begin, on_letter,
                                               on_torn,  on_end,   on_back };
    static const struct walk_settings settings = { .queue = "q",
                                                   .name = "test",
                                                   .hand_bytes = UINT64_MAX };
    script_open(&script);
    script.hears = hears;
    scene.counted = counted;
    script_connect(&script);
    scene.walk = walk_new(script.connection, &settings, &events, NULL);
}

static void close_scene(void)
{
    walk_free(scene.walk);
    script_close(&script);
}

/* Two of four letters stay and one is acked: the window turns. The fourth comes before the cancel is
 * answered, and copies that others have put in stay behind: they are for another walk. */
static bool gives_at_the_cancel(struct script *unused UNUSED, uint16_t channel,
                                amqp_method_number_t id)
{
    if (id == AMQP_QUEUE_DECLARE_METHOD) return say_count(channel);
    if (id == AMQP_BASIC_CANCEL_METHOD && ++scene.cancels == 1) give(1);
    if (id != AMQP_BASIC_CONSUME_METHOD) return false;
    scene.consumes++;
    amqp_basic_consume_ok_t ok = { .consumer_tag = codec_cstr("t") };
    script.consumer_channel = channel;
    script_say_method(&script, channel, AMQP_BASIC_CONSUME_OK_METHOD, &ok);
    give(3);
    return true;
}

Test(walk, ends_where_the_last_letter_comes_while_its_window_turns)
{
    open_scene(4, gives_at_the_cancel);
    WAIT(scene.cancels == 1);
    const unsigned turns = script.turns;
    WAIT(scene.ends == 1);
    cr_expect(scene.end == WALK_DONE, "%s", scene.why);
    cr_expect(scene.seen == 4 && scene.consumes == 1, "%u consumers", scene.consumes);
    cr_expect(script.turns - turns < 50, "%u turns", script.turns - turns);
    close_scene();
}

#define LATE_MS 260

static struct timer late;
static uint16_t late_channel;

static void on_late(void *owner UNUSED)
{
    (void)say_count(late_channel);
}

/* Also so: an empty one that is far away. */
static bool counts_late(struct script *unused UNUSED, uint16_t channel, amqp_method_number_t id)
{
    if (id == AMQP_BASIC_CONSUME_METHOD) scene.consumes++;
    if (id != AMQP_QUEUE_DECLARE_METHOD) return false;
    late_channel = channel;
    timer_arm_ms(&late, LATE_MS);
    return true;
}

Test(walk, proves_that_a_queue_is_empty_where_counts_come_late)
{
    open_scene(0, counts_late);
    timer_init(&late, script.loop, on_late, NULL);
    const uint64_t begun_ms = clock_now_ms();
    WAIT(scene.ends == 1);
    cr_expect(scene.end == WALK_DONE && scene.begun == 1 && scene.consumes == 1, "%s", scene.why);
    cr_expect(clock_now_ms() - begun_ms < 15000);
    timer_fini(&late);
    close_scene();
}

Test(walk, does_not_take_a_late_0_for_an_empty_queue)
{
    open_scene(0, counts_late);
    timer_init(&late, script.loop, on_late, NULL);
    WAIT(scene.consumes == 1);
    script.consumer_channel = late_channel;
    give(1);
    WAIT(scene.ends == 1);
    cr_expect(scene.end == WALK_STALLED && scene.seen == 0);
    cr_expect(strstr(scene.why, "how many messages queue 'q' has, and it has some"), "%s",
              scene.why);
    timer_fini(&late);
    close_scene();
}
