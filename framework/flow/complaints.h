/* SPDX-License-Identifier: Apache-2.0
 *
 * What is logged of messages that fail: for each reason a line at once, then one a second at most,
 * with a count. What a second held back is told when that is over, and at the end, in the words of the
 * last of them: a burst of twenty is a line of one and a line of nineteen. */
#ifndef FLOW_COMPLAINTS_H
#define FLOW_COMPLAINTS_H

#include "base/log_pace.h"
#include "base/text.h"
#include "plugin/job_trace.h"

#define COMPLAINTS_MOST 16 /* more than there are */
#define COMPLAINT_REASON_BYTES 256

struct complaint {
    const char *what; /* NULL: free. Static text */
    struct log_pace pace;
    uint32_t attempt; /* from here on of the last one, which is not said yet */
    char id[128], code[64], reason[COMPLAINT_REASON_BYTES];
    struct job_trace_fields trace;
};

struct complaints {
    const char *consumer; /* borrowed */
    struct complaint of[COMPLAINTS_MOST];
};

struct grievance {
    const char *what; /* static */
    const struct job_message *message;
    struct wr_text code, reason;
    uint32_t attempt;
};

/* Logs it, or holds it back. */
void complaints_note(struct complaints *complaints, const struct grievance *grievance,
                     uint64_t now_ms);
void complaints_tell_held(struct complaints *complaints, uint64_t now_ms); /* UINT64_MAX: all */
uint64_t complaints_due_ms(const struct complaints *complaints);           /* 0: nothing is held */

#endif
