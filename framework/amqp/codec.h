/* SPDX-License-Identifier: Apache-2.0
 *
 * The one door to rabbitmq-c, which packs and unpacks methods here and does no I/O. Frames are cut
 * out of the wire's buffer by ourselves, checked before anything of theirs is believed, and bodies
 * and properties are handed over where they lie: no copy, no allocation a message. A header table of
 * any depth, which any publisher can send, never reaches the library's recursive decoder. */
#ifndef AMQP_CODEC_H
#define AMQP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#endif

#include "base/status.h"
#include "base/text.h"

struct evbuffer;

#define CODEC_FRAME_MOST 131072u /* what we ask for */
#define CODEC_FRAME_FIRST                                                                          \
    16384u /* the limit before Tune: Start is the one table decoded by recursion */
#define CODEC_FRAME_LEAST 4096u /* no broker may go below */
#define CODEC_FRAME_EXTRA 8u    /* of a frame that is not payload */

enum codec_kind { CODEC_METHOD, CODEC_HEADER, CODEC_BODY, CODEC_HEARTBEAT };
enum codec_result { CODEC_FRAME, CODEC_MORE, CODEC_BROKEN };

/* Borrowed until the next call of codec_next. */
struct codec_frame {
    enum codec_kind kind;
    uint16_t channel;
    amqp_method_number_t method;
    void *decoded;        /* METHOD: rabbitmq-c's struct of it */
    uint64_t body_bytes;  /* HEADER: as announced, not believed yet */
    struct wr_text bytes; /* HEADER: the properties; BODY: a piece of a frame */
};

struct codec {
    amqp_pool_t pool; /* of the last decoded method */
    uint32_t frame_max;
    const uint8_t *span; /* of the buffer being read; NULL between calls */
    size_t span_bytes, used;
    bool is_greeted; /* a frame has come: the peer speaks AMQP 0-9-1 */
    bool in_body;    /* inside a body frame: */
    uint16_t body_channel;
    uint32_t body_left;
    struct status fault; /* after CODEC_BROKEN, in words */
};

void codec_init(struct codec *codec);
void codec_fini(struct codec *codec);

/* The next frame of `in`, or piece of a body frame. What is used up leaves `in` by the time it says
 * MORE. After BROKEN there is no way on. */
enum codec_result codec_next(struct codec *codec, struct evbuffer *in, struct codec_frame *frame);

void codec_put_greeting(struct evbuffer *out);
void codec_put_heartbeat(struct evbuffer *out);
/* False where it cannot be encoded (a text over 255 bytes, say); nothing is written then. */
MUST_USE bool codec_put_method(struct evbuffer *out, uint16_t channel, amqp_method_number_t id,
                               void *method);
/* Header and body frames; `properties` are encoded already and fit a frame. */
void codec_put_content(struct evbuffer *out, uint16_t channel, uint32_t frame_max,
                       struct wr_text properties, struct wr_text body);

static inline amqp_bytes_t codec_bytes(struct wr_text text)
{
    return (amqp_bytes_t){ .len = text.len, .bytes = (void *)(uintptr_t)text.at };
}

static inline amqp_bytes_t codec_cstr(const char *text)
{
    return codec_bytes(text_of(text));
}

static inline struct wr_text codec_text(amqp_bytes_t bytes)
{
    return text_from(bytes.bytes, bytes.len);
}

#endif
