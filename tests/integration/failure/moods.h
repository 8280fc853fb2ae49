/* SPDX-License-Identifier: Apache-2.0
 *
 * A play whose handler is `moody`, and what its record says. */
#ifndef FAILURE_MOODS_H
#define FAILURE_MOODS_H

#include "support/play.h"

bool moods_are_long(void); /* WARRENER_FAULTS=full */

/* `consumer` as in struct setup. */
void moods_configure(const struct play *play, const char *consumer, unsigned fail_percent);
void moods_set(const struct play *play, const char *mood);

/* As the handler wrote it down. */
enum mood { MOOD_DONE, MOOD_RETRY, MOOD_REJECT, MOOD_WAIT };
static inline enum mood mood_of(const struct record_line *line)
{
    return (enum mood)line->lane;
}
uint64_t mood_ms(const struct record_line *line);

/* The most failures that a breaker has let through by now: `at_once`, and a few after each rest of 1 s, of
 * which there may be many where the test itself was slow. The host was started at `since_ms`. */
double moods_failures_most(unsigned at_once, uint64_t since_ms);

double settled(const struct play *play, const char *outcome);
double paused(const struct play *play, const char *why);

#endif
