/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames that are wrong in one way each; see hostile.h. They are put together byte by byte, since no
 * library would write them. */
#include "faults/hostile.h"

#include <string.h>

#include "base/check.h"
#include "support/dice.h"

#define METHOD 1
#define BODY 3
#define HEARTBEAT 8
#define FRAME_END 0xce
#define HANGS_UP true
#define STAYS false

static char space[1 << 17];
static size_t used;

struct blob {
    char *at;
    uint32_t n;
};

static void put(struct blob *blob, uint64_t number, unsigned bytes)
{
    CHECK(used + bytes < sizeof space);
    for (unsigned i = bytes; i-- > 0;) space[used++] = (char)(number >> (8 * i));
    blob->n += bytes;
}

static void put_text(struct blob *blob, const char *text)
{
    put(blob, strlen(text), 4);
    for (; *text; text++) put(blob, (unsigned char)*text, 1);
}

static struct blob begin(void)
{
    return (struct blob){ .at = space + used };
}

static void end_frame(struct blob *blob, unsigned mark)
{
    const uint32_t payload = blob->n - 7;
    put(blob, mark, 1);
    for (unsigned i = 0; i < 4; i++) blob->at[3 + i] = (char)(payload >> (8 * (3 - i)));
}

/* The head of a frame; its size is filled in by end_frame. */
static struct blob frame(unsigned type, unsigned channel)
{
    struct blob blob = begin();
    put(&blob, type, 1);
    put(&blob, channel, 2);
    put(&blob, 0, 4);
    return blob;
}

static struct blob method(unsigned channel, unsigned class_id, unsigned method_id)
{
    struct blob blob = frame(METHOD, channel);
    put(&blob, class_id, 2);
    put(&blob, method_id, 2);
    return blob;
}

static struct piece piece(struct blob blob)
{
    return (struct piece){ blob.at, blob.n };
}

/* ---- the greeting, and how it can be wrong --------------------------------------------------- */

static struct piece greeting(unsigned channel, uint32_t table_bytes, unsigned mark)
{
    struct blob blob = method(channel, 10, 10);
    put(&blob, 0, 1);
    put(&blob, 9, 1);
    put(&blob, table_bytes, 4);
    put_text(&blob, "PLAIN AMQPLAIN");
    put_text(&blob, "en_US");
    end_frame(&blob, mark);
    return piece(blob);
}

static struct piece fine_greeting(void)
{
    return greeting(0, 0, FRAME_END);
}

/* Tables in tables, each with the next as its one entry "a". */
static struct piece deep_greeting(unsigned depth)
{
    struct blob blob = method(0, 10, 10);
    put(&blob, 0, 1);
    put(&blob, 9, 1);
    for (unsigned left = depth; left > 0; left--) {
        put(&blob, (uint64_t)(left - 1) * 7, 4);
        if (left == 1) break;
        put(&blob, 1, 1);
        put(&blob, 'a', 1);
        put(&blob, 'F', 1);
    }
    put_text(&blob, "PLAIN");
    put_text(&blob, "en_US");
    end_frame(&blob, FRAME_END);
    return piece(blob);
}

static struct piece tune(unsigned channels, uint32_t frame_most, unsigned heartbeat_s)
{
    struct blob blob = method(0, 10, 30);
    put(&blob, channels, 2);
    put(&blob, frame_most, 4);
    put(&blob, heartbeat_s, 2);
    end_frame(&blob, FRAME_END);
    return piece(blob);
}

/* connection.open-ok, and at once a delivery on a channel that nobody opened */
static struct piece open_and_deliver(void)
{
    struct blob blob = method(0, 10, 41);
    put(&blob, 0, 1);
    end_frame(&blob, FRAME_END);
    struct blob delivery = method(1, 60, 60);
    put(&delivery, 0, 1);
    put(&delivery, 1, 8);
    put(&delivery, 0, 3);
    end_frame(&delivery, FRAME_END);
    blob.n += delivery.n;
    return piece(blob);
}

static struct piece close_with_words(void)
{
    struct blob blob = method(0, 10, 50);
    put(&blob, 320, 2);
    put(&blob, 250, 1);
    for (unsigned i = 0; i < 250; i++) put(&blob, i % 32 ? i : 27, 1);
    put(&blob, 0, 4);
    end_frame(&blob, FRAME_END);
    return piece(blob);
}

static struct piece plain_frame(unsigned type, unsigned channel, unsigned bytes)
{
    struct blob blob = frame(type, channel);
    for (unsigned i = 0; i < bytes; i++) put(&blob, i, 1);
    end_frame(&blob, FRAME_END);
    return piece(blob);
}

/* Says that so many bytes come, and sends a few. */
static struct piece boastful_frame(uint32_t bytes)
{
    struct blob blob = begin();
    put(&blob, METHOD, 1);
    put(&blob, 0, 2);
    put(&blob, bytes, 4);
    put(&blob, 10, 2);
    put(&blob, 10, 2);
    return piece(blob);
}

static struct piece garbage(void)
{
    struct blob blob = begin();
    for (unsigned i = 0; i < 4096; i++) put(&blob, dice_below(256), 1);
    return piece(blob);
}

static struct piece words(const char *text, uint32_t bytes)
{
    return (struct piece){ text, bytes };
}
#define WORDS(text) words(text, sizeof(text) - 1)

unsigned hostile_scripts(const struct proxy_script **out)
{
    static struct proxy_script scripts[HOSTILE_MOST];
    unsigned n = 0;
    used = 0;
#define SCRIPT(says, then, ...)                                                                    \
    scripts[n++] = (struct proxy_script)                                                           \
    {                                                                                              \
        .name = says, .hangs_up = then, .pieces = { __VA_ARGS__ }                                  \
    }
    SCRIPT("nothing", HANGS_UP, { NULL, 0 });
    SCRIPT("garbage", STAYS, garbage());
    SCRIPT("another protocol", HANGS_UP, WORDS("HTTP/1.1 400 Bad Request\r\n\r\n"));
    SCRIPT("another version", HANGS_UP, WORDS("AMQP\0\0\x08\x00"));
    SCRIPT("a frame of 4 GB", STAYS, boastful_frame(UINT32_MAX));
    SCRIPT("a frame of 2 GB", STAYS, boastful_frame(INT32_MAX));
    SCRIPT("a method of two bytes", STAYS, plain_frame(METHOD, 0, 2));
    SCRIPT("a method of no bytes", STAYS, plain_frame(METHOD, 0, 0));
    SCRIPT("a frame of no type", STAYS, plain_frame(0, 0, 8));
    SCRIPT("a wrong end of frame", STAYS, greeting(0, 0, 0));
    SCRIPT("a greeting on a channel", STAYS, greeting(7, 0, FRAME_END));
    SCRIPT("a table without end", STAYS, greeting(0, INT32_MAX, FRAME_END));
    SCRIPT("a table with half an entry", STAYS, greeting(0, 5, FRAME_END));
    SCRIPT("tables in tables", STAYS, deep_greeting(10000));
    SCRIPT("a body first", STAYS, plain_frame(BODY, 1, 100));
    SCRIPT("a heartbeat with words", HANGS_UP, plain_frame(HEARTBEAT, 0, 5));
    SCRIPT("half a greeting", HANGS_UP, { fine_greeting().at, 9 });
    SCRIPT("two greetings", STAYS, fine_greeting(), fine_greeting());
    SCRIPT("frames without a limit", HANGS_UP, fine_greeting(), tune(0, 0, 0));
    SCRIPT("frames of 100 bytes", STAYS, fine_greeting(), tune(10, 100, 10));
    SCRIPT("tuned twice", STAYS, fine_greeting(), tune(10, 131072, 10), tune(10, 131072, 10));
    SCRIPT("a message for nobody", STAYS, fine_greeting(), tune(10, 131072, 10),
           open_and_deliver());
    SCRIPT("an end with control characters", STAYS, fine_greeting(), close_with_words());
#undef SCRIPT
    CHECK(n <= HOSTILE_MOST);
    *out = scripts;
    return n;
}
