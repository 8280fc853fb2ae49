/* SPDX-License-Identifier: Apache-2.0
 *
 * The test's own connection; see rabbit.h. */
#include "support/rabbit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_tcp_socket.h>
#endif

#define ANSWER_S 20
#define TRUST_MS 200

struct rabbit {
    amqp_connection_state_t connection;
    amqp_channel_t channel;
};

static bool is_well(struct rabbit *rabbit)
{
    return amqp_get_rpc_reply(rabbit->connection).reply_type == AMQP_RESPONSE_NORMAL;
}

static bool login(struct rabbit *rabbit, const char *url)
{
    struct amqp_connection_info info;
    const struct timeval answer = { .tv_sec = ANSWER_S };
    char *copy = strdup(url), root[] = "/";
    amqp_socket_t *socket = amqp_tcp_socket_new(rabbit->connection);
    bool is_in = amqp_parse_url(copy, &info) == AMQP_STATUS_OK && socket &&
                 amqp_socket_open_noblock(socket, info.host, info.port, &answer) == AMQP_STATUS_OK;
    if (is_in) {
        char *vhost = *info.vhost ? info.vhost : root;
        amqp_set_rpc_timeout(rabbit->connection, &answer);
        is_in = amqp_login(rabbit->connection, vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN,
                           info.user, info.password)
                    .reply_type == AMQP_RESPONSE_NORMAL;
    }
    free(copy);
    return is_in;
}

static bool open_channel(struct rabbit *rabbit)
{
    rabbit->channel++;
    amqp_channel_open(rabbit->connection, rabbit->channel);
    return is_well(rabbit);
}

struct rabbit *rabbit_open(const char *url)
{
    struct rabbit *rabbit = calloc(1, sizeof *rabbit);
    rabbit->connection = amqp_new_connection();
    if (login(rabbit, url) && open_channel(rabbit)) return rabbit;
    rabbit_close(rabbit);
    return NULL;
}

void rabbit_close(struct rabbit *rabbit)
{
    if (!rabbit) return;
    (void)amqp_connection_close(rabbit->connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(rabbit->connection);
    free(rabbit);
}

/* The channel is gone after a refusal. */
static bool answered(struct rabbit *rabbit)
{
    if (is_well(rabbit)) return true;
    amqp_maybe_release_buffers(rabbit->connection);
    if (!open_channel(rabbit)) fprintf(stderr, "the test's own connection to the broker is gone\n");
    return false;
}

static bool look_once(struct rabbit *rabbit, const char *queue, uint32_t *ready,
                      uint32_t *consumers)
{
    const amqp_queue_declare_ok_t *ok =
        amqp_queue_declare(rabbit->connection, rabbit->channel, amqp_cstring_bytes(queue), 1, 0, 0,
                           0, amqp_empty_table);
    *ready = ok ? ok->message_count : 0;
    *consumers = ok ? ok->consumer_count : 0;
    return answered(rabbit);
}

/* A quorum queue too busy to answer the broker within 250 ms is said to be empty and without
 * consumers: such an answer is believed only where it came sooner. */
bool rabbit_look(struct rabbit *rabbit, const char *queue, uint32_t *ready, uint32_t *consumers)
{
    const uint64_t deadline_ms = clock_now_ms() + ANSWER_S * 1000;
    uint32_t messages, readers;
    for (;;) {
        const uint64_t asked_ms = clock_now_ms();
        const bool is_there = look_once(rabbit, queue, &messages, &readers);
        const uint64_t now_ms = clock_now_ms();
        if (ready) *ready = messages;
        if (consumers) *consumers = readers;
        if (!is_there || messages || readers) return is_there;
        if (now_ms - asked_ms < TRUST_MS || now_ms > deadline_ms) return true;
    }
}

bool rabbit_exists(struct rabbit *rabbit, const char *queue)
{
    return rabbit_look(rabbit, queue, NULL, NULL);
}

uint32_t rabbit_ready(struct rabbit *rabbit, const char *queue)
{
    uint32_t ready;
    (void)rabbit_look(rabbit, queue, &ready, NULL);
    return ready;
}

static void add_text(amqp_table_t *table, const char *key, const char *value)
{
    amqp_table_entry_t *entry = &table->entries[table->num_entries++];
    entry->key = amqp_cstring_bytes(key);
    entry->value.kind = AMQP_FIELD_KIND_UTF8;
    entry->value.value.bytes = amqp_cstring_bytes(value);
}

static void add_number(amqp_table_t *table, const char *key, int value)
{
    amqp_table_entry_t *entry = &table->entries[table->num_entries++];
    entry->key = amqp_cstring_bytes(key);
    entry->value.kind = AMQP_FIELD_KIND_I32;
    entry->value.value.i32 = value;
}

static bool declare(struct rabbit *rabbit, const char *queue, const char *type, int limit,
                    bool dead, bool single_active)
{
    char dead_name[200];
    amqp_table_entry_t entries[8];
    amqp_table_t table = { 0, entries };
    snprintf(dead_name, sizeof dead_name, "%s.dead", queue);
    add_text(&table, "x-queue-type", type);
    if (limit) add_number(&table, "x-delivery-limit", limit);
    if (dead) {
        add_text(&table, "x-dead-letter-exchange", "");
        add_text(&table, "x-dead-letter-routing-key", dead_name);
        if (strcmp(type, "quorum") == 0)
            add_text(&table, "x-dead-letter-strategy", "at-least-once");
        add_text(&table, "x-overflow", "reject-publish");
    }
    if (single_active)
        entries[table.num_entries++] = (amqp_table_entry_t){
            .key = amqp_cstring_bytes("x-single-active-consumer"),
            .value = { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 },
        };
    amqp_queue_declare(rabbit->connection, rabbit->channel, amqp_cstring_bytes(queue), 0, 1, 0, 0,
                       table);
    return answered(rabbit);
}

bool rabbit_declare(struct rabbit *rabbit, const char *queue, const char *type, int limit,
                    bool dead)
{
    return declare(rabbit, queue, type, limit, dead, false);
}

bool rabbit_declare_single_active(struct rabbit *rabbit, const char *queue)
{
    return declare(rabbit, queue, "quorum", 100, true, true);
}

void rabbit_delete(struct rabbit *rabbit, const char *queue)
{
    amqp_queue_delete(rabbit->connection, rabbit->channel, amqp_cstring_bytes(queue), 0, 0);
    (void)answered(rabbit);
}

void rabbit_delete_exchange(struct rabbit *rabbit, const char *exchange)
{
    amqp_exchange_delete(rabbit->connection, rabbit->channel, amqp_cstring_bytes(exchange), 0);
    (void)answered(rabbit);
}

/* ---- letters --------------------------------------------------------------------------------- */

static void copy_bytes(char *out, size_t out_bytes, amqp_bytes_t bytes)
{
    snprintf(out, out_bytes, "%.*s", (int)bytes.len, (const char *)bytes.bytes);
}

static const amqp_field_value_t *find(const amqp_table_t *table, const char *key)
{
    for (int i = 0; i < table->num_entries; i++) {
        const amqp_bytes_t name = table->entries[i].key;
        if (name.len == strlen(key) && memcmp(name.bytes, key, name.len) == 0)
            return &table->entries[i].value;
    }
    return NULL;
}

static void read_death(const amqp_basic_properties_t *properties, struct letter *letter)
{
    if (!(properties->_flags & AMQP_BASIC_HEADERS_FLAG)) return;
    const amqp_field_value_t *deaths = find(&properties->headers, "x-death");
    if (!deaths || deaths->kind != AMQP_FIELD_KIND_ARRAY || !deaths->value.array.num_entries)
        return;
    const amqp_table_t *death = &deaths->value.array.entries[0].value.table;
    const amqp_field_value_t *reason = find(death, "reason"), *from = find(death, "queue");
    if (reason) copy_bytes(letter->reason, sizeof letter->reason, reason->value.bytes);
    if (from) copy_bytes(letter->from, sizeof letter->from, from->value.bytes);
}

static void read_ours(const amqp_basic_properties_t *properties, struct letter *letter)
{
    if (!(properties->_flags & AMQP_BASIC_HEADERS_FLAG)) return;
    const amqp_field_value_t *reason = find(&properties->headers, "x-warrener-reason");
    const amqp_field_value_t *detail = find(&properties->headers, "x-warrener-detail");
    if (reason) copy_bytes(letter->reason, sizeof letter->reason, reason->value.bytes);
    if (detail) copy_bytes(letter->detail, sizeof letter->detail, detail->value.bytes);
}

/* The queue's first message; false: it has none. */
static bool fetch(struct rabbit *rabbit, const char *queue, bool is_acked, amqp_message_t *message)
{
    const amqp_rpc_reply_t reply =
        amqp_basic_get(rabbit->connection, rabbit->channel, amqp_cstring_bytes(queue), is_acked);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) return answered(rabbit) && false;
    if (reply.reply.id != AMQP_BASIC_GET_OK_METHOD) return false;
    return amqp_read_message(rabbit->connection, rabbit->channel, message, 0).reply_type ==
           AMQP_RESPONSE_NORMAL;
}

bool rabbit_get(struct rabbit *rabbit, const char *queue, struct letter *letter)
{
    amqp_message_t message;
    *letter = (struct letter){ .body_bytes = 0 };
    if (!fetch(rabbit, queue, true, &message)) return false;
    copy_bytes(letter->id, sizeof letter->id, message.properties.message_id);
    copy_bytes(letter->body, sizeof letter->body, message.body);
    letter->body_bytes = message.body.len;
    read_death(&message.properties, letter);
    read_ours(&message.properties, letter);
    amqp_destroy_message(&message);
    amqp_maybe_release_buffers(rabbit->connection);
    return true;
}

bool rabbit_leave(struct rabbit *rabbit, const char *queue)
{
    amqp_message_t message;
    if (!fetch(rabbit, queue, false, &message)) return false;
    amqp_destroy_message(&message);
    (void)amqp_channel_close(rabbit->connection, rabbit->channel, AMQP_REPLY_SUCCESS);
    amqp_maybe_release_buffers(rabbit->connection);
    return open_channel(rabbit);
}
