/* SPDX-License-Identifier: Apache-2.0
 *
 * Wires coming up, or not, and what is said then. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/stream.h"
#include "unit/net/support.h"

/* Runs a client to its end and compares the last words; "%u" in them is the port. */
static void expect_end(struct wire_settings settings, const char *words)
{
    struct client client;
    char wanted[1300];
    client_start(&client, settings);
    client_run(&client, until_closed);
    /* Literals of the tests alone come here as formats. */
    const char *port = strstr(words, "%u");
    cr_assert(port);
    snprintf(wanted, sizeof wanted, "%.*s%u%s", (int)(port - words), words, settings.port,
             port + 2);
    cr_assert_eq(strncmp(client.why, wanted, strlen(wanted)), 0, "%s", client.why);
    cr_assert_eq(client.closes, 1);
    cr_assert_eq(client.opens, 0);
    /* Dead, but not yet freed: nothing here does harm. */
    evbuffer_add(wire_out(client.wire), "x", 1);
    wire_touch(client.wire);
    wire_flush(client.wire);
    wire_hold(client.wire, true);
    wire_hold(client.wire, false);
    client_stop(&client);
}

Test(wire_connect, a_refusal_names_host_and_port)
{
    const uint16_t port = port_without_server();
    expect_end((struct wire_settings){ .port = port }, "127.0.0.1:%u: connection refused");
    expect_end((struct wire_settings){ .host = "two.test", .port = port },
               "two.test:%u: connection refused");
    expect_end((struct wire_settings){ .host = "::1", .port = port }, "[::1]:%u: ");
    expect_end((struct wire_settings){ .host = "name.invalid", .port = port },
               "name.invalid:%u: cannot resolve \"name.invalid\": ");
}

Test(wire_connect, silence_ends_with_the_deadline)
{
    struct silent_port silent;
    silent_port_open(&silent, 0);
    expect_end(
        (struct wire_settings){ .host = "127.0.0.2", .port = silent.port, .connect_ms = 200 },
        "127.0.0.2:%u: no answer within 200 ms");
    silent_port_close(&silent);
}

Test(wire_connect, silence_and_refusal_together_tell_of_both)
{
    struct silent_port silent;
    silent_port_open(&silent, port_without_server());
    struct client client;
    client_start(&client, (struct wire_settings){
                              .host = "two.test", .port = silent.port, .connect_ms = 1000 });
    client_run(&client, until_closed);
    char wanted[200];
    snprintf(wanted, sizeof wanted,
             "two.test:%u: no answer within 1 s (127.0.0.1:%u: connection refused)", silent.port,
             silent.port);
    cr_assert_str_eq(client.why, wanted);
    client_stop(&client);
    silent_port_close(&silent);
}

Test(wire_connect, a_resolver_that_hangs_ends_with_the_deadline)
{
    expect_end((struct wire_settings){ .host = "slow.test", .port = 1, .connect_ms = 100 },
               "slow.test:%u: cannot resolve \"slow.test\": no answer within 100 ms");
    names_let_go();
}

Test(wire_connect, another_address_is_tried_after_a_refusal)
{
    struct server server;
    server_start(&server, serve_echo, NULL);
    struct client client;
    client_start(&client, (struct wire_settings){ .host = "both.test", .port = server.port });
    client_run(&client, until_open);
    char peer[80];
    snprintf(peer, sizeof peer, "both.test (127.0.0.1:%u)", server.port);
    cr_assert_str_eq(wire_peer(client.wire), peer);
    client_stop(&client);
    server_stop(&server);
}

Test(wire_connect, another_address_is_tried_while_the_first_is_silent)
{
    struct server server;
    server_start(&server, serve_echo, NULL);
    struct silent_port silent;
    silent_port_open(&silent, server.port);
    struct client client;
    /* Half of the time is each one's share; the guard of 20 s shows that it was not all eaten. */
    client_start(&client, (struct wire_settings){
                              .host = "two.test", .port = server.port, .connect_ms = 600 });
    client_run(&client, until_open);
    cr_assert_eq(client.closes, 0);
    client_stop(&client);
    silent_port_close(&silent);
    server_stop(&server);
}

Test(wire_connect, the_peer_is_shown_once_where_the_host_is_its_address)
{
    struct server server;
    server_start(&server, serve_echo, NULL);
    struct client client;
    char peer[80];
    snprintf(peer, sizeof peer, "127.0.0.1:%u", server.port);
    client_start(&client, (struct wire_settings){ .port = server.port });
    cr_assert_str_eq(wire_peer(client.wire), peer);
    client_run(&client, until_open);
    cr_assert_str_eq(wire_peer(client.wire), peer);
    client_stop(&client);
    server_stop(&server);
}

static void hang_up(struct server *server, int fd)
{
    (void)server;
    (void)fd;
}

Test(wire_connect, accept_and_close_is_an_end_too)
{
    struct server server;
    server_start(&server, hang_up, NULL);
    struct client client;
    client_start(&client, (struct wire_settings){ .port = server.port });
    client_run(&client, until_closed);
    cr_assert_eq(client.opens, 1);
    cr_assert(strstr(client.why, ": closed by the server"), "%s", client.why);
    client_stop(&client);
    server_stop(&server);
}

/* What a connect to a free port of the ephemeral range becomes now and then. */
Test(wire_connect, a_socket_connected_to_itself_is_a_refusal)
{
    struct sockaddr_in self = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof self;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&self, bytes), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&self, &bytes), 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&self, bytes), 0);
    cr_assert_eq(stream_connect_error(fd), ECONNREFUSED);
    close(fd);
}

Test(wire_connect, freed_at_any_stage)
{
    struct server server;
    server_start(&server, serve_echo, NULL);
    struct silent_port silent;
    silent_port_open(&silent, 0);
    struct client client;
    client_start(&client, (struct wire_settings){ .host = "slow.test", .port = server.port });
    client_stop(&client); /* resolving */
    client_start(&client, (struct wire_settings){ .port = server.port });
    client_stop(&client); /* resolved */
    client_start(&client, (struct wire_settings){ .host = "127.0.0.2", .port = silent.port });
    client.until = until_closed;
    timer_arm_ms(&client.guard, 20);
    loop_run(client.loop); /* connecting */
    client_stop(&client);
    wire_free(NULL);
    names_let_go();
    silent_port_close(&silent);
    server_stop(&server);
}
