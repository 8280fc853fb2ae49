/* SPDX-License-Identifier: Apache-2.0
 *
 * `check --connect`, the cache's part. */
#ifndef APP_SURVEY_CACHE_H
#define APP_SURVEY_CACHE_H

#include "base/status.h"
#include "config/config.h"

/* Prints a line for each finding, with the way out. 0, 69 (out of reach) or 78 (it does not take us); 0
 * at once where no Redis is configured. Writes and removes one key of its own. */
enum exit_status survey_cache(const struct config *config);

#endif
