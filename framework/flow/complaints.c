/* SPDX-License-Identifier: Apache-2.0
 *
 * Complaints; see complaints.h. */
#include "flow/complaints.h"

#include <string.h>

#include "base/log.h"

static struct complaint *find(struct complaints *complaints, const char *what)
{
    struct complaint *complaint = complaints->of;
    const struct complaint *const last = complaint + COMPLAINTS_MOST - 1;
    while (complaint != last && complaint->what && strcmp(complaint->what, what) != 0) complaint++;
    complaint->what = what;
    return complaint;
}

static void keep(char *out, size_t out_bytes, struct wr_text text)
{
    const size_t bytes = text_cut(text, out_bytes - 1);
    memcpy(out, text.at, bytes);
    out[bytes] = '\0';
}

static void hold_back(struct complaint *complaint, const struct grievance *grievance)
{
    complaint->attempt = grievance->attempt;
    keep(complaint->id, sizeof complaint->id, grievance->message->message.id);
    keep(complaint->code, sizeof complaint->code, grievance->code);
    keep(complaint->reason, sizeof complaint->reason, grievance->reason);
    job_trace_for_log(grievance->message, &complaint->trace);
}

void complaints_note(struct complaints *complaints, const struct grievance *grievance,
                     uint64_t now_ms)
{
    struct complaint *const complaint = find(complaints, grievance->what);
    const uint32_t times = log_pace_note(&complaint->pace, now_ms);
    if (!times) {
        hold_back(complaint, grievance);
        return;
    }
    struct job_trace_fields trace;
    job_trace_for_log(grievance->message, &trace);
    log_warn("flow", complaint->what, LOG_TEXT(QUEUE, complaints->consumer),
             LOG_SPAN(MESSAGE_ID, grievance->message->message.id),
             LOG_SPAN(REASON, grievance->reason), LOG_SPAN(CODE, grievance->code),
             LOG_INT(ATTEMPT, grievance->attempt), LOG_INT(COUNT, times), trace.id, trace.span);
}

void complaints_tell_held(struct complaints *complaints, uint64_t now_ms)
{
    for (size_t i = 0; i < COMPLAINTS_MOST && complaints->of[i].what; i++) {
        struct complaint *const complaint = &complaints->of[i];
        const uint32_t times = log_pace_take_held(&complaint->pace, now_ms);
        if (!times) continue;
        log_warn("flow", complaint->what, LOG_TEXT(QUEUE, complaints->consumer),
                 LOG_TEXT(MESSAGE_ID, complaint->id), LOG_TEXT(REASON, complaint->reason),
                 LOG_TEXT(CODE, complaint->code), LOG_INT(ATTEMPT, complaint->attempt),
                 LOG_INT(COUNT, times), complaint->trace.id, complaint->trace.span);
    }
}

uint64_t complaints_due_ms(const struct complaints *complaints)
{
    uint64_t due_ms = 0;
    for (size_t i = 0; i < COMPLAINTS_MOST && complaints->of[i].what; i++) {
        const uint64_t one_ms = log_pace_due_ms(&complaints->of[i].pace);
        if (one_ms && (!due_ms || one_ms < due_ms)) due_ms = one_ms;
    }
    return due_ms;
}
