/* SPDX-License-Identifier: Apache-2.0
 *
 * What was loaded is gone once its message is handled: what the handler made of it lies in the message's
 * own memory, wherever it went. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "unit/plugin/desk.h"

#define WORD "what was loaded"
#define KEY "42"

static const struct wr_column columns[] = {
    WR_COLUMN("v", WR_TEXT), WR_COLUMN("b", WR_BYTEA), WR_COLUMN("j", WR_JSONB), { 0 }
};
static const struct wr_sink sinks[] = { { .table = "t", .columns = columns }, { 0 } };
static const struct wr_loader loaders[] = { { .name = "words", .sql = "select 1" }, { 0 } };
static char wanted_key[] = KEY;

static void want(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self, (void)message;
    wr_want(job, 0, text_of(wanted_key));
    memset(wanted_key, 'x', sizeof wanted_key - 1); /* copied */
}

static enum wr_verdict use_everywhere(struct wr_job *job, UNUSED const struct wr_message *message)
{
    struct wr_text word;
    cr_expect_eq(wr_got(job, 0, text_of(KEY), &word, NULL), WR_FOUND);
    const struct wr_pair header = { .name = word, .text = word };
    wr_row(job, 0);
    wr_put_text(job, word);
    wr_put_text(job, word);
    wr_put_text(job, text_of("{}"));
    wr_cache_set(job, word, word, 5, 60);
    wr_publish(job, (struct wr_outgoing){ .exchange = word,
                                          .routing_key = word,
                                          .type = word,
                                          .body = word,
                                          .content_type = word,
                                          .message_id = word,
                                          .correlation_id = word,
                                          .reply_to = word,
                                          .headers = &header,
                                          .n_headers = 1 });
    wr_because(job, "%.*s", (int)word.len, word.at);
    wr_code(job, wr_cstr(job, word));
    return WR_DONE;
}

static void expect_value(const struct row *row, uint32_t *at)
{
    const struct row_value value = row_next_value(row, at);
    expect_text(text_from(value.at, (size_t)value.len), WORD);
}

static void expect_published(const struct wr_outgoing *message)
{
    expect_text(message->exchange, WORD);
    expect_text(message->routing_key, WORD);
    expect_text(message->type, WORD);
    expect_text(message->body, WORD);
    expect_text(message->content_type, WORD);
    expect_text(message->message_id, WORD);
    expect_text(message->correlation_id, WORD);
    expect_text(message->reply_to, WORD);
    expect_text(message->headers->name, WORD);
    expect_text(message->headers->text, WORD);
}

Test(lifetimes, nothing_that_was_loaded_is_needed_afterwards, .fini = desk_close)
{
    const struct effects *const effects = &desk.outcome.effects;
    struct wanted *wanted;
    uint32_t at = 0;
    desk_handler.sinks = sinks;
    desk_handler.loaders = loaders;
    desk_handler.prepare = want;
    desk_open(use_everywhere);
    cr_assert(job_prepare(desk.job, &desk.arena, &desk.message, desk.deadline_ms, &wanted,
                          &desk.outcome));
    expect_text(wanted->key, KEY);
    struct loaded *const loaded = malloc(sizeof *loaded);
    char *const word = malloc(sizeof WORD - 1);
    cr_assert(loaded && word);
    memcpy(word, WORD, sizeof WORD - 1);
    *loaded = (struct loaded){ .value = text_from(word, sizeof WORD - 1), .version = 1 };
    wanted->loaded = loaded;
    job_handle(desk.job, &desk.arena, &desk.message, desk.deadline_ms, wanted, &desk.outcome);
    memset(word, 'x', sizeof WORD - 1);
    free(word);
    free(loaded);
    cr_assert_eq(desk.outcome.verdict, WR_DONE, "%.*s", TEXT_ARGS(desk.outcome.reason));
    cr_assert(effects->n_rows == 1 && effects->n_caches == 1 && effects->n_publishes == 1);
    expect_value(effects->rows, &at);
    expect_value(effects->rows, &at);
    expect_text(effects->caches->key, WORD);
    expect_text(effects->caches->value, WORD);
    expect_published(&effects->publishes->message);
    expect_text(desk.outcome.reason, WORD);
    expect_text(desk.outcome.code, WORD);
}
