/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows: values as they were put, and each way to put them wrongly. */
#include <math.h>
#include <string.h>

#include <criterion/criterion.h>

#include "unit/plugin/desk.h"

#define ACT(name) static enum wr_verdict name(struct wr_job *job, UNUSED const struct wr_message *m)

static const struct wr_column all_columns[] = {
    WR_COLUMN("bool", WR_BOOL),
    WR_COLUMN("int2", WR_INT2),
    WR_COLUMN("int4", WR_INT4),
    WR_COLUMN("int8", WR_INT8),
    WR_COLUMN("float8", WR_FLOAT8),
    WR_COLUMN("numeric", WR_NUMERIC),
    WR_COLUMN("text", WR_TEXT),
    WR_COLUMN("bytea", WR_BYTEA),
    WR_COLUMN("uuid", WR_UUID),
    WR_COLUMN("date", WR_DATE),
    WR_COLUMN("ts", WR_TIMESTAMP),
    WR_COLUMN("tstz", WR_TIMESTAMPTZ),
    WR_COLUMN("inet", WR_INET),
    WR_COLUMN("jsonb", WR_JSONB),
    WR_COLUMN("texts", WR_TEXT_ARRAY),
    WR_COLUMN("ints", WR_INT8_ARRAY),
    { 0 },
};
static const struct wr_column line_columns[] = {
    WR_COLUMN("n", WR_INT2),
    WR_COLUMN("sku", WR_TEXT),
    WR_COLUMN("user_id", WR_INT8),
    WR_COLUMN("odd", (enum wr_type)99),
    { 0 },
};
static const struct wr_sink sinks[] = {
    { .table = "everything", .columns = all_columns },
    { .table = "line", .columns = line_columns, .key = "user_id, sku" },
    { .table = "counted", .columns = all_columns, .key = "int8", .once = true },
    { 0 },
};
enum { EVERYTHING, LINE, COUNTED };

ACT(do_nothing)
{
    (void)job;
    return WR_DONE;
}

static void make(void)
{
    desk_handler.sinks = sinks;
    desk_open(do_nothing);
}

TestSuite(rows, .init = make, .fini = desk_close);

static struct wr_text text(const char *cstr)
{
    return (struct wr_text){ cstr, strlen(cstr) };
}

ACT(put_everything)
{
    char word[] = "word";
    wr_row(job, EVERYTHING);
    wr_put_bool(job, true);
    wr_put_int(job, INT16_MIN);
    wr_put_int(job, INT32_MAX);
    wr_put_int(job, INT64_MIN);
    wr_put_float(job, 0.5);
    wr_put_text(job, text("12.10"));
    wr_put_text(job, text(word));
    wr_put_text(job, (struct wr_text){ "\0\xff", 2 });
    wr_put_uuid(job, text("0194f0c8-7C1E-7a3b-9d2e-5f6071829304"));
    wr_put_date(job, 20455);
    wr_put_time_us(job, -1);
    wr_put_time_us(job, 1767323045678000);
    wr_put_text(job, text("10.1.2.3"));
    wr_put_text(job, text("{}"));
    wr_put_texts(job, (struct wr_text[]){ text(word), text("") }, 2);
    wr_put_ints(job, (int64_t[]){ 1, -2, 3 }, 3);
    word[0] = 'x'; /* copied */
    return WR_DONE;
}

/* The i-th value as text. */
static struct wr_text shown(const struct row *row, enum wr_type type, unsigned nth)
{
    static char memory[1024];
    static struct arena arena;
    struct row_value value = { NULL, -1 };
    uint32_t at = 0;
    arena_init(&arena, memory, sizeof memory);
    for (unsigned i = 0; i <= nth; i++) value = row_next_value(row, &at);
    return row_show(&arena, type, value);
}

Test(rows, values_are_encoded_by_type)
{
    cr_assert_eq(desk_run(put_everything), WR_DONE);
    cr_assert_eq(desk.outcome.effects.n_rows, 1);
    const struct row *const row = desk.outcome.effects.rows;
    cr_assert(row->sink == EVERYTHING && !row->is_delete && row->n == 16 && !row->next);
    static const char *const values[] = {
        "t",
        "-32768",
        "2147483647",
        "-9223372036854775808",
        "0.5",
        "12.10",
        "word",
        "\\x00ff",
        "0194f0c8-7c1e-7a3b-9d2e-5f6071829304",
        "2026-01-02",
        "1969-12-31 23:59:59.999999",
        "2026-01-02 03:04:05.678+00",
        "10.1.2.3",
        "{}",
        "{word,\"\"}",
        "{1,-2,3}",
    };
    for (unsigned i = 0; i < 16; i++) expect_text(shown(row, all_columns[i].type, i), values[i]);
}

ACT(put_and_delete)
{
    wr_delete(job, LINE);
    wr_put_int(job, 42); /* user_id, then sku: the key's order */
    wr_put_text(job, text("a-1"));
    wr_row(job, LINE);
    for (int i = 0; i < 4; i++) wr_put_null(job);
    wr_delete(job, LINE);
    wr_put_int(job, 43);
    wr_put_text(job, text("a-2"));
    return WR_DONE;
}

Test(rows, deletes_take_the_key)
{
    cr_assert_eq(desk_run(put_and_delete), WR_DONE);
    cr_expect_eq(desk.outcome.effects.n_rows, 3);
    const struct row *row = desk.outcome.effects.rows;
    cr_expect(row->is_delete && row->sink == LINE && row->n == 2);
    expect_text(shown(row, WR_INT8, 0), "42");
    expect_text(shown(row, WR_TEXT, 1), "a-1");
    row = row->next;
    cr_expect(!row->is_delete && row->n == 4);
    expect_text(shown(row, WR_INT2, 3), "NULL");
    row = row->next;
    expect_text(shown(row, WR_INT8, 0), "43");
    cr_expect_null(row->next);
}

/* ---- wrongly ------------------------------------------------------------------------------------ */

ACT(row_nowhere)
{
    wr_row(job, 3);
    wr_put_int(job, 1);
    return WR_DONE;
}

ACT(delete_nowhere)
{
    wr_delete(job, 9);
    return WR_DONE;
}

ACT(delete_without_key)
{
    wr_delete(job, EVERYTHING);
    return WR_DONE;
}

ACT(put_nowhere)
{
    wr_put_null(job);
    return WR_DONE;
}

ACT(put_wrong_type)
{
    wr_row(job, LINE);
    wr_put_text(job, text("1"));
    return WR_DONE;
}

ACT(put_unknown_type)
{
    wr_row(job, LINE);
    for (int i = 0; i < 3; i++) wr_put_null(job);
    wr_put_int(job, 1);
    return WR_DONE;
}

ACT(put_too_large)
{
    wr_row(job, LINE);
    wr_put_int(job, INT16_MAX + 1);
    return WR_DONE;
}

ACT(put_too_few)
{
    wr_row(job, LINE);
    wr_put_int(job, 1);
    wr_row(job, LINE);
    return WR_DONE;
}

ACT(put_too_few_at_last)
{
    wr_delete(job, LINE);
    wr_put_int(job, 1);
    return WR_DONE;
}

ACT(put_too_many)
{
    wr_row(job, LINE);
    for (int i = 0; i < 5; i++) wr_put_null(job);
    return WR_DONE;
}

ACT(put_no_bytes)
{
    wr_row(job, LINE);
    wr_put_int(job, 1);
    wr_put_text(job, (struct wr_text){ NULL, 5 });
    return WR_DONE;
}

ACT(put_nul)
{
    wr_row(job, LINE);
    wr_put_int(job, 1);
    wr_put_text(job, (struct wr_text){ "a\0b", 3 });
    return WR_DONE;
}

ACT(put_latin)
{
    wr_row(job, LINE);
    wr_put_int(job, 1);
    wr_put_text(job, text("\xe4"));
    return WR_DONE;
}

ACT(put_bad_uuid)
{
    wr_row(job, EVERYTHING);
    for (int i = 0; i < 8; i++) wr_put_null(job);
    wr_put_uuid(job, text("0194f0c8-7c1e-7a3b-9d2e-5f60718293zz"));
    return WR_DONE;
}

ACT(put_no_text)
{
    wr_row(job, EVERYTHING);
    for (int i = 0; i < 14; i++) wr_put_null(job);
    wr_put_texts(job, (struct wr_text[]){ text("x"), { NULL, 1 } }, 2);
    return WR_DONE;
}

ACT(put_bad_texts)
{
    wr_row(job, EVERYTHING);
    for (int i = 0; i < 14; i++) wr_put_null(job);
    wr_put_texts(job, (struct wr_text[]){ text("x"), text("\xff") }, 2);
    return WR_DONE;
}

ACT(put_bad_number)
{
    wr_row(job, EVERYTHING);
    for (int i = 0; i < 5; i++) wr_put_null(job);
    wr_put_text(job, text("12,10"));
    wr_put_text(job, text("the next one"));
    return WR_DONE;
}

ACT(put_bad_inet)
{
    wr_row(job, EVERYTHING);
    for (int i = 0; i < 12; i++) wr_put_null(job);
    wr_put_text(job, text("10.1.2.300"));
    return WR_DONE;
}

ACT(put_bad_json)
{
    wr_row(job, EVERYTHING);
    for (int i = 0; i < 13; i++) wr_put_null(job);
    wr_put_text(job, text("{\"a\":}"));
    return WR_DONE;
}

ACT(put_early_time)
{
    wr_row(job, EVERYTHING);
    for (int i = 0; i < 10; i++) wr_put_null(job);
    wr_put_time_us(job, INT64_MIN);
    return WR_DONE;
}

Test(rows, faults_are_named)
{
    static const struct {
        desk_act *act;
        const char *reason;
    } faults[] = {
        { row_nowhere, "wr_row: there is no sink 3, the handler declares 3" },
        { delete_nowhere, "wr_delete: there is no sink 9, the handler declares 3" },
        { delete_without_key, "wr_delete: the sink for everything has no key to delete by" },
        { put_nowhere, "wr_put_null: there is no row to put it in: call wr_row first" },
        { put_wrong_type, "wr_put_text: the column \"n\" of line is int2, which takes wr_put_int" },
        { put_unknown_type,
          "wr_put_int: the column \"odd\" of line is unknown, which takes nothing" },
        { put_too_large, "wr_put_int: the value for \"n\" of line is beyond the column's range" },
        { put_too_few,
          "the row for line has 1 values of 4: \"sku\" is the first that was not put" },
        { put_too_few_at_last,
          "the row for line has 1 values of 2: \"sku\" is the first that was not put" },
        { put_too_many, "wr_put_null: the row for line is full, it has 4 values" },
        { put_nul, "wr_put_text: the value for \"sku\" of line holds a zero byte" },
        { put_no_bytes, "wr_put_text: the value for \"sku\" of line has a length, but is NULL" },
        { put_no_text, "wr_put_texts: the value for \"texts\" of everything has a length, but is "
                       "NULL" },
        { put_latin, "wr_put_text: the value for \"sku\" of line is not UTF-8" },
        { put_bad_uuid, "wr_put_uuid: the value for \"uuid\" of everything is no UUID such as "
                        "0194f0c8-7c1e-7a3b-9d2e-5f6071829304" },
        { put_bad_texts, "wr_put_texts: the value for \"texts\" of everything is not UTF-8" },
        { put_bad_number, "wr_put_text: the value for \"numeric\" of everything is no number" },
        { put_bad_inet, "wr_put_text: the value for \"inet\" of everything is no inet address" },
        { put_bad_json, "wr_put_text: the value for \"jsonb\" of everything is no JSON" },
        { put_early_time, "wr_put_time_us: the value for \"ts\" of everything is before the year "
                          "4713 BC, where PostgreSQL's time begins" },
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        desk_run(faults[i].act);
        desk_expect_rejected(faults[i].reason);
        cr_expect_null(desk.outcome.effects.rows);
    }
}

ACT(put_counted)
{
    wr_row(job, COUNTED);
    for (int i = 0; i < 16; i++) wr_put_null(job);
    return WR_DONE;
}

Test(rows, once_needs_a_message_id)
{
    desk_run(put_counted);
    desk_expect_rejected("wr_row: the sink for counted is `once`, which needs a message id, and "
                         "the message has none");
    desk.message.message.id = (struct wr_text){ "\xff", 1 };
    desk_run(put_counted);
    desk_expect_rejected("wr_row: the sink for counted is `once`, which needs a message id, and "
                         "the message has one that is no text");
    desk.message.message.id = text("m-1");
    cr_expect_eq(desk_run(put_counted), WR_DONE);
}

ACT(put_endlessly)
{
    static const char block[1 << 20];
    for (int i = 0; i < 70; i++) {
        wr_row(job, EVERYTHING);
        for (int k = 0; k < 7; k++) wr_put_null(job);
        wr_put_text(job, (struct wr_text){ block, sizeof block });
        for (int k = 8; k < 16; k++) wr_put_null(job);
    }
    return WR_DONE;
}

ACT(put_absurdly_many)
{
    wr_row(job, EVERYTHING);
    for (int i = 0; i < 15; i++) wr_put_null(job);
    wr_put_ints(job, NULL, SIZE_MAX / 2);
    return WR_DONE;
}

Test(rows, copies_count_as_memory)
{
    desk_run(put_endlessly);
    desk_expect_rejected("the handler took more than 64 MiB of memory for one message");
    desk_run(put_absurdly_many);
    desk_expect_rejected("the handler took more than 64 MiB of memory for one message");
}
