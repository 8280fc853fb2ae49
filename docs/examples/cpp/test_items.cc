/* SPDX-License-Identifier: Apache-2.0
 *
 * The handler's test: <warrener/testing.h> serves C++ as well. */
#include <cstdio>

#include <warrener/testing.h>

static int failures;
#define EXPECT(what)                                                                               \
    do {                                                                                           \
        if (!(what)) failures++, std::printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #what);    \
    } while (0)

static wr_verdict handle(wr_trial *trial, wr_text body)
{
    wr_message message{};
    message.body = body;
    return wr_trial_handle(trial, message);
}

int main()
{
    wr_pair most{};
    most.name = WR_TEXT_OF("most");
    most.number = 5;
    most.kind = WR_H_INT;
    wr_trial *const trial = wr_trial_open(&warrener_handler, &most, 1);
    if (!trial) return 1;

    EXPECT(
        handle(trial, WR_TEXT_OF(R"({"order_id": "01976f00-0000-7000-8000-000000000001", "items": [
        {"sku": "pen", "quantity": 2}, {"sku": "ink", "quantity": 1}, {"sku": "pen", "quantity": 3}]})")) ==
        WR_DONE);
    EXPECT(wr_trial_rows(trial, 0) == 2);
    EXPECT(wr_trial_is(wr_trial_value(trial, 0, 1, "sku"), "pen"));
    EXPECT(wr_trial_is(wr_trial_value(trial, 0, 1, "quantity"), "5"));

    EXPECT(
        handle(trial, WR_TEXT_OF(R"({"order_id": "01976f00-0000-7000-8000-000000000001", "items": [
        {"sku": "pen", "quantity": 6}]})")) == WR_REJECT);
    EXPECT(wr_trial_is(wr_trial_reason(trial), "quantity of pen is 6"));
    EXPECT(wr_trial_rows(trial, 0) == 0);

    wr_trial_close(trial);
    return failures > 0;
}
