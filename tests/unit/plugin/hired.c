/* SPDX-License-Identifier: Apache-2.0
 *
 * The hired plugin; see hired.h. */
#include "unit/plugin/hired.h"

#include <criterion/criterion.h>

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
