/* SPDX-License-Identifier: Apache-2.0
 *
 * Coming in, being turned away, being thrown out, and leaving. */
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "integration/amqp/stage.h"

#define OPEN(name)                                                                                 \
    struct stage stage;                                                                            \
    if (!stage_open(&stage, name)) return
#define WAIT(condition) WAIT_ON(&stage, condition)

Test(connect, comes_in_and_leaves)
{
    OPEN("come");
    WAIT(stage.consume.readies == 1);
    cr_assert(amqp_connection_is_ready(stage.consume.connection));
    cr_assert(strncmp(amqp_connection_broker(stage.consume.connection), "RabbitMQ ", 9) == 0);
    cr_assert(strcmp(amqp_connection_server(stage.consume.connection), "amqp://the-broker") == 0);
    cr_assert(amqp_connection_reconnects(stage.consume.connection) == 0);
    line_close(&stage, &stage.consume);
    cr_assert(stage.consume.losses == 0);
    stage_close(&stage);
}

static void refuse(struct stage *stage, struct line *line)
{
    line_open(stage, line, "test/refused");
    WAIT_ON(stage, line->losses == 2); /* refused, and tried again all the same */
    cr_assert(line->is_refusal && line->readies == 0);
    cr_assert(strstr(line->why, "amqp://the-broker") == line->why, "%s", line->why);
}

Test(connect, a_wrong_password_is_told_without_the_password)
{
    OPEN("password");
    struct line line = { .server = stage.consume.server };
    line.server.password = "geheim-17";
    refuse(&stage, &line);
    cr_assert(strstr(line.why, "user 'guest'") && strstr(line.why, "ACCESS_REFUSED"), "%s",
              line.why);
    cr_assert(!strstr(line.why, "geheim-17"), "%s", line.why);
    line_close(&stage, &line);
    stage_close(&stage);
}

Test(connect, a_vhost_that_is_not_there_is_named)
{
    OPEN("vhost");
    struct line line = { .server = stage.consume.server };
    line.server.vhost = "nowhere";
    refuse(&stage, &line);
    cr_assert(strstr(line.why, "vhost 'nowhere'") && strstr(line.why, "add_vhost"), "%s", line.why);
    line_close(&stage, &line);
    stage_close(&stage);
}

Test(connect, a_closed_port_is_no_refusal_and_is_tried_again)
{
    OPEN("port");
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof at;
    int taken =
        socket(AF_INET, SOCK_STREAM, 0); /* bound and never listening: nobody answers there */
    cr_assert(bind(taken, (struct sockaddr *)&at, bytes) == 0);
    cr_assert(getsockname(taken, (struct sockaddr *)&at, &bytes) == 0);
    struct line line = { .server = stage.consume.server };
    line.server.port = ntohs(at.sin_port);
    line_open(&stage, &line, "test/nobody");
    WAIT(line.losses >= 3);
    cr_assert(!line.is_refusal && strstr(line.why, "refused"), "%s", line.why);
    line_close(&stage, &line);
    close(taken);
    stage_close(&stage);
}

/* Connections of other tests come and go meanwhile: one that logs in has no properties yet, one that
 * left cannot be asked. */
Test(connect, thrown_out_it_comes_back_and_its_consumer_too)
{
    OPEN("thrown");
    char name[64], throw[400];
    struct line line = { .server = stage.consume.server };
    snprintf(name, sizeof name, "test/thrown/%d", (int)getpid());
    line_close(&stage, &stage.consume);
    line_open(&stage, &line, name);
    stage.consume.connection = line.connection;
    struct ear *ear = ear_open(&stage, KEEPS, 10, 1000);
    WAIT(ear->subscribed == 1);
    stage_send(&stage, "m", WR_TEXT_OF("x"));
    WAIT(ear->whole == 1);

    snprintf(throw, sizeof throw,
             "[_] = [rabbit_networking:close_connection(P, \"by the test\") || "
             "P <- rabbit_networking:connections(), "
             "[{client_properties, C}] <- [catch rabbit_reader:info(P, [client_properties])], "
             "is_list(C), lists:member({<<\"connection_name\">>,longstr,<<\"%s\">>}, C)].",
             name);
    if (stage_broker_ctl("eval", throw)) {
        WAIT(line.losses == 1);
        cr_assert(strstr(line.why, "CONNECTION_FORCED") && strstr(line.why, "by the test"), "%s",
                  line.why);
        cr_assert(ear->unsubscribed == 1 && strcmp(ear->why, line.why) == 0);
        WAIT(ear->subscribed == 2 && ear->whole == 2);
        cr_assert(amqp_connection_reconnects(line.connection) == 1 && ear->heard[1].redelivered);
    }
    ear_close(ear);
    stage.consume.connection = NULL;
    line_close(&stage, &line);
    stage_close(&stage);
}

Test(connect, may_be_freed_at_any_moment)
{
    OPEN("free");
    for (int turns = 0; turns < 12; turns++) {
        struct line line = { .server = stage.consume.server };
        line_open(&stage, &line, "test/free");
        for (int i = 0; i < turns; i++) stage_turn(&stage);
        amqp_connection_free(line.connection);
    }
    stage_close(&stage);
}

/* ---- TLS ------------------------------------------------------------------------------------- */

static bool open_tls(struct stage *stage, struct line *line, char *ca_file, const char *ca)
{
    const char *dir = getenv("WARRENER_TEST_TLS_DIR");
    *line = (struct line){ 0 };
    if (!stage_server("AMQPS_URL", &line->server) || !dir) {
        fprintf(stderr, "passed over: AMQPS_URL and WARRENER_TEST_TLS_DIR are not set\n");
        return false;
    }
    snprintf(ca_file, 300, "%s/%s.pem", dir, ca);
    line->server.tls.ca_file = ca_file;
    (void)stage;
    return true;
}

Test(connect, speaks_tls)
{
    OPEN("tls");
    struct line line;
    char ca[300];
    if (open_tls(&stage, &line, ca, "ca")) {
        line_open(&stage, &line, "test/tls");
        WAIT(line.readies == 1);
        line_close(&stage, &line);
    }
    stage_close(&stage);
}

Test(connect, a_broker_of_an_unknown_authority_is_not_spoken_to)
{
    OPEN("authority");
    struct line line;
    char ca[300];
    if (open_tls(&stage, &line, ca, "stranger-ca")) {
        line_open(&stage, &line, "test/tls");
        WAIT(line.losses == 1);
        cr_assert(line.readies == 0 && strstr(line.why, "certificate"), "%s", line.why);
        line_close(&stage, &line);
    }
    stage_close(&stage);
}

Test(connect, a_certificate_says_who_we_are)
{
    OPEN("external");
    struct line line;
    char ca[300], cert[300], key[300];
    if (open_tls(&stage, &line, ca, "ca")) {
        snprintf(cert, sizeof cert, "%s/client.pem", getenv("WARRENER_TEST_TLS_DIR"));
        snprintf(key, sizeof key, "%s/client.key", getenv("WARRENER_TEST_TLS_DIR"));
        line.server.external = true;
        line.server.user = line.server.password = NULL;
        line_open(&stage, &line, "test/external");
        WAIT(line.losses == 1);
        cr_assert(line.readies == 0 && line.is_refusal, "without its certificate: %s", line.why);
        line.server.tls.cert_file = cert;
        line.server.tls.key_file = key;
        WAIT(line.readies == 1);
        line_close(&stage, &line);
    }
    stage_close(&stage);
}
