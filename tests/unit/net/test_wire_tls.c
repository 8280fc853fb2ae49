/* SPDX-License-Identifier: Apache-2.0
 *
 * Wires over TLS: whom they trust, what they say when they do not, and bytes both ways. */
#include <criterion/criterion.h>
#include <event2/buffer.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "unit/net/support_certs.h"

#define BIG_BYTES ((size_t)8 << 20)

static struct certs certs;
static struct server server;
static struct tls_server setup;
static struct client client;

static void begin(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the host does */
    certs_make(&certs);
}

static void finish(void)
{
    certs_remove(&certs);
}

TestSuite(wire_tls, .init = begin, .fini = finish);

static struct wire_settings trusting(const char *ca)
{
    static char ca_file[128];
    snprintf(ca_file, sizeof ca_file, "%s", certs_file(&certs, ca));
    return (struct wire_settings){ .host = "one.test",
                                   .use_tls = true,
                                   .tls = { .ca_file = ca_file, .verify = true } };
}

static void start(const char *cert, struct wire_settings settings)
{
    static char file[128];
    snprintf(file, sizeof file, "%s", certs_file(&certs, cert));
    setup.file = file;
    server_start(&server, serve_tls, &setup);
    settings.port = server.port;
    client_start(&client, settings);
}

static void stop(void)
{
    client_stop(&client);
    server_stop(&server);
}

static void expect_echo(void)
{
    evbuffer_add(wire_out(client.wire), "ping", 4);
    wire_touch(client.wire);
    client.wanted_bytes = 4;
    client_run(&client, until_wanted);
    cr_assert_eq(memcmp(evbuffer_pullup(client.got, -1), "ping", 4), 0);
}

/* The end comes with these words; "DIR" in them is the certificates' directory. */
static void expect_refusal(const char *cert, struct wire_settings settings, const char *words)
{
    char wanted[600] = "";
    const char *dir = strstr(words, "DIR");
    if (dir)
        snprintf(wanted, sizeof wanted, "%.*s%s%s", (int)(dir - words), words, certs.dir, dir + 3);
    start(cert, settings);
    client_run(&client, until_closed);
    cr_assert(strstr(client.why, dir ? wanted : words), "%s", client.why);
    cr_assert_eq(client.opens, 0);
    cr_assert_eq(client.closes, 1);
    stop();
}

Test(wire_tls, a_good_certificate_is_trusted_by_name_and_by_address)
{
    start("server", trusting("ca"));
    expect_echo();
    cr_assert_str_eq(setup.name_asked, "one.test");
    stop();
    cr_assert(setup.had_goodbye);

    struct wire_settings by_address = trusting("ca");
    by_address.host = "127.0.0.1";
    start("server", by_address);
    expect_echo();
    cr_assert_str_eq(setup.name_asked, "", "an address is no server name");
    stop();
}

Test(wire_tls, a_certificate_that_is_not_good_is_told_in_words)
{
    expect_refusal("server", trusting("other"),
                   "TLS: unable to get local issuer certificate (issuer CN=ca is not trusted by "
                   "DIR/other.pem)");
    expect_refusal("expired", trusting("ca"), "TLS: certificate has expired (subject CN=expired)");
    expect_refusal("elsewhere", trusting("ca"),
                   "TLS: host name mismatch: certificate is for a.example,b.example,10.0.0.7, not "
                   "one.test");
    struct wire_settings by_address = trusting("ca");
    by_address.host = "127.0.0.1";
    expect_refusal("elsewhere", by_address,
                   "TLS: host name mismatch: certificate is for a.example,b.example,10.0.0.7, not "
                   "127.0.0.1");
    struct wire_settings system = trusting("ca");
    system.tls.ca_file = NULL;
    expect_refusal("server", system, "is not trusted by the system's authorities");
}

Test(wire_tls, nothing_is_checked_when_told_so)
{
    struct wire_settings careless = trusting("other");
    careless.tls.verify = false;
    start("elsewhere", careless);
    expect_echo();
    stop();
}

Test(wire_tls, files_that_cannot_be_used_are_named)
{
    struct wire_settings settings = trusting("nowhere");
    expect_refusal("server", settings,
                   "TLS: cannot use the authorities (ca) in \"DIR/nowhere.pem\": No such file or "
                   "directory");
    settings = trusting("ca");
    settings.tls.cert_file = "/dev/null";
    expect_refusal("server", settings,
                   "TLS: cannot use the client certificate (cert) in \"/dev/null\": no start line");
    settings.tls.cert_file = certs_file(&certs, "client");
    settings.tls.key_file = certs_file(&certs, "server");
    expect_refusal("server", settings,
                   "TLS: the key in \"DIR/server.pem\" does not belong to the certificate in");
    settings.tls.key_file = "/dev/null";
    expect_refusal("server", settings, "TLS: cannot use the client key (key) in \"/dev/null\": ");
}

/* OpenSSL takes such a pair without a word, and then shows no certificate. */
Test(wire_tls, a_key_of_another_kind_is_told)
{
    char key_file[128];
    snprintf(key_file, sizeof key_file, "%s", certs_file(&certs, "rsa"));
    EVP_PKEY *key = EVP_RSA_gen(2048);
    FILE *file = fopen(key_file, "w");
    cr_assert(key && file);
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    EVP_PKEY_free(key);

    struct wire_settings settings = trusting("ca");
    settings.tls.cert_file = certs_file(&certs, "client");
    settings.tls.key_file = key_file;
    expect_refusal("server", settings,
                   "TLS: the key in \"DIR/rsa.pem\" does not belong to the certificate in");
    unlink(key_file);
}

Test(wire_tls, a_client_certificate_is_shown)
{
    char ca[128];
    snprintf(ca, sizeof ca, "%s", certs_file(&certs, "ca"));
    setup.client_ca = ca;
    struct wire_settings settings = trusting("ca");
    settings.tls.cert_file = settings.tls.key_file = certs_file(&certs, "client");
    start("server", settings);
    expect_echo();
    stop();

    settings.tls.key_file = NULL; /* in the same file */
    start("server", settings);
    expect_echo();
    stop();
}

/* TLS 1.3 servers refuse after the client thinks that all is well. */
Test(wire_tls, a_server_that_refuses_our_certificate_is_told_in_words)
{
    char ca[128];
    snprintf(ca, sizeof ca, "%s", certs_file(&certs, "ca"));
    setup.client_ca = ca;
    start("server", trusting("ca"));
    client_run(&client, until_closed);
    cr_assert(strstr(client.why, "certificate required"), "%s", client.why);
    stop();

    struct wire_settings settings = trusting("ca");
    settings.tls.cert_file = certs_file(&certs, "stranger");
    start("server", settings);
    client_run(&client, until_closed);
    cr_assert(strstr(client.why, "TLS: "), "%s", client.why);
    cr_assert(strstr(client.why, "alert unknown ca"), "%s", client.why);
    stop();
}

static void serve_plain_words(struct server *plain, int fd)
{
    (void)plain;
    send_all(fd, "AMQP\0\0\x9\x1", 8);
    receive_to_end(fd);
}

static void serve_hang_up(struct server *plain, int fd)
{
    (void)plain;
    char byte;
    (void)recv(fd, &byte, 1, 0);
    shutdown(fd, SHUT_WR);
    receive_to_end(fd);
}

static void expect_no_tls(void (*serve)(struct server *, int), const char *words)
{
    server_start(&server, serve, NULL);
    struct wire_settings settings = trusting("ca");
    settings.port = server.port;
    client_start(&client, settings);
    client_run(&client, until_closed);
    cr_assert(strstr(client.why, words), "%s", client.why);
    stop();
}

Test(wire_tls, a_server_without_tls_is_told_in_words)
{
    expect_no_tls(serve_plain_words, "TLS: the server does not speak TLS on this port");
    expect_no_tls(serve_hang_up, "TLS: the server hung up during the handshake");
}

Test(wire_tls, old_protocols_are_refused)
{
    setup.newest_version = TLS1_1_VERSION;
    expect_refusal("server", trusting("ca"), "TLS: ");
}

Test(wire_tls, a_handshake_that_hangs_ends_with_the_deadline)
{
    setup.says_nothing = true;
    struct wire_settings settings = trusting("ca");
    settings.connect_ms = 200;
    expect_refusal("server", settings, "TLS: no answer to the handshake within 200 ms");
}

static void echo_big(uint32_t rest_us)
{
    struct wire_settings settings = trusting("ca");
    settings.rest_us = rest_us;
    settings.out_high_bytes = 1 << 16;
    settings.write_stall_ms = 15000;
    start("server", settings);
    unsigned char *all = memory_new(1, BIG_BYTES);
    for (size_t i = 0; i < BIG_BYTES; i++) all[i] = pattern(i);
    /* In spans of all sizes, so that records are made of one and of many. */
    for (size_t at = 0, n; at < BIG_BYTES; at += n) {
        n = 1 + (at * 7919) % 40000;
        if (n > BIG_BYTES - at) n = BIG_BYTES - at;
        evbuffer_add_reference(wire_out(client.wire), all + at, n, NULL, NULL);
        wire_touch(client.wire);
    }
    client.wanted_bytes = BIG_BYTES;
    client_run(&client, until_wanted);
    cr_assert_eq(evbuffer_get_length(client.got), BIG_BYTES);
    cr_assert_eq(memcmp(evbuffer_pullup(client.got, -1), all, BIG_BYTES), 0);
    cr_assert_eq(client.reliefs, 1);
    stop();
    free(all);
}

Test(wire_tls, a_big_transfer_comes_back_unchanged)
{
    echo_big(0);
}

Test(wire_tls, a_big_transfer_comes_back_unchanged_with_rests)
{
    echo_big(3000);
}

/* In TLS 1.2 the first words may come with the end of the handshake, and be read with it. */
Test(wire_tls, a_server_that_speaks_first_is_heard)
{
    setup.speaks_first = true;
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    for (unsigned i = 0; i < 2; i++) {
        setup.newest_version = versions[i];
        start("server", trusting("ca"));
        client.wanted_bytes = 5;
        client_run(&client, until_wanted);
        cr_assert_eq(memcmp(evbuffer_pullup(client.got, -1), "hello", 5), 0);
        stop();
    }
}

/* A hold in the middle of records in hand, of which no readable event tells any more. */
static bool hold_at_each_piece(struct client *held)
{
    if (held->pieces && held->wire) wire_hold(held->wire, true);
    return held->pieces > 0 || until_wanted(held);
}

Test(wire_tls, a_held_wire_goes_on_with_what_is_in_hand)
{
    start("server", trusting("ca"));
    const size_t bytes = (size_t)1 << 20;
    char *all = memory_new(1, bytes);
    evbuffer_add(wire_out(client.wire), all, bytes);
    free(all);
    client.wanted_bytes = bytes;
    while (!until_wanted(&client)) {
        client.pieces = 0;
        client_run(&client, hold_at_each_piece);
        wire_hold(client.wire, false);
    }
    cr_assert_eq(evbuffer_get_length(client.got), bytes);
    stop();
}

/* Data and goodbye in one read: the data is offered, and where that frees the wire all is over. */
Test(wire_tls, may_be_freed_by_the_last_words)
{
    setup.speaks_first = setup.hangs_up = true;
    start("server", trusting("ca"));
    client.wanted_bytes = 5;
    client_run(&client, until_closed);
    cr_assert(until_wanted(&client));
    cr_assert(strstr(client.why, "closed by the server"), "%s", client.why);
    stop();
    start("server", trusting("ca"));
    client.frees_in = ON_DATA;
    client_run(&client, until_freed);
    cr_assert_eq(client.closes, 0);
    stop();
}

Test(wire_tls, may_be_freed_in_every_callback)
{
    static const enum moment moments[] = { ON_OPEN, ON_DATA, ON_RELIEF, ON_CLOSE };
    setup.speaks_first = true;
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        struct wire_settings settings = trusting(moments[i] == ON_CLOSE ? "other" : "ca");
        settings.out_high_bytes = 1;
        start("server", settings);
        client.frees_in = moments[i];
        evbuffer_add(wire_out(client.wire), "1234567890", 10);
        client_run(&client, until_freed);
        stop();
    }
}
