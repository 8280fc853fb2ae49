/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading handlers; see handlers.h. */
#include "app/handlers.h"

#include <stdlib.h>

#include "base/check.h"

struct blame {
    const struct config *config;
    const struct config_consumer *consumer;
    struct config_faults *faults;
};

/* At the option's value, or at the options where one is missing. */
static void on_option_fault(void *own, int index, const char *text)
{
    const struct blame *blame = own;
    const struct config_options *options = &blame->consumer->options;
    if (index >= 0)
        config_faults_add(blame->faults, options->at[index].name_line,
                          options->at[index].name_column, NULL, "%s", text);
    else
        config_blame(blame->config, blame->faults, &blame->consumer->options, "%s", text);
}

static void bind_options(struct handler_in_use *use, struct blame *blame)
{
    const struct config_options *options = &use->consumer->options;
    struct option_given *given = memory_new(options->n + 1, sizeof *given);
    for (size_t i = 0; i < options->n; i++)
        given[i] = (struct option_given){ options->at[i].name, options->at[i].value };
    use->options =
        options_bind(plugin_handler(use->plugin), given, options->n, on_option_fault, blame);
    free(given);
}

static const char *option_of(void *own, const char *name)
{
    return options_get(own, name);
}

static void make_sinks(struct handler_in_use *use, const struct blame *blame)
{
    const struct wr_handler *handler = plugin_handler(use->plugin);
    unsigned n = 0;
    while (handler->sinks[n].table) n++;
    use->sinks = memory_new(n + 1, sizeof *use->sinks);
    for (unsigned i = 0; i < n; i++) {
        struct status status;
        struct sink *sink = sink_new(&handler->sinks[i], i, option_of, use->options, &status);
        if (sink && !blame->config->redis.is_given) sink_leave_cache(sink);
        if (sink)
            use->sinks[use->n_sinks++] = sink;
        else
            config_blame(blame->config, blame->faults, &use->consumer->handler,
                         "handler \"%s\": %s", use->consumer->handler, status.text);
    }
}

/* After the sinks, all of which are well: what guards is one of them. */
static void make_loaders(struct handler_in_use *use, const struct blame *blame)
{
    const struct wr_handler *handler = plugin_handler(use->plugin);
    unsigned n = 0;
    while (handler->loaders[n].name) n++;
    use->loaders = memory_new(n + 1, sizeof(struct loader *));
    for (unsigned i = 0; i < n; i++) {
        struct status status;
        struct loader *loader =
            loader_new(&handler->loaders[i], i, handler->sinks, use->sinks, use->n_sinks, &status);
        if (loader)
            use->loaders[use->n_loaders++] = loader;
        else
            config_blame(blame->config, blame->faults, &use->consumer->handler,
                         "handler \"%s\": %s", use->consumer->handler, status.text);
    }
}

/* What a handler needs and this host has not. */
static void check_needs(const struct handler_in_use *use, const struct blame *blame)
{
    if (handler_needs_store(use) && !blame->config->postgres.is_given)
        config_blame(blame->config, blame->faults, &use->consumer->handler,
                     "handler \"%s\" %s rows, so the configuration needs a section "
                     "`postgres` with a `url`",
                     use->consumer->handler, use->n_sinks ? "writes" : "reads");
}

static void load(struct handler_in_use *use, const struct config *config,
                 struct config_faults *faults)
{
    struct blame blame = { config, use->consumer, faults };
    struct status status;
    use->plugin = plugin_load(config->plugins, use->consumer->handler, &status);
    if (!use->plugin) {
        config_blame(config, faults, &use->consumer->handler, "%s", status.text);
        return;
    }
    bind_options(use, &blame);
    const size_t faults_before = faults->n + faults->n_more;
    if (use->options) make_sinks(use, &blame);
    if (use->options && faults->n + faults->n_more == faults_before) make_loaders(use, &blame);
    check_needs(use, &blame);
}

bool handlers_load(const struct config *config, struct handlers *handlers,
                   struct config_faults *faults)
{
    const size_t before = faults->n + faults->n_more;
    *handlers = (struct handlers){ .at = memory_new(config->consumers.n, sizeof *handlers->at) };
    for (size_t i = 0; i < config->consumers.n; i++) {
        if (!config->consumers.at[i].enabled) continue;
        struct handler_in_use *use = &handlers->at[handlers->n++];
        use->consumer = &config->consumers.at[i];
        load(use, config, faults);
    }
    return faults->n + faults->n_more == before;
}

bool handler_needs_store(const struct handler_in_use *use)
{
    return use->n_sinks || use->n_loaders;
}

bool handlers_need_store(const struct handlers *handlers)
{
    for (size_t i = 0; i < handlers->n; i++)
        if (handler_needs_store(&handlers->at[i])) return true;
    return false;
}

static void free_use(struct handler_in_use *use)
{
    for (unsigned i = 0; i < use->n_loaders; i++) loader_free(use->loaders[i]);
    free(use->loaders);
    for (unsigned i = 0; i < use->n_sinks; i++) sink_free(use->sinks[i]);
    free(use->sinks);
    options_free(use->options);
    plugin_free(use->plugin);
}

void handlers_free(struct handlers *handlers)
{
    for (size_t i = 0; i < handlers->n; i++) free_use(&handlers->at[i]);
    free(handlers->at);
    *handlers = (struct handlers){ 0 };
}

/* Where the configuration has faults elsewhere: what is wrong with the handlers is told with them. */
static void blame_handlers_too(const char *file, struct config_faults *faults)
{
    static const char *const sections[] = { "plugins", "postgres", "redis", "consumers", NULL };
    struct config *config;
    struct config_faults others = { 0 };
    if (config_load_part(file, sections, &config, &others)) {
        struct handlers handlers;
        (void)!handlers_load(config, &handlers, faults);
        handlers_free(&handlers);
        config_free(config);
    }
    config_faults_fini(&others);
}

bool handlers_load_all(const char *file, struct config **config, struct handlers *handlers)
{
    struct config_faults faults = { 0 };
    *handlers = (struct handlers){ 0 };
    const bool is_loaded = config_load(file, config, &faults);
    const bool is_well = is_loaded && handlers_load(*config, handlers, &faults);
    if (!is_loaded) blame_handlers_too(file, &faults);
    if (!is_well) {
        config_faults_sort(&faults);
        config_faults_write(&faults, stderr);
        handlers_free(handlers);
        if (is_loaded) config_free(*config);
        *config = NULL;
    }
    config_faults_fini(&faults);
    return is_well;
}
