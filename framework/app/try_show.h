/* SPDX-License-Identifier: Apache-2.0
 *
 * What came of a message in a trial: a JSON object a line for programs, or a few lines for people. */
#ifndef APP_TRY_SHOW_H
#define APP_TRY_SHOW_H

#include <stdio.h>

#include "plugin/trial.h"

/* One message's way through the handler. */
struct try_shown {
    const struct wr_trial *trial; /* its outcome is the message's */
    const char *source;           /* the file, for people */
    uint64_t line;                /* in it, from 1 */
    struct wr_text id;
    const uint64_t *counted; /* by this message, one for each counter */
    double microseconds;     /* of a call */
};

const char *try_verdict_name(enum wr_verdict verdict); /* "done" */

void try_show_json(const struct try_shown *shown, FILE *to);
void try_show_people(const struct try_shown *shown, FILE *to, bool is_coloured);

#endif
