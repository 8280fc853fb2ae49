/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs between two readings of a configuration, key by key. Secrets are compared as they stand
 * in the file: what their variables and files hold is read at each connect anyway. */
#ifndef CONFIG_DIFFERENCE_H
#define CONFIG_DIFFERENCE_H

#include "config/config.h"

/* Calls once for each key that has another value, or is in one of the two only:
 * "consumers[0].prefetch". Returns how many. */
size_t config_differ(const struct config *a, const struct config *b,
                     void (*tell)(void *owner, const char *path), void *owner);

#endif
