/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler in a test: a trial runs it on messages with no server about, and tells what it asked for.
 * Works with Criterion, or with anything else: link warrener::testing (CMake) or what
 * `pkg-config --libs warrener-testing` says, together with the handler's own source.
 *
 *     struct wr_trial *trial = wr_trial_open(&warrener_handler, NULL, 0);
 *     struct wr_message message = { .body = WR_TEXT_OF("{\"user_id\": 7}") };
 *     assert(wr_trial_handle(trial, message) == WR_DONE);
 *     assert(wr_trial_is(wr_trial_value(trial, USERS, 0, "user_id"), "7"));
 *     wr_trial_close(trial);
 *
 * What a message lends the handler is freed when the call is over, so that AddressSanitizer sees a
 * pointer that was kept. A question that makes no sense (a column that is not there) ends the test
 * with words on stderr. Texts given back have a NUL behind them, and live until the next message. */
#ifndef WARRENER_TESTING_H
#define WARRENER_TESTING_H

#include <warrener/handler.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wr_trial;

/* The handler as one lane has it: declaration checked, options bound to `options` or their fallbacks,
 * opened. NULL, with the reason on stderr, where the host would refuse it. Options are given as text,
 * integers or booleans. */
struct wr_trial *wr_trial_open(const struct wr_handler *handler, const struct wr_pair *options,
                               size_t n_options);
/* Why this thread's last wr_trial_open gave NULL, NUL-terminated; "" after one that did not. */
const char *wr_trial_fault(void);
void wr_trial_close(struct wr_trial *trial); /* the handler's close too; NULL is fine */

/* ---- before a message ---------------------------------------------------------------------- */

/* What a loader finds under a key from now on; a key that was never given is absent. */
void wr_trial_load(struct wr_trial *trial, unsigned loader, struct wr_text key, uint64_t version,
                   struct wr_text value);
/* What wr_now_us says from now on; until then it is the wall clock. */
void wr_trial_now(struct wr_trial *trial, int64_t unix_us);
/* The headers of the messages that follow. */
void wr_trial_headers(struct wr_trial *trial, const struct wr_pair *headers, size_t n_headers);

/* Runs prepare and handle. Everything is copied; an attempt of 0 counts as the first. */
enum wr_verdict wr_trial_handle(struct wr_trial *trial, struct wr_message message);

/* ---- what came of the last message ------------------------------------------------------------ */

/* "" where there is none. */
struct wr_text wr_trial_reason(const struct wr_trial *trial);
struct wr_text wr_trial_code(const struct wr_trial *trial);

/* Rows in the order they were put, deletes among them, counted sink by sink. */
size_t wr_trial_rows(const struct wr_trial *trial, unsigned sink);
bool wr_trial_is_delete(const struct wr_trial *trial, unsigned sink, size_t row);
/* A value as psql shows it, moments in UTC, NULL as "NULL". Of a delete only the key has values. */
struct wr_text wr_trial_value(const struct wr_trial *trial, unsigned sink, size_t row,
                              const char *column);

size_t wr_trial_published(const struct wr_trial *trial); /* replies too */
const struct wr_outgoing *wr_trial_publish(const struct wr_trial *trial, size_t i);

/* What is written to the cache by wr_cache_set and wr_cache_drop. */
struct wr_entry {
    struct wr_text key, value; /* of a drop, the value is "" */
    uint64_t version;
    uint32_t ttl_s;
    bool is_drop;
};
/* The last one of that key; NULL where there is none. */
const struct wr_entry *wr_trial_cached(const struct wr_trial *trial, struct wr_text key);

/* ---- and of all messages since it was opened ---------------------------------------------------- */

uint64_t wr_trial_counted(const struct wr_trial *trial, unsigned counter);

/* ---- for assertions ------------------------------------------------------------------------------- */

WR_INLINE bool wr_trial_is(struct wr_text text, const char *expected)
{
    return text.len == strlen(expected) && memcmp(text.at, expected, text.len) == 0;
}

#ifdef __cplusplus
}
#endif
#endif
