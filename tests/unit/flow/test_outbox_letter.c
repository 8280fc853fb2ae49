/* SPDX-License-Identifier: Apache-2.0
 *
 * What the outbox's messages look like, from a delivery to the bytes on the wire. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "amqp/properties.h"
#include "amqp/table.h"
#include "flow/intake.h"
#include "flow/letter.h"

static char properties_room[131072];

struct scene {
    struct delivery_pool pool;
    struct delivery *delivery;
    struct mail_bundle *bundle;
    struct letter_room room;
    struct amqp_outgoing out;
    struct effect_publish publish;
};

/* A message with this id ("" for none) as it arrives. */
static void arrive(struct scene *scene, const char *id, const char *exchange)
{
    static char encoded[2000];
    const struct wr_pair header = { .name = WR_TEXT_OF("shop"), .text = WR_TEXT_OF("north") };
    struct amqp_outgoing sent = { .message_id = text_of(id),
                                  .expiration = WR_TEXT_OF("5000"),
                                  .user_id = WR_TEXT_OF("alice"),
                                  .reply_to = WR_TEXT_OF("asker"),
                                  .timestamp_ms = 1700000000000,
                                  .headers = &header,
                                  .n_headers = 1 };
    struct status status = { 0 };
    size_t bytes;
    cr_assert(properties_write(&sent, encoded, sizeof encoded, &bytes, &status));
    struct amqp_delivery arrived = { .tag = 7, .epoch = 1, .body_bytes = 4 };
    arrived.exchange = text_of(exchange);
    arrived.routing_key = text_of("key");
    cr_assert(properties_read(text_from(encoded, bytes), &arrived.properties));
    *scene = (struct scene){ .room = { .properties = properties_room } };
    scene->room.bytes = sizeof properties_room;
    delivery_pool_init(&scene->pool);
    scene->delivery = delivery_take(&scene->pool);
    intake_fill(scene->delivery, &arrived, text_of("login"), 1);
    memcpy(scene->delivery->body, "body", 4);
}

static void pack(struct scene *scene, enum mail_kind kind, uint32_t nth)
{
    free(scene->bundle);
    scene->bundle = mail_bundle_new(scene->delivery, 1);
    scene->bundle->items[0].kind = kind;
    scene->bundle->items[0].nth = nth;
    if (kind != MAIL_COPY) scene->bundle->items[0].publish = &scene->publish;
    scene->bundle->reason = scene->bundle->detail = scene->bundle->code = text_of("");
    scene->bundle->handler = text_of("collect/1");
    scene->bundle->attempt = 2;
}

static void write_as(struct scene *scene, const char *consumer)
{
    const struct letter_terms terms = {
        .host = "host-1", .consumer = consumer, .target = "login.retry.1s", .unix_ms = 1800000000000
    };
    struct status status = { 0 };
    cr_assert(letter_write(&scene->bundle->items[0], &terms, &scene->room, &scene->out, &status),
              "%s", status.text);
}

static void leave(struct scene *scene)
{
    free(scene->bundle);
    delivery_give(&scene->pool, &scene->delivery);
    delivery_pool_fini(&scene->pool);
}

Test(letter, of_a_copy_goes_to_its_queue_by_name_and_says_where_from)
{
    struct scene scene;
    struct amqp_properties got;
    struct wr_pair pair;
    arrive(&scene, "m1", "events");
    cr_assert(!scene.delivery->is_copy && scene.delivery->attempt == 1);
    pack(&scene, MAIL_COPY, 0);
    write_as(&scene, "login");
    cr_assert(scene.out.mandatory && scene.out.exchange.len == 0);
    cr_assert(text_is(scene.out.routing_key, "login.retry.1s") && text_is(scene.out.body, "body"));
    cr_assert(text_is(scene.out.message_id, "m1"));
    cr_assert(properties_read(scene.out.encoded, &got));
    cr_assert(text_is(got.message_id, "m1") && got.user_id.len == 0 && got.expiration.len == 0);
    cr_assert(table_find(got.headers, "x-warrener-exchange", &pair) &&
              text_is(pair.text, "events"));
    cr_assert(table_find(got.headers, "x-warrener-routing-key", &pair) &&
              text_is(pair.text, "key"));
    cr_assert(table_find(got.headers, "x-warrener-attempt", &pair) && pair.number == 2);
    cr_assert(table_find(got.headers, "x-warrener-handler", &pair) &&
              text_is(pair.text, "collect/1"));
    cr_assert(table_find(got.headers, "shop", &pair));
    cr_assert(!table_find(got.headers, "x-warrener-reason", &pair));
    leave(&scene);
}

Test(letter, of_a_handler_says_what_it_was_told_to)
{
    struct scene scene;
    arrive(&scene, "m1", "events");
    const struct wr_pair header = { .name = WR_TEXT_OF("a"), .text = WR_TEXT_OF("b") };
    scene.publish.message = (struct wr_outgoing){ .exchange = WR_TEXT_OF("out"),
                                                  .routing_key = WR_TEXT_OF("rk"),
                                                  .type = WR_TEXT_OF("t"),
                                                  .body = WR_TEXT_OF("hello"),
                                                  .content_type = WR_TEXT_OF("text/plain"),
                                                  .message_id = WR_TEXT_OF("mine"),
                                                  .correlation_id = WR_TEXT_OF("c"),
                                                  .reply_to = WR_TEXT_OF("r"),
                                                  .headers = &header,
                                                  .n_headers = 1,
                                                  .priority = 3 };
    pack(&scene, MAIL_OWN, 0);
    write_as(&scene, "login");
    const struct amqp_outgoing *out = &scene.out;
    cr_assert(text_is(out->exchange, "out") && text_is(out->routing_key, "rk"));
    cr_assert(text_is(out->type, "t") && text_is(out->body, "hello"));
    cr_assert(text_is(out->content_type, "text/plain") && text_is(out->message_id, "mine"));
    cr_assert(text_is(out->correlation_id, "c") && text_is(out->reply_to, "r"));
    cr_assert(out->headers == &header && out->n_headers == 1 && out->priority == 3);
    cr_assert(out->mandatory && out->timestamp_ms == 1800000000000 && out->encoded.len == 0);
    cr_assert(out->expiration.len == 0 && out->user_id.len == 0);
    pack(&scene, MAIL_REPLY, 0);
    write_as(&scene, "login");
    cr_assert(!scene.out.mandatory, "an asker may have gone");
    leave(&scene);
}

static void derive(struct scene *scene, const char *consumer, uint32_t nth, char id[40])
{
    pack(scene, MAIL_OWN, nth);
    write_as(scene, consumer);
    cr_assert(scene->out.message_id.len == 36);
    memcpy(id, scene->out.message_id.at, 36);
    id[36] = '\0';
}

Test(letter, has_an_id_of_its_source_and_its_place)
{
    struct scene scene;
    char first[40], again[40], second[40], elsewhere[40], of_handler[40];
    arrive(&scene, "m1", "events");
    scene.publish.message = (struct wr_outgoing){ .message_id = WR_TEXT_OF("") };
    derive(&scene, "login", 0, first);
    derive(&scene, "login", 0, again);
    derive(&scene, "login", 1, second);
    derive(&scene, "other", 0, elsewhere);
    derive_uuid("login", &scene.delivery->job.message, 0, of_handler);
    of_handler[36] = '\0';
    cr_assert(strcmp(first, again) == 0 && strcmp(first, second) != 0);
    cr_assert(strcmp(first, elsewhere) != 0 && strcmp(first, of_handler) != 0);
    leave(&scene);
    arrive(&scene, "m1", "elsewhere"); /* the same message by another way */
    derive(&scene, "login", 0, again);
    cr_assert(strcmp(first, again) == 0);
    leave(&scene);
    arrive(&scene, "m2", "events");
    derive(&scene, "login", 0, again);
    cr_assert(strcmp(first, again) != 0);
    leave(&scene);
}
