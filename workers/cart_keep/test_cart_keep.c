/* SPDX-License-Identifier: Apache-2.0
 *
 * What an event makes of a cart: which lines are put and deleted, what is passed over, and what is
 * rejected without a trace. */
#include <stdio.h>
#include <stdlib.h>

#include "support/trial.h"

enum { CART, LINE };
enum { OLD, LATE, SWEPT };
#define NOW_US INT64_C(1767323045000000) /* 2026-01-02T03:04:05Z */
#define DAY_US INT64_C(86400000000)

static void open_trial(void)
{
    static const struct wr_pair given[] = {
        { .name = WR_TEXT_OF("max_lines"), .number = 2, .kind = WR_H_INT },
        { .name = WR_TEXT_OF("max_quantity"), .number = 10, .kind = WR_H_INT },
    };
    static const char *const products[][2] = {
        { "apple", "{\"name\":\"Apple\",\"price\":0.50,\"active\":true}" },
        { "pear", "{\"name\":\"Pear\",\"price\":1.20,\"active\":true}" },
        { "plum", "{\"name\":\"Plum\",\"price\":2,\"active\":false}" },
    };
    trial_open_with(given, 2);
    wr_trial_now(trial, NOW_US);
    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        wr_trial_load(trial, 1, (struct wr_text){ products[i][0], strlen(products[i][0]) }, 1,
                      (struct wr_text){ products[i][1], strlen(products[i][1]) });
}

TestSuite(cart_keep, .init = open_trial, .fini = trial_close);

/* One line of what is loaded, from "apple*3@5": three, by event 5. */
static int print_line(char *out, size_t room, const char **text, int64_t at_us)
{
    const int sku = (int)strcspn(*text, "*");
    char *end;
    const long quantity = strtol(*text + sku + 1, &end, 10);
    const long seq = strtol(end + 1, &end, 10);
    const int n =
        snprintf(out, room, "{\"sku\":\"%.*s\",\"quantity\":%ld,\"seq\":%ld,\"us\":%lld}%s", sku,
                 *text, quantity, seq, (long long)at_us, *end ? "," : "");
    *text = end + strspn(end, " ");
    return n;
}

/* The cart of user 42 as it is loaded: touched, and its lines, both so many days ago. */
static void given_cart(int64_t cleared_seq, const char *lines, int64_t days)
{
    const int64_t at_us = NOW_US - days * DAY_US;
    static char value[80000];
    int n = snprintf(value, sizeof value, "{\"cleared_seq\":%lld,\"touched_us\":%lld,\"lines\":[",
                     (long long)cleared_seq, (long long)at_us);
    while (*lines) n += print_line(value + n, sizeof value - (size_t)n, &lines, at_us);
    snprintf(value + n, sizeof value - (size_t)n, "]}");
    wr_trial_load(trial, 0, WR_TEXT_OF("42"), 1, (struct wr_text){ value, strlen(value) });
}

/* An event of user 42, by the names of its fields. */
static enum wr_verdict handle_at(const char *type, int seq, const char *at, const char *more)
{
    char body[500];
    snprintf(body, sizeof body, "{\"user_id\":42,\"seq\":%d,\"at\":\"%s\"%s}", seq, at, more);
    return wr_trial_handle(trial, (struct wr_message){ .body = { body, strlen(body) },
                                                       .type = { type, strlen(type) } });
}

static enum wr_verdict handle(const char *type, int seq, const char *more)
{
    return handle_at(type, seq, "2026-01-02T03:04:05Z", more);
}
#define SET(seq, sku, quantity)                                                                    \
    handle("cart.item.set", seq, ",\"sku\":\"" sku "\",\"quantity\":" #quantity)
#define REMOVE(seq, sku) handle("cart.item.removed", seq, ",\"sku\":\"" sku "\"")

/* Rows of a sink, columns with spaces between; a delete begins with "-". */
static const char *rows_of(unsigned sink, const char *const *columns)
{
    static char words[2][1000];
    char *text = words[sink];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < wr_trial_rows(trial, sink); i++) {
        const bool is_delete = wr_trial_is_delete(trial, sink, i);
        n += (size_t)snprintf(text + n, sizeof words[0] - n, "%s%s", i ? ", " : "",
                              is_delete ? "-" : "");
        for (size_t k = 0; columns[k] && (!is_delete || k < 2 - (sink == CART)); k++)
            n += (size_t)snprintf(text + n, sizeof words[0] - n, "%s%s", k ? " " : "",
                                  wr_trial_value(trial, sink, i, columns[k]).at);
    }
    return text;
}

static void expect_rows(const char *cart, const char *lines)
{
    static const char *const of_cart[] = { "user_id", "seq", "cleared_seq", NULL };
    static const char *const of_lines[] = { "user_id", "sku", "quantity", "name",
                                            "price",   "seq", NULL };
    cr_expect_str_eq(rows_of(CART, of_cart), cart);
    cr_expect_str_eq(rows_of(LINE, of_lines), lines);
}

#define EXPECT(verdict, cart, lines)                                                               \
    do {                                                                                           \
        cr_expect_eq(verdict, WR_DONE, "%s", wr_trial_reason(trial).at);                           \
        expect_rows(cart, lines);                                                                  \
    } while (0)

static void expect_reason(enum wr_verdict verdict, const char *code, const char *reason)
{
    cr_expect_eq(verdict, WR_REJECT);
    cr_expect_str_eq(wr_trial_code(trial).at, code);
    cr_expect_eq(strncmp(wr_trial_reason(trial).at, reason, strlen(reason)), 0,
                 "\"%s\" does not begin: %s", wr_trial_reason(trial).at, reason);
    expect_rows("", "");
}

/* ---- items ------------------------------------------------------------------------------------- */

Test(cart_keep, puts_what_is_set)
{
    EXPECT(SET(7, "apple", 3), "42 7 0", "42 apple 3 Apple 0.50 7");
    given_cart(4, "apple*3@7 pear*1@5", 0);
    EXPECT(SET(8, "apple", 10), "42 8 4", "42 apple 10 Apple 0.50 8");
    cr_expect_str_eq(wr_trial_value(trial, CART, 0, "touched_at").at, "2026-01-02 03:04:05+00");
    cr_expect_str_eq(wr_trial_value(trial, LINE, 0, "at").at, "2026-01-02 03:04:05+00");
}

Test(cart_keep, remembers_what_is_removed)
{
    EXPECT(REMOVE(7, "apple"), "42 7 0", "42 apple 0 NULL NULL 7");
    given_cart(0, "apple*3@7 pear*1@5", 0);
    EXPECT(REMOVE(8, "apple"), "42 8 0", "42 apple 0 NULL NULL 8");
}

Test(cart_keep, passes_over_what_is_old)
{
    given_cart(4, "apple*3@7 pear*0@9", 0);
    EXPECT(SET(7, "apple", 3), "42 7 4", ""); /* a repeat: the cart's row repairs the cache */
    EXPECT(SET(6, "apple", 1), "42 6 4", "");
    EXPECT(SET(8, "pear", 1), "42 8 4", "");
}

Test(cart_keep, passes_over_what_was_cleared_since)
{
    given_cart(9, "", 0);
    EXPECT(SET(8, "apple", 3), "42 8 9", "");
    EXPECT(REMOVE(9, "apple"), "42 9 9", "");
    EXPECT(SET(10, "apple", 3), "42 10 9", "42 apple 3 Apple 0.50 10");
    cr_expect_eq(wr_trial_counted(trial, OLD), 2);
}

Test(cart_keep, takes_the_key_where_there_is_no_type)
{
    const char *body = "{\"user_id\":42,\"seq\":3,\"at\":\"2026-01-02T03:04:05Z\"}";
    const struct wr_message message = { .body = { body, strlen(body) },
                                        .routing_key = WR_TEXT_OF("cart.cleared") };
    EXPECT(wr_trial_handle(trial, message), "42 3 3", "");
}

/* ---- limits ------------------------------------------------------------------------------------ */

Test(cart_keep, holds_no_more_lines_than_it_may)
{
    given_cart(0, "plum*1@5 apple*3@7", 0);
    expect_reason(SET(8, "pear", 1), "max_lines",
                  "the cart of user 42 has 2 lines, max_lines is 2");
    EXPECT(SET(8, "apple", 4), "42 8 0", "42 apple 4 Apple 0.50 8");
    given_cart(0, "plum*0@5 apple*3@7", 0);
    EXPECT(SET(8, "pear", 1), "42 8 0", "42 pear 1 Pear 1.20 8");
    given_cart(0, "plum*1@4 pear*0@5 apple*3@7", 0);
    expect_reason(SET(8, "pear", 1), "max_lines", "the cart of user 42 has 2 lines");
}

Test(cart_keep, holds_no_more_of_one_than_it_may)
{
    given_cart(0, "apple*3@7", 0);
    expect_reason(SET(8, "apple", 11), "max_quantity",
                  "11 of \"apple\" are more than max_quantity, 10");
    expect_reason(SET(8, "apple", 99999999999), "max_quantity", "99999999999 of \"apple\"");
    EXPECT(SET(8, "apple", 10), "42 8 0", "42 apple 10 Apple 0.50 8");
}

Test(cart_keep, knows_its_products)
{
    cr_expect_eq(SET(8, "quince", 1), WR_RETRY);
    cr_expect_str_eq(wr_trial_code(trial).at, "unknown_product");
    cr_expect_str_eq(wr_trial_reason(trial).at, "there is no product \"quince\"");
    expect_reason(SET(8, "plum", 1), "inactive_product", "product \"plum\" is not active");
    given_cart(0, "plum*1@8", 0);
    EXPECT(SET(8, "plum", 1), "42 8 0", ""); /* a repeat from better times */
}

/* All of them are read with each event. */
Test(cart_keep, does_not_remember_without_end)
{
    static char lines[1002 * 9]; /* no blank at its end */
    for (int i = 0; i < 1002; i++) memcpy(lines + (ptrdiff_t)i * 9, "pear*0@5 ", i < 1001 ? 9 : 8);
    given_cart(0, lines, 0);
    expect_reason(REMOVE(8, "apple"), "max_removed",
                  "the cart of user 42 remembers 1002 lines that were removed: clear it");
    EXPECT(SET(8, "pear", 1), "42 8 0", "42 pear 1 Pear 1.20 8");
}

/* ---- whole carts -------------------------------------------------------------------------------- */

Test(cart_keep, clears_what_came_before)
{
    given_cart(2, "apple*3@7 pear*0@5 plum*1@9", 0);
    EXPECT(handle("cart.cleared", 8, ""), "42 8 8", "-42 apple, -42 pear");
    EXPECT(handle("cart.checked_out", 10, ""), "42 10 10", "-42 apple, -42 pear, -42 plum");
    EXPECT(handle("cart.cleared", 2, ""), "42 2 2", "");
    EXPECT(handle("cart.cleared", 1, ""), "42 1 2", "");
}

Test(cart_keep, clears_a_cart_that_is_not_there)
{
    EXPECT(handle("cart.cleared", 8, ""), "42 8 8", "");
}

Test(cart_keep, sweeps_carts_that_are_idle)
{
    EXPECT(handle("cart.swept", 0, ""), "-42", ""); /* again: what the cache may have is dropped */
    given_cart(0, "apple*3@7", 29);
    EXPECT(handle("cart.swept", 0, ""), "", "");
    given_cart(0, "apple*3@7", 31);
    EXPECT(handle("cart.swept", 0, ""), "-42", "");
    cr_expect_eq(wr_trial_counted(trial, SWEPT), 1);
}

Test(cart_keep, forgets_what_was_removed_long_ago)
{
    given_cart(0, "plum*0@5 apple*3@7 pear*0@6", 31);
    EXPECT(SET(8, "pear", 1), "42 8 0", "42 pear 1 Pear 1.20 8, -42 plum");
    given_cart(0, "plum*0@5 apple*3@7", 29);
    EXPECT(SET(8, "pear", 1), "42 8 0", "42 pear 1 Pear 1.20 8");
}

/* What could come back by them has been forgotten. */
Test(cart_keep, passes_over_what_is_late)
{
    EXPECT(
        handle_at("cart.item.set", 3, "2025-12-02T00:00:00Z", ",\"sku\":\"apple\",\"quantity\":1"),
        "", "");
    cr_expect_eq(wr_trial_counted(trial, LATE), 1);
}

Test(cart_keep, does_not_believe_clocks_that_are_ahead)
{
    EXPECT(handle_at("cart.cleared", 3, "2999-01-01T00:00:00Z", ""), "42 3 3", "");
    cr_expect_str_eq(wr_trial_value(trial, CART, 0, "touched_at").at, "2026-01-02 03:04:05+00");
}

/* ---- what is wrong ------------------------------------------------------------------------------- */

Test(cart_keep, rejects_with_a_reason)
{
    expect_reason(handle("cart.item.added", 1, ""), "unknown_event",
                  "\"cart.item.added\" is none of cart.item.set,");
    expect_reason(handle("cart.item.set", 1, ",\"quantity\":1"), "", "field \"sku\" is missing");
    expect_reason(SET(1, "apple", 0), "", "field \"quantity\" is 0, below 1; what is gone is told");
    expect_reason(SET(0, "apple", 1), "", "field \"seq\" is 0, below 1");
    expect_reason(SET(1, "", 1), "", "field \"sku\" has 0 bytes, 1 to 100 are allowed");
    expect_reason(SET(1, "apple", 1.5), "", "field \"quantity\" is a fractional number");
    expect_reason(wr_trial_handle(trial, (struct wr_message){ .body = WR_TEXT_OF("{}"),
                                                              .type = WR_TEXT_OF("cart.swept") }),
                  "", "field \"user_id\" is missing");
    expect_reason(handle_at("cart.cleared", 1, "today", ""), "",
                  "field \"at\" is no RFC 3339 time");
}

Test(cart_keep, wants_limits_that_make_sense)
{
    static const struct {
        struct wr_pair option;
        const char *fault;
    } cases[] = {
        { { .name = WR_TEXT_OF("max_lines"), .text = WR_TEXT_OF("0") }, "max_lines is \"0\"" },
        { { .name = WR_TEXT_OF("max_quantity"), .text = WR_TEXT_OF("ten") },
          "max_quantity is \"ten\"" },
        { { .name = WR_TEXT_OF("idle_days"), .text = WR_TEXT_OF("36501") },
          "idle_days is \"36501\": say a number, 1 to 36500" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_null(wr_trial_open(&warrener_handler, &cases[i].option, 1));
        cr_expect(strstr(wr_trial_fault(), cases[i].fault), "%s", wr_trial_fault());
    }
}
