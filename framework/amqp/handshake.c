/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said on channel 0 before a connection is ready. The broker's numbers are bounded by ours:
 * a frame_max of 0 means no limit there and ours here. */
#include "amqp/handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <warrener/version.h>

#include "base/arena.h"
#include "base/check.h"

#define CHANNEL_MOST 2047
#define ACCESS_REFUSED 403
#define NOT_ALLOWED 530

void handshake_init(struct handshake *handshake, const struct amqp_server *server, const char *name,
                    uint32_t heartbeat_s)
{
    *handshake = (struct handshake){
        .vhost = memory_copy_text(server->vhost ? server->vhost : "/"),
        .user = memory_copy_text(server->user ? server->user : ""),
        .password = memory_copy_text(server->password ? server->password : ""),
        .external = server->external,
        .name = name,
        .heartbeat_s = heartbeat_s,
        .frame_max = CODEC_FRAME_MOST,
    };
}

static void wipe_password(struct handshake *handshake)
{
    if (handshake->password) explicit_bzero(handshake->password, strlen(handshake->password));
}

void handshake_fini(struct handshake *handshake)
{
    wipe_password(handshake);
    free(handshake->vhost);
    free(handshake->user);
    free(handshake->password);
    handshake->vhost = handshake->user = handshake->password = NULL;
}

/* ---- Start ---------------------------------------------------------------------------------- */

static bool has_word(struct wr_text words, const char *word)
{
    size_t len = strlen(word);
    for (size_t at = 0; at + len <= words.len; at++) {
        bool begins = at == 0 || words.at[at - 1] == ' ';
        bool ends = at + len == words.len || words.at[at + len] == ' ';
        if (begins && ends && memcmp(words.at + at, word, len) == 0) return true;
    }
    return false;
}

static struct wr_text find_text(const amqp_table_t *table, const char *key)
{
    for (int i = 0; i < table->num_entries; i++) {
        const amqp_table_entry_t *entry = &table->entries[i];
        if (entry->value.kind == AMQP_FIELD_KIND_UTF8 && text_is(codec_text(entry->key), key))
            return codec_text(entry->value.value.bytes);
    }
    return text_of("");
}

static void note_broker(struct handshake *handshake, const amqp_table_t *properties)
{
    char product[48], version[48];
    (void)snprintf(handshake->broker, sizeof handshake->broker, "%s %s",
                   text_show(find_text(properties, "product"), product, sizeof product),
                   text_show(find_text(properties, "version"), version, sizeof version));
}

static amqp_table_entry_t text_entry(const char *key, const char *value)
{
    amqp_table_entry_t entry = { .key = codec_cstr(key) };
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = codec_cstr(value);
    return entry;
}

static void name_capabilities(amqp_table_entry_t *into, int *n)
{
    static const char *const names[] = {
        "consumer_cancel_notify", "connection.blocked",           "basic.nack",
        "publisher_confirms",     "authentication_failure_close", "exchange_exchange_bindings",
        "per_consumer_qos"
    };
    *n = (int)(sizeof names / sizeof *names);
    for (int i = 0; i < *n; i++) {
        into[i] = (amqp_table_entry_t){ .key = codec_cstr(names[i]) };
        into[i].value.kind = AMQP_FIELD_KIND_BOOLEAN;
        into[i].value.value.boolean = 1;
    }
}

/* PLAIN: NUL user NUL password. */
static amqp_bytes_t make_response(const struct handshake *handshake, struct arena *arena)
{
    if (handshake->external) return amqp_empty_bytes;
    size_t user = strlen(handshake->user), password = strlen(handshake->password);
    char *at = arena_take_bytes(arena, user + password + 2);
    at[0] = at[1 + user] = '\0';
    memcpy(at + 1, handshake->user, user);
    memcpy(at + 2 + user, handshake->password, password);
    return (amqp_bytes_t){ .len = user + password + 2, .bytes = at };
}

static bool answer_start(struct handshake *handshake, struct evbuffer *out)
{
    amqp_table_entry_t capabilities[8];
    int n_capabilities;
    name_capabilities(capabilities, &n_capabilities);
    amqp_table_entry_t entries[6] = {
        text_entry("product", "Warrener"),
        text_entry("version", WARRENER_VERSION),
        text_entry("platform", "C"),
        text_entry("information", "A worker host for RabbitMQ"),
        text_entry("connection_name", handshake->name),
        { .key = codec_cstr("capabilities") },
    };
    entries[5].value.kind = AMQP_FIELD_KIND_TABLE;
    entries[5].value.value.table =
        (amqp_table_t){ .num_entries = n_capabilities, .entries = capabilities };

    struct arena arena;
    char room[1024];
    arena_init(&arena, room, sizeof room);
    amqp_bytes_t response = make_response(handshake, &arena);
    amqp_connection_start_ok_t ok = {
        .client_properties = { .num_entries = 6, .entries = entries },
        .mechanism = codec_cstr(handshake->external ? "EXTERNAL" : "PLAIN"),
        .response = response,
        .locale = codec_cstr("en_US"),
    };
    bool encoded = codec_put_method(out, 0, AMQP_CONNECTION_START_OK_METHOD, &ok);
    if (response.len > 0) explicit_bzero(response.bytes, response.len);
    arena_reset(&arena);
    wipe_password(handshake);
    return encoded;
}

static enum handshake_result take_start(struct handshake *handshake,
                                        const amqp_connection_start_t *start, struct evbuffer *out,
                                        struct status *status)
{
    char shown[160];
    struct wr_text mechanisms = codec_text(start->mechanisms);
    if (start->version_major != 0 || start->version_minor != 9) {
        status_fail(status, EXIT_UNREACHABLE, "the server speaks AMQP %u-%u, not 0-9-1",
                    start->version_major, start->version_minor);
        return HANDSHAKE_REFUSED;
    }
    note_broker(handshake, &start->server_properties);
    if (!has_word(mechanisms, handshake->external ? "EXTERNAL" : "PLAIN")) {
        status_fail(status, EXIT_UNREACHABLE, "the broker offers the mechanisms %s, not %s: %s",
                    text_show(mechanisms, shown, sizeof shown),
                    handshake->external ? "EXTERNAL" : "PLAIN",
                    handshake->external
                        ? "enable its plugin rabbitmq_auth_mechanism_ssl, or use auth: plain"
                        : "add PLAIN to its auth_mechanisms, or use auth: external");
        return HANDSHAKE_REFUSED;
    }
    if (!answer_start(handshake, out)) {
        status_fail(status, EXIT_UNREACHABLE, "user and password are too long to be sent");
        return HANDSHAKE_REFUSED;
    }
    handshake->step = STEP_TUNE;
    return HANDSHAKE_GOES_ON;
}

/* ---- Tune and Open -------------------------------------------------------------------------- */

/* 0 means no limit on either side. */
static uint32_t lesser(uint32_t ours, uint32_t theirs)
{
    return theirs != 0 && theirs < ours ? theirs : ours;
}

static enum handshake_result take_tune(struct handshake *handshake,
                                       const amqp_connection_tune_t *tune, struct evbuffer *out,
                                       struct status *status)
{
    if (tune->frame_max != 0 && tune->frame_max < CODEC_FRAME_LEAST) {
        status_fail(status, EXIT_UNREACHABLE,
                    "the broker wants frames of at most %u bytes; AMQP allows no limit below %u",
                    tune->frame_max, CODEC_FRAME_LEAST);
        return HANDSHAKE_FAILED;
    }
    handshake->frame_max = lesser(CODEC_FRAME_MOST, tune->frame_max);
    handshake->channel_max = (uint16_t)lesser(CHANNEL_MOST, tune->channel_max);
    if (handshake->heartbeat_s > UINT16_MAX) handshake->heartbeat_s = UINT16_MAX;
    if (handshake->heartbeat_s > 0)
        handshake->heartbeat_s = lesser(handshake->heartbeat_s, tune->heartbeat);

    amqp_connection_tune_ok_t ok = { .channel_max = handshake->channel_max,
                                     .frame_max = handshake->frame_max,
                                     .heartbeat = (uint16_t)handshake->heartbeat_s };
    bool encoded = codec_put_method(out, 0, AMQP_CONNECTION_TUNE_OK_METHOD, &ok);
    CHECK(encoded);
    amqp_connection_open_t open = { .virtual_host = codec_cstr(handshake->vhost),
                                    .capabilities = amqp_empty_bytes };
    if (!codec_put_method(out, 0, AMQP_CONNECTION_OPEN_METHOD, &open)) {
        status_fail(status, EXIT_UNREACHABLE, "the vhost's name has more than 255 bytes");
        return HANDSHAKE_REFUSED;
    }
    handshake->step = STEP_OPEN;
    return HANDSHAKE_GOES_ON;
}

static const char *who(const struct handshake *handshake, char *out, size_t out_bytes)
{
    char shown[128];
    if (handshake->external) {
        (void)snprintf(out, out_bytes, "the client certificate's user");
    } else {
        (void)snprintf(out, out_bytes, "user '%s'",
                       text_show(text_of(handshake->user), shown, sizeof shown));
    }
    return out;
}

static enum handshake_result take_close(struct handshake *handshake,
                                        const amqp_connection_close_t *close, struct evbuffer *out,
                                        struct status *status)
{
    char words[320], user[160], vhost[160];
    text_show(codec_text(close->reply_text), words, sizeof words);
    who(handshake, user, sizeof user);
    text_show(text_of(handshake->vhost), vhost, sizeof vhost);
    amqp_connection_close_ok_t ok = { 0 };
    bool encoded = codec_put_method(out, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
    CHECK(encoded);
    if (handshake->step == STEP_TUNE && close->reply_code == ACCESS_REFUSED) {
        status_fail(status, EXIT_UNREACHABLE,
                    "the broker does not let %s in: check user and password (%s)", user, words);
        return HANDSHAKE_REFUSED;
    }
    if (handshake->step == STEP_OPEN &&
        (close->reply_code == NOT_ALLOWED || close->reply_code == ACCESS_REFUSED)) {
        status_fail(status, EXIT_UNREACHABLE,
                    "vhost '%s' is not open to %s (%s): rabbitmqctl add_vhost makes it, "
                    "rabbitmqctl set_permissions lets the user in",
                    vhost, user, words);
        return HANDSHAKE_REFUSED;
    }
    status_fail(status, EXIT_UNREACHABLE, "the broker closed the connection: %u %s",
                close->reply_code, words);
    return HANDSHAKE_FAILED;
}

enum handshake_result handshake_take(struct handshake *handshake, amqp_method_number_t method,
                                     void *decoded, struct evbuffer *out, struct status *status)
{
    if (method == AMQP_CONNECTION_CLOSE_METHOD) return take_close(handshake, decoded, out, status);
    if (method == AMQP_CONNECTION_START_METHOD && handshake->step == STEP_START)
        return take_start(handshake, decoded, out, status);
    if (method == AMQP_CONNECTION_TUNE_METHOD && handshake->step == STEP_TUNE)
        return take_tune(handshake, decoded, out, status);
    if (method == AMQP_CONNECTION_OPEN_OK_METHOD && handshake->step == STEP_OPEN)
        return HANDSHAKE_DONE;
    if (method == AMQP_CONNECTION_SECURE_METHOD) {
        status_fail(status, EXIT_UNREACHABLE,
                    "the broker asks %s for a further secret, which %s has not",
                    handshake->external ? "EXTERNAL" : "PLAIN",
                    handshake->external ? "a certificate" : "a password");
        return HANDSHAKE_REFUSED;
    }
    status_fail(status, EXIT_UNREACHABLE, "the broker sent %s in the middle of the handshake",
                amqp_method_name(method));
    return HANDSHAKE_FAILED;
}

void handshake_explain(const struct handshake *handshake, const char *why, struct status *status)
{
    static const char *const steps[] = {
        [STEP_START] = "before a word of AMQP was said",
        [STEP_TUNE] = "while logging in: the broker may have refused user and password so",
        [STEP_OPEN] = "while entering the vhost",
    };
    status_fail(status, EXIT_UNREACHABLE, "%s (%s)", why, steps[handshake->step]);
}
