/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler for tests that kill its host: all that a message can lead to, and always the same for the
 * same message, so that every id has one right end. Number n of an id "m<n>" decides: each 50th is
 * rejected; each 10th is tried again once, or twice; all others add 1 to their row, which is 1 then
 * and stays so, and publish a message to the queue named by the option `out`. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <warrener/handler.h>

static const struct wr_column columns[] = { WR_COLUMN("id", WR_TEXT),
                                            WR_COLUMN("n", WR_INT8, .merge = WR_SUM),
                                            { 0 } };
static const struct wr_sink sinks[] = {
    { .table = "told", .columns = columns, .key = "id", .on_conflict = WR_MERGE, .once = true },
    { 0 }
};
static const struct wr_option options[] = {
    { "out", NULL, "the queue that is told of what is done" },
    { 0 },
};

struct teller {
    struct wr_text out;
};

static bool teller_open(struct wr_host *host, void **self)
{
    struct teller *teller = malloc(sizeof *teller);
    if (!teller) return false;
    teller->out.at = wr_option(host, "out");
    teller->out.len = strlen(teller->out.at);
    *self = teller;
    return true;
}

static enum wr_verdict teller_handle(void *self, struct wr_job *job,
                                     const struct wr_message *message)
{
    const struct teller *teller = self;
    const char *id = wr_cstr(job, message->id);
    const unsigned long n = strtoul(id + (*id != '\0'), NULL, 10);
    const uint32_t tries = n % 10 == 1 ? 2 : n % 100 == 3 ? 3 : 1;
    nanosleep(&(struct timespec){ .tv_nsec = 500000 }, NULL);
    wr_because(job, "attempt %u of %u", message->attempt, tries);
    if (n % 50 == 0) return WR_REJECT;
    if (message->attempt < tries) return WR_RETRY;
    wr_row(job, 0);
    wr_put_text(job, message->id);
    wr_put_int(job, 1);
    const struct wr_outgoing outgoing = { .size = sizeof outgoing,
                                          .routing_key = teller->out,
                                          .message_id = message->id,
                                          .body = message->body };
    wr_publish(job, outgoing);
    return WR_DONE;
}

WR_HANDLER(.name = "teller", .version = "1.0", .about = "ends each message as its number says",
           .sinks = sinks, .options = options, .open = teller_open, .handle = teller_handle,
           .close = free);
