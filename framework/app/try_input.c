/* SPDX-License-Identifier: Apache-2.0
 *
 * A trial's messages; see try_input.h. A file given as one message is either in the form of a line (it
 * has a "body"), or, whatever it is, the body itself. */
#include "app/try_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/message_line.h"
#include "base/check.h"

void try_input_init(struct try_input *input)
{
    arena_init(&input->arena, NULL, 0);
}

void try_input_fini(struct try_input *input)
{
    if (input->is_open) line_source_close(&input->lines);
    arena_reset(&input->arena);
    free(input->text);
}

/* ---- properties ------------------------------------------------------------------------------------- */

static bool set_attempt(struct wr_message *message, struct wr_text value)
{
    int64_t number;
    if (!text_to_int(value, &number) || number < 1 || number > UINT32_MAX) return false;
    message->attempt = (uint32_t)number;
    return true;
}

static bool set_redelivered(struct wr_message *message, struct wr_text value)
{
    message->redelivered = text_is(value, "true");
    return message->redelivered || text_is(value, "false");
}

static bool set_queue(struct wr_message *message, struct wr_text value)
{
    message->queue = value;
    return true;
}

/* What messages have from the host, and files do not hold. */
static const struct host_property {
    const char *name;
    bool (*set)(struct wr_message *message, struct wr_text value);
    const char *expected;
} host_properties[] = {
    { "queue", set_queue, "" },
    { "attempt", set_attempt, "a whole number above 0" },
    { "redelivered", set_redelivered, "true or false" },
};

static const struct host_property *find_host_property(struct wr_text name)
{
    for (size_t i = 0; i < sizeof host_properties / sizeof *host_properties; i++)
        if (text_is(name, host_properties[i].name)) return &host_properties[i];
    return NULL;
}

static bool set_properties(struct try_input *input, struct amqp_outgoing *read,
                           struct wr_message *message, struct status *status)
{
    for (size_t i = 0; i < input->properties->n; i++) {
        struct wr_text name;
        const char *value;
        if (!command_split_pair("try", "--property", input->properties->at[i], &name, &value))
            return status_fail(status, EXIT_USAGE, "no message was tried");
        const struct host_property *const own = find_host_property(name);
        if (own && !own->set(message, text_of(value)))
            return status_fail(status, EXIT_USAGE, "--property %s: %s was expected",
                               input->properties->at[i], own->expected);
        struct status fault;
        if (!own && !message_line_set(read, name, text_of(value), &input->arena, &fault))
            return status_fail(status, EXIT_USAGE, "--property: %s", fault.text);
    }
    return true;
}

static bool fill(struct try_input *input, struct amqp_outgoing *read, struct try_message *message,
                 struct status *status)
{
    const struct wr_text none = { "", 0 };
    struct wr_message *const into = &message->message;
    *into = (struct wr_message){ .queue = none, .attempt = 1 };
    if (!set_properties(input, read, into, status)) return false;
    into->body = read->body;
    into->id = read->message_id;
    into->type = read->type;
    into->exchange = read->exchange;
    into->routing_key = read->routing_key;
    into->content_type = read->content_type;
    into->content_encoding = read->content_encoding;
    into->correlation_id = read->correlation_id;
    into->reply_to = read->reply_to;
    into->app_id = read->app_id;
    into->user_id = read->user_id;
    into->timestamp_ms = read->timestamp_ms;
    into->priority = read->priority;
    message->headers = read->headers;
    message->n_headers = read->n_headers;
    return true;
}

/* ---- a file of one message -------------------------------------------------------------------------- */

static bool read_file(struct try_input *input, struct wr_text *text, struct status *status)
{
    FILE *const file = fopen(input->message_file, "re");
    size_t room = 0, n = 0;
    if (!file) return status_fail(status, EXIT_USAGE, "%s: %m", input->message_file);
    do {
        room = room * 2 + 4096;
        input->text = memory_grow(input->text, room, 1);
        n += fread(input->text + n, 1, room - n, file);
    } while (n == room && n <= LINE_MOST_BYTES);
    const bool is_well = !ferror(file) && n <= LINE_MOST_BYTES;
    fclose(file);
    *text = text_from(input->text, n);
    return is_well || status_fail(status, EXIT_USAGE, "%s: it cannot be read, or has over 64 MiB",
                                  input->message_file);
}

static bool is_in_form(struct try_input *input, struct wr_text text)
{
    return json_open(&input->json, text) == JSON_OK &&
           json_kind(&input->json, "") == JSON_IS_OBJECT &&
           (json_has(&input->json, "body") || json_has(&input->json, "body64"));
}

static enum try_found take_file(struct try_input *input, struct try_message *message,
                                struct status *status)
{
    struct amqp_outgoing read;
    struct wr_text text = { "", 0 };
    struct status fault;
    if (!read_file(input, &text, status)) return TRY_FAULT;
    message->source = input->message_file;
    message->line = 1;
    message_line_clear(&read);
    if (!is_in_form(input, text)) {
        read.body = text;
    } else if (!message_line_read(text, &input->json, &input->arena, &read, &fault)) {
        status_fail(status, EXIT_USAGE, "%s: %s", input->message_file, fault.text);
        return TRY_FAULT;
    }
    input->message_file = NULL;
    return fill(input, &read, message, status) ? TRY_FOUND : TRY_FAULT;
}

/* ---- lines ------------------------------------------------------------------------------------------ */

static enum try_found take_line(struct try_input *input, struct try_message *message,
                                struct status *status)
{
    struct amqp_outgoing read;
    struct wr_text line;
    struct status fault;
    const enum line_found found = line_source_wait(&input->lines, &line, status);
    if (found != LINE_FOUND) return found == LINE_END ? TRY_END : TRY_FAULT;
    message->source = input->lines.name;
    message->line = input->lines.line;
    if (!message_line_read(line, &input->json, &input->arena, &read, &fault)) {
        status_fail(status, EXIT_USAGE, "%s:%llu: %s", message->source,
                    (unsigned long long)message->line, fault.text);
        return TRY_FAULT;
    }
    return fill(input, &read, message, status) ? TRY_FOUND : TRY_FAULT;
}

enum try_found try_input_next(struct try_input *input, struct try_message *message,
                              struct status *status)
{
    arena_reset(&input->arena);
    if (input->message_file) return take_file(input, message, status);
    if (!input->is_open && input->text && !input->lines_file) return TRY_END;
    if (!input->is_open && !line_source_open(&input->lines, input->lines_file, status))
        return TRY_FAULT;
    input->is_open = true;
    return take_line(input, message, status);
}
