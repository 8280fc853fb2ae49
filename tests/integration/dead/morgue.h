/* SPDX-License-Identifier: Apache-2.0
 *
 * A play with a work queue and its dead queue, without a host; letters in it as a host writes them. */
#ifndef DEAD_MORGUE_H
#define DEAD_MORGUE_H

#include "support/play.h"

#define MORGUE_OUTPUT 262144

/* False: passed over. `limit`: of the dead queue, 1000000 as ours has it. */
bool morgue_open(struct play *play, const char *name, int limit);
void morgue_close(struct play *play);

/* Letters m<first> …, every third with reason "row", the others "rejected"; types t0 and t1 in turn. */
void morgue_bury(const struct play *play, uint32_t first, uint32_t n);

/* Runs `warrener dead VERB QUEUE …`; both streams are in `output`. */
extern char morgue_output[MORGUE_OUTPUT];
#define DEAD(play, ...) RUN(play, morgue_output, "dead", __VA_ARGS__)
#define SAYS(play, words) PROVE(play, strstr(morgue_output, words), "%s", morgue_output)

#endif
