/* SPDX-License-Identifier: Apache-2.0
 *
 * See nasty.h. */
#include "integration/outbox/nasty.h"

#include <string.h>

amqp_table_entry_t nasty_text(const char *name, const char *text)
{
    amqp_table_entry_t entry = { .key = amqp_cstring_bytes(name) };
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes(text);
    return entry;
}

static amqp_table_entry_t number_entry(const char *name, int64_t number)
{
    return (amqp_table_entry_t){ .key = amqp_cstring_bytes(name),
                                 .value = { .kind = AMQP_FIELD_KIND_I64, .value.i64 = number } };
}

static amqp_table_entry_t list_entry(const char *name, amqp_field_value_t *one)
{
    return (amqp_table_entry_t){ .key = amqp_cstring_bytes(name),
                                 .value = { .kind = AMQP_FIELD_KIND_ARRAY,
                                            .value.array = { 1, one } } };
}

void nasty_send(const struct nasty *nasty)
{
    struct office *office = office_open(NASTY_USER);
    amqp_field_value_t copies = { .kind = AMQP_FIELD_KIND_UTF8,
                                  .value.bytes = amqp_cstring_bytes(nasty->cc) };
    amqp_table_entry_t death[] = { nasty_text("reason", "rejected"),
                                   nasty_text("queue", nasty->died), nasty_text("exchange", "") };
    amqp_field_value_t deaths = { .kind = AMQP_FIELD_KIND_TABLE, .value.table = { 3, death } };
    amqp_table_entry_t entries[] = {
        list_entry("CC", &copies),
        list_entry("x-death", &deaths),
        nasty_text("x-first-death-queue", nasty->died),
        nasty_text("x-last-death-reason", "rejected"),
        number_entry("x-delivery-count", 99),
        nasty_text("x-warrener-user-id", "root"), /* lies */
        nasty_text("x-warrener-exchange", "lie"),
        nasty_text("x-warrener-routing-key", "lie"),
        number_entry("x-warrener-attempt", nasty->attempt),
    };
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                  AMQP_BASIC_EXPIRATION_FLAG | AMQP_BASIC_USER_ID_FLAG,
        .headers = { sizeof entries / sizeof *entries, entries },
        .message_id = amqp_cstring_bytes(nasty->id),
        .expiration = amqp_cstring_bytes("600000"),
        .user_id = amqp_cstring_bytes(NASTY_USER),
    };
    office_send(office, "amq.topic", nasty->key, &properties, nasty->body);
    office_close(office);
}

void nasty_make_user(void)
{
    office_eval("catch rabbit_auth_backend_internal:add_user(<<\"" NASTY_USER "\">>, "
                "<<\"" NASTY_USER "\">>, <<\"test\">>), "
                "rabbit_auth_backend_internal:set_permissions(<<\"" NASTY_USER "\">>, "
                "<<\"/\">>, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"test\">>).");
}

bool nasty_is(const amqp_message_t *message, const char *header, const char *text)
{
    const char *found = office_header(message, header);
    if (strcmp(found, text) == 0) return true;
    fprintf(stderr, "%s is \"%s\", not \"%s\"\n", header, found, text);
    return false;
}
