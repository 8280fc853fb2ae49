/* SPDX-License-Identifier: Apache-2.0
 *
 * See survey.h. One connection, one try over all its addresses. */
#include "store/survey.h"

#include <stdio.h>

#include "base/check.h"

struct survey {
    struct loop *loop;
    const char *conninfo;
    uint32_t timeout_ms;
    const struct catalogue_target *targets;
    size_t n;
    struct store_connection *connection;
    struct catalogue *catalogue;
    enum exit_status exit;
    bool is_over;
    void (*on_word)(void *owner, enum store_word word, const char *text);
    void *owner;
};

static void end(struct survey *survey, enum exit_status exit)
{
    if (survey->is_over) return;
    survey->is_over = true;
    survey->exit = exit;
    loop_stop(survey->loop);
}

static bool on_server(void *own, const char **conninfo, struct status *status UNUSED)
{
    struct survey *survey = own;
    *conninfo = survey->conninfo;
    return true;
}

static void on_finding(void *own, bool is_warning, const char *text)
{
    struct survey *survey = own;
    survey->on_word(survey->owner, is_warning ? STORE_WARNS : STORE_DIFFERS, text);
}

static void on_end(void *own, enum catalogue_end how)
{
    struct survey *survey = own;
    survey->catalogue = NULL;
    if (how != CATALOGUE_LOST) end(survey, how == CATALOGUE_WELL ? EXIT_WELL : EXIT_CONFIG);
}

static void on_ready(void *own)
{
    struct survey *survey = own;
    const struct catalogue_events events = { on_finding, on_end, survey };
    char words[400];
    snprintf(words, sizeof words, "%s: connected", store_connection_server(survey->connection));
    survey->on_word(survey->owner, STORE_SAYS, words);
    if (catalogue_has_work(survey->targets, survey->n))
        survey->catalogue = catalogue_start(survey->connection, survey->targets, survey->n,
                                            survey->timeout_ms, &events);
    else
        end(survey, EXIT_WELL);
}

static void on_lost(void *own, const char *why, bool is_deployment)
{
    struct survey *survey = own;
    if (survey->is_over) return;
    survey->on_word(survey->owner, is_deployment ? STORE_DIFFERS : STORE_AWAY, why);
    end(survey, is_deployment ? EXIT_CONFIG : EXIT_UNREACHABLE);
}

enum exit_status store_survey(const char *conninfo, const struct store_settings *settings,
                              const struct catalogue_target *targets, size_t n,
                              void (*on_word)(void *, enum store_word, const char *), void *owner)
{
    struct survey survey = { .loop = loop_new(),
                             .conninfo = conninfo,
                             .timeout_ms = settings->timeout_ms,
                             .targets = targets,
                             .n = n,
                             .on_word = on_word,
                             .owner = owner };
    CHECK(survey.loop);
    const struct store_connection_settings each = { .name = settings->name,
                                                    .connect_ms = settings->connect_ms,
                                                    .timeout_ms = settings->timeout_ms,
                                                    .allow_async_commit =
                                                        settings->allow_async_commit };
    const struct store_connection_events events = { on_server, on_ready, on_lost, &survey };
    survey.connection = store_connection_new(survey.loop, &each, &events);
    loop_run(survey.loop);
    store_connection_free(survey.connection);
    if (survey.catalogue) catalogue_forget(survey.catalogue);
    loop_free(survey.loop);
    return survey.exit;
}
