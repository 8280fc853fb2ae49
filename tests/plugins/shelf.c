/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler for tests of the cache: it writes what the message says. The body is {"set": KEY, "value":
 * TEXT, "version": N, "ttl": SECONDS} or {"drop": KEY, "version": N}; with "also": KEY the same goes to
 * another key as well, and with "n": N to KEY0 … KEY<N-1> instead. */
#include <warrener/handler.h>

static void write_one(struct wr_job *job, struct wr_text key, bool sets)
{
    const uint64_t version = (uint64_t)wr_json_int(job, "version");
    if (sets)
        wr_cache_set(job, key, wr_json_text(job, "value"), version,
                     wr_json_has(job, "ttl") ? (uint32_t)wr_json_int(job, "ttl") : 600);
    else
        wr_cache_drop(job, key, version);
}

static enum wr_verdict shelf_handle(void *self, struct wr_job *job,
                                    const struct wr_message *message)
{
    const bool sets = wr_json_has(job, "set");
    const struct wr_text key = wr_json_text(job, sets ? "set" : "drop");
    (void)self;
    (void)message;
    if (!wr_json_has(job, "n")) write_one(job, key, sets);
    for (int64_t i = 0, n = wr_json_has(job, "n") ? wr_json_int(job, "n") : 0; i < n; i++)
        write_one(job, wr_format(job, "%.*s%lld", (int)key.len, key.at, (long long)i), sets);
    if (wr_json_has(job, "also")) write_one(job, wr_json_text(job, "also"), sets);
    return WR_DONE;
}

WR_HANDLER(.name = "shelf", .version = "1.0", .about = "writes to the cache, for tests",
           .handle = shelf_handle);
