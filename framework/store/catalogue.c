/* SPDX-License-Identifier: Apache-2.0
 *
 * See catalogue.h. After the questions whose answers make good words, PostgreSQL itself judges: it is
 * asked to EXPLAIN the very statements, which checks types, arbiters and privileges, and does nothing. */
#include "store/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/answer.h"
#include "store/catalogue_words.h"

#define OID_TEXT 25u

/* What is asked about each sink, each in a transaction of its own: an error ends one. */
enum topic { FACTS, INBOX, UPSERT, ERASE, RECALL, HOLD, TOPICS };

struct catalogue {
    struct store_connection *connection;
    const struct catalogue_target *targets;
    size_t n;
    uint32_t timeout_ms;
    struct catalogue_events events;
    size_t target, subject; /* that is looked at: its sinks first, then its loaders */
    enum topic topic;
    struct parcel_step steps[CATALOGUE_QUESTIONS];
    size_t n_steps;
    char *literals[CATALOGUE_VALUES - 1];
    const char *values[SINK_VALUES_MOST];
    int lengths[SINK_VALUES_MOST];
    char *explain;                          /* the statement of now */
    bool differs, sink_differs, is_missing; /* the table of now */
};

static const uint32_t text_types[CATALOGUE_VALUES] = { OID_TEXT, OID_TEXT, OID_TEXT, OID_TEXT };

static size_t count_subjects(const struct catalogue_target *target)
{
    return (size_t)target->n_sinks + target->n_loaders;
}

/* NULL: it is a sink that is looked at. */
static const struct loader *loader_of(const struct catalogue *catalogue)
{
    const struct catalogue_target *target = &catalogue->targets[catalogue->target];
    return catalogue->subject < target->n_sinks
               ? NULL
               : target->loaders[catalogue->subject - target->n_sinks];
}

static const struct sink *sink_of(const struct catalogue *catalogue)
{
    return catalogue->targets[catalogue->target].sinks[catalogue->subject];
}

/* ---- findings -------------------------------------------------------------------------------- */

static void find(struct catalogue *catalogue, bool is_warning, char *lines)
{
    const struct catalogue_target *target = &catalogue->targets[catalogue->target];
    for (char *rest = lines, *line; (line = strsep(&rest, "\n")) != NULL;) {
        char *text = NULL;
        if (!*line) continue;
        const struct loader *loader = loader_of(catalogue);
        CHECK(asprintf(&text, "consumer %s, %s %s: %s", target->consumer,
                       loader ? "loader" : "table",
                       loader ? loader->name : sink_of(catalogue)->table, line) >= 0);
        catalogue->events.on_finding(catalogue->events.owner, is_warning, text);
        free(text);
        catalogue->sink_differs |= !is_warning;
    }
    catalogue->differs |= catalogue->sink_differs;
}

static void tell_facts(FILE *to, const struct sink *sink, size_t step, const PGresult *answer)
{
    static void (*const tell[CATALOGUE_QUESTIONS])(FILE *, const struct sink *,
                                                   const PGresult *) = { catalogue_tell_table,
                                                                         catalogue_tell_columns,
                                                                         catalogue_tell_unwritten };
    tell[step](to, sink, answer);
}

/* Where there is no table its columns are no news. */
static bool is_news(const struct catalogue *catalogue, size_t step)
{
    return catalogue->topic != FACTS || step == 0 || !catalogue->is_missing;
}

static void tell_loader(FILE *to, const PGresult *result)
{
    char words[600];
    uint32_t types[2] = { 0 };
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        answer_read_words(result, words, sizeof words);
        fprintf(to, "PostgreSQL refuses its sql: %s\n", words);
        return;
    }
    for (int i = 0; i < 2 && i < PQnfields(result); i++) types[i] = PQftype(result, i);
    loader_judge_columns(PQnfields(result), types, words, sizeof words);
    if (*words) fprintf(to, "%s\n", words);
}

static void tell(struct catalogue *catalogue, FILE *to, size_t step, const PGresult *result)
{
    if (loader_of(catalogue)) {
        tell_loader(to, result);
        return;
    }
    const struct sink *sink = sink_of(catalogue);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        (catalogue->topic == RECALL ? catalogue_tell_recall_refusal
                                    : catalogue_tell_refusal)(to, sink, result);
    else if (catalogue->topic == FACTS)
        tell_facts(to, sink, step, result);
    else if (catalogue->topic == INBOX && strcmp(PQgetvalue(result, 0, 0), "t") != 0)
        fputs("its rows count once, and there is no warrener.inbox to tell repeats by; run "
              "`warrener migrate`\n",
              to);
}

static void on_result(void *own, size_t step, const PGresult *result)
{
    struct catalogue *catalogue = own;
    char *lines = NULL;
    size_t bytes = 0;
    if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED || !is_news(catalogue, step)) return;
    FILE *to = open_memstream(&lines, &bytes);
    CHECK(to);
    tell(catalogue, to, step, result);
    if (catalogue->topic == FACTS && step == 0 && !loader_of(catalogue))
        catalogue->is_missing = ftell(to) > 0 && !catalogue_has_table(result);
    CHECK(fclose(to) == 0);
    /* Not every handler deletes. */
    find(catalogue, catalogue->topic == ERASE, lines);
    free(lines);
}

/* ---- questions ------------------------------------------------------------------------------- */

static void drop_questions(struct catalogue *catalogue)
{
    for (size_t i = 0; i < CATALOGUE_VALUES - 1; i++) {
        free(catalogue->literals[i]);
        catalogue->literals[i] = NULL;
    }
    free(catalogue->explain);
    catalogue->explain = NULL;
}

static void ask_facts(struct catalogue *catalogue, const struct sink *sink)
{
    catalogue->literals[0] = catalogue_column_names(sink);
    catalogue->literals[1] = catalogue_column_types(sink);
    catalogue->literals[2] = catalogue_key_names(sink);
    catalogue->values[0] = sink->table;
    for (size_t i = 1; i < CATALOGUE_VALUES; i++) catalogue->values[i] = catalogue->literals[i - 1];
    for (size_t i = 0; i < CATALOGUE_VALUES; i++)
        catalogue->lengths[i] = (int)strlen(catalogue->values[i]);
    for (size_t i = 0; i < CATALOGUE_QUESTIONS; i++)
        catalogue->steps[i] = (struct parcel_step){ .sql = catalogue_questions[i],
                                                    .n_values = CATALOGUE_VALUES,
                                                    .types = text_types,
                                                    .values = catalogue->values,
                                                    .lengths = catalogue->lengths };
    catalogue->n_steps = CATALOGUE_QUESTIONS;
}

static bool ask_explain(struct catalogue *catalogue, const struct sink_statement *statement)
{
    if (!statement->sql || catalogue->sink_differs) return false;
    CHECK(asprintf(&catalogue->explain, "explain %s", statement->sql) >= 0);
    for (size_t i = 0; i < SINK_VALUES_MOST; i++) catalogue->values[i] = NULL;
    catalogue->steps[0] = (struct parcel_step){ .sql = catalogue->explain,
                                                .n_values = (int)statement->n_values,
                                                .types = statement->types,
                                                .values = catalogue->values,
                                                .lengths = catalogue->lengths };
    catalogue->n_steps = 1;
    return true;
}

/* False: nothing to ask under this topic. */
static bool ask(struct catalogue *catalogue)
{
    const struct loader *loader = loader_of(catalogue);
    if (loader) {
        catalogue->steps[0] = loader_look_step(loader);
        catalogue->n_steps = 1;
        return catalogue->topic == FACTS;
    }
    const struct sink *sink = sink_of(catalogue);
    switch (catalogue->topic) {
    case FACTS: ask_facts(catalogue, sink); return true;
    case INBOX:
        catalogue->steps[0] = (struct parcel_step){ .sql = catalogue_inbox_question };
        catalogue->n_steps = 1;
        return sink->is_once;
    case UPSERT: return ask_explain(catalogue, &sink->upsert);
    case ERASE: return ask_explain(catalogue, &sink->erase);
    case RECALL: return ask_explain(catalogue, &sink->recall);
    case HOLD: return ask_explain(catalogue, &sink->hold);
    case TOPICS:
    default: return false;
    }
}

/* To the next topic; false past the last subject. */
static bool advance(struct catalogue *catalogue)
{
    drop_questions(catalogue);
    if (++catalogue->topic < TOPICS) return true;
    catalogue->topic = FACTS;
    catalogue->sink_differs = catalogue->is_missing = false;
    catalogue->subject++;
    while (catalogue->target < catalogue->n &&
           catalogue->subject >= count_subjects(&catalogue->targets[catalogue->target])) {
        catalogue->target++;
        catalogue->subject = 0;
    }
    return catalogue->target < catalogue->n;
}

/* ---- life ------------------------------------------------------------------------------------ */

void catalogue_forget(struct catalogue *catalogue)
{
    drop_questions(catalogue);
    free(catalogue);
}

static void end(struct catalogue *catalogue, enum catalogue_end how)
{
    const struct catalogue_events events = catalogue->events;
    catalogue_forget(catalogue);
    events.on_end(events.owner, how);
}

static void on_work_end(void *own, bool is_answered, const char *why);

/* False: there is nothing more to ask. */
static bool ask_from_here(struct catalogue *catalogue)
{
    while (!ask(catalogue))
        if (!advance(catalogue)) return false;
    const struct store_work work = { .steps = catalogue->steps,
                                     .n = catalogue->n_steps,
                                     .timeout_ms = catalogue->timeout_ms,
                                     .on_result = on_result,
                                     .on_end = on_work_end,
                                     .owner = catalogue };
    store_connection_run(catalogue->connection, &work);
    return true;
}

static void on_work_end(void *own, bool is_answered, const char *why UNUSED)
{
    struct catalogue *catalogue = own;
    if (!is_answered)
        end(catalogue, CATALOGUE_LOST);
    else if (!advance(catalogue) || !ask_from_here(catalogue))
        end(catalogue, catalogue->differs ? CATALOGUE_DIFFERS : CATALOGUE_WELL);
}

bool catalogue_has_work(const struct catalogue_target *targets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (count_subjects(&targets[i]) > 0) return true;
    return false;
}

struct catalogue *catalogue_start(struct store_connection *connection,
                                  const struct catalogue_target *targets, size_t n,
                                  uint32_t timeout_ms, const struct catalogue_events *events)
{
    CHECK(catalogue_has_work(targets, n));
    struct catalogue *catalogue = NEW(struct catalogue);
    catalogue->connection = connection;
    catalogue->targets = targets;
    catalogue->n = n;
    catalogue->timeout_ms = timeout_ms;
    catalogue->events = *events;
    while (count_subjects(&targets[catalogue->target]) == 0) catalogue->target++;
    CHECK(ask_from_here(catalogue));
    return catalogue;
}
