/* SPDX-License-Identifier: Apache-2.0
 *
 * The handler of docs/writing-a-handler.md, tested as docs/testing.md tells. */
#include <stdio.h>

#include <warrener/testing.h>

enum { ORDERS, TOTALS, STATES };
enum { CUSTOMER };
enum { MADE };

static int failures;
#define EXPECT(what)                                                                               \
    do {                                                                                           \
        if (!(what)) failures++, printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #what);         \
    } while (0)

static struct wr_message order(const char *body)
{
    return (struct wr_message){ .id = WR_TEXT_OF("0197f0c2-0000-7000-8000-000000000001"),
                                .type = WR_TEXT_OF("order.made"),
                                .body = { body, strlen(body) } };
}

#define BODY(user, currency)                                                                       \
    "{\"order_id\":\"0197f0c2-0000-7000-8000-0000000000a1\",\"user_id\":" user                     \
    ",\"currency\":\"" currency "\",\"at\":\"2026-01-02T03:04:05Z\","                              \
    "\"items\":[{\"cents\":250,\"n\":2},{\"cents\":990}]}"

static void keeps_what_was_ordered(struct wr_trial *trial)
{
    EXPECT(wr_trial_handle(trial, order(BODY("7", "EUR"))) == WR_DONE);
    EXPECT(wr_trial_rows(trial, ORDERS) == 1);
    EXPECT(wr_trial_is(wr_trial_value(trial, ORDERS, 0, "cents"), "1490"));
    EXPECT(wr_trial_is(wr_trial_value(trial, STATES, 0, "state"), "made"));
    EXPECT(wr_trial_published(trial) == 1);
    EXPECT(wr_trial_is(wr_trial_publish(trial, 0)->routing_key, "order.accepted"));
    EXPECT(wr_trial_counted(trial, MADE) == 1);
}

static void refuses_other_money(struct wr_trial *trial)
{
    EXPECT(wr_trial_handle(trial, order(BODY("7", "DKK"))) == WR_REJECT);
    EXPECT(wr_trial_is(wr_trial_reason(trial), "DKK is not taken, only EUR"));
    EXPECT(wr_trial_is(wr_trial_code(trial), "currency"));
    EXPECT(wr_trial_publish(trial, 0)->always);
}

static void tries_again_where_the_customer_is_not_known(struct wr_trial *trial)
{
    EXPECT(wr_trial_handle(trial, order(BODY("8", "EUR"))) == WR_RETRY);
    wr_trial_load(trial, CUSTOMER, WR_TEXT_OF("8"), 1, WR_TEXT_OF("Grace"));
    EXPECT(wr_trial_handle(trial, order(BODY("8", "EUR"))) == WR_DONE);
}

static void wants_a_currency(void)
{
    const struct wr_pair wrong = { .name = WR_TEXT_OF("currency"), .text = WR_TEXT_OF("euros") };
    EXPECT(!wr_trial_open(&warrener_handler, NULL, 0)); /* it is required */
    EXPECT(!wr_trial_open(&warrener_handler, &wrong, 1));
    EXPECT(strstr(wr_trial_fault(), "three letters"));
}

int main(void)
{
    const struct wr_pair euros = { .name = WR_TEXT_OF("currency"), .text = WR_TEXT_OF("EUR") };
    struct wr_trial *trial = wr_trial_open(&warrener_handler, &euros, 1);
    if (!trial) return 1;
    wr_trial_load(trial, CUSTOMER, WR_TEXT_OF("7"), 1, WR_TEXT_OF("Ada"));
    keeps_what_was_ordered(trial);
    refuses_other_money(trial);
    tries_again_where_the_customer_is_not_known(trial);
    wr_trial_close(trial);
    wants_a_currency();
    return failures > 0;
}
