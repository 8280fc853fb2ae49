/* SPDX-License-Identifier: Apache-2.0
 *
 * Deliveries: their pool, what intake makes of what the broker lends, the keys of order, and parking. */
#include "flow/delivery.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "flow/intake.h"
#include "flow/order.h"
#include "flow/parking.h"

Test(delivery, comes_from_the_pool_and_goes_back)
{
    struct delivery_pool pool;
    delivery_pool_init(&pool);
    struct delivery *first = delivery_take(&pool), *second = delivery_take(&pool);
    struct delivery *const last_given = second;
    cr_assert(first != second && first->state == DELIVERY_RECEIVED && first->attempt == 1);
    delivery_give(&pool, &first);
    delivery_give(&pool, &second);
    cr_assert(!first && !second);
    struct delivery *again = delivery_take(&pool);
    cr_assert(again == last_given, "the warmest memory is used first");
    cr_assert(pool.made == 2);
    delivery_give(&pool, &again);
    delivery_pool_fini(&pool);
}

#ifdef __SANITIZE_ADDRESS__
/* What a handler kept of a message is seen when it looks there again. */
Test(delivery, is_out_of_bounds_while_it_rests)
{
    struct delivery_pool pool;
    delivery_pool_init(&pool);
    struct delivery *delivery = delivery_take(&pool);
    const char *const kept = arena_copy(&delivery->arena, text_of("body")).at;
    cr_expect(!__asan_address_is_poisoned(kept));
    delivery_give(&pool, &delivery);
    cr_expect(__asan_address_is_poisoned(kept));
    delivery = delivery_take(&pool);
    cr_expect(!__asan_address_is_poisoned(kept));
    delivery_give(&pool, &delivery);
    delivery_pool_fini(&pool);
}
#endif

Test(delivery, intake_keeps_nothing_that_is_lent)
{
    /* Properties as one block, lent, and gone afterwards. */
    const char encoded[] = "text/plainmsg-1orderHEADERS";
    char *lent = malloc(sizeof encoded - 1);
    memcpy(lent, encoded, sizeof encoded - 1);
    struct amqp_delivery arrived = {
        .tag = 9,
        .epoch = 3,
        .body_bytes = 5,
        .exchange = { lent, 4 },
        .routing_key = { lent + 5, 5 },
        .redelivered = true,
        .properties = {
            .encoded = { lent, sizeof encoded - 1 },
            .content_type = { lent, 10 },
            .message_id = { lent + 10, 5 },
            .type = { lent + 15, 5 },
            .headers = { lent + 20, 7 },
            .correlation_id = { "", 0 },
            .timestamp_ms = 1234,
            .priority = 4,
        },
    };
    struct delivery_pool pool;
    delivery_pool_init(&pool);
    struct delivery *delivery = delivery_take(&pool);
    intake_fill(delivery, &arrived, text_of("q"), 77);
    memcpy(delivery->body, "hello", 5);
    memset(lent, 'x', sizeof encoded - 1);
    free(lent);
    const struct wr_message *message = &delivery->job.message;
    cr_assert(text_is(message->body, "hello") && text_is(message->id, "msg-1"));
    cr_assert(text_is(message->content_type, "text/plain") && text_is(message->type, "order"));
    cr_assert(text_is(message->exchange, "text") && text_is(message->routing_key, "plain"));
    cr_assert(text_is(delivery->job.headers, "HEADERS") && text_is(message->queue, "q"));
    cr_assert(message->correlation_id.at && message->correlation_id.len == 0);
    cr_assert(message->timestamp_ms == 1234 && message->priority == 4 && message->redelivered);
    cr_assert(delivery->tag == 9 && delivery->epoch == 3 && delivery->received_ns == 77);
    delivery_give(&pool, &delivery);
    delivery_pool_fini(&pool);
}

static uint64_t key_of(enum order_kind kind, const char *field, const char *body, const char *route)
{
    static struct json json;
    const struct order_by order = { kind, field };
    const struct job_message message = {
        .message = { .body = text_of(body), .routing_key = text_of(route) },
        .headers = { "", 0 },
    };
    return order_key_of(&order, &message, &json);
}

Test(order, keys_are_equal_for_equal_values_only)
{
    const char *seven = "{\"user\":{\"id\":7}}", *spaced = "{\"n\":1,\"user\":{\"id\": 7 }}";
    cr_assert(key_of(ORDER_ROUTING_KEY, NULL, "", "a") ==
              key_of(ORDER_ROUTING_KEY, NULL, "x", "a"));
    cr_assert(key_of(ORDER_ROUTING_KEY, NULL, "", "a") != key_of(ORDER_ROUTING_KEY, NULL, "", "b"));
    cr_assert(key_of(ORDER_JSON, "user.id", seven, "") ==
              key_of(ORDER_JSON, "user.id", spaced, ""));
    cr_assert(key_of(ORDER_JSON, "user.id", seven, "") !=
              key_of(ORDER_JSON, "user.id", "{\"user\":{\"id\":8}}", ""));
    cr_assert(key_of(ORDER_JSON, "user.id", "not json", "") ==
                  key_of(ORDER_JSON, "user.id", "{}", ""),
              "messages without a key share one");
    cr_assert(key_of(ORDER_HEADER, "k", "", "") == key_of(ORDER_HEADER, "k", "other", "other"));
}

static uint64_t header_key_of(struct wr_text headers)
{
    static struct json json;
    const struct order_by order = { ORDER_HEADER, "k" };
    return order_key_of(&order, &(struct job_message){ .headers = headers }, &json);
}

#define HEADERS(encoded) text_from(encoded, sizeof(encoded) - 1)

Test(order, keys_are_what_headers_say)
{
    const uint64_t a = header_key_of(HEADERS("\1kS\0\0\0\1a"));
    const uint64_t one = header_key_of(HEADERS("\1kI\0\0\0\1"));
    cr_assert(a == header_key_of(HEADERS("\1jS\0\0\0\1b\1kS\0\0\0\1a")));
    cr_assert(a != header_key_of(HEADERS("\1kS\0\0\0\1b")));
    cr_assert(one != header_key_of(HEADERS("\1kI\0\0\0\2")));
    cr_assert(one == header_key_of(HEADERS("\1kI\0\0\0\1")));
    cr_assert(header_key_of(text_of("")) == header_key_of(HEADERS("\1jS\0\0\0\1a")));
}

/* One that a lane had when its key was stopped comes back after others have arrived. */
Test(parking, keeps_the_order_of_arrival)
{
    const uint64_t tags[] = { 7, 9, 8, 5, 6 };
    struct delivery deliveries[5] = { 0 };
    struct parking parking;
    struct list back;
    list_init(&back);
    parking_init(&parking);
    parking_stop(&parking, 3);
    for (int i = 0; i < 5; i++) {
        deliveries[i].order_key = 3;
        deliveries[i].tag = tags[i];
        parking_add(&parking, &deliveries[i]);
    }
    parking_release(&parking, 3, &back);
    for (uint64_t tag = 5; tag < 10; tag++)
        cr_assert(LIST_ENTRY(list_take_first(&back), struct delivery, link)->tag == tag);
    cr_assert(list_is_empty(&back));
    parking_fini(&parking);
}

Test(parking, keeps_the_order_of_each_key)
{
    struct delivery deliveries[4] = { { .order_key = 1 },
                                      { .order_key = 1 + PARKING_BUCKETS },
                                      { .order_key = 1 },
                                      { .order_key = 1 } };
    struct parking parking;
    struct list out;
    list_init(&out);
    parking_init(&parking);
    cr_assert(!parking_is_stopped(&parking, 1));
    parking_stop(&parking, 1);
    parking_stop(&parking, 1);
    parking_stop(&parking, 1 + PARKING_BUCKETS);
    for (int i = 0; i < 4; i++) parking_add(&parking, &deliveries[i]);
    cr_assert(parking.keys == 2);
    parking_release(&parking, 1, &out);
    for (int i = 0; i < 4; i++) {
        if (i == 1) continue;
        cr_assert(list_take_first(&out) == &deliveries[i].link);
    }
    cr_assert(list_is_empty(&out));
    cr_assert(!parking_is_stopped(&parking, 1));
    cr_assert(parking_is_stopped(&parking, 1 + PARKING_BUCKETS));
    parking_release_all(&parking, &out);
    cr_assert(list_take_first(&out) == &deliveries[1].link);
    parking_fini(&parking);
}
