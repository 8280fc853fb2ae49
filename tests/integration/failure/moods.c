/* SPDX-License-Identifier: Apache-2.0
 *
 * Moody plays; see moods.h. */
#include "integration/failure/moods.h"

#include <stdlib.h>
#include <string.h>

#define REST_MS 1000
#define FEW 5 /* that a breaker tries */

bool moods_are_long(void)
{
    const char *form = getenv("WARRENER_FAULTS");
    return form && strcmp(form, "full") == 0;
}

void moods_configure(const struct play *play, const char *consumer, unsigned fail_percent)
{
    char all[1000];
    snprintf(all, sizeof all, "%s, options: {record: \"%s\", mood: \"%s\", fail_percent: %u}",
             consumer, play->record, play_path(play, "mood"), fail_percent);
    play_configure(play, &(struct setup){ .handler = "moody", .consumer = all });
}

/* In one step: it is read at any time. */
void moods_set(const struct play *play, const char *mood)
{
    play_write(play, "mood.new", mood);
    cr_assert(rename(play_path(play, "mood.new"), play_path(play, "mood")) == 0);
}

uint64_t mood_ms(const struct record_line *line)
{
    return strtoull(line->key, NULL, 10);
}

double moods_failures_most(unsigned at_once, uint64_t since_ms)
{
    const uint64_t rests = (clock_now_ms() - since_ms) / REST_MS;
    return at_once + (double)rests * FEW;
}

double settled(const struct play *play, const char *outcome)
{
    return play_metric(play, "warrener_messages_settled_total@,outcome=\"%s\"}", outcome);
}

double paused(const struct play *play, const char *why)
{
    return play_metric(play, "warrener_paused@,why=\"%s\"}", why);
}
