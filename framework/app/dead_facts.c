/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts of dead letters; see dead_facts.h. A copy of ours has no x-death, for it was published to the
 * dead queue by name and copies lose it; what has one came by the broker's hop. */
#include "app/dead_facts.h"

#include <stdio.h>
#include <stdlib.h>

#include "amqp/copy.h"
#include "amqp/table.h"
#include "amqp/walk.h"

#define LIMIT_WIDE 1000 /* nobody looks so often */
#define RENEW_FROM 10
#define LIMIT_BY_DEFAULT 20 /* from RabbitMQ 4.0 */

static struct wr_text find_text(struct wr_text headers, const char *name)
{
    struct wr_pair pair;
    if (!table_find(headers, name, &pair) || pair.kind != WR_H_TEXT) return text_of("");
    return pair.text;
}

static int64_t find_count(struct wr_text headers, const char *name)
{
    struct wr_pair pair;
    if (!table_find(headers, name, &pair) || pair.kind != WR_H_INT || pair.number < 0) return 0;
    return pair.number;
}

/* The host rejects only what is too large; whoever else rejected it did so for reasons of its own. */
static struct wr_text name_reason(const struct copy_death *death, uint64_t bytes, uint64_t most)
{
    if (text_is(death->reason, "delivery_limit")) return WR_TEXT_OF("delivery-limit");
    if (text_is(death->reason, "rejected") && (!most || bytes > most))
        return WR_TEXT_OF("oversize");
    return death->reason;
}

static void read_ours(struct wr_text headers, struct dead_facts *out)
{
    out->reason = find_text(headers, "x-warrener-reason");
    out->detail = find_text(headers, "x-warrener-detail");
    out->code = find_text(headers, "x-warrener-code");
    const int64_t at = find_count(headers, "x-warrener-at");
    out->died_ms = at < INT64_MAX / 1000 ? at * 1000 : 0;
}

static void read_origin(struct wr_text headers, struct dead_facts *out)
{
    struct copy_origin origin;
    if (!copy_read_origin(headers, &origin)) return;
    out->is_copy = true;
    out->exchange = origin.exchange;
    out->routing_key = origin.routing_key;
    out->handler = find_text(headers, "x-warrener-handler");
    out->host = find_text(headers, "x-warrener-host");
    out->attempt = find_count(headers, COPY_ATTEMPT);
}

void dead_facts_read(const struct amqp_delivery *delivery, struct wr_text queue,
                     uint64_t max_message_bytes, struct dead_facts *out)
{
    const struct amqp_properties *properties = &delivery->properties;
    const struct wr_text headers = properties->headers, none = text_of("");
    struct copy_death death;
    *out = (struct dead_facts){
        .reason = none,
        .detail = none,
        .code = none,
        .handler = none,
        .host = none,
        .exchange = delivery->exchange,
        .routing_key = queue,
        .id = properties->message_id,
        .type = properties->type,
        .sent_ms = properties->timestamp_ms,
        .deliveries = find_count(headers, "x-delivery-count"),
        .body_bytes = delivery->body_bytes,
    };
    if (!copy_read_death(headers, &death)) {
        read_ours(headers, out);
        read_origin(headers, out);
        return;
    }
    out->reason = name_reason(&death, delivery->body_bytes, max_message_bytes);
    out->died_ms = death.at_ms;
    out->exchange = death.exchange;
    if (death.routing_key.len) out->routing_key = death.routing_key;
    /* It had been retried, by a host or by `dead retry`, before the broker ended it. */
    if (copy_was_retried(headers, queue) ||
        (delivery->is_by_us && find_count(headers, COPY_ATTEMPT) == 1))
        read_origin(headers, out);
}

const char *dead_work_queue(const char *queue, bool is_work_queue, char *out, size_t bytes)
{
    static const char end[] = ".dead";
    const size_t len = strlen(queue), end_len = sizeof end - 1;
    const bool is_dead = !is_work_queue && len > end_len && !strcmp(queue + len - end_len, end);
    (void)snprintf(out, bytes, "%.*s", (int)(is_dead ? len - end_len : len), queue);
    return out;
}

/* "RabbitMQ 3.10.8": 3 */
static long major_of(const char *broker)
{
    const char *digits = strpbrk(broker, "0123456789");
    return digits ? strtol(digits, NULL, 10) : 0;
}

uint32_t dead_renew_from(int64_t limit, const char *broker)
{
    const long major = major_of(broker);
    if (limit == WALK_LIMIT_NONE) limit = major > 0 && major < 4 ? LIMIT_WIDE : LIMIT_BY_DEFAULT;
    if (limit == WALK_LIMIT_UNKNOWN) limit = LIMIT_BY_DEFAULT;
    if (limit >= LIMIT_WIDE) return UINT32_MAX;
    return limit / 2 < RENEW_FROM ? (uint32_t)(limit / 2) : RENEW_FROM;
}
