/* SPDX-License-Identifier: Apache-2.0
 *
 * Cache entries and messages a handler asks for: checked at once, so that the fault is the message's
 * and not the broker's to find, and copied into the message's arena. */
#include <string.h>

#include "plugin/api.h"
#include "plugin/job_parts.h"

enum {
    SHORT_BYTES = 255,    /* AMQP's short strings */
    HEADER_BYTES = 65536, /* of all headers: they must fit in one frame */
    CACHE_KEY_BYTES = 1024,
};

/* ---- the cache -------------------------------------------------------------------------------------- */

static void add_cache(struct job *job, const char *function, struct effect_cache asked)
{
    const size_t key_bytes = given_text(asked.key).len;
    if (key_bytes == 0 || key_bytes > CACHE_KEY_BYTES) {
        job_fail(job, "%s: the key has %zu bytes, 1 to %d are allowed", function, key_bytes,
                 CACHE_KEY_BYTES);
        return;
    }
    struct effect_cache *const cache = job_take(job, 1, sizeof *cache);
    if (!cache) return;
    *cache = asked;
    job_copy(job, &cache->key);
    job_copy(job, &cache->value);
    *job->last_cache = cache;
    job->last_cache = &cache->next;
    job->effects.n_caches++;
}

void api_cache_set(struct wr_job *face, struct wr_text key, struct wr_text value, uint64_t version,
                   uint32_t ttl_s)
{
    struct job *const job = job_of(face);
    if (ttl_s == 0)
        job_fail(job, "wr_cache_set: a ttl of 0 seconds would keep the entry for ever; give one");
    else
        add_cache(job, "wr_cache_set",
                  (struct effect_cache){
                      .key = key, .value = value, .version = version, .ttl_s = ttl_s });
}

void api_cache_drop(struct wr_job *face, struct wr_text key, uint64_t version)
{
    add_cache(job_of(face), "wr_cache_drop",
              (struct effect_cache){ .key = key, .version = version, .is_drop = true });
}

/* ---- messages --------------------------------------------------------------------------------------- */

/* The texts of a message that are short strings in AMQP. */
static const struct short_text {
    const char *name;
    size_t offset;
} short_texts[] = {
    { "exchange", offsetof(struct wr_outgoing, exchange) },
    { "routing_key", offsetof(struct wr_outgoing, routing_key) },
    { "type", offsetof(struct wr_outgoing, type) },
    { "content_type", offsetof(struct wr_outgoing, content_type) },
    { "message_id", offsetof(struct wr_outgoing, message_id) },
    { "correlation_id", offsetof(struct wr_outgoing, correlation_id) },
    { "reply_to", offsetof(struct wr_outgoing, reply_to) },
};

static struct wr_text *text_at(struct wr_outgoing *message, const struct short_text *text)
{
    return (struct wr_text *)(void *)((char *)message + text->offset);
}

static bool copy_short_texts(struct job *job, const char *function, struct wr_outgoing *message)
{
    for (size_t i = 0; i < sizeof short_texts / sizeof *short_texts; i++) {
        struct wr_text *const text = text_at(message, &short_texts[i]);
        job_copy(job, text);
        if (text->len <= SHORT_BYTES) continue;
        job_fail(job, "%s: %s has %zu bytes, AMQP allows %d", function, short_texts[i].name,
                 text->len, SHORT_BYTES);
        return false;
    }
    return true;
}

/* False where AMQP could not carry it. */
static bool copy_header(struct job *job, const char *function, struct wr_pair *header)
{
    job_copy(job, &header->name);
    job_copy(job, &header->text);
    if (header->name.len == 0 || header->name.len > SHORT_BYTES)
        job_fail(job, "%s: a header's name has %zu bytes, 1 to %d are allowed", function,
                 header->name.len, SHORT_BYTES);
    else if ((unsigned)header->kind > WR_H_BOOL)
        job_fail(job, "%s: the header \"%.*s\" is of kind %d, which is none of wr_kind", function,
                 TEXT_ARGS(header->name), (int)header->kind);
    else
        return true;
    return false;
}

static bool copy_headers(struct job *job, const char *function, struct wr_outgoing *message)
{
    const struct wr_pair *const given = message->headers;
    const size_t n = given ? message->n_headers : 0;
    message->headers = NULL;
    message->n_headers = n;
    if (n == 0) return true;
    struct wr_pair *const headers = job_take(job, n, sizeof *headers);
    if (!headers) return false;
    memcpy(headers, given, n * sizeof *headers);
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        if (!copy_header(job, function, &headers[i])) return false;
        bytes += headers[i].name.len + headers[i].text.len + sizeof headers[i].number;
    }
    message->headers = headers;
    if (bytes <= HEADER_BYTES) return true;
    job_fail(job, "%s: the headers have %zu bytes, %d are allowed", function, bytes, HEADER_BYTES);
    return false;
}

/* The newest struct we know, from however much of it the handler was built with; NULL: it fails. */
static struct effect_publish *take_message(struct job *job, const char *function,
                                           const struct wr_outgoing *given)
{
    const size_t least =
        offsetof(struct wr_outgoing, always) + sizeof given->always; /* ABI 1.0's */
    if (given->size < least) {
        job_fail(job, "%s: the message says it has %u bytes, ABI 1.0 has %zu", function,
                 given->size, sizeof *given);
        return NULL;
    }
    struct effect_publish *const publish = job_take(job, 1, sizeof *publish);
    if (!publish) return NULL;
    *publish = (struct effect_publish){ 0 };
    memcpy(&publish->message, given, given->size < sizeof *given ? given->size : sizeof *given);
    publish->message.size = sizeof *given;
    return publish;
}

static void add_publish(struct job *job, const char *function, struct effect_publish *publish)
{
    struct wr_outgoing *const message = &publish->message;
    if (!copy_short_texts(job, function, message) || !copy_headers(job, function, message)) return;
    job_copy(job, &message->body);
    *job->last_publish = publish;
    job->last_publish = &publish->next;
    job->effects.n_publishes++;
}

void api_publish(struct wr_job *face, const struct wr_outgoing *message)
{
    struct job *const job = job_of(face);
    struct effect_publish *const publish = take_message(job, "wr_publish", message);
    if (publish) add_publish(job, "wr_publish", publish);
}

void api_reply(struct wr_job *face, const struct wr_outgoing *message)
{
    struct job *const job = job_of(face);
    const struct wr_message *const asked = &job->given->message;
    if (asked->reply_to.len == 0) {
        job_fail(job, "wr_reply: the message has no reply_to");
        return;
    }
    struct effect_publish *const publish = take_message(job, "wr_reply", message);
    if (!publish) return;
    publish->is_reply = true;
    publish->message.exchange = text_of("");
    publish->message.routing_key = asked->reply_to;
    publish->message.correlation_id = asked->correlation_id;
    add_publish(job, "wr_reply", publish);
}
