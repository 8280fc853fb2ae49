/* SPDX-License-Identifier: Apache-2.0
 *
 * What a row of the login job costs in the client: encoded in the lane, and then made part of a parcel
 * (sorted, folded, packed). In a release build; the figures are nanoseconds of CPU a row. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "store/parcel.h"

enum { ROUNDS = 400, ROW_BYTES = 1024 };

static const struct wr_column columns[] = {
    WR_COLUMN("event_id", WR_UUID), WR_COLUMN("user_id", WR_INT8),
    WR_COLUMN("kind", WR_TEXT),     WR_COLUMN("at", WR_TIMESTAMPTZ),
    WR_COLUMN("ip", WR_INET),       WR_COLUMN("session_ms", WR_INT4),
    WR_COLUMN("ua", WR_TEXT),       { 0 },
};
static const struct wr_column counts[] = {
    WR_COLUMN("user_id", WR_INT8),
    WR_COLUMN("day", WR_DATE),
    WR_COLUMN("logins", WR_INT8, .merge = WR_SUM),
    WR_COLUMN("last_seen", WR_TIMESTAMPTZ, .merge = WR_MAX),
    { 0 },
};

/* A message with an arena of its own, as deliveries have. */
struct letter {
    struct arena arena;
    char id[UUID_CHARS + 1];
    char first[ROW_BYTES];
};

static const char agent[] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101";

static struct row *put_login(struct letter *letter)
{
    struct arena *const arena = &letter->arena;
    const char *fault;
    struct row *const row = row_new(arena, 0, false, 7);
    bool is_good = row_put_uuid(row, arena, text_from(letter->id, UUID_CHARS), &fault);
    is_good &= row_put_int(row, arena, WR_INT8, rand() % 50000, &fault);
    is_good &= row_put_text(row, arena, WR_TEXT, text_of("login_ok"), &fault);
    is_good &= row_put_time_us(row, arena, 1767323045678000, &fault);
    is_good &= row_put_text(row, arena, WR_INET, text_of("10.1.2.3"), &fault);
    is_good &= row_put_int(row, arena, WR_INT4, 1234, &fault);
    is_good &= row_put_text(row, arena, WR_TEXT, text_from(agent, sizeof agent - 1), &fault);
    CHECK(is_good);
    return row;
}

static struct row *put_count(struct letter *letter)
{
    struct arena *const arena = &letter->arena;
    const char *fault;
    struct row *const row = row_new(arena, 0, false, 4);
    bool is_good = row_put_int(row, arena, WR_INT8, rand() % 200, &fault);
    is_good &= row_put_date(row, arena, 20455, &fault);
    is_good &= row_put_int(row, arena, WR_INT8, 1, &fault);
    is_good &= row_put_time_us(row, arena, 1767323045678000 + rand(), &fault);
    CHECK(is_good);
    return row;
}

static const char *no_option(void *owner, const char *name)
{
    (void)owner;
    (void)name;
    return NULL;
}

/* Ids of version 4 come in no order at all, those of version 7 nearly sorted. */
static void make_ids(struct letter *letters, size_t n, bool is_random)
{
    for (size_t i = 0; i < n; i++) {
        random_uuid_v7(1767323045678000, letters[i].id);
        if (!is_random) continue;
        (void)snprintf(letters[i].id, sizeof letters[i].id, "%08x-%04x-4", (unsigned)random_u64(),
                       (unsigned)random_below(65536));
        (void)snprintf(letters[i].id + 15, sizeof letters[i].id - 15, "%03x-a000-%012llx",
                       (unsigned)random_below(4096),
                       (unsigned long long)random_below(UINT64_C(1) << 48));
    }
}

static void measure(const char *what, const struct wr_sink *declared,
                    struct row *(*put)(struct letter *), bool is_random, size_t n)
{
    struct status status;
    struct sink *sink = sink_new(declared, 0, no_option, NULL, &status);
    struct letter *const letters = memory_new(n, sizeof *letters);
    struct parcel_message *const messages = memory_new(n, sizeof *messages);
    uint64_t encoding_ns = 0, parcel_ns = 0;
    const struct parcel_step *steps;
    size_t n_steps = 0;
    CHECK(sink);
    const size_t rounds = ROUNDS * 500 / n;
    for (size_t round = 0; round < rounds; round++) {
        make_ids(letters, n, is_random);
        for (size_t i = 0; i < n; i++)
            arena_init(&letters[i].arena, letters[i].first, sizeof letters[i].first);
        const uint64_t begun = clock_cpu_ns();
        for (size_t i = 0; i < n; i++)
            messages[i] = (struct parcel_message){ .id = text_from(letters[i].id, UUID_CHARS),
                                                   .timestamp_ms = 1767323045000,
                                                   .rows = put(&letters[i]) };
        const uint64_t encoded = clock_cpu_ns();
        struct parcel *const parcel = parcel_new(&sink, 1, "login", messages, n);
        n_steps = parcel_steps(parcel, &steps);
        parcel_free(parcel);
        encoding_ns += encoded - begun;
        parcel_ns += clock_cpu_ns() - encoded;
        for (size_t i = 0; i < n; i++) arena_reset(&letters[i].arena);
    }
    (void)printf("%-34s %5zu rows  encode %4.0f  parcel %4.0f  (%zu steps)\n", what, n,
                 (double)encoding_ns / (double)(rounds * n),
                 (double)parcel_ns / (double)(rounds * n), n_steps);
    sink_free(sink);
    free(letters);
    free(messages);
}

int main(void)
{
    static const size_t sizes[] = { 50, 500, 5000 };
    const struct wr_sink keep = { .table = "login_event", .columns = columns, .key = "event_id" };
    const struct wr_sink fold = {
        .table = "login_day", .columns = counts, .key = "user_id, day", .on_conflict = WR_MERGE
    };
    struct wr_sink once = fold;
    once.once = true;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        measure("login, keys of version 7", &keep, put_login, false, sizes[i]);
        measure("login, keys of version 4", &keep, put_login, true, sizes[i]);
        measure("counts, folded", &fold, put_count, false, sizes[i]);
        measure("counts, once", &once, put_count, false, sizes[i]);
    }
    return 0;
}
