/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of families holds what users were promised, and docs/metrics.md is what it says today. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/catalog.h"
#include "metrics/reference.h"

/* Dashboards and alerts are written against these: none is ever taken away or renamed. */
static const char *const promised[] = {
    "warrener_messages_received_total queue",
    "warrener_messages_settled_total queue outcome",
    "warrener_dead_total queue reason",
    "warrener_duplicates_total queue",
    "warrener_batches_total queue outcome",
    "warrener_cache_writes_total queue outcome",
    "warrener_cache_reads_total queue outcome",
    "warrener_published_total queue outcome",
    "warrener_reconnects_total server",
    "warrener_paused_seconds_total queue",
    "warrener_lane_busy_seconds_total queue",
    "warrener_handler_crashes_total queue",
    "warrener_host_restarts_total why",
    "warrener_messages_in_flight queue",
    "warrener_bytes_in_flight queue",
    "warrener_queue_ready queue",
    "warrener_dead_ready queue",
    "warrener_retry_ready queue delay",
    "warrener_lanes queue",
    "warrener_prefetch queue",
    "warrener_paused queue why",
    "warrener_last_done_timestamp_seconds queue",
    "warrener_cache_repair_pending",
    "warrener_connected server",
    "warrener_build_info version abi",
    "warrener_handler_seconds queue",
    "warrener_settle_seconds queue",
    "warrener_message_age_seconds queue",
    "warrener_batch_rows queue",
    "warrener_commit_seconds queue",
    "warrener_loop_lag_seconds",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_start_time_seconds",
};

Test(catalog, holds_every_promised_family_with_its_labels)
{
    for (size_t k = 0; k < sizeof promised / sizeof *promised; k++) {
        bool is_there = false;
        for (unsigned i = 0; i < METRIC_FAMILY_COUNT; i++) {
            const struct metric_about *about = metric_about((enum metric_family)i);
            char said[200];
            int n = snprintf(said, sizeof said, "%s", about->name);
            for (unsigned l = 0; l < METRIC_LABELS_MAX && about->labels[l]; l++)
                n += snprintf(said + n, sizeof said - (size_t)n, " %s", about->labels[l]);
            is_there |= strcmp(said, promised[k]) == 0;
        }
        cr_expect(is_there, "%s", promised[k]);
    }
}

Test(catalog, the_reference_is_up_to_date)
{
    static char kept[65536];
    static const char path[] = TEST_SOURCE "/../docs/metrics.md";
    char *made = NULL;
    size_t len = 0;
    FILE *file = fopen(path, "re");
    cr_assert(file, "%s", path);
    kept[fread(kept, 1, sizeof kept - 1, file)] = '\0';
    fclose(file);
    FILE *out = open_memstream(&made, &len);
    metrics_write_reference(out);
    fclose(out);
    cr_assert(strcmp(made, kept) == 0, "docs/metrics.md is behind: build the target docs_metrics");
    free(made);
}
