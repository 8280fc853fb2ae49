/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON as handlers see it: sticky faults that name the field with its way. How JSON is read is
 * base/json's, and tested there. */
#include <math.h>

#include <criterion/criterion.h>

#include "unit/plugin/desk.h"

#define ACT(name) static enum wr_verdict name(struct wr_job *job, UNUSED const struct wr_message *m)

ACT(touch_nothing)
{
    (void)job;
    return WR_DONE;
}

static void make(void)
{
    desk_open(touch_nothing);
}

TestSuite(json, .init = make, .fini = desk_close);

ACT(read_all)
{
    expect_text(wr_json_text(job, "t"), "a\nb");
    cr_expect_eq(wr_json_int(job, "i"), 9007199254740993);
    cr_expect_eq(wr_json_float(job, "f"), 0.5);
    cr_expect(wr_json_bool(job, "b"));
    cr_expect_eq(wr_json_time_us(job, "at"), 1767323045678000);
    expect_text(wr_json_raw(job, "price"), "12.10");
    expect_text(wr_json_text(job, "in.side"), "yes");
    cr_expect(wr_json_has(job, "in"));
    cr_expect_not(wr_json_has(job, "null"));
    cr_expect_not(wr_json_has(job, "nothing"));
    return WR_DONE;
}

Test(json, values_are_read)
{
    cr_expect_eq(desk_run_body(read_all, "{\"t\": \"a\\nb\", \"i\": 9007199254740993, \"f\": 0.5, "
                                         "\"b\": true, \"at\": \"2026-01-02T03:04:05.678Z\", "
                                         "\"price\": 12.10, \"in\": {\"side\": \"yes\"}, "
                                         "\"null\": null}"),
                 WR_DONE);
    expect_text(desk.outcome.reason, "");
}

Test(json, a_body_nobody_reads_may_be_anything)
{
    cr_expect_eq(desk_run_body(touch_nothing, "not JSON"), WR_DONE);
}

ACT(ask_whether)
{
    cr_expect_not(wr_json_has(job, "n"));
    return WR_DONE;
}

ACT(read_kind)
{
    expect_text(wr_json_text(job, "kind"), "");
    return WR_DONE;
}

Test(json, what_is_not_json_fails_at_the_first_look)
{
    desk_run_body(ask_whether, "{\"n\" 1}");
    desk_expect_rejected("the body is not JSON: at byte 5: a colon was expected");
    desk_run_body(read_kind, "");
    desk_expect_rejected("the body is not JSON: at byte 0: it is empty");
}

ACT(read_wrongly)
{
    expect_text(wr_json_text(job, "a.b"), "");
    cr_expect_eq(wr_json_int(job, "t"), 0);
    return WR_DONE;
}

ACT(read_int)
{
    cr_expect_eq(wr_json_int(job, "n"), 0);
    return WR_DONE;
}

ACT(read_float)
{
    cr_expect_eq(wr_json_float(job, "n"), 0);
    return WR_DONE;
}

ACT(read_bool)
{
    cr_expect_not(wr_json_bool(job, "n"));
    return WR_DONE;
}

ACT(read_time)
{
    cr_expect_eq(wr_json_time_us(job, "n"), 0);
    return WR_DONE;
}

ACT(read_raw)
{
    expect_text(wr_json_raw(job, "n"), "");
    return WR_DONE;
}

ACT(count_n)
{
    cr_expect_eq(wr_json_count(job, "n"), 0);
    return WR_DONE;
}

ACT(enter_n)
{
    struct wr_text key = { "x", 1 };
    cr_expect_not(wr_json_enter(job, "n", 0, &key));
    expect_text(key, "");
    return WR_DONE;
}

Test(json, faults_name_the_field)
{
    static const struct {
        desk_act *act;
        const char *body, *reason;
    } faults[] = {
        { read_wrongly, "{\"a\": {}, \"t\": \"x\"}", "field \"a.b\" is missing" },
        { read_kind, "{}", "field \"kind\" is missing" },
        { read_kind, "{\"kind\": 3}", "field \"kind\" is an integer, text was expected" },
        { read_int, "{\"n\": \"3\"}", "field \"n\" is text, an integer was expected" },
        { read_int, "{\"n\": null}", "field \"n\" is null, an integer was expected" },
        { read_int, "{\"n\": 9223372036854775808}", "field \"n\" is too large for 64 bits" },
        { read_float, "{\"n\": []}", "field \"n\" is an array, a number was expected" },
        { read_bool, "{\"n\": 1}", "field \"n\" is an integer, true or false was expected" },
        { read_time, "{\"n\": 1}", "field \"n\" is an integer, text was expected" },
        { read_time, "{\"n\": \"yesterday\"}",
          "field \"n\" is no RFC 3339 time such as 2026-01-02T03:04:05.678Z" },
        { read_raw, "{}", "field \"n\" is missing" },
        { count_n, "{\"n\": 1}", "field \"n\" is an integer, an array or an object was expected" },
        { enter_n, "{}", "field \"n\" is missing" },
        { enter_n, "{\"n\": true}",
          "field \"n\" is true or false, an array or an object was expected" },
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        desk_run_body(faults[i].act, faults[i].body);
        desk_expect_rejected(faults[i].reason);
    }
}

/* ---- walking ------------------------------------------------------------------------------------ */

ACT(walk)
{
    struct wr_text key;
    int64_t sum = 0;
    cr_expect_eq(wr_json_count(job, "items"), 3);
    for (size_t i = 0; wr_json_enter(job, "items", i, &key); i++) {
        expect_text(key, "");
        sum += wr_json_int(job, "n");
        wr_json_leave(job);
    }
    cr_expect_eq(sum, 6);
    cr_expect(wr_json_enter(job, "map", 1, &key));
    expect_text(key, "y");
    cr_expect_eq(wr_json_int(job, ""), 20);
    wr_json_leave(job);
    cr_expect_not(wr_json_enter(job, "map", 2, NULL));
    return WR_DONE;
}

ACT(walk_into_a_fault)
{
    char field[] = "items";
    cr_expect(wr_json_enter(job, field, 2, NULL));
    field[0] = 'x'; /* copied */
    wr_json_text(job, "sku");
    return WR_DONE;
}

ACT(walk_deep)
{
    cr_expect(wr_json_enter(job, "a.b", 0, NULL));
    cr_expect(wr_json_enter(job, "", 1, NULL));
    cr_expect(wr_json_enter(job, "map", 0, NULL));
    wr_json_text(job, "z");
    return WR_DONE;
}

ACT(walk_to_itself)
{
    cr_expect(wr_json_enter(job, "items", 0, NULL));
    wr_json_int(job, "");
    return WR_DONE;
}

ACT(walk_back)
{
    cr_expect(wr_json_enter(job, "items", 0, NULL));
    wr_json_leave(job);
    wr_json_text(job, "sku");
    return WR_DONE;
}

ACT(leave_too_often)
{
    wr_json_leave(job);
    return WR_DONE;
}

Test(json, entries_are_walked)
{
    cr_expect_eq(desk_run_body(walk, "{\"items\": [{\"n\": 1}, {\"n\": 2}, {\"n\": 3}], "
                                     "\"map\": {\"x\": 10, \"y\": 20}}"),
                 WR_DONE);
    expect_text(desk.outcome.reason, "");
}

Test(json, faults_name_the_way)
{
    desk_run_body(walk_into_a_fault, "{\"items\": [1, 2, {\"n\": 3}]}");
    desk_expect_rejected("field \"items[2].sku\" is missing");
    desk_run_body(walk_deep, "{\"a\": {\"b\": [[0, {\"map\": {\"k\": {}}}]]}}");
    desk_expect_rejected("field \"a.b[0][1].map.k.z\" is missing");
    desk_run_body(walk_to_itself, "{\"items\": [\"x\"]}");
    desk_expect_rejected("field \"items[0]\" is text, an integer was expected");
    desk_run_body(walk_back, "{\"items\": [{}]}");
    desk_expect_rejected("field \"sku\" is missing");
    desk_run_body(leave_too_often, "{}");
    desk_expect_rejected("wr_json_leave: nothing was entered");
}

Test(json, long_ways_are_cut)
{
    static char body[2000];
    static const char name[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789";
    snprintf(body, sizeof body,
             "{\"items\": {\"%s%s%s\xc3\xa4\xc3\xa4%s\": {\"%s\": [1, 2, {\"n\": 3}]}}}", name,
             name, name, name, name);
    desk_run_body(walk_into_a_fault, "{\"items\": [1, 2, {}]}");
    desk_expect_rejected("field \"items[2].sku\" is missing");
    desk_run_body(enter_n, body);
    desk_expect_rejected("field \"n\" is missing");
}

/* ---- another document --------------------------------------------------------------------------- */

ACT(open_another)
{
    char document[] = "{\"n\": 7}";
    cr_expect(wr_json_enter(job, "items", 0, NULL));
    wr_json_open(job, (struct wr_text){ document, sizeof document - 1 });
    document[6] = '8'; /* copied */
    cr_expect_eq(wr_json_int(job, "n"), 7);
    return WR_DONE;
}

ACT(open_a_bad_one)
{
    wr_json_open(job, (struct wr_text){ "{", 1 });
    cr_expect_eq(wr_json_int(job, "n"), 0);
    return WR_DONE;
}

Test(json, another_document_may_be_opened)
{
    cr_expect_eq(desk_run_body(open_another, "{\"items\": [1]}"), WR_DONE);
    desk_run_body(open_a_bad_one, "{}");
    desk_expect_rejected("the document is not JSON: at byte 1: a field's name was expected");
}
