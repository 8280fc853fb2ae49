/* SPDX-License-Identifier: Apache-2.0
 *
 * A trial's outcome for people: a line for the verdict, then what the handler asked for, a line each.
 * Long values are cut, control bytes escaped. */
#include <string.h>

#include "app/try_show.h"

enum { SHOWN_BYTES = 100 };

static const struct verdict_words {
    const char *name, *colour;
} verdicts[] = {
    [WR_DONE] = { "done", "\033[32m" },
    [WR_RETRY] = { "retry", "\033[33m" },
    [WR_REJECT] = { "reject", "\033[31m" },
    [WR_WAIT] = { "wait", "\033[33m" },
};

const char *try_verdict_name(enum wr_verdict verdict)
{
    return verdicts[verdict].name;
}

static void put(FILE *to, struct wr_text text)
{
    char shown[SHOWN_BYTES * 4];
    text_show(text_from(text.at, text.len < SHOWN_BYTES ? text.len : SHOWN_BYTES), shown,
              sizeof shown);
    fprintf(to, "%s%s", shown, text.len > SHOWN_BYTES ? "..." : "");
}

static void put_row(FILE *to, const struct wr_trial *trial, const struct row *row)
{
    size_t widest = 0;
    uint32_t at = 0;
    fprintf(to, "    %s %s\n", row->is_delete ? "delete from" : "row of",
            trial_table(trial, row->sink));
    for (unsigned i = 0; i < row->n; i++) {
        const size_t width = strlen(trial_column(trial, row, i)->name);
        if (width > widest) widest = width;
    }
    for (unsigned i = 0; i < row->n; i++) {
        char memory[256];
        struct arena arena;
        const struct wr_column *const column = trial_column(trial, row, i);
        arena_init(&arena, memory, sizeof memory);
        fprintf(to, "        %-*s  ", (int)widest, column->name);
        put(to, row_show(&arena, column->type, row_next_value(row, &at)));
        fputc('\n', to);
        arena_reset(&arena);
    }
}

static void put_cache(FILE *to, const struct effect_cache *cache)
{
    fprintf(to, "    cache %s ", cache->is_drop ? "drop" : "set");
    put(to, cache->key);
    fprintf(to, "  version %llu", (unsigned long long)cache->version);
    if (cache->is_drop) {
        fputc('\n', to);
        return;
    }
    fprintf(to, ", for %u s\n        ", cache->ttl_s);
    put(to, cache->value);
    fputc('\n', to);
}

static void put_publish(FILE *to, const struct effect_publish *publish)
{
    const struct wr_outgoing *const message = &publish->message;
    fputs(publish->is_reply ? "    reply to " : "    publish to ", to);
    if (message->exchange.len) {
        put(to, message->exchange);
        fputs(" with key ", to);
    }
    put(to, message->routing_key);
    if (message->type.len) {
        fputs(", type ", to);
        put(to, message->type);
    }
    fputs("\n        ", to);
    put(to, message->body);
    fputc('\n', to);
}

static void put_wanted(FILE *to, const struct wr_trial *trial)
{
    const struct trial_wanted *wanted = trial_wants(trial);
    for (; wanted; wanted = wanted->next) {
        fprintf(to, "    load %s ", trial_handler(trial)->loaders[wanted->loader].name);
        put(to, wanted->key);
        fputs(wanted->is_found ? "\n" : "  absent\n", to);
    }
}

static void put_counters(FILE *to, const struct try_shown *shown)
{
    const struct wr_counter *const counters = trial_handler(shown->trial)->counters;
    for (unsigned i = 0; counters[i].name; i++)
        if (shown->counted[i])
            fprintf(to, "    count %s +%llu\n", counters[i].name,
                    (unsigned long long)shown->counted[i]);
}

void try_show_people(const struct try_shown *shown, FILE *to, bool is_coloured)
{
    const struct job_outcome *const outcome = trial_outcome(shown->trial);
    const struct verdict_words *const words = &verdicts[outcome->verdict];
    fprintf(to, "%s:%llu  ", shown->source, (unsigned long long)shown->line);
    if (shown->id.len) {
        put(to, shown->id);
        fputs("  ", to);
    }
    fprintf(to, "%s%s%s  %.1f us\n", is_coloured ? words->colour : "", words->name,
            is_coloured ? "\033[0m" : "", shown->microseconds);
    if (outcome->reason.len) {
        fputs("    ", to);
        put(to, outcome->reason);
        if (outcome->code.len) fprintf(to, " (code %.*s)", TEXT_ARGS(outcome->code));
        fputc('\n', to);
    }
    put_wanted(to, shown->trial);
    for (const struct row *row = outcome->effects.rows; row; row = row->next)
        put_row(to, shown->trial, row);
    for (const struct effect_cache *at = outcome->effects.caches; at; at = at->next)
        put_cache(to, at);
    for (const struct effect_publish *at = outcome->effects.publishes; at; at = at->next)
        put_publish(to, at);
    put_counters(to, shown);
}
