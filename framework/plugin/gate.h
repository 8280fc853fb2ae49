/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate: which files may become handlers. A plugin is opened once, checked, loaded from that very
 * descriptor, and stays loaded and open for life (dlopen knows libraries by name, and a descriptor's
 * name must not be used twice). Its size and ABI are read before anything else of it. What a handler
 * declares is checked for form only: sinks and loaders are judged by those who serve them. From one
 * thread, at boot. Because the library is loaded by descriptor, $ORIGIN in its run path means nothing. */
#ifndef PLUGIN_GATE_H
#define PLUGIN_GATE_H

#include <warrener/handler.h>

#include "base/status.h"

struct plugin;

/* NAME.so in `directory`; the same file is loaded once, however often it is asked for. The refusal names
 * the path, what was found and what is expected. */
MUST_USE struct plugin *plugin_load(const char *directory, const char *name, struct status *status);
/* Forgets the declaration; the library stays mapped. NULL is fine. */
void plugin_free(struct plugin *plugin);

/* The declaration, at this host's sizes whatever the plugin's were: members it did not know are zero;
 * version and about are "" where it gave none; every list is there, if only with its all-zero end, and
 * walks by this host's strides. */
const struct wr_handler *plugin_handler(const struct plugin *plugin);
const char *plugin_path(const struct plugin *plugin);

#endif
