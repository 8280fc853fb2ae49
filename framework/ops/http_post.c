/* SPDX-License-Identifier: Apache-2.0
 *
 * See http_post.h. The connection is kept where the answer's length is known and all of the request was
 * written, otherwise it is closed as soon as the status is. */
#include "ops/http_post.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "net/wire.h"
#include "ops/http_parse.h"

struct http_post {
    struct loop *loop;
    char *host, *path, *headers;
    struct http_post_settings settings; /* its texts are those above */
    void (*on_answer)(void *owner, const struct http_answer *answer);
    void *owner;
    struct wire *wire; /* NULL: none */
    struct timer deadline;
    const char *body; /* of the request that is out */
    size_t body_bytes;
    bool is_out, is_written; /* written: not before the wire is open */
    bool is_open;
    uint64_t to_skip; /* of the last answer's body */
};

static void drop_wire(struct http_post *post)
{
    wire_free(post->wire);
    post->wire = NULL;
    post->is_open = false;
    post->to_skip = 0;
}

static void answer(struct http_post *post, int status, uint32_t retry_after, const char *why)
{
    const struct http_answer answer = { status, retry_after, why };
    post->is_out = false;
    timer_disarm(&post->deadline);
    post->on_answer(post->owner, &answer);
}

/* `why` may lie in the wire. */
static void fail(struct http_post *post, const char *why)
{
    char words[448];
    snprintf(words, sizeof words, "%s", why);
    drop_wire(post);
    if (post->is_out) answer(post, 0, 0, words);
}

static void on_deadline(void *own)
{
    struct http_post *const post = own;
    char words[400];
    snprintf(words, sizeof words, "%s:%u did not answer within %u ms", post->host,
             post->settings.port, post->settings.timeout_ms);
    fail(post, words);
}

/* ---- the answer ---------------------------------------------------------------------------------- */

struct head {
    int status;
    bool has_length, is_chunked, closes;
    uint64_t length;
    uint32_t retry_after;
};

static void read_header(struct head *head, struct wr_text name, struct wr_text value)
{
    int64_t number;
    const bool is_number = text_to_int(value, &number) && number >= 0;
    if (http_text_is(name, "content-length")) {
        head->has_length = is_number;
        head->length = is_number ? (uint64_t)number : 0;
    } else if (http_text_is(name, "transfer-encoding")) {
        head->is_chunked = true;
    } else if (http_text_is(name, "connection")) {
        head->closes |= http_text_is(value, "close");
    } else if (http_text_is(name, "retry-after")) {
        if (is_number && number < UINT32_MAX) head->retry_after = (uint32_t)number;
    }
}

/* Lenient: what is not understood is passed over; false where there is no status. */
static bool read_head(const char *at, size_t len, struct head *head)
{
    struct wr_text lines = { at, len }, line;
    *head = (struct head){ .status = 0 };
    if (len < 12 || memcmp(at, "HTTP/1.", 7) != 0 || at[8] != ' ') return false;
    for (int i = 9; i < 12; i++) {
        if (at[i] < '0' || at[i] > '9') return false;
        head->status = head->status * 10 + (at[i] - '0');
    }
    head->closes = at[7] == '0';
    while (http_next_item(&lines, '\n', &line)) {
        const char *const colon = memchr(line.at, ':', line.len);
        if (!colon) continue;
        const size_t name_len = (size_t)(colon - line.at);
        struct wr_text rest = { colon + 1, line.len - name_len - 1 };
        while (rest.len && (*rest.at == ' ' || *rest.at == '\t')) rest.at++, rest.len--;
        while (rest.len && (rest.at[rest.len - 1] == '\r' || rest.at[rest.len - 1] == ' '))
            rest.len--;
        read_header(head, text_from(line.at, name_len), rest);
    }
    if (head->status == 204 || head->status == 304) head->has_length = true;
    return true;
}

static void skip(struct http_post *post, struct evbuffer *in)
{
    const size_t n = evbuffer_get_length(in);
    const size_t gone = n < post->to_skip ? n : (size_t)post->to_skip;
    evbuffer_drain(in, gone);
    post->to_skip -= gone;
}

/* True: a head was taken, and there may be another. */
static bool take_head(struct http_post *post, struct evbuffer *in)
{
    char bytes[HTTP_HEAD_BYTES];
    const ev_ssize_t got = evbuffer_copyout(in, bytes, sizeof bytes);
    const char *const end = got > 0 ? memmem(bytes, (size_t)got, "\r\n\r\n", 4) : NULL;
    struct head head;
    if (!end) {
        if (got == (ev_ssize_t)sizeof bytes) fail(post, "the answer's head is too long");
        return false;
    }
    const size_t n = (size_t)(end - bytes) + 4;
    if (!post->is_out || !read_head(bytes, n, &head)) {
        fail(post, "what answers does not speak HTTP/1.1");
        return false;
    }
    evbuffer_drain(in, n);
    if (head.status < 200) return true;
    post->to_skip = head.length;
    skip(post, in);
    const bool is_early = wire_unsent_bytes(post->wire) > 0; /* the body is not ours any more */
    if (head.closes || head.is_chunked || !head.has_length || is_early) drop_wire(post);
    answer(post, head.status, head.retry_after, "");
    return false;
}

static void on_data(void *own, struct evbuffer *in)
{
    struct http_post *const post = own;
    skip(post, in);
    while (post->wire && evbuffer_get_length(in) && take_head(post, in)) continue;
}

static void on_close(void *own, const char *why)
{
    fail(own, why);
}

/* ---- the request --------------------------------------------------------------------------------- */

static void write_request(struct http_post *post)
{
    struct evbuffer *const out = wire_out(post->wire);
    const bool is_ipv6 = strchr(post->host, ':') != NULL;
    evbuffer_add_printf(out, "POST %s HTTP/1.1\r\nHost: %s%s%s:%u\r\n%sContent-Length: %zu\r\n\r\n",
                        post->path, is_ipv6 ? "[" : "", post->host, is_ipv6 ? "]" : "",
                        post->settings.port, post->headers, post->body_bytes);
    evbuffer_add_reference(out, post->body, post->body_bytes, NULL, NULL);
    post->is_written = true;
    wire_touch(post->wire);
}

static void on_open(void *own)
{
    struct http_post *const post = own;
    post->is_open = true;
    if (post->is_out && !post->is_written) write_request(post);
}

static void dial(struct http_post *post)
{
    static const struct wire_events events = {
        .on_open = on_open,
        .on_data = on_data,
        .on_close = on_close,
    };
    const struct wire_settings settings = {
        .host = post->host,
        .port = post->settings.port,
        .use_tls = post->settings.use_tls,
        .tls = post->settings.tls,
        .connect_ms = post->settings.timeout_ms,
    };
    post->wire = wire_new(post->loop, &settings, &events, post);
}

/* The unread rest of an answer's body would be taken for the next answer's beginning. */
void http_post_send(struct http_post *post, const char *body, size_t bytes)
{
    CHECK(!post->is_out);
    post->is_out = true;
    post->is_written = false;
    post->body = body;
    post->body_bytes = bytes;
    timer_arm_ms(&post->deadline, post->settings.timeout_ms);
    if (!post->wire)
        dial(post);
    else if (post->is_open)
        write_request(post);
}

bool http_post_is_out(const struct http_post *post)
{
    return post->is_out;
}

struct http_post *http_post_new(struct loop *loop, const struct http_post_settings *settings,
                                void (*on_answer)(void *owner, const struct http_answer *answer),
                                void *owner)
{
    struct http_post *const post = NEW(struct http_post);
    post->loop = loop;
    post->settings = *settings;
    post->host = memory_copy_text(settings->host);
    post->path = memory_copy_text(settings->path);
    post->headers = memory_copy_text(settings->headers);
    post->on_answer = on_answer;
    post->owner = owner;
    timer_init(&post->deadline, loop, on_deadline, post);
    return post;
}

void http_post_free(struct http_post *post)
{
    if (!post) return;
    drop_wire(post);
    timer_fini(&post->deadline);
    explicit_bzero(post->headers, strlen(post->headers));
    free(post->host);
    free(post->path);
    free(post->headers);
    free(post);
}
