/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 3339 both ways; see time_text.h. The calendar starts its years in March and counts in cycles
 * of 400 years (146097 days), so that leap days come last and need no table. */
#include "base/time_text.h"

#include <limits.h>

enum { DAY_S = 86400, CYCLE_DAYS = 146097, EPOCH_DAYS = 719468 /* 0000-03-01 to 1970-01-01 */ };

#define US_PER_S 1000000
#define EARLIEST_US (-62167219200 * US_PER_S)            /* 0000-01-01T00:00:00Z */
#define LATEST_US (253402300800 * (int64_t)US_PER_S - 1) /* just before the year 10000 */

static int64_t days_of(int year, int month, int day)
{
    const int y = year - (month <= 2) + 400; /* 400 more: January of year 0 stays positive */
    const int cycle = y / 400, in_cycle = y % 400;
    const int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const int day_of_cycle = in_cycle * 365 + in_cycle / 4 - in_cycle / 100 + day_of_year;
    return (int64_t)(cycle - 1) * CYCLE_DAYS + day_of_cycle - EPOCH_DAYS;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap);
}

/* The number that two digits make; out of any range where they are not digits. */
static inline int two_digits(const char *at)
{
    const unsigned tens = (unsigned)at[0] - '0', ones = (unsigned)at[1] - '0';
    return tens > 9 || ones > 9 ? INT_MIN / 128 : (int)(tens * 10 + ones);
}

static inline bool is_within(int value, int least, int most)
{
    return value >= least && value <= most;
}

/* Exactly ten characters. */
static bool date_days(const char *at, int64_t *days)
{
    const int year = two_digits(at) * 100 + two_digits(at + 2);
    const int month = two_digits(at + 5), day = two_digits(at + 8);
    if (at[4] != '-' || at[7] != '-' || year < 0 || !is_within(month, 1, 12)) return false;
    if (day < 1 || (day > 28 && day > days_in_month(year, month))) return false;
    *days = days_of(year, month, day);
    return true;
}

/* ".123456789": up to nine digits; returns the characters read, 0 where it is wrong. */
static size_t fraction_us(const char *at, size_t len, int64_t *us)
{
    size_t n = 1;
    int64_t value = 0;
    for (; n < len && at[n] >= '0' && at[n] <= '9'; n++)
        if (n <= 6) value = value * 10 + (at[n] - '0');
    for (size_t missing = n; missing <= 6; missing++) value *= 10;
    *us = value;
    return n >= 2 && n <= 10 ? n : 0;
}

/* "Z" or "+hh:mm", to the end. */
static bool offset_s(const char *at, size_t len, int64_t *seconds)
{
    *seconds = 0;
    if (len == 1) return at[0] == 'Z' || at[0] == 'z';
    if (len != 6 || (at[0] != '+' && at[0] != '-') || at[3] != ':') return false;
    const int hours = two_digits(at + 1), minutes = two_digits(at + 4);
    if (!is_within(hours, 0, 23) || !is_within(minutes, 0, 59)) return false;
    *seconds = (at[0] == '-' ? -60 : 60) * (int64_t)(hours * 60 + minutes);
    return true;
}

bool time_from_rfc3339(struct wr_text text, int64_t *unix_us)
{
    enum { CLOCK_AT = 11, REST_AT = 19 };
    const char *at = text.at;
    int64_t days, us = 0, east_s;
    if (text.len <= REST_AT || !date_days(at, &days)) return false;
    if ((at[10] != 'T' && at[10] != 't') || at[13] != ':' || at[16] != ':') return false;
    const int hour = two_digits(at + CLOCK_AT), minute = two_digits(at + 14);
    const int second = two_digits(at + 17);
    if (!is_within(hour, 0, 23) || !is_within(minute, 0, 59) || !is_within(second, 0, 60))
        return false;

    size_t rest = REST_AT;
    if (at[rest] == '.') {
        const size_t n = fraction_us(at + rest, text.len - rest, &us);
        if (n == 0) return false;
        rest += n;
    }
    if (rest >= text.len || !offset_s(at + rest, text.len - rest, &east_s)) return false;
    const int64_t seconds = days * DAY_S + hour * 3600 + minute * 60 + second - east_s;
    if (second == 60 && seconds % DAY_S != 0) return false; /* they end a day in UTC, no other */
    *unix_us = seconds * US_PER_S + us;
    return true;
}

/* ---- back ----------------------------------------------------------------------------------- */

static void put_number(char *to, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10) to[i] = (char)('0' + value % 10);
}

static void put_date(char *to, int64_t unix_days)
{
    const int64_t days = unix_days + EPOCH_DAYS + CYCLE_DAYS; /* one cycle more: never negative */
    const int64_t cycle = days / CYCLE_DAYS, in_cycle = days % CYCLE_DAYS;
    const int64_t year_of_cycle =
        (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
    const int64_t day_of_year =
        in_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    const int64_t from_march = (5 * day_of_year + 2) / 153;
    const int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
    put_number(to, (cycle - 1) * 400 + year_of_cycle + (month <= 2), 4);
    put_number(to + 5, month, 2);
    put_number(to + 8, day_of_year - (153 * from_march + 2) / 5 + 1, 2);
}

const char *time_to_rfc3339(int64_t unix_us, char out[TIME_CHARS + 1])
{
    if (unix_us < EARLIEST_US) unix_us = EARLIEST_US;
    if (unix_us > LATEST_US) unix_us = LATEST_US;
    const int64_t since_us = unix_us - EARLIEST_US; /* years from 0 on: divisions round down */
    const int64_t ms = since_us / 1000 % 1000, second = since_us / US_PER_S % DAY_S;
    memcpy(out, "0000-00-00T00:00:00.000Z", TIME_CHARS + 1);
    put_date(out, since_us / US_PER_S / DAY_S + EARLIEST_US / US_PER_S / DAY_S);
    put_number(out + 11, second / 3600, 2);
    put_number(out + 14, second / 60 % 60, 2);
    put_number(out + 17, second % 60, 2);
    put_number(out + 20, ms, 3);
    return out;
}
