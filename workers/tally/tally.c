/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts messages by a field of their JSON body. The smallest useful handler: an option, counters, a
 * state for each lane, and one decision. */
#include <stdlib.h>
#include <string.h>

#include <warrener/handler.h>

static const struct wr_option options[] = {
    { "field", "kind", "the JSON field that messages are counted by" },
    { 0 },
};

/* Seen as warrener_handler_login_ok_total and so on; the last takes whatever has no counter. */
static const struct wr_counter counters[] = {
    { "login_ok", "people who logged in" },
    { "login_failed", "attempts to log in that failed" },
    { "logout", "people who logged out" },
    { "other", "messages of any other kind" },
    { 0 },
};
enum { OTHER = 3 };

struct tally {
    const char *field;
};

/* Called once in each lane: what is made here belongs to that lane alone, so nothing needs a lock. */
static bool tally_open(struct wr_host *host, void **self)
{
    struct tally *tally = malloc(sizeof *tally);
    if (!tally) return false;
    tally->field = wr_option(host, "field");
    *self = tally;
    return true;
}

static bool is(struct wr_text text, const char *name)
{
    return strlen(name) == text.len && memcmp(name, text.at, text.len) == 0;
}

static unsigned counter_of(struct wr_text kind)
{
    unsigned i = 0;
    while (i < OTHER && !is(kind, counters[i].name)) i++;
    return i;
}

/* Errors are sticky: where the body is not JSON, or the field is missing or no text, the message has
 * failed already and its reason is known; `kind` is "" then. */
static enum wr_verdict tally_handle(void *self, struct wr_job *job,
                                    const struct wr_message *message)
{
    const struct tally *tally = self;
    const struct wr_text kind = wr_json_text(job, tally->field);
    (void)message;
    if (kind.len == 0) {
        wr_because(job, "field \"%s\" is empty", tally->field);
        return WR_REJECT;
    }
    wr_count(job, counter_of(kind), 1);
    return WR_DONE;
}

WR_HANDLER(.name = "tally", .version = "1.0", .about = "counts messages by a field of their body",
           .options = options, .counters = counters, .open = tally_open, .handle = tally_handle,
           .close = free);
