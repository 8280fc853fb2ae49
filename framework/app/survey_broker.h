/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at the broker for `check --connect`: is the broker reached, and do its queues agree with the
 * configuration? Makes nothing there. */
#ifndef APP_SURVEY_BROKER_H
#define APP_SURVEY_BROKER_H

#include "app/handlers.h"
#include "base/status.h"

/* Prints a line for each server and queue. 0, 69 (out of reach) or 78 (something differs). */
enum exit_status survey_broker(const struct config *config, const struct handlers *handlers);

#endif
