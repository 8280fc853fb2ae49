/* SPDX-License-Identifier: Apache-2.0
 *
 * The kept lines; see log_kept.h. A few fixed places under a flag that is held for a copy. */
#include "base/log_kept.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define TURNS_MOST 100

static struct {
    _Atomic bool is_on;
    atomic_flag is_taken;
    size_t n;
    struct log_kept entries[LOG_KEPT_MOST]; /* newest first */
} kept = { .is_taken = ATOMIC_FLAG_INIT };

void log_kept_begin(void)
{
    atomic_store(&kept.is_on, true);
}

bool log_kept_wants(int level)
{
    return level >= WR_WARN && atomic_load_explicit(&kept.is_on, memory_order_relaxed);
}

static bool take_turn(void)
{
    for (int i = 0; i < TURNS_MOST; i++) {
        if (!atomic_flag_test_and_set_explicit(&kept.is_taken, memory_order_acquire)) return true;
        sched_yield();
    }
    return false;
}

static void give_turn(void)
{
    atomic_flag_clear_explicit(&kept.is_taken, memory_order_release);
}

static bool is_same(const struct log_kept *a, const struct log_kept *b)
{
    return a->level == b->level && !strcmp(a->what, b->what) && !strcmp(a->about, b->about) &&
           !strcmp(a->room, b->room);
}

/* A server's name, without the version that follows it while it is connected. */
static struct wr_text name_of(struct wr_text server)
{
    const char *comma = server.len ? memchr(server.at, ',', server.len) : NULL;
    return comma ? text_from(server.at, (size_t)(comma - server.at)) : server;
}

static void copy_fields(struct log_kept *entry, const struct log_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct log_field *field = &fields[i];
        if (field->key == LOG_REASON) text_show(field->text, entry->reason, sizeof entry->reason);
        if (field->key == LOG_QUEUE || (field->key == LOG_SERVER && !*entry->about))
            text_show(name_of(field->text), entry->about, sizeof entry->about);
        if (field->key == LOG_COUNT && field->is_number && field->number > 0)
            entry->count = (uint64_t)field->number;
    }
}

/* To the front: in the place of its like, or of the oldest. */
static void put_in_front(struct log_kept *entry)
{
    size_t place = 0;
    while (place < kept.n && !is_same(&kept.entries[place], entry)) place++;
    if (place < kept.n) {
        entry->count += kept.entries[place].count;
        entry->first_unix_us = kept.entries[place].first_unix_us;
    } else if (kept.n < LOG_KEPT_MOST) {
        kept.n++;
    } else {
        place--;
    }
    memmove(&kept.entries[1], &kept.entries[0], place * sizeof *entry);
    kept.entries[0] = *entry;
}

void log_kept_add(int64_t unix_us, int level, const char *room, struct wr_text what,
                  const struct log_field *fields, size_t n)
{
    struct log_kept entry = {
        .first_unix_us = unix_us, .last_unix_us = unix_us, .level = level, .count = 1
    };
    text_show(text_of(room), entry.room, sizeof entry.room);
    text_show(what, entry.what, sizeof entry.what);
    copy_fields(&entry, fields, n);
    if (!take_turn()) return;
    put_in_front(&entry);
    give_turn();
}

size_t log_kept_copy(struct log_kept out[LOG_KEPT_MOST])
{
    if (!take_turn()) return 0;
    const size_t n = kept.n;
    memcpy(out, kept.entries, n * sizeof *out);
    give_turn();
    return n;
}
