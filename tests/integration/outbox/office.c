/* SPDX-License-Identifier: Apache-2.0
 *
 * The post office; see office.h. */
#include "integration/outbox/office.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "support/broker_verbs.h"

#if __has_include(<rabbitmq-c/tcp_socket.h>)
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp_tcp_socket.h>
#endif

#define ID_BYTES 80
#define PATIENCE_S 60

struct office {
    amqp_connection_state_t connection;
};

static void expect_well(const struct office *office, const char *what)
{
    cr_assert(amqp_get_rpc_reply(office->connection).reply_type == AMQP_RESPONSE_NORMAL, "%s",
              what);
}

struct office *office_open(const char *user)
{
    struct amqp_connection_info info;
    const struct timeval answer = { .tv_sec = 20 };
    struct office *office = calloc(1, sizeof *office);
    char *url = strdup(getenv("AMQP_URL"));
    cr_assert(amqp_parse_url(url, &info) == AMQP_STATUS_OK);
    if (user) info.user = info.password = (char *)(uintptr_t)user;
    office->connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(office->connection);
    cr_assert(amqp_socket_open_noblock(socket, info.host, info.port, &answer) == AMQP_STATUS_OK);
    const amqp_rpc_reply_t reply =
        amqp_login(office->connection, *info.vhost ? info.vhost : "/", 0, 131072, 0,
                   AMQP_SASL_METHOD_PLAIN, info.user, info.password);
    cr_assert(reply.reply_type == AMQP_RESPONSE_NORMAL, "%s may not log in", info.user);
    free(url);
    amqp_channel_open(office->connection, 1);
    expect_well(office, "no channel");
    amqp_confirm_select(office->connection, 1);
    expect_well(office, "no confirms");
    return office;
}

void office_close(struct office *office)
{
    (void)amqp_connection_close(office->connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(office->connection);
    free(office);
}

void office_send(struct office *office, const char *exchange, const char *key,
                 amqp_basic_properties_t *properties, const char *body)
{
    amqp_frame_t frame;
    properties->_flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties->delivery_mode = 1;
    cr_assert(amqp_basic_publish(office->connection, 1, amqp_cstring_bytes(exchange),
                                 amqp_cstring_bytes(key), 0, 0, properties,
                                 amqp_cstring_bytes(body)) == AMQP_STATUS_OK);
    cr_assert(amqp_simple_wait_frame(office->connection, &frame) == AMQP_STATUS_OK);
    cr_assert(frame.frame_type == AMQP_FRAME_METHOD &&
              frame.payload.method.id == AMQP_BASIC_ACK_METHOD);
    amqp_maybe_release_buffers(office->connection);
}

void office_bind(struct office *office, const char *queue, const char *exchange, const char *key)
{
    amqp_queue_bind(office->connection, 1, amqp_cstring_bytes(queue), amqp_cstring_bytes(exchange),
                    amqp_cstring_bytes(key), amqp_empty_table);
    expect_well(office, "no binding");
}

bool office_get(struct office *office, const char *queue, amqp_message_t *message)
{
    const amqp_rpc_reply_t reply =
        amqp_basic_get(office->connection, 1, amqp_cstring_bytes(queue), 1);
    cr_assert(reply.reply_type == AMQP_RESPONSE_NORMAL, "queue %s cannot be read", queue);
    if (reply.reply.id != AMQP_BASIC_GET_OK_METHOD) return false;
    cr_assert(amqp_read_message(office->connection, 1, message, 0).reply_type ==
              AMQP_RESPONSE_NORMAL);
    return true;
}

void office_drop(amqp_message_t *message)
{
    amqp_destroy_message(message);
}

const char *office_text(amqp_bytes_t bytes)
{
    static char texts[8][2048];
    static unsigned next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof texts[0], "%.*s", (int)bytes.len, (const char *)bytes.bytes);
    return text;
}

const amqp_field_value_t *office_find(const amqp_message_t *message, const char *name)
{
    const amqp_table_t *headers = &message->properties.headers;
    if (!(message->properties._flags & AMQP_BASIC_HEADERS_FLAG)) return NULL;
    for (int i = 0; i < headers->num_entries; i++) {
        const amqp_bytes_t key = headers->entries[i].key;
        if (key.len == strlen(name) && memcmp(key.bytes, name, key.len) == 0)
            return &headers->entries[i].value;
    }
    return NULL;
}

const char *office_header(const amqp_message_t *message, const char *name)
{
    const amqp_field_value_t *value = office_find(message, name);
    return value && value->kind == AMQP_FIELD_KIND_UTF8 ? office_text(value->value.bytes) : "";
}

int64_t office_number(const amqp_message_t *message, const char *name)
{
    const amqp_field_value_t *value = office_find(message, name);
    return value && value->kind == AMQP_FIELD_KIND_I64 ? value->value.i64 : INT64_MIN;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

struct ids {
    char (*at)[ID_BYTES];
    uint32_t n;
};

static void note_id(struct ids *ids, const amqp_message_t *message)
{
    if ((ids->n & (ids->n - 1)) == 0) {
        char(*more)[ID_BYTES] = realloc(ids->at, (ids->n ? ids->n * 2 : 1) * sizeof *ids->at);
        cr_assert(more);
        ids->at = more;
    }
    snprintf(ids->at[ids->n++], ID_BYTES, "%s", office_text(message->properties.message_id));
}

static void take_one(struct office *office, struct ids *ids)
{
    const struct timeval patience = { .tv_sec = PATIENCE_S };
    amqp_envelope_t envelope;
    const amqp_rpc_reply_t reply =
        amqp_consume_message(office->connection, &envelope, &patience, 0);
    cr_assert(reply.reply_type == AMQP_RESPONSE_NORMAL, "after %u no more messages come", ids->n);
    note_id(ids, &envelope.message);
    amqp_destroy_envelope(&envelope);
    amqp_maybe_release_buffers(office->connection);
}

/* What is there now, by a consumer: many times as fast as one by one. */
static void take_ready(struct office *office, const char *queue, struct ids *ids)
{
    const amqp_bytes_t name = amqp_cstring_bytes(queue), tag = amqp_cstring_bytes("office");
    const amqp_queue_declare_ok_t *ok =
        amqp_queue_declare(office->connection, 1, name, 1, 0, 0, 0, amqp_empty_table);
    expect_well(office, queue);
    const uint32_t ready = ok->message_count;
    if (!ready) return;
    amqp_basic_consume(office->connection, 1, name, tag, 0, 1, 0, amqp_empty_table);
    expect_well(office, "no consumer");
    for (uint32_t i = 0; i < ready; i++) take_one(office, ids);
    amqp_basic_cancel(office->connection, 1, tag);
    expect_well(office, "the consumer cannot be cancelled");
    while (amqp_frames_enqueued(office->connection)) take_one(office, ids);
}

uint32_t office_count_ids(struct office *office, const char *queue, uint32_t *messages)
{
    struct ids ids = { NULL, 0 };
    uint32_t different = 0;
    amqp_message_t message;
    for (take_ready(office, queue, &ids); office_get(office, queue, &message);
         take_ready(office, queue, &ids)) {
        note_id(&ids, &message);
        office_drop(&message);
    }
    if (ids.n) qsort(ids.at, ids.n, sizeof *ids.at, compare);
    for (uint32_t i = 0; i < ids.n; i++)
        different += i == 0 || strcmp(ids.at[i], ids.at[i - 1]) != 0;
    free(ids.at);
    if (messages) *messages = ids.n;
    return different;
}

void office_eval(const char *format, ...)
{
    char expression[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(expression, sizeof expression, format, args);
    va_end(args);
    broker_ctl("eval", expression);
}

/* Connections of other programs come and go meanwhile: one that logs in has no properties yet
 * (none), one that left cannot be asked. */
void office_cut(const char *connection_name)
{
    office_eval("[_ | _] = [rabbit_networking:close_connection(P, \"a test\") || "
                "P <- rabbit_networking:connections(), "
                "[{client_properties, C}] <- [catch rabbit_reader:info(P, [client_properties])], "
                "is_list(C), {<<\"connection_name\">>, longstr, <<\"%s\">>} <- C].",
                connection_name);
}
