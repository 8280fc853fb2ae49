/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept of the log for the page. Each test is a process of its own. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/log_kept.h"

static struct log_kept kept[LOG_KEPT_MOST];

Test(log_kept, nothing_before_it_is_asked_for)
{
    log_warn("amqp", "not connected");
    cr_assert_eq(log_kept_copy(kept), 0);
}

Test(log_kept, warnings_and_errors_newest_first)
{
    log_kept_begin();
    log_info("amqp", "connected");
    log_warn("amqp", "not connected", LOG_TEXT(SERVER, "h:5672, RabbitMQ 9"),
             LOG_TEXT(REASON, "refused"));
    log_error("app", "a handler\ndoes not come back");
    cr_assert_eq(log_kept_copy(kept), 2);
    cr_assert_str_eq(kept[0].room, "app");
    cr_assert_str_eq(kept[0].what, "a handler\\x0adoes not come back");
    cr_assert(kept[0].level == WR_ERROR && !*kept[0].about && !*kept[0].reason);
    cr_assert_str_eq(kept[1].about, "h:5672");
    cr_assert_str_eq(kept[1].reason, "refused");
    cr_assert(kept[1].count == 1 && kept[1].first_unix_us == kept[1].last_unix_us);
}

Test(log_kept, the_same_is_counted_and_comes_to_the_front)
{
    log_kept_begin();
    log_warn("flow", "message dead", LOG_TEXT(QUEUE, "a"), LOG_TEXT(REASON, "one"));
    log_warn("flow", "message dead", LOG_TEXT(QUEUE, "b"), LOG_TEXT(REASON, "two"));
    log_warn("flow", "message dead", LOG_TEXT(QUEUE, "a"), LOG_TEXT(REASON, "three"),
             LOG_INT(COUNT, 7));
    cr_assert_eq(log_kept_copy(kept), 2);
    cr_assert_str_eq(kept[0].about, "a");
    cr_assert_str_eq(kept[0].reason, "three");
    cr_assert_eq(kept[0].count, 8);
    cr_assert(kept[0].first_unix_us <= kept[1].first_unix_us);
}

Test(log_kept, the_oldest_makes_room)
{
    char queue[16];
    log_kept_begin();
    for (int i = 0; i < LOG_KEPT_MOST + 5; i++) {
        snprintf(queue, sizeof queue, "q%d", i);
        log_warn("flow", "message dead", LOG_TEXT(QUEUE, queue));
    }
    cr_assert_eq(log_kept_copy(kept), LOG_KEPT_MOST);
    cr_assert_str_eq(kept[0].about, queue);
    cr_assert_str_eq(kept[LOG_KEPT_MOST - 1].about, "q5");
}

/* An alert may be off, the page sees it. */
Test(log_kept, whatever_the_level_of_the_log_is)
{
    log_configure(WR_ERROR, LOG_FORMAT_TEXT);
    log_kept_begin();
    log_warn("flow", "message dead");
    cr_assert_eq(log_kept_copy(kept), 1);
}
