/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames cut out of buffers that come in pieces of any size, and frames that no broker should send. */
#include <criterion/criterion.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>

#include "amqp/codec.h"
#include "amqp/properties.h"
#include "amqp/table.h"
#include "base/check.h"

#define END "\xce"
#define HEARTBEAT "\x08\0\0\0\0\0\0" END
/* connection.open-ok, the smallest method that a broker may begin with here */
#define OPEN_OK "\x01\0\0\0\0\0\x05\0\x0a\0\x29\0" END

static struct codec codec;
static struct codec_frame frame;

static enum codec_result feed(const void *bytes, size_t len)
{
    struct evbuffer *in = evbuffer_new();
    char *copy = malloc(len ? len : 1); /* of the exact size, so that a read past it is seen */
    memcpy(copy, bytes, len);
    (void)evbuffer_add_reference(in, copy, len, NULL, NULL);
    enum codec_result result;
    while ((result = codec_next(&codec, in, &frame)) == CODEC_FRAME) continue;
    evbuffer_free(in);
    free(copy);
    return result;
}

#define FEED(literal) feed(literal, sizeof(literal) - 1)

static void begin(void)
{
    codec_init(&codec);
    cr_assert(FEED(OPEN_OK) == CODEC_MORE && codec.is_greeted);
    codec.frame_max = CODEC_FRAME_MOST;
}

#define BROKEN(literal, words)                                                                     \
    do {                                                                                           \
        begin();                                                                                   \
        cr_assert(FEED(literal) == CODEC_BROKEN);                                                  \
        cr_assert(strstr(codec.fault.text, words), "%s", codec.fault.text);                        \
        codec_fini(&codec);                                                                        \
    } while (0)

Test(codec, frames_that_break_the_rules_are_named)
{
    BROKEN("\x08\0\0\0\0\0\0\xcd", "channel 0 with 0xcd instead of 0xce");
    BROKEN("\x03\0\x01\0\0\0\x01x\0", "channel 1 with 0x00 instead of 0xce");
    BROKEN("\x05\0\0\0\0\0\0" END, "unknown type 5");
    BROKEN("\xff\0\0\0\0\0\0" END, "unknown type 255");
    BROKEN("\x01\0\x01\0\x02\0\0", "above the limit of 131072");
    BROKEN("\x03\0\x01\xff\xff\xff\xff", "4294967303 bytes, above the limit");
    BROKEN("\x01\0\x01\0\0\0\x03\0\x0a\0" END, "method frame of 3 bytes, too short");
    BROKEN("\x01\0\x01\0\0\0\0" END, "method frame of 0 bytes, too short");
    BROKEN("\x02\0\x01\0\0\0\x0d\0\x3c\0\0\0\0\0\0\0\0\0\0\0" END,
           "header frame of 13 bytes, too short");
    BROKEN("\x02\0\x01\0\0\0\x0e\0\x3d\0\0\0\0\0\0\0\0\0\0\0\0" END, "header of class 61");
    BROKEN("\x08\0\x01\0\0\0\0" END, "heartbeat on channel 1");
    BROKEN("\x03\0\0\0\0\0\x01x" END, "body frame on channel 0");
    BROKEN("\x02\0\0\0\0\0\x0e\0\x3c\0\0\0\0\0\0\0\0\0\0\0\0" END, "header frame on channel 0");
}

Test(codec, methods_that_are_not_a_brokers_are_not_decoded)
{
    BROKEN("\x01\0\x01\0\0\0\x04\xff\xff\xff\xff" END, "unknown number (0xffffffff)");
    BROKEN("\x01\0\x01\0\0\0\x06\0\x32\0\x0a\0\0" END, "AMQP_QUEUE_DECLARE_METHOD");
    BROKEN("\x01\0\x01\0\0\0\x05\0\x0a\0\x29\0" END, "AMQP_CONNECTION_OPEN_OK_METHOD on channel 1");
    BROKEN("\x01\0\0\0\0\0\x04\0\x3c\0\x50" END, "AMQP_BASIC_ACK_METHOD on channel 0");
    BROKEN("\x01\0\x01\0\0\0\x06\0\x3c\0\x50\0\0" END, "damaged AMQP_BASIC_ACK_METHOD");
    BROKEN("\x01\0\x01\0\0\0\x08\0\x3c\0\x3c\xff"
           "ab\0" END,
           "damaged AMQP_BASIC_DELIVER_METHOD");
}

static void greeted_by(const char *bytes, size_t len, const char *words)
{
    codec_init(&codec);
    cr_assert(feed(bytes, len) == CODEC_BROKEN);
    cr_assert(strstr(codec.fault.text, words), "%s", codec.fault.text);
    codec_fini(&codec);
}

#define GREETED_BY(literal, words) greeted_by(literal, sizeof(literal) - 1, words)

Test(codec, other_servers_are_told_apart)
{
    GREETED_BY("AMQP\0\1\0\0", "speaks AMQP 1-0-0, not 0-9-1");
    GREETED_BY("HTTP/1.1 400 Bad Request\r\n", "HTTP/1.");
    GREETED_BY("HTTP/1.1 400 Bad Request\r\n", "right port");
    GREETED_BY("\x15\x03\x01\0\x02\x02\x46", "does not speak AMQP");
    GREETED_BY(HEARTBEAT, "does not speak AMQP");
    codec_init(&codec);
    cr_assert(FEED("AMQP\0\1\0") == CODEC_MORE, "the eighth byte is waited for");
    codec_fini(&codec);
}

/* ---- a conversation cut anywhere ---------------------------------------------------------------- */

#define BODY_BYTES 9000
#define FRAME_MAX 4096

struct summary {
    int methods, headers, heartbeats;
    size_t body_bytes;
    uint64_t tag, announced;
    unsigned char last;
};

static struct evbuffer *converse(void)
{
    char body[BODY_BYTES];
    struct evbuffer *out = evbuffer_new();
    amqp_basic_deliver_t deliver = { .consumer_tag = codec_cstr("t"),
                                     .delivery_tag = 7,
                                     .exchange = codec_cstr("e"),
                                     .routing_key = codec_cstr("k") };
    for (size_t i = 0; i < sizeof body; i++) body[i] = (char)i;
    (void)evbuffer_add(out, OPEN_OK, sizeof OPEN_OK - 1);
    cr_assert(codec_put_method(out, 1, AMQP_BASIC_DELIVER_METHOD, &deliver));
    codec_put_content(out, 1, FRAME_MAX, text_from("\0\0", 2), text_from(body, sizeof body));
    codec_put_heartbeat(out);
    return out;
}

static void note(struct summary *got)
{
    if (frame.kind == CODEC_BODY) {
        for (size_t i = 0; i < frame.bytes.len; i++)
            cr_assert((unsigned char)frame.bytes.at[i] == (unsigned char)(got->body_bytes + i));
        got->body_bytes += frame.bytes.len;
    } else if (frame.kind == CODEC_METHOD) {
        got->methods++;
        if (frame.method == AMQP_BASIC_DELIVER_METHOD)
            got->tag = ((amqp_basic_deliver_t *)frame.decoded)->delivery_tag;
    } else if (frame.kind == CODEC_HEADER) {
        got->headers++;
        got->announced = frame.body_bytes;
        cr_assert(frame.bytes.len == 2);
    } else {
        got->heartbeats++;
    }
}

Test(codec, a_conversation_may_come_in_pieces_of_any_size)
{
    struct evbuffer *all = converse();
    size_t len = evbuffer_get_length(all);
    char *bytes = (char *)evbuffer_pullup(all, -1);
    for (size_t piece = 1; piece <= len; piece = piece < 40 ? piece + 1 : piece * 2 - 7) {
        struct summary got = { .methods = 0 };
        struct evbuffer *in = evbuffer_new();
        codec_init(&codec);
        for (size_t at = 0; at < len; at += piece) {
            size_t n = len - at < piece ? len - at : piece;
            char *copy = malloc(n);
            memcpy(copy, bytes + at, n);
            (void)evbuffer_add_reference(in, copy, n, (evbuffer_ref_cleanup_cb)(void *)NULL, NULL);
            enum codec_result result;
            while ((result = codec_next(&codec, in, &frame)) == CODEC_FRAME) note(&got);
            cr_assert(result == CODEC_MORE, "%s", codec.fault.text);
            struct evbuffer *kept = evbuffer_new(); /* what is left, out of the piece that goes */
            (void)evbuffer_add(kept, evbuffer_pullup(in, -1), evbuffer_get_length(in));
            evbuffer_free(in);
            free(copy);
            in = kept;
        }
        cr_assert(evbuffer_get_length(in) == 0);
        cr_assert(got.methods == 2 && got.headers == 1 && got.heartbeats == 1 && got.tag == 7);
        cr_assert(got.body_bytes == BODY_BYTES && got.announced == BODY_BYTES);
        codec_fini(&codec);
        evbuffer_free(in);
    }
    evbuffer_free(all);
}

Test(codec, bent_bytes_are_frames_or_faults_and_never_more)
{
    struct evbuffer *all = converse();
    size_t len = evbuffer_get_length(all);
    char *bytes = malloc(len);
    (void)evbuffer_copyout(all, bytes, len);
    for (size_t at = 0; at < 120; at++) {
        char whole = bytes[at];
        for (unsigned value = 0; value < 256; value++) {
            bytes[at] = (char)value;
            codec_init(&codec);
            (void)feed(bytes, len);
            codec_fini(&codec);
        }
        bytes[at] = whole;
    }
    free(bytes);
    evbuffer_free(all);
}

Test(codec, a_body_is_not_whole_before_its_end_byte)
{
    begin();
    struct evbuffer *in = evbuffer_new();
    (void)evbuffer_add(in, "\x03\0\x01\0\0\0\x02hi", 9);
    cr_assert(codec_next(&codec, in, &frame) == CODEC_MORE);
    (void)evbuffer_add(in, END, 1);
    cr_assert(codec_next(&codec, in, &frame) == CODEC_FRAME && frame.bytes.len == 2);
    cr_assert(codec_next(&codec, in, &frame) == CODEC_MORE && evbuffer_get_length(in) == 0);
    evbuffer_free(in);
    codec_fini(&codec);
}

/* Arrays in arrays, as deep as the bytes go, in a table of one entry. */
static size_t nest(unsigned char *at, size_t bytes)
{
    static const unsigned char name[] = { 0, 0, 0, 0, 1, 'n' };
    memcpy(at, name, sizeof name);
    size_t used = sizeof name;
    for (; used + 5 <= bytes; used += 5) at[used] = 'A';
    for (size_t i = 0; i < used; i += i ? 5 : sizeof name) {
        size_t inside = used - i - (i ? 5 : 4);
        unsigned char *length = at + i + (i ? 1 : 0);
        for (int j = 0; j < 4; j++) length[j] = (unsigned char)(inside >> (24 - 8 * j));
    }
    return used;
}

Test(codec, headers_of_any_depth_are_stepped_over)
{
    begin();
    static unsigned char properties[131000];
    size_t bytes = 2 + nest(properties + 2, sizeof properties - 2);
    properties[0] = 0x20;
    struct evbuffer *in = evbuffer_new();
    codec_put_content(in, 1, CODEC_FRAME_MOST, text_from((char *)properties, bytes), text_of(""));
    struct amqp_properties got;
    struct wr_pair pair;
    cr_assert(codec_next(&codec, in, &frame) == CODEC_FRAME && frame.bytes.len == bytes);
    cr_assert(properties_read(frame.bytes, &got) && got.headers.len == bytes - 6);
    cr_assert(!table_find(got.headers, "n", &pair));
    evbuffer_free(in);
    codec_fini(&codec);
}

Test(codec, a_greeting_is_bounded_in_depth)
{
    static unsigned char start[16500] = { 1, 0, 0, 0, 0, 0, 0, 0, 10, 0, 10, 0, 9 };
    size_t bytes = 6 + nest(start + 13, 16300) + 8;
    start[5] = (unsigned char)(bytes >> 8);
    start[6] = (unsigned char)bytes;
    start[7 + bytes] = 0xce;
    codec_init(&codec);
    /* rabbitmq-c counts the depth itself from 0.15 on, and is bounded by our limit alone before. */
    enum codec_result result = feed(start, 8 + bytes);
    cr_assert(result == CODEC_MORE || strstr(codec.fault.text, "damaged"), "%s", codec.fault.text);
    cr_assert(frame.method == AMQP_CONNECTION_START_METHOD);
    codec_fini(&codec);
    codec_init(&codec);
    cr_assert(FEED("\x01\0\0\0\0\x40\0") == CODEC_BROKEN);
    cr_assert(strstr(codec.fault.text, "above the limit of 16384"), "%s", codec.fault.text);
    codec_fini(&codec);
}

Test(codec, content_is_cut_to_the_frame_limit)
{
    struct evbuffer *out = evbuffer_new();
    char body[10000] = { 0 };
    codec_put_content(out, 3, 4096, text_from("\0\0", 2), text_from(body, sizeof body));
    cr_assert(evbuffer_get_length(out) == 22 + 3 * 8 + 10000);
    codec_init(&codec);
    codec.frame_max = 4096;
    codec.is_greeted = true;
    size_t got = 0;
    while (codec_next(&codec, out, &frame) == CODEC_FRAME) {
        cr_assert(frame.channel == 3);
        if (frame.kind == CODEC_BODY) got += frame.bytes.len;
    }
    cr_assert(got == sizeof body && !codec.fault.text[0]);
    codec_fini(&codec);
    evbuffer_free(out);
}

Test(codec, a_method_that_cannot_be_encoded_writes_nothing)
{
    struct evbuffer *out = evbuffer_new();
    char name[300];
    memset(name, 'q', sizeof name);
    amqp_basic_cancel_t cancel = { .consumer_tag = codec_bytes(text_from(name, sizeof name)) };
    cr_assert(!codec_put_method(out, 1, AMQP_BASIC_CANCEL_METHOD, &cancel));
    cr_assert(evbuffer_get_length(out) == 0);
    evbuffer_free(out);
}
