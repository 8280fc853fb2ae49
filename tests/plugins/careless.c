/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler that errs as authors do: its bodies say how. What it keeps lies in globals, where neither a
 * compiler nor a reader sees it. */
#include <stdlib.h>
#include <string.h>

#include <warrener/handler.h>

static struct wr_job *kept_job;
static struct wr_host *kept_host;
static struct wr_text kept_text;

static bool open_lane(struct wr_host *host, void **self)
{
    (void)self;
    kept_host = host;
    return wr_option(host, "undeclared") == NULL;
}

static bool is(struct wr_text text, const char *what)
{
    return strlen(what) == text.len && memcmp(text.at, what, text.len) == 0;
}

static enum wr_verdict handle(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    const struct wr_text body = message->body;
    if (is(body, "keep")) {
        kept_job = job;
        kept_text = message->id;
    } else if (is(body, "kept text")) {
        wr_because(job, "kept: %.*s", (int)kept_text.len, kept_text.at);
    } else if (is(body, "kept job")) {
        wr_because(kept_job, "once more"); /* the same job: nothing tells them apart */
    } else if (is(body, "kept host")) {
        wr_option(kept_host, "undeclared");
    } else if (is(body, "log")) {
        wr_log(job, WR_WARN, "it is %s\nby %d", "late", 7);
        wr_log(job, (enum wr_level)99, "of no level");
        wr_log(job, WR_DEBUG, "nobody asked");
    } else if (is(body, "crash")) {
        abort();
    }
    return WR_DONE;
}

static void close_lane(void *self)
{
    (void)self;
    if (kept_job) wr_count(kept_job, 0, 1);
}

WR_HANDLER(.name = "careless", .open = open_lane, .handle = handle, .close = close_lane);
