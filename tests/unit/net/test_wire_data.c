/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes over a plain wire: both ways, in every size, held, choked, stalled, and cut off. */
#include <criterion/criterion.h>
#include <event2/buffer.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "net/pace.h"
#include "unit/net/support.h"

#define BIG_BYTES ((size_t)24 << 20)

static unsigned char *make_pattern(size_t bytes)
{
    unsigned char *all = memory_new(1, bytes);
    for (size_t i = 0; i < bytes; i++) all[i] = pattern(i);
    return all;
}

static void expect_pattern(struct client *client, size_t bytes)
{
    cr_assert_eq(evbuffer_get_length(client->got), bytes);
    const unsigned char *got = evbuffer_pullup(client->got, -1);
    for (size_t i = 0; i < bytes; i++) cr_assert_eq(got[i], pattern(i), "byte %zu", i);
}

static void say(struct client *client, const void *from, size_t bytes)
{
    evbuffer_add(wire_out(client->wire), from, bytes);
    wire_touch(client->wire);
}

static void echo_big(uint32_t rest_us)
{
    struct server server;
    server_start(&server, serve_echo, NULL);
    struct client client;
    client_start(&client, (struct wire_settings){ .port = server.port, .rest_us = rest_us });
    unsigned char *all = make_pattern(BIG_BYTES);
    say(&client, all, BIG_BYTES); /* before it is open: kept until then */
    free(all);
    client.wanted_bytes = BIG_BYTES;
    client_run(&client, until_wanted);
    expect_pattern(&client, BIG_BYTES);
    cr_assert_eq(wire_unsent_bytes(client.wire), 0);
    client_stop(&client);
    server_stop(&server);
}

Test(wire_data, a_big_transfer_comes_back_unchanged)
{
    echo_big(0);
}

Test(wire_data, a_big_transfer_comes_back_unchanged_with_rests)
{
    echo_big(3000);
}

static void serve_byte_at_a_time(struct server *server, int fd)
{
    (void)server;
    for (size_t i = 0; i < 300; i++) {
        const unsigned char byte = pattern(i);
        send_all(fd, &byte, 1);
    }
    receive_to_end(fd);
}

Test(wire_data, a_byte_at_a_time_is_the_same_stream)
{
    struct server server;
    server_start(&server, serve_byte_at_a_time, NULL);
    struct client client;
    client_start(&client, (struct wire_settings){ .port = server.port, .rest_us = 3000 });
    client.wanted_bytes = 300;
    client_run(&client, until_wanted);
    expect_pattern(&client, 300);
    client_stop(&client);
    server_stop(&server);
}

/* Everything touched in one turn comes in one piece. */
static void serve_size_of_first_piece(struct server *server, int fd)
{
    (void)server;
    char bytes[8192];
    const ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    const uint32_t size = (uint32_t)n;
    send_all(fd, &size, sizeof size);
    receive_to_end(fd);
}

static uint32_t size_of_first_piece(bool is_flushed_between)
{
    struct server server;
    server_start(&server, serve_size_of_first_piece, NULL);
    struct client client;
    client_start(&client, (struct wire_settings){ .port = server.port });
    client_run(&client, until_open);
    for (unsigned i = 0; i < 100; i++) {
        say(&client, "0123456789", 10);
        if (is_flushed_between && i == 0) wire_flush(client.wire);
    }
    cr_assert_eq(wire_unsent_bytes(client.wire), is_flushed_between ? 990 : 1000);
    uint32_t size = 0;
    client.wanted_bytes = sizeof size;
    client_run(&client, until_wanted);
    evbuffer_remove(client.got, &size, sizeof size);
    client_stop(&client);
    server_stop(&server);
    return size;
}

Test(wire_data, one_turns_output_is_one_write)
{
    cr_assert_eq(size_of_first_piece(false), 1000);
}

Test(wire_data, a_flush_writes_at_once)
{
    size_of_first_piece(true);
}

/* Reads only once it is told to by a byte on the test's own pipe. */
struct gate {
    int pipe[2];
    size_t received;
};

static void serve_behind_gate(struct server *server, int fd)
{
    struct gate *gate = server->data;
    char byte, sink[65536];
    if (read(gate->pipe[0], &byte, 1) != 1) return;
    for (ssize_t n; (n = recv(fd, sink, sizeof sink, 0)) > 0;) gate->received += (size_t)n;
}

Test(wire_data, a_peer_that_does_not_read_chokes_the_wire_until_it_does)
{
    struct gate gate = { 0 };
    cr_assert_eq(pipe(gate.pipe), 0);
    struct server server;
    server_start(&server, serve_behind_gate, &gate);
    struct client client;
    const size_t high_bytes = 8u << 20;
    client_start(&client,
                 (struct wire_settings){ .port = server.port, .out_high_bytes = high_bytes });
    client_run(&client, until_open);
    cr_assert_not(wire_is_choked(client.wire));

    unsigned char *all = make_pattern(BIG_BYTES);
    say(&client, all, BIG_BYTES);
    free(all);
    wire_flush(client.wire);
    cr_assert(wire_is_choked(client.wire));
    cr_assert_gt(wire_unsent_bytes(client.wire), high_bytes);
    cr_assert_eq(client.reliefs, 0);

    cr_assert_eq(write(gate.pipe[1], "g", 1), 1);
    client_run(&client, until_relief);
    cr_assert_not(wire_is_choked(client.wire));
    cr_assert_leq(wire_unsent_bytes(client.wire), high_bytes / 2);
    while (wire_unsent_bytes(client.wire) > 0) wire_flush(client.wire);
    client_stop(&client);
    server_stop(&server);
    cr_assert_eq(gate.received, BIG_BYTES);
    cr_assert_eq(client.reliefs, 1);
    close(gate.pipe[0]);
    close(gate.pipe[1]);
}

Test(wire_data, relief_comes_by_the_loop_after_a_flush)
{
    struct server server;
    server_start(&server, serve_silence, NULL);
    struct client client;
    client_start(&client, (struct wire_settings){ .port = server.port, .out_high_bytes = 100 });
    client_run(&client, until_open);
    char bytes[200] = "";
    say(&client, bytes, sizeof bytes);
    cr_assert(wire_is_choked(client.wire));
    wire_flush(client.wire);
    cr_assert_eq(client.reliefs, 0);
    client_run(&client, until_relief);
    cr_assert_not(wire_is_choked(client.wire));
    client_stop(&client);
    server_stop(&server);
}

Test(wire_data, output_that_does_not_move_ends_the_wire)
{
    struct gate gate = { 0 };
    cr_assert_eq(pipe(gate.pipe), 0);
    struct server server;
    server_start(&server, serve_behind_gate, &gate);
    struct client client;
    client_start(&client, (struct wire_settings){ .port = server.port, .write_stall_ms = 150 });
    unsigned char *all = make_pattern(BIG_BYTES);
    say(&client, all, BIG_BYTES);
    free(all);
    client_run(&client, until_closed);
    cr_assert(strstr(client.why, ": the server took nothing we sent for 150 ms"), "%s", client.why);
    cr_assert_eq(write(gate.pipe[1], "g", 1), 1);
    client_stop(&client);
    server_stop(&server);
    close(gate.pipe[0]);
    close(gate.pipe[1]);
}

static bool until_one_piece(struct client *client)
{
    return client->pieces > 0;
}

static bool until_two_pieces(struct client *client)
{
    return client->pieces > 1;
}

/* Lets the loop run for a while in which nothing is to come. */
static void expect_no_piece(struct client *client)
{
    const unsigned pieces = client->pieces;
    client->until = NULL;
    timer_arm_ms(&client->guard, 100);
    loop_run(client->loop);
    client->is_late = false;
    cr_assert_eq(client->pieces, pieces);
}

Test(wire_data, a_held_wire_reads_nothing_and_offers_what_is_left_when_let_go)
{
    struct server server;
    server_start(&server, serve_echo, NULL);
    struct client client;
    client_start(&client, (struct wire_settings){ .port = server.port });
    client.keeps = true;
    client_run(&client, until_open);
    say(&client, "first", 5);
    client_run(&client, until_one_piece);

    wire_hold(client.wire, true);
    wire_hold(client.wire, false);
    client_run(&client, until_two_pieces); /* "first" again: nothing new has come */

    wire_hold(client.wire, true);
    say(&client, "second", 6);
    expect_no_piece(&client);
    client.keeps = false;
    wire_hold(client.wire, false);
    client.wanted_bytes = 11;
    client_run(&client, until_wanted);
    cr_assert_eq(memcmp(evbuffer_pullup(client.got, -1), "firstsecond", 11), 0);
    client_stop(&client);
    server_stop(&server);
}

/* Says something, and resets the connection while the client still writes. */
static void serve_last_words(struct server *server, int fd)
{
    (void)server;
    char bytes[100];
    receive_all(fd, bytes, sizeof bytes);
    send_all(fd, "ACCESS_REFUSED", 14);
    shutdown(fd, SHUT_WR);
    receive_to_end(fd);
}

Test(wire_data, last_words_are_heard_before_the_end)
{
    struct server server;
    server_start(&server, serve_last_words, NULL);
    struct client client;
    client_start(&client, (struct wire_settings){ .port = server.port });
    unsigned char *all = make_pattern(100);
    say(&client, all, 100);
    free(all);
    client_run(&client, until_closed);
    cr_assert_eq(evbuffer_get_length(client.got), 14);
    cr_assert(strstr(client.why, ": closed by the server"), "%s", client.why);
    client_stop(&client);
    server_stop(&server);
}

/* Closing with a byte unread is a reset. */
static void serve_words_and_reset(struct server *server, int fd)
{
    (void)server;
    char byte;
    send_all(fd, "HI", 2);
    (void)recv(fd, &byte, 1, MSG_PEEK);
    send_all(fd, "NO", 2);
}

/* The write is what finds the reset: the wire is held until then. */
static void be_reset_under_a_write(struct client *client, bool is_held)
{
    struct server server;
    server_start(&server, serve_words_and_reset, NULL);
    client_start(client, (struct wire_settings){ .port = server.port });
    client->wanted_bytes = 2;
    client_run(client, until_wanted);
    wire_hold(client->wire, true);
    say(client, "x", 1);
    wire_flush(client->wire);
    server_stop(&server); /* waits for the reset */
    wire_hold(client->wire, is_held);
    say(client, "y", 1);
    wire_flush(client->wire);
    cr_assert_eq(client->closes, 0, "never from inside a flush");
    client_run(client, until_closed);
}

Test(wire_data, a_reset_under_a_write_is_told_after_the_last_words)
{
    struct client client;
    be_reset_under_a_write(&client, false);
    cr_assert_eq(evbuffer_get_length(client.got), 4, "%s", client.why);
    client_stop(&client);
}

Test(wire_data, a_held_wire_hears_of_a_reset_and_no_last_words)
{
    struct client client;
    be_reset_under_a_write(&client, true);
    cr_assert_eq(evbuffer_get_length(client.got), 2, "%s", client.why);
    cr_assert(strstr(client.why, ": connection reset by peer"), "%s", client.why);
    client_stop(&client);
}

Test(wire_data, times_of_reading_and_writing_move)
{
    struct server server;
    server_start(&server, serve_echo, NULL);
    struct client client;
    client_start(&client, (struct wire_settings){ .port = server.port });
    const uint64_t born_ms = wire_last_read_ms(client.wire);
    client_run(&client, until_open);
    while (loop_now_ms(client.loop) <= born_ms) {
    }
    say(&client, "x", 1);
    client_run(&client, until_one_piece);
    cr_assert_gt(wire_last_read_ms(client.wire), born_ms);
    cr_assert_gt(wire_last_write_ms(client.wire), born_ms);
    client_stop(&client);
    server_stop(&server);
}

static void serve_burst_then_pause(struct server *server, int fd)
{
    struct gate *gate = server->data;
    static const char burst[200000];
    char byte;
    send_all(fd, burst, sizeof burst);
    if (read(gate->pipe[0], &byte, 1) == 1) send_all(fd, &byte, 1);
    receive_to_end(fd);
}

/* A client of a server that says 200,000 bytes, and one more when it is let through the gate. */
struct busy {
    struct gate gate;
    struct server server;
    struct client client;
};

static void busy_start(struct busy *busy, uint32_t rest_us)
{
    memset(busy, 0, sizeof *busy);
    cr_assert_eq(pipe(busy->gate.pipe), 0);
    server_start(&busy->server, serve_burst_then_pause, &busy->gate);
    client_start(&busy->client,
                 (struct wire_settings){ .port = busy->server.port, .rest_us = rest_us });
}

static void busy_hear(struct busy *busy, size_t bytes)
{
    busy->client.wanted_bytes = bytes;
    client_run(&busy->client, until_wanted);
}

static void busy_let_through(struct busy *busy)
{
    cr_assert_eq(write(busy->gate.pipe[1], "g", 1), 1);
}

static void busy_stop(struct busy *busy)
{
    client_stop(&busy->client);
    server_stop(&busy->server);
    close(busy->gate.pipe[0]);
    close(busy->gate.pipe[1]);
}

Test(wire_data, a_message_after_a_busy_time_is_read_too)
{
    struct busy busy;
    busy_start(&busy, 5000);
    busy_hear(&busy, 200000);
    busy_let_through(&busy);
    busy_hear(&busy, 200001);
    busy_stop(&busy);
}

Test(wire_data, a_busy_wire_rests)
{
    struct busy busy;
    busy_start(&busy, 60000000);
    busy_let_through(&busy);
    busy_hear(&busy, PACE_BUSY_BYTES);
    expect_no_piece(&busy.client);
    busy_stop(&busy);
}

Test(wire_data, a_wire_whose_owner_is_hungry_again_reads_on)
{
    const uint32_t rest_us = 1000000;
    struct busy busy;
    busy_start(&busy, rest_us);
    busy_let_through(&busy);
    wire_set_plenty(busy.client.wire, true);
    busy_hear(&busy, PACE_BUSY_BYTES);
    expect_no_piece(&busy.client);
    const uint64_t hungry_ms = loop_now_ms(busy.client.loop);
    wire_set_plenty(busy.client.wire, false);
    busy_hear(&busy, 200001);
    cr_assert_lt(loop_now_ms(busy.client.loop) - hungry_ms, (PACE_LONG_RESTS - 1) * rest_us / 1000);
    busy_stop(&busy);
}

static void free_in(enum moment moment, void (*serve)(struct server *, int), size_t bytes_to_say)
{
    struct gate gate = { 0 };
    cr_assert_eq(pipe(gate.pipe), 0);
    cr_assert_eq(write(gate.pipe[1], "g", 1), 1);
    struct server server;
    server_start(&server, serve, &gate);
    struct client client;
    client_start(&client, (struct wire_settings){ .port = server.port, .out_high_bytes = 1000 });
    client.frees_in = moment;
    char *bytes = memory_new(1, bytes_to_say);
    say(&client, bytes, bytes_to_say);
    free(bytes);
    client_run(&client, until_freed);
    client_stop(&client);
    server_stop(&server);
    close(gate.pipe[0]);
    close(gate.pipe[1]);
}

Test(wire_data, may_be_freed_in_every_callback)
{
    free_in(ON_OPEN, serve_echo, 10);
    free_in(ON_DATA, serve_echo, 10);
    free_in(ON_RELIEF, serve_behind_gate, BIG_BYTES);
    free_in(ON_CLOSE, serve_last_words, 100);
}
