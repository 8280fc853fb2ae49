/* SPDX-License-Identifier: Apache-2.0
 *
 * The hired plugin; see hired.h. */
#include "unit/plugin/hired.h"

#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "base/json.h"
#include "plugin/gate.h"
#include "unit/plugin/desk.h"
#include "unit/plugin/folder.h"

struct counter hired_counters[HIRED_COUNTERS];
static struct counter *counter_list[] = { &hired_counters[0], &hired_counters[1],
                                          &hired_counters[2], &hired_counters[3] };
static struct folder folder;
static struct plugin *plugin;
static struct options *options;

static enum wr_verdict never(struct wr_job *job, const struct wr_message *message)
{
    (void)job;
    (void)message;
    return WR_WAIT;
}

static void no_fault(void *owner, int index, const char *text)
{
    (void)owner;
    cr_assert_fail("%d: %s", index, text);
}

void hire(const char *from, const char *name, const struct option_given *given, size_t n)
{
    struct status status;
    folder_make(&folder);
    folder_add(&folder, from, name, name);
    plugin = plugin_load(folder.path, name, &status);
    cr_assert_not_null(plugin, "%s", status.text);
    options = options_bind(plugin_handler(plugin), given, n, no_fault, NULL);
    desk_open(never);
    job_free(desk.job);
    desk.settings.handler = plugin_handler(plugin);
    desk.settings.options = options;
    desk.settings.counters = counter_list;
    desk.job = job_new(&desk.settings);
    cr_assert(job_open(desk.job, &status), "%s", status.text);
}

void hired_dismiss(void)
{
    job_close(desk.job);
    desk_close();
    options_free(options);
    plugin_free(plugin);
    folder_remove(&folder);
}

void hired_run_samples(const char *name, void (*each)(unsigned line))
{
    static struct json json;
    char path[400], line[2048];
    snprintf(path, sizeof path, TEST_SOURCES "/%s/samples/messages.json", name);
    FILE *const samples = fopen(path, "re");
    cr_assert_not_null(samples, "%s", path);
    unsigned n = 0;
    for (; fgets(line, sizeof line, samples); n++) {
        struct wr_text body;
        cr_assert_eq(json_open(&json, text_of(line)), JSON_OK);
        if (json_raw(&json, "body", &body) != JSON_OK) body = text_of("not JSON");
        desk.message.message.body = body;
        desk_run(NULL);
        each(n);
    }
    fclose(samples);
    cr_assert_gt(n, 0);
}

static void show_row(FILE *to, const struct row *row)
{
    static char memory[1024];
    struct arena arena;
    uint32_t at = 0;
    arena_init(&arena, memory, sizeof memory);
    const struct wr_column *columns = desk.settings.handler->sinks[row->sink].columns;
    for (unsigned i = 0; i < row->n; i++) {
        const struct wr_text text = row_show(&arena, columns[i].type, row_next_value(row, &at));
        fprintf(to, "%s%.*s", i ? " " : "", TEXT_ARGS(text));
    }
    arena_reset(&arena);
}

const char *hired_rows(void)
{
    static char text[4096];
    FILE *to = fmemopen(text, sizeof text, "w");
    cr_assert_not_null(to);
    text[0] = '\0';
    for (const struct row *row = desk.outcome.effects.rows; row; row = row->next) {
        show_row(to, row);
        if (row->next) fputc('\n', to);
    }
    fclose(to);
    return text;
}
