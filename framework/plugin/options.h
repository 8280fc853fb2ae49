/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler's options: what the configuration gives, held against what the handler declares. */
#ifndef PLUGIN_OPTIONS_H
#define PLUGIN_OPTIONS_H

#include <stddef.h>

#include <warrener/handler.h>

#include "base/status.h"

struct option_given {
    const char *name, *value;
};

struct options;

/* Every fault is told through on_fault (index into `given`, or -1 for a required one that is missing),
 * with the nearest declared name; NULL when there was any. Texts are copied. */
MUST_USE struct options *options_bind(const struct wr_handler *handler,
                                      const struct option_given *given, size_t n,
                                      void (*on_fault)(void *owner, int index, const char *text),
                                      void *owner);
void options_free(struct options *options);

/* The value or its fallback; NULL where the handler declares no such option. */
const char *options_get(const struct options *options, const char *name);

#endif
