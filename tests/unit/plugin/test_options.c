/* SPDX-License-Identifier: Apache-2.0
 *
 * Options: values, fallbacks, and every fault at once. */
#include "plugin/options.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

static const struct wr_option declared[] = {
    { "ttl", "3600", "seconds" },
    { "table", NULL, "where rows go" },
    { "bare", NULL, NULL },
    { 0 },
};
static const struct wr_handler handler = { .name = "cart", .options = declared };
static const struct wr_handler plain = { .name = "plain" };

static char faults[1024];

static void note(void *owner, int index, const char *text)
{
    cr_expect_eq(owner, faults);
    const size_t at = strlen(faults);
    snprintf(faults + at, sizeof faults - at, "%d: %s\n", index, text);
}

static struct options *try_bind(const struct wr_handler *to, const struct option_given *given,
                                size_t n)
{
    return options_bind(to, given, n, note, faults);
}

Test(options, given_ones_stand_and_others_fall_back)
{
    char value[] = "cart";
    const struct option_given given[] = { { "table", value }, { "bare", "" } };
    struct options *const options = try_bind(&handler, given, 2);
    cr_assert_not_null(options, "%s", faults);
    value[0] = 'x'; /* copied */
    cr_expect_str_eq(options_get(options, "table"), "cart");
    cr_expect_str_eq(options_get(options, "ttl"), "3600");
    cr_expect_str_eq(options_get(options, "bare"), "");
    cr_expect_null(options_get(options, "tables"));
    options_free(options);
    options_free(NULL);
}

Test(options, every_fault_is_told)
{
    const struct option_given given[] = {
        { "tabel", "x" }, { "ttl", "1" }, { "colour", "x" }, { "ttl", "2" }
    };
    cr_expect_null(try_bind(&handler, given, 4));
    cr_expect_str_eq(faults,
                     "0: the handler cart has no option \"tabel\"; did you mean \"table\"?\n"
                     "2: the handler cart has no option \"colour\"; it has \"ttl\" and others\n"
                     "3: the option \"ttl\" is given twice\n"
                     "-1: the handler cart needs the option \"table\": where rows go\n"
                     "-1: the handler cart needs the option \"bare\"\n");
}

Test(options, a_handler_may_have_none)
{
    struct options *const options = try_bind(&plain, NULL, 0);
    cr_assert_not_null(options);
    cr_expect_null(options_get(options, "ttl"));
    options_free(options);
    const struct option_given given[] = { { "ttl", "1" } };
    cr_expect_null(try_bind(&plain, given, 1));
    cr_expect_str_eq(faults, "0: the handler plain has no option \"ttl\", it has none at all\n");
}
