/* SPDX-License-Identifier: Apache-2.0
 *
 * The floor of `./dev bench spine`: the least a C worker can do with rabbitmq-c and a plain socket. It
 * logs in with the library, then reads large pieces with short rests, has the library decode them, keeps
 * nothing, and acks by multiple. No handler, no threads, no
 * reconnect, no checks: what Warrener costs above this is what its promises cost.
 *
 *     bench_spine_floor HOST PORT QUEUE PREFETCH ACK_EVERY COUNT
 *
 * Prints: messages, wall ns, CPU ns, peak resident KiB, from consume-ok to the last ack. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_tcp_socket.h>
#endif

#define BUFFER_BYTES (1u << 20)
#define BUSY_BYTES 16384
#define REST_NS 3000000

struct floor {
    int fd;
    uint64_t ack_every, count, messages, acked, tag;
    uint64_t body_left; /* of the message being read */
    unsigned char *buffer;
    amqp_connection_state_t broker; /* decodes what we read; rabbitmq-c reads slower itself */
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench_spine_floor: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void ack(struct floor *floor)
{
    unsigned char frame[21] = { 1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80 };
    for (int i = 0; i < 8; i++) frame[11 + i] = (unsigned char)(floor->tag >> (56 - 8 * i));
    frame[19] = 1; /* multiple */
    frame[20] = 0xce;
    if (send(floor->fd, frame, sizeof frame, MSG_NOSIGNAL) != sizeof frame) fail("send");
    floor->acked = floor->messages;
}

static void end_message(struct floor *floor)
{
    floor->messages++;
    if (floor->messages - floor->acked >= floor->ack_every || floor->messages == floor->count)
        ack(floor);
}

static void take_frame(struct floor *floor, const amqp_frame_t *frame)
{
    switch (frame->frame_type) {
    case AMQP_FRAME_METHOD:
        if (frame->payload.method.id == AMQP_BASIC_DELIVER_METHOD)
            floor->tag =
                ((const amqp_basic_deliver_t *)frame->payload.method.decoded)->delivery_tag;
        return;
    case AMQP_FRAME_HEADER: floor->body_left = frame->payload.properties.body_size; break;
    case AMQP_FRAME_BODY: floor->body_left -= frame->payload.body_fragment.len; break;
    default: return;
    }
    if (floor->body_left) return;
    end_message(floor);
    amqp_maybe_release_buffers(floor->broker);
}

static void take_all(struct floor *floor, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        amqp_frame_t frame = { 0 };
        const amqp_bytes_t rest = { bytes - at, floor->buffer + at };
        const int taken = amqp_handle_input(floor->broker, rest, &frame);
        if (taken < 0) fail(amqp_error_string2(taken));
        at += (size_t)taken;
        take_frame(floor, &frame);
    }
}

/* Reads until the socket is empty; how much that was. */
static size_t drain(struct floor *floor)
{
    size_t sum = 0;
    for (;;) {
        const ssize_t got = recv(floor->fd, floor->buffer, BUFFER_BYTES, sum ? MSG_DONTWAIT : 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return sum;
        if (got <= 0) fail("recv");
        sum += (size_t)got;
        take_all(floor, (size_t)got);
        if (floor->messages >= floor->count) return 0;
    }
}

static amqp_connection_state_t log_in(const char *host, int port, const char *queue,
                                      uint16_t prefetch)
{
    amqp_connection_state_t state = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(state);
    if (!socket || amqp_socket_open(socket, host, port)) fail("connect");
    const amqp_rpc_reply_t reply =
        amqp_login(state, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) fail("login");
    if (!amqp_channel_open(state, 1)) fail("channel");
    if (!amqp_basic_qos(state, 1, 0, prefetch, 0)) fail("qos");
    const amqp_basic_consume_t consume = { .queue = amqp_cstring_bytes(queue) };
    if (amqp_send_method(state, 1, AMQP_BASIC_CONSUME_METHOD, (void *)(uintptr_t)&consume))
        fail("consume");
    return state;
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: %s HOST PORT QUEUE PREFETCH ACK_EVERY COUNT\n", argv[0]);
        return EXIT_FAILURE;
    }
    struct floor floor = { .ack_every = strtoull(argv[5], NULL, 10),
                           .count = strtoull(argv[6], NULL, 10),
                           .buffer = malloc(BUFFER_BYTES) };
    floor.broker = log_in(argv[1], atoi(argv[2]), argv[3], (uint16_t)atoi(argv[4]));
    floor.fd = amqp_get_sockfd(floor.broker);
    const uint64_t wall_ns = now_ns(CLOCK_MONOTONIC), cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    while (floor.messages < floor.count)
        if (drain(&floor) >= BUSY_BYTES) nanosleep(&(struct timespec){ .tv_nsec = REST_NS }, NULL);
    const uint64_t cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
    const uint64_t wall = now_ns(CLOCK_MONOTONIC) - wall_ns;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%llu %llu %llu %ld\n", (unsigned long long)floor.messages, (unsigned long long)wall,
           (unsigned long long)cpu, usage.ru_maxrss);
    nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL); /* so that the last ack arrives */
    return EXIT_SUCCESS;
}
