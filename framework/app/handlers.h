/* SPDX-License-Identifier: Apache-2.0
 *
 * The handlers a configuration names: loaded, their options bound, every fault told at its place. */
#ifndef APP_HANDLERS_H
#define APP_HANDLERS_H

#include "config/config.h"
#include "plugin/gate.h"
#include "plugin/options.h"
#include "store/loader.h"

struct handler_in_use {
    const struct config_consumer *consumer;
    struct plugin *plugin;
    struct options *options;
    struct sink **sinks; /* made from the declaration */
    unsigned n_sinks;
    struct loader **loaders;
    unsigned n_loaders;
};

/* One for each enabled consumer. */
struct handlers {
    struct handler_in_use *at;
    size_t n;
};

/* False where there are faults; what could be loaded is in `handlers` all the same. */
MUST_USE bool handlers_load(const struct config *config, struct handlers *handlers,
                            struct config_faults *faults);
void handlers_free(struct handlers *handlers);

bool handler_needs_store(const struct handler_in_use *use);
bool handlers_need_store(const struct handlers *handlers);

/* The configuration and its handlers together: every fault on stderr, or both. */
MUST_USE bool handlers_load_all(const char *file, struct config **config,
                                struct handlers *handlers);

#endif
