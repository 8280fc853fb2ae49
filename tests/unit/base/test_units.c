/* SPDX-License-Identifier: Apache-2.0
 *
 * Durations and sizes as configurations write them. */
#include "base/units.h"

#include <criterion/criterion.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

struct unit_case {
    const char *text;
    int64_t value; /* -1: refused */
};

static void expect_reads(bool (*parse)(struct wr_text, int64_t *), const struct unit_case *cases,
                         size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t value = 77;
        cr_assert_eq(parse(text_of(cases[i].text), &value), cases[i].value >= 0, "\"%s\"",
                     cases[i].text);
        cr_assert_eq(value, cases[i].value >= 0 ? cases[i].value : 77, "\"%s\" gave %lld",
                     cases[i].text, (long long)value);
    }
}

Test(units, durations)
{
    static const struct unit_case cases[] = {
        { "0", 0 },
        { "0ms", 0 },
        { "250ms", 250 },
        { "20s", 20000 },
        { "1m", 60000 },
        { "1h", 3600000 },
        { "7d", 604800000 },
        { "1m30s", 90000 },
        { "1d2h3m4s5ms", 93784005 },
        { "9223372036854775807ms", INT64_MAX },
        { "9223372036854775808ms", -1 },
        { "106751991168d", -1 },
        { "106751991167d99h", -1 },
        { "", -1 },
        { "00", -1 },
        { "1", -1 },
        { "1000", -1 },
        { "0s0", -1 },
        { "s", -1 },
        { "30s1m", -1 }, /* larger units first */
        { "1s1s", -1 },
        { "1.5s", -1 },
        { "-1s", -1 },
        { "+1s", -1 },
        { "1 s", -1 },
        { " 1s", -1 },
        { "1s ", -1 },
        { "1S", -1 },
        { "1sec", -1 },
        { "1m30", -1 },
        { "5us", -1 },
    };
    expect_reads(duration_parse, cases, COUNT_OF(cases));
}

Test(units, sizes)
{
    static const struct unit_case cases[] = {
        { "0", 0 },
        { "1000", 1000 },
        { "12B", 12 },
        { "64kB", 64000 },
        { "1MB", 1000000 },
        { "2GB", 2000000000 },
        { "1TB", 1000000000000 },
        { "128KiB", 131072 },
        { "256MiB", 268435456 },
        { "1GiB", 1073741824 },
        { "1TiB", 1099511627776 },
        { "9223372036854775807", INT64_MAX },
        { "9223372036854775808", -1 },
        { "8388608TiB", -1 },
        { "", -1 },
        { "B", -1 },
        { "1 MB", -1 },
        { "1.5MB", -1 },
        { "-1", -1 },
        { "+1", -1 },
        { "1KB", -1 }, /* 1000 or 1024? */
        { "1mib", -1 },
        { "1M", -1 },
        { "1MiB2KiB", -1 },
        { "1MiB2", -1 },
        { "0x10", -1 },
    };
    expect_reads(size_parse, cases, COUNT_OF(cases));
}

Test(units, shown)
{
    char out[UNITS_CHARS + 1];
    cr_assert_str_eq(duration_show(0, out), "0s");
    cr_assert_str_eq(duration_show(250, out), "250ms");
    cr_assert_str_eq(duration_show(90000, out), "1m30s");
    cr_assert_str_eq(duration_show(604800000, out), "7d");
    cr_assert_str_eq(duration_show(-1500, out), "-1s500ms");
    cr_assert_str_eq(duration_show(INT64_MIN, out), "-106751991167d7h12m55s808ms");
    cr_assert_str_eq(size_show(0, out), "0B");
    cr_assert_str_eq(size_show(1, out), "1B");
    cr_assert_str_eq(size_show(131072, out), "128KiB");
    cr_assert_str_eq(size_show(268435456, out), "256MiB");
    cr_assert_str_eq(size_show(64000, out), "64kB");
    cr_assert_str_eq(size_show(1000000000000, out), "1TB");
    cr_assert_str_eq(size_show(123456789, out), "123456789B");
}

Test(units, what_is_shown_is_read_back)
{
    for (int64_t n = 1; n < INT64_MAX / 3; n = n * 2 + n % 7) {
        char out[UNITS_CHARS + 1];
        int64_t back = -1;
        cr_assert(duration_parse(text_of(duration_show(n, out)), &back) && back == n, "%s", out);
        cr_assert(size_parse(text_of(size_show(n, out)), &back) && back == n, "%s", out);
    }
}
