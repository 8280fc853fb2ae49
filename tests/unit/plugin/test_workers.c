/* SPDX-License-Identifier: Apache-2.0
 *
 * Plugins at work, through the gate: the probe that other tests rely on, and C++. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "support/scratch.h"
#include "unit/plugin/desk.h"
#include "unit/plugin/hired.h"

TestSuite(workers, .fini = hired_dismiss);

static void expect_counts(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    const uint64_t expected[] = { a, b, c, d };
    for (int i = 0; i < 4; i++)
        cr_expect_eq(counter_read(&hired_counters[i]), expected[i], "counter %d: %lu", i,
                     (unsigned long)counter_read(&hired_counters[i]));
}

static void expect_line(FILE *record, const char *expected)
{
    char line[256] = "";
    cr_expect_not_null(fgets(line, sizeof line, record));
    cr_expect_str_eq(line, expected);
}

Test(workers, the_probe_writes_down_and_obeys)
{
    char dir[SCRATCH_BYTES], path[SCRATCH_BYTES + 8];
    scratch_make(dir, "record");
    snprintf(path, sizeof path, "%s/record", dir);
    const struct option_given given[] = { { "record", path } };
    hire(TEST_PLUGINS, "probe", given, 1);
    desk.message.message.id = text_of("m-1");
    cr_expect_eq(desk_run_body(NULL, "{}"), WR_DONE);
    desk.message.message.attempt = 2;
    cr_expect_eq(desk_run_body(NULL, "{\"do\": \"retry\", \"key\": 7}"), WR_RETRY);
    desk.message.message.id = text_of("");
    cr_expect_eq(desk_run_body(NULL, "{\"do\": \"reject\", \"key\": \"x\"}"), WR_REJECT);
    cr_expect_eq(desk_run_body(NULL, "{\"do\": \"wait\"}"), WR_WAIT);
    cr_expect_eq(desk_run_body(NULL, "{\"do\": \"sleep\", \"ms\": 1}"), WR_DONE);
    cr_expect_eq(desk_run_body(NULL, "{\"do\": \"spin\", \"ms\": 1}"), WR_DONE);
    desk_run_body(NULL, "{\"do\": \"fail\"}");
    desk_expect_rejected("the message says fail");
    FILE *const record = fopen(path, "re");
    cr_assert(record);
    expect_line(record, "m-1 0 1 -\n");
    expect_line(record, "m-1 0 2 7\n");
    expect_line(record, "- 0 2 \"x\"\n");
    fclose(record);
    scratch_remove(dir);
}

#ifdef TEST_HAS_CXX
Test(workers, cxx_works_like_c)
{
    hire(TEST_PLUGINS, "minimal", NULL, 0);
    cr_expect_eq(desk_run(NULL), WR_DONE);
    expect_text(desk.outcome.effects.publishes->message.body, "hello, world");
    expect_counts(1, 0, 0, 0);
}
#endif
