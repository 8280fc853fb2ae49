/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames from bytes and bytes from frames. Sizes, kinds, channels and end bytes are checked here;
 * what a channel may get in which order is checked by the channel. Only methods that a broker has
 * business sending are decoded. */
#include "amqp/codec.h"

#include <event2/buffer.h>

#include "base/check.h"

#define HEAD_BYTES 7u
#define GREETING_BYTES 8u
#define FRAME_END 0xCE
#define HEADER_LEAST_BYTES 14u
#define METHOD_ROOM (16 * 1024) /* passwords may be long tokens; all else is small */
#define CLASS_CONNECTION 10
#define CLASS_BASIC 60

static const amqp_method_number_t FROM_BROKER[] = {
    AMQP_BASIC_DELIVER_METHOD,      AMQP_BASIC_ACK_METHOD,
    AMQP_BASIC_NACK_METHOD,         AMQP_BASIC_RETURN_METHOD,
    AMQP_BASIC_CANCEL_METHOD,       AMQP_BASIC_CANCEL_OK_METHOD,
    AMQP_BASIC_CONSUME_OK_METHOD,   AMQP_BASIC_QOS_OK_METHOD,
    AMQP_CONFIRM_SELECT_OK_METHOD,  AMQP_CHANNEL_OPEN_OK_METHOD,
    AMQP_CHANNEL_CLOSE_METHOD,      AMQP_CHANNEL_CLOSE_OK_METHOD,
    AMQP_CHANNEL_FLOW_METHOD,       AMQP_QUEUE_DECLARE_OK_METHOD,
    AMQP_QUEUE_BIND_OK_METHOD,      AMQP_EXCHANGE_DECLARE_OK_METHOD,
    AMQP_CONNECTION_START_METHOD,   AMQP_CONNECTION_SECURE_METHOD,
    AMQP_CONNECTION_TUNE_METHOD,    AMQP_CONNECTION_OPEN_OK_METHOD,
    AMQP_CONNECTION_CLOSE_METHOD,   AMQP_CONNECTION_CLOSE_OK_METHOD,
    AMQP_CONNECTION_BLOCKED_METHOD, AMQP_CONNECTION_UNBLOCKED_METHOD,
};

static uint16_t read_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void write_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

void codec_init(struct codec *codec)
{
    *codec = (struct codec){ .frame_max = CODEC_FRAME_FIRST };
    init_amqp_pool(&codec->pool, 4096);
}

void codec_fini(struct codec *codec)
{
    empty_amqp_pool(&codec->pool);
}

static PRINTF_LIKE(2, 3) enum codec_result broken(struct codec *codec, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)status_vfail(&codec->fault, EXIT_UNREACHABLE, format, args);
    va_end(args);
    return CODEC_BROKEN;
}

static const uint8_t *reach_further(struct codec *codec, struct evbuffer *in, size_t bytes)
{
    if (codec->used > 0) (void)evbuffer_drain(in, codec->used);
    codec->span = NULL;
    codec->span_bytes = codec->used = 0;
    if (evbuffer_get_length(in) < bytes) return NULL;
    codec->span = evbuffer_pullup(in, (ev_ssize_t)bytes);
    CHECK(codec->span != NULL);
    codec->span_bytes = evbuffer_get_contiguous_space(in);
    return codec->span;
}

/* `bytes` bytes in one piece at the place of reading; NULL where they have not come yet. Bytes are
 * copied only where a frame lies across two pieces of the buffer. */
static inline const uint8_t *reach(struct codec *codec, struct evbuffer *in, size_t bytes)
{
    if (LIKELY(codec->span_bytes - codec->used >= bytes)) return codec->span + codec->used;
    return reach_further(codec, in, bytes);
}

static enum codec_result more(struct codec *codec, struct evbuffer *in)
{
    if (codec->used > 0) (void)evbuffer_drain(in, codec->used);
    codec->span = NULL;
    codec->span_bytes = codec->used = 0;
    return CODEC_MORE;
}

/* The peer's first bytes, where they are no frame: brokers answer an unknown version with their own
 * greeting, and other servers with whatever they say first. */
static enum codec_result greet(struct codec *codec, struct evbuffer *in, const uint8_t *at)
{
    if (memcmp(at, "AMQP", 4) == 0) {
        at = reach(codec, in, GREETING_BYTES);
        if (!at) return more(codec, in);
        return broken(codec, "the server speaks AMQP %u-%u-%u, not 0-9-1", at[5], at[6], at[7]);
    }
    if (at[0] == AMQP_FRAME_METHOD && read_u16(at + 1) == 0) {
        codec->is_greeted = true;
        return CODEC_FRAME;
    }
    char shown[64];
    return broken(codec,
                  "the server does not speak AMQP (it began with \"%s\"): is it the right port?",
                  text_show(text_from((const char *)at, HEAD_BYTES), shown, sizeof shown));
}

static inline bool is_sound(struct codec *codec, uint8_t type, uint16_t channel, uint32_t bytes)
{
    static const struct {
        const char *name;
        uint32_t least_bytes;
    } kinds[] = {
        [AMQP_FRAME_METHOD] = { "method", 4 },
        [AMQP_FRAME_HEADER] = { "header", HEADER_LEAST_BYTES },
        [AMQP_FRAME_BODY] = { "body", 0 },
        [AMQP_FRAME_HEARTBEAT] = { "heartbeat", 0 },
    };
    if (type >= sizeof kinds / sizeof *kinds || !kinds[type].name) {
        broken(codec, "the broker sent a frame of the unknown type %u", type);
    } else if (bytes > codec->frame_max - CODEC_FRAME_EXTRA) {
        broken(codec, "the broker sent a %s frame of %lu bytes, above the limit of %u",
               kinds[type].name, (unsigned long)bytes + CODEC_FRAME_EXTRA, codec->frame_max);
    } else if (bytes < kinds[type].least_bytes) {
        broken(codec, "the broker sent a %s frame of %u bytes, too short to be one",
               kinds[type].name, bytes);
    } else if (type == AMQP_FRAME_HEARTBEAT && channel != 0) {
        broken(codec, "the broker sent a heartbeat on channel %u", channel);
    } else if (type != AMQP_FRAME_METHOD && type != AMQP_FRAME_HEARTBEAT && channel == 0) {
        broken(codec, "the broker sent a %s frame on channel 0", kinds[type].name);
    } else {
        return true;
    }
    return false;
}

static enum codec_result bad_end(struct codec *codec, uint16_t channel, uint8_t end)
{
    return broken(codec, "the broker ended a frame on channel %u with 0x%02x instead of 0xce",
                  channel, end);
}

static enum codec_result take_method(struct codec *codec, struct codec_frame *frame,
                                     const uint8_t *payload, uint32_t bytes)
{
    frame->kind = CODEC_METHOD;
    frame->method = read_u32(payload);
    size_t i = 0, n = sizeof FROM_BROKER / sizeof *FROM_BROKER;
    while (i < n && FROM_BROKER[i] != frame->method) i++;
    if (UNLIKELY(i == n)) {
        const char *name = amqp_method_name(frame->method);
        return broken(codec, "the broker sent the method %s (0x%08x), which is not its to send",
                      name ? name : "of an unknown number", frame->method);
    }
    if (UNLIKELY((frame->method >> 16 == CLASS_CONNECTION) != (frame->channel == 0)))
        return broken(codec, "the broker sent %s on channel %u", amqp_method_name(frame->method),
                      frame->channel);

    recycle_amqp_pool(&codec->pool);
    amqp_bytes_t encoded = codec_bytes(text_from((const char *)payload + 4, bytes - 4));
    if (amqp_decode_method(frame->method, &codec->pool, encoded, &frame->decoded) < 0)
        return broken(codec, "the broker sent a damaged %s", amqp_method_name(frame->method));
    return CODEC_FRAME;
}

static enum codec_result take_header(struct codec *codec, struct codec_frame *frame,
                                     const uint8_t *payload, uint32_t bytes)
{
    if (read_u16(payload) != CLASS_BASIC)
        return broken(codec, "the broker sent a header of class %u", read_u16(payload));
    frame->kind = CODEC_HEADER;
    frame->body_bytes = (uint64_t)read_u32(payload + 4) << 32 | read_u32(payload + 8);
    frame->bytes = text_from((const char *)payload + 12, bytes - 12);
    return CODEC_FRAME;
}

/* A piece of the body frame being read. Its last byte is handed over only once its end byte has been
 * seen, so that no message counts as whole before that. */
static enum codec_result take_piece(struct codec *codec, struct evbuffer *in,
                                    struct codec_frame *frame)
{
    const uint8_t *at = reach(codec, in, 1);
    if (!at) return more(codec, in);
    size_t here = codec->span_bytes - codec->used, bytes = codec->body_left;
    if (here <= bytes) {
        at = here < bytes ? at : reach(codec, in, bytes + 1);
        if (!at) return more(codec, in);
        bytes = here < bytes ? here : bytes;
    }
    codec->body_left -= (uint32_t)bytes;
    codec->used += bytes;
    if (codec->body_left == 0) {
        if (at[bytes] != FRAME_END) return bad_end(codec, codec->body_channel, at[bytes]);
        codec->used++;
        codec->in_body = false;
    }
    *frame = (struct codec_frame){ .kind = CODEC_BODY,
                                   .channel = codec->body_channel,
                                   .bytes = text_from((const char *)at, bytes) };
    return CODEC_FRAME;
}

enum codec_result codec_next(struct codec *codec, struct evbuffer *in, struct codec_frame *frame)
{
    if (codec->in_body) return take_piece(codec, in, frame);
    const uint8_t *at = reach(codec, in, HEAD_BYTES);
    if (!at) return more(codec, in);
    if (UNLIKELY(!codec->is_greeted)) {
        enum codec_result greeting = greet(codec, in, at);
        if (greeting != CODEC_FRAME) return greeting;
    }

    uint8_t type = at[0];
    uint16_t channel = read_u16(at + 1);
    uint32_t bytes = read_u32(at + 3);
    if (UNLIKELY(!is_sound(codec, type, channel, bytes))) return CODEC_BROKEN;
    if (type == AMQP_FRAME_BODY) {
        codec->used += HEAD_BYTES;
        codec->in_body = true;
        codec->body_channel = channel;
        codec->body_left = bytes;
        return take_piece(codec, in, frame);
    }
    at = reach(codec, in, HEAD_BYTES + bytes + 1);
    if (!at) return more(codec, in);
    const uint8_t *payload = at + HEAD_BYTES;
    if (UNLIKELY(payload[bytes] != FRAME_END)) return bad_end(codec, channel, payload[bytes]);
    codec->used += HEAD_BYTES + bytes + 1;
    frame->channel = channel;
    if (type == AMQP_FRAME_METHOD) return take_method(codec, frame, payload, bytes);
    if (type == AMQP_FRAME_HEADER) return take_header(codec, frame, payload, bytes);
    frame->kind = CODEC_HEARTBEAT;
    return CODEC_FRAME;
}

static void begin_frame(uint8_t *at, uint8_t type, uint16_t channel, size_t bytes)
{
    at[0] = type;
    at[1] = (uint8_t)(channel >> 8);
    at[2] = (uint8_t)channel;
    write_u32(at + 3, (uint32_t)bytes);
}

void codec_put_greeting(struct evbuffer *out)
{
    (void)evbuffer_add(out, "AMQP\0\0\x09\x01", GREETING_BYTES);
}

void codec_put_heartbeat(struct evbuffer *out)
{
    uint8_t frame[CODEC_FRAME_EXTRA];
    begin_frame(frame, AMQP_FRAME_HEARTBEAT, 0, 0);
    frame[HEAD_BYTES] = FRAME_END;
    (void)evbuffer_add(out, frame, sizeof frame);
}

bool codec_put_method(struct evbuffer *out, uint16_t channel, amqp_method_number_t id, void *method)
{
    uint8_t frame[METHOD_ROOM];
    uint8_t *payload = frame + HEAD_BYTES;
    amqp_bytes_t room = { .len = sizeof frame - HEAD_BYTES - 5, .bytes = payload + 4 };
    int encoded = amqp_encode_method(id, method, room);
    if (encoded < 0) return false;
    size_t bytes = (size_t)encoded + 4;
    begin_frame(frame, AMQP_FRAME_METHOD, channel, bytes);
    write_u32(payload, id);
    payload[bytes] = FRAME_END;
    (void)evbuffer_add(out, frame, bytes + CODEC_FRAME_EXTRA);
    return true;
}

void codec_put_content(struct evbuffer *out, uint16_t channel, uint32_t frame_max,
                       struct wr_text properties, struct wr_text body)
{
    static const uint8_t end = FRAME_END;
    uint8_t head[HEAD_BYTES + 12] = { 0 };
    begin_frame(head, AMQP_FRAME_HEADER, channel, 12 + properties.len);
    head[HEAD_BYTES + 1] = CLASS_BASIC;
    write_u32(head + HEAD_BYTES + 4, (uint32_t)((uint64_t)body.len >> 32));
    write_u32(head + HEAD_BYTES + 8, (uint32_t)body.len);
    (void)evbuffer_add(out, head, sizeof head);
    (void)evbuffer_add(out, properties.at, properties.len);
    (void)evbuffer_add(out, &end, 1);
    for (size_t at = 0; at < body.len;) {
        size_t bytes = body.len - at, most = frame_max - CODEC_FRAME_EXTRA;
        if (bytes > most) bytes = most;
        begin_frame(head, AMQP_FRAME_BODY, channel, bytes);
        (void)evbuffer_add(out, head, HEAD_BYTES);
        (void)evbuffer_add(out, body.at + at, bytes);
        (void)evbuffer_add(out, &end, 1);
        at += bytes;
    }
}
