/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin at the desk: loaded through the gate from a folder of its own, with options. */
#ifndef UNIT_PLUGIN_HIRED_H
#define UNIT_PLUGIN_HIRED_H

#include "metrics/metrics.h"
#include "plugin/options.h"

#define HIRED_COUNTERS 4
extern struct counter hired_counters[HIRED_COUNTERS];

/* The desk's job is of the plugin from now on. */
void hire(const char *from, const char *name, const struct option_given *given, size_t n);
void hired_dismiss(void);

#endif
