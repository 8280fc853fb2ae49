/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at the database for `check --connect`: is it reached, and do its tables fit what the handlers
 * declare? Makes nothing there. */
#ifndef APP_SURVEY_STORE_H
#define APP_SURVEY_STORE_H

#include "app/handlers.h"
#include "base/status.h"

/* Prints a line for each finding, with the SQL that mends it. 0, 69 (out of reach) or 78 (something
 * differs); 0 at once where no handler writes or reads rows. */
enum exit_status survey_store(const struct config *config, const struct handlers *handlers);

#endif
