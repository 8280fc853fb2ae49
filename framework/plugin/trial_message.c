/* SPDX-License-Identifier: Apache-2.0
 *
 * What a trial lends a handler: see trial_parts.h. Freed memory is overwritten first, so that what was
 * kept is seen to be wrong where no sanitizer looks. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "plugin/headers.h"
#include "plugin/trial_parts.h"

enum { GONE = 0xdb };

static const size_t texts[] = {
#define TEXT(member) offsetof(struct wr_message, member)
    TEXT(body),           TEXT(id),          TEXT(type),         TEXT(queue),
    TEXT(exchange),       TEXT(routing_key), TEXT(content_type), TEXT(content_encoding),
    TEXT(correlation_id), TEXT(reply_to),    TEXT(app_id),       TEXT(user_id),
#undef TEXT
};
#define TEXTS (sizeof texts / sizeof *texts)

static struct wr_text *text_at(struct wr_message *message, size_t i)
{
    return (struct wr_text *)(void *)((char *)message + texts[i]);
}

static struct wr_text copy(struct wr_text text)
{
    char *const own = memory_new(1, text.len ? text.len : 1);
    if (text.len) memcpy(own, text.at, text.len);
    return text_from(own, text.len);
}

static void forget(void *memory, size_t bytes)
{
    memset(memory, GONE, bytes);
    __asm__ volatile("" : : "r"(memory) : "memory"); /* or the compiler leaves it out */
    free(memory);
}

static void forget_text(struct wr_text text)
{
    forget((void *)(uintptr_t)text.at, text.len);
}

struct job_message *trial_message_new(const struct wr_message *message, struct wr_text headers)
{
    struct job_message *const own = NEW(struct job_message);
    own->message = *message;
    own->headers = copy(headers);
    own->fault = text_of("");
    for (size_t i = 0; i < TEXTS; i++) {
        struct wr_text *const text = text_at(&own->message, i);
        *text = copy(text_from(text->at, text->at ? text->len : 0));
    }
    if (own->message.attempt == 0) own->message.attempt = 1;
    return own;
}

void trial_message_free(struct job_message *message)
{
    for (size_t i = 0; i < TEXTS; i++) forget_text(*text_at(&message->message, i));
    forget_text(message->headers);
    forget(message, sizeof *message);
}

/* ---- headers ---------------------------------------------------------------------------------------- */

struct wr_text trial_encode_headers(const struct wr_pair *headers, size_t n)
{
    const size_t bytes = headers_bytes("", headers, n);
    char *const encoded = memory_new(1, bytes + 1);
    (void)headers_write("", headers, n, encoded);
    return text_from(encoded, bytes);
}
