/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 3339 both ways: a table, and every day of ten thousand years against libc. */
#include "base/time_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

Test(time_text, reads)
{
    static const struct {
        const char *text;
        int64_t unix_us;
    } cases[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1970-01-01T00:00:00.000001Z", 1 },
        { "1969-12-31T23:59:59.999999Z", -1 },
        { "2026-11-20T05:06:07.890Z", 1795151167890000 },
        { "2026-11-20t05:06:07.89z", 1795151167890000 },
        { "2026-11-20T05:06:07.8Z", 1795151167800000 },
        { "2026-11-20T07:06:07+02:00", 1795151167000000 },
        { "2026-11-19T23:36:07-05:30", 1795151167000000 },
        { "2026-11-20T05:06:07-00:00", 1795151167000000 },
        { "2026-11-20T05:06:07.123456789Z", 1795151167123456 },
        { "2026-11-20T05:06:07.999999999Z", 1795151167999999 },
        { "2024-02-29T00:00:00Z", 1709164800000000 },
        { "2000-02-29T00:00:00Z", 951782400000000 },
        { "1990-12-31T23:59:60Z", 662688000000000 },
        { "1990-12-31T15:59:60.5-08:00", 662688000500000 },
        { "0000-01-01T00:00:00Z", -62167219200000000 },
        { "0000-02-29T00:00:00Z", -62162121600000000 },
        { "9999-12-31T23:59:59.999999Z", 253402300799999999 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t unix_us = 0;
        cr_assert(time_from_rfc3339(text_of(cases[i].text), &unix_us), "%s", cases[i].text);
        cr_assert_eq(unix_us, cases[i].unix_us, "%s gave %lld", cases[i].text, (long long)unix_us);
    }
}

Test(time_text, refuses)
{
    static const char *const cases[] = {
        "",
        "2026",
        "2026-11-20",
        "2026-11-20T05:06:07",   /* no offset */
        "2026-11-20T05:06:07.Z", /* no digit */
        "2026-11-20T05:06:07.1234567890Z",
        "2026-11-20T05:06:07.5",
        "2026-11-20 05:06:07Z",
        "2026-11-20T05:06Z",
        "2026-11-20T05:06:07Zx",
        " 2026-11-20T05:06:07Z",
        "2026-11-20T05:06:07,5Z",
        "2026/11/20T05:06:07Z",
        "2026-11-20T05-06-07Z",
        "2026-00-20T05:06:07Z",
        "2026-13-20T05:06:07Z",
        "2026-11-00T05:06:07Z",
        "2026-11-31T05:06:07Z",
        "2026-02-29T05:06:07Z",
        "1900-02-29T05:06:07Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T05:60:00Z",
        "2026-11-20T05:06:61Z",
        "2026-11-20T05:06:60Z", /* leap seconds end a day */
        "1990-12-31T23:59:60+01:00",
        "2026-11-20T05:06:07+24:00",
        "2026-11-20T05:06:07+02:60",
        "2026-11-20T05:06:07+0200",
        "2026-11-20T05:06:07+02",
        "2026-11-20T05:06:07*02:00",
        "+026-11-20T05:06:07Z",
        "2o26-11-20T05:06:07Z",
        "2026-1 -20T05:06:07Z",
        "2026-11-20T05:06:0/Z",
        "2026-11-20T05:06:0:Z",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t unix_us = 77;
        cr_assert_not(time_from_rfc3339(text_of(cases[i]), &unix_us), "%s", cases[i]);
        cr_assert_eq(unix_us, 77, "%s", cases[i]);
    }
}

/* The byte after the text is never looked at: each case on the heap, cut everywhere. */
Test(time_text, reads_no_further_than_the_text)
{
    static const char whole[] = "2026-11-20T05:06:07.123456789+02:00";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char *copy = malloc(len ? len : 1);
        int64_t unix_us;
        memcpy(copy, whole, len);
        cr_assert_not(time_from_rfc3339(text_from(copy, len), &unix_us), "%zu bytes", len);
        free(copy);
    }
}

Test(time_text, writes)
{
    static const struct {
        int64_t unix_us;
        const char *text;
    } cases[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { 1795151167890999, "2026-11-20T05:06:07.890Z" },
        { INT64_MIN, "0000-01-01T00:00:00.000Z" },
        { INT64_MAX, "9999-12-31T23:59:59.999Z" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[TIME_CHARS + 1];
        cr_assert_str_eq(time_to_rfc3339(cases[i].unix_us, text), cases[i].text, "%s", text);
    }
}

Test(time_text, agrees_with_libc_on_every_day)
{
    for (int64_t day = -719528; day < 2932897; day++) {
        const time_t at = day * 86400 + (day * 7919 % 86400 + 86400) % 86400;
        char ours[TIME_CHARS + 1], libcs[64];
        struct tm tm;
        int64_t back;
        gmtime_r(&at, &tm);
        snprintf(libcs, sizeof libcs, "%04d-%02d-%02dT%02d:%02d:%02d.000Z", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        time_to_rfc3339((int64_t)at * 1000000, ours);
        cr_assert_str_eq(ours, libcs);
        cr_assert(time_from_rfc3339(text_of(ours), &back) && back == (int64_t)at * 1000000, "%s",
                  ours);
    }
}
