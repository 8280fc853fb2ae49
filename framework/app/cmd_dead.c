/* SPDX-License-Identifier: Apache-2.0
 *
 * warrener dead: looks after dead letters. What a verb may be told stands in one table; the work is
 * done in dead_run.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "amqp/topology.h"
#include "app/dead_run.h"
#include "app/standard.h"
#include "base/clock.h"
#include "ops/json_write.h"

#define SHOWN_UNASKED 10 /* letters that `show` shows where neither --id nor --limit is given */
#define NAME_BYTES 256

static const struct verb {
    const char *name;
    enum dead_verb verb;
    bool moves; /* --to and --rate */
    bool acts;  /* --dry-run */
    const char *past, *would;
} verbs[] = {
    { "list", DEAD_LIST, false, false, "listed", "" },
    { "show", DEAD_SHOW, false, false, "shown", "" },
    { "export", DEAD_EXPORT, false, false, "exported", "" },
    { "retry", DEAD_RETRY, true, true, "retried", "would be retried" },
    { "drop", DEAD_DROP, false, true, "dropped", "would be dropped" },
};
#define VERBS (sizeof verbs / sizeof *verbs)

struct words {
    const char *config, *verb, *queue;
    struct dead_filter_words filter;
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < VERBS; i++)
        if (!strcmp(verbs[i].name, name)) return &verbs[i];
    return NULL;
}

static enum exit_status refuse_verb(const char *word)
{
    const char *names[VERBS + 1] = { NULL };
    for (size_t i = 0; i < VERBS; i++) names[i] = verbs[i].name;
    const char *near = text_nearest(word, names);
    fprintf(stderr,
            "warrener dead: \"%s\": list, show, export, retry or drop was expected%s%s%s; see "
            "'warrener dead --help'\n",
            word, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return EXIT_USAGE;
}

/* ---- what became of it ----------------------------------------------------------------------- */

static void write_summary(const struct verb *verb, const struct dead_task *task,
                          const struct dead_result *result)
{
    FILE *to = task->verb == DEAD_EXPORT ? stderr : stdout;
    fprintf(to, "%llu of %llu letters in %s %s", (unsigned long long)result->done,
            (unsigned long long)result->ready, task->dead,
            task->dry_run ? verb->would : verb->past);
    if (task->verb == DEAD_RETRY) fprintf(to, " to %s", task->to ? task->to : task->queue);
    if (result->done) fprintf(to, ": ");
    dead_values_write(&result->reasons, to);
    fprintf(to, "\n");
}

static void write_json_summary(const struct verb *verb, const struct dead_task *task,
                               const struct dead_result *result)
{
    struct metrics_text text = { .at = NULL };
    struct json_write json = { .out = &text };
    json_write_open(&json, NULL, '{');
    json_write_text(&json, "verb", verb->name);
    json_write_text(&json, "queue", task->dead);
    if (task->verb == DEAD_RETRY) json_write_text(&json, "to", task->to ? task->to : task->queue);
    json_write_bool(&json, "dry_run", task->dry_run);
    json_write_count(&json, "letters", result->ready);
    json_write_count(&json, "matched", result->matched);
    json_write_count(&json, "done", result->done);
    json_write_count(&json, "took_ms", result->took_ms);
    json_write_open(&json, "reasons", '{');
    for (size_t i = 0; i < DEAD_VALUES_MOST && result->reasons.at[i].n; i++)
        json_write_count(&json, result->reasons.at[i].name, result->reasons.at[i].n);
    json_write_close(&json, '}');
    json_write_close(&json, '}');
    printf("%.*s\n", (int)text.len, text.at);
    metrics_text_fini(&text);
}

/* A mistyped value would look like a queue without such letters. */
static void write_values(const struct dead_task *task, const struct dead_result *result)
{
    if (result->matched || !result->seen) return;
    for (size_t i = 0; i < task->filter.n_where && i < DEAD_WHERES_TOLD; i++) {
        const struct dead_where *where = &task->filter.where[i];
        const struct dead_values *has = &result->has[i];
        if (dead_values_have(has, where->value)) continue; /* the other filters do not hold */
        const char *near = dead_values_nearest(has, where->value.at);
        fprintf(stderr, "warrener: no letter has the %s \"%s\"%s%s%s; they have ",
                dead_filter_field(where), where->value.at, near ? " (did you mean \"" : "",
                near ? near : "", near ? "\"?)" : "");
        dead_values_write(has, stderr);
        fprintf(stderr, "\n");
    }
}

static void write_notes(const struct dead_task *task, const struct dead_result *result)
{
    if (result->consumers)
        fprintf(stderr,
                "warrener: %u other consumer%s of %s: letters in other hands (another `warrener "
                "dead`?) were not seen\n",
                result->consumers, result->consumers > 1 ? "s" : "", task->dead);
    if (result->missed)
        fprintf(stderr,
                "warrener: %llu of the letters did not come: others took them meanwhile, or the "
                "broker was too busy; run it again to be sure\n",
                (unsigned long long)result->missed);
    if (result->renewed)
        fprintf(
            stderr,
            "warrener: %llu letters had been looked at so often that the queue's delivery limit "
            "was near; they stand at its end now, with their count at 0\n",
            (unsigned long long)result->renewed);
    if (result->cut)
        fprintf(stderr,
                "warrener: %llu headers are tables or lists, or more than 64 a letter; no line can "
                "hold them, the letters still have them\n",
                (unsigned long long)result->cut);
}

static void conclude(const struct verb *verb, const struct dead_task *task,
                     const struct dead_result *result)
{
    if (verb->acts && task->json)
        write_json_summary(verb, task, result);
    else if (!task->json)
        write_summary(verb, task, result);
    (void)fflush(stdout);
    write_values(task, result);
    write_notes(task, result);
}

/* ---- what is meant --------------------------------------------------------------------------- */

static const struct config_consumer *find_consumer(const struct config *config, const char *queue)
{
    for (size_t i = 0; i < config->consumers.n; i++)
        if (!strcmp(config->consumers.at[i].queue, queue)) return &config->consumers.at[i];
    return NULL;
}

static enum exit_status run_task(const struct config *config, const struct verb *verb,
                                 const char *queue, struct dead_task *task)
{
    char work[NAME_BYTES], dead[NAME_BYTES + 8];
    struct dead_result result;
    struct status status = { .exit = EXIT_UNREACHABLE, .text = "no broker was reached" };
    dead_work_queue(queue, find_consumer(config, queue) != NULL, work, sizeof work);
    task->queue = work;
    task->dead = topology_dead_name(work, dead, sizeof dead);
    const struct config_consumer *consumer = find_consumer(config, work);
    if (consumer) task->max_message_bytes = (uint64_t)consumer->max_message_bytes;
    const bool is_well = dead_run(config, task, &result, &status);
    if (is_well || (verb->acts && result.done)) conclude(verb, task, &result);
    task->queue = task->dead = NULL; /* they end here */
    return is_well ? EXIT_WELL : command_fail(&status);
}

static enum exit_status load_and_run(const struct words *words, const struct verb *verb,
                                     struct dead_task *task)
{
    static const char *const sections[] = { "name", "amqp", "consumers", NULL };
    struct config *config;
    struct config_faults faults = { 0 };
    struct status status = { .exit = EXIT_USAGE };
    if (!*words->queue || strlen(words->queue) >= NAME_BYTES)
        (void)status_fail(&status, EXIT_USAGE, "a queue's name has 1 to 255 bytes");
    else if ((task->to || task->rate) && !verb->moves)
        (void)status_fail(&status, EXIT_USAGE, "--to and --rate go with `dead retry` alone");
    else if (task->dry_run && !verb->acts)
        (void)status_fail(&status, EXIT_USAGE,
                          "--dry-run goes with `dead retry` and `dead drop`; %s changes nothing",
                          verb->name);
    else
        (void)!dead_filter_read(&words->filter, clock_unix_us() / 1000, &task->filter, &status);
    if (*status.text) return command_fail(&status);
    const bool is_loaded = config_load_part(config_find(words->config), sections, &config, &faults);
    if (!is_loaded) config_faults_write(&faults, stderr);
    config_faults_fini(&faults);
    if (!is_loaded) return EXIT_CONFIG;
    const enum exit_status exit = run_task(config, verb, words->queue, task);
    config_free(config);
    return exit;
}

enum exit_status command_dead(int argc, char **argv)
{
    struct words words = { .config = NULL };
    struct dead_task task = { .verb = DEAD_LIST };
    const struct flag flags[] = {
        { "VERB", NULL, "list, show, export, retry or drop", FLAG_WORD, &words.verb },
        { "QUEUE", NULL, "the work queue, or its dead queue", FLAG_WORD, &words.queue },
        { "--where", "F=V", "F is reason, code, detail, host, exchange or key; may be repeated",
          FLAG_TEXTS, &words.filter.where },
        { "--type", "T", "of this message type", FLAG_TEXT, &words.filter.type },
        { "--since", "T", "dead since then: 2h (ago), 2026-01-02, 2026-01-02T03:04:05Z", FLAG_TEXT,
          &words.filter.since },
        { "--until", "T", "dead until then", FLAG_TEXT, &words.filter.until },
        { "--handler", "NAME", "NAME or NAME/VERSION", FLAG_TEXT, &words.filter.handler },
        { "--id", "ID", "of this message id", FLAG_TEXT, &words.filter.id },
        { "--limit", "N", "letters at most (show: 10)", FLAG_COUNT, &task.limit },
        { "--rate", "N", "retry: letters a second", FLAG_COUNT, &task.rate },
        { "--to", "QUEUE", "retry: where to (default: the work queue)", FLAG_TEXT, &task.to },
        { "--dry-run", NULL, "retry, drop: tell what would be done, and do nothing", FLAG_YES,
          &task.dry_run },
        { "--json", NULL, "one JSON object a line", FLAG_YES, &task.json },
        { 0 },
    };
    enum exit_status exit;
    if (!command_read_line(argc, argv, flags, &words.config, &exit)) return exit;
    const struct verb *verb = find_verb(words.verb);
    if (!verb) return refuse_verb(words.verb);
    task.verb = verb->verb;
    if (verb->acts && !task.dry_run) standard_is_report();
    if (task.verb == DEAD_SHOW && !task.limit && !words.filter.id) task.limit = SHOWN_UNASKED;
    return load_and_run(&words, verb, &task);
}
