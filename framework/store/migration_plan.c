/* SPDX-License-Identifier: Apache-2.0
 *
 * Planning; see migration_plan.h. */
#include "store/migration_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

const char *migration_state_name(enum migration_state state)
{
    static const char *const names[] = {
        [MIGRATION_APPLIED] = "applied", [MIGRATION_PENDING] = "pending",
        [MIGRATION_CHANGED] = "changed", [MIGRATION_LATE] = "late",
        [MIGRATION_MISSING] = "missing",
    };
    return names[state];
}

static enum migration_state state_of(const struct migration_step *step, int64_t highest_applied)
{
    if (!step->file) return MIGRATION_MISSING;
    if (step->applied)
        return strcmp(step->applied->checksum, step->checksum) == 0 ? MIGRATION_APPLIED
                                                                    : MIGRATION_CHANGED;
    return step->file->number < highest_applied ? MIGRATION_LATE : MIGRATION_PENDING;
}

struct migration_plan migration_plan_make(const struct migration_files *files,
                                          char *const *checksums,
                                          const struct migration_applied *applied, size_t n_applied)
{
    struct migration_plan plan = { .home = files->home };
    const int64_t highest = n_applied > 0 ? applied[n_applied - 1].number : 0;
    plan.at = memory_new(files->n + n_applied + 1, sizeof *plan.at);
    for (size_t f = 0, a = 0; f < files->n || a < n_applied;) {
        struct migration_step *step = &plan.at[plan.n++];
        const bool has_file =
            f < files->n && (a == n_applied || files->at[f].number <= applied[a].number);
        const bool has_row =
            a < n_applied && (f == files->n || applied[a].number <= files->at[f].number);
        if (has_row) step->applied = &applied[a++];
        if (has_file) {
            step->checksum = checksums[f];
            step->file = &files->at[f++];
        }
        step->state = state_of(step, highest);
        plan.n_pending += step->state == MIGRATION_PENDING;
    }
    return plan;
}

void migration_plan_free(struct migration_plan *plan)
{
    free(plan->at);
    *plan = (struct migration_plan){ 0 };
}

static void blame_changed(const struct migration_step *step, struct fault_list *faults)
{
    fault_list_add(
        faults,
        "%s: changed since it was applied as %s at %s: its checksum was %s and is %s; put "
        "it back as it was, and make the change in a new file with the next free number",
        step->file->path, step->applied->name, step->applied->at, step->applied->checksum,
        step->checksum);
}

static void blame_late(const struct migration_step *step, const struct migration_applied *highest,
                       struct fault_list *faults)
{
    fault_list_add(faults,
                   "%s: not applied, and too late for its number: %s was applied at %s, and files "
                   "are applied in order; give it a number above %lld",
                   step->file->path, highest->name, highest->at, (long long)highest->number);
}

void migration_plan_judge(const struct migration_plan *plan, struct fault_list *faults)
{
    const struct migration_applied *highest = NULL;
    for (size_t i = 0; i < plan->n; i++)
        if (plan->at[i].applied) highest = plan->at[i].applied;
    for (size_t i = 0; i < plan->n; i++) {
        const struct migration_step *step = &plan->at[i];
        if (step->state == MIGRATION_CHANGED && step->applied) blame_changed(step, faults);
        if (step->state == MIGRATION_LATE && highest) blame_late(step, highest, faults);
    }
}
