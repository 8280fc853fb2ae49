/* SPDX-License-Identifier: Apache-2.0
 *
 * The desk; see desk.h. */
#include "unit/plugin/desk.h"

#include <criterion/criterion.h>

struct desk desk;
struct wr_handler desk_handler;
static desk_act *what;

static enum wr_verdict handle(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    return what(job, message);
}

void desk_open(desk_act *act)
{
    static const struct wr_text none = { "", 0 };
    struct wr_message *const message = &desk.message.message;
    struct wr_text *const texts[] = {
        &message->body,           &message->id,
        &message->type,           &message->queue,
        &message->exchange,       &message->routing_key,
        &message->content_type,   &message->content_encoding,
        &message->correlation_id, &message->reply_to,
        &message->app_id,         &message->user_id,
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) *texts[i] = none;
    desk.message.headers = none;
    message->attempt = 1;
    what = act;
    if (!desk_handler.name) desk_handler.name = "desk";
    desk_handler.handle = handle;
    desk.settings.handler = &desk_handler;
    desk.settings.queue = "login.events";
    desk.deadline_ms = UINT64_MAX;
    arena_init(&desk.arena, desk.space, sizeof desk.space);
    desk.job = job_new(&desk.settings);
}

void desk_close(void)
{
    job_free(desk.job);
    arena_reset(&desk.arena);
}

enum wr_verdict desk_run(desk_act *act)
{
    if (act) what = act;
    arena_reset(&desk.arena);
    job_run(desk.job, &desk.arena, &desk.message, desk.deadline_ms, &desk.outcome);
    return desk.outcome.verdict;
}

enum wr_verdict desk_run_body(desk_act *act, const char *body)
{
    desk.message.message.body = text_of(body);
    return desk_run(act);
}

void desk_expect_rejected(const char *reason)
{
    cr_expect_eq(desk.outcome.verdict, WR_REJECT);
    expect_text(desk.outcome.reason, reason);
}
