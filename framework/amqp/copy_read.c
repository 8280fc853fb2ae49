/* SPDX-License-Identifier: Apache-2.0
 *
 * What copies tell that have come back, and what the broker tells of deaths; see copy.h. The broker's
 * x-death is a list of tables, the newest first. */
#include "amqp/copy.h"

#include <endian.h>

#include "amqp/table.h"

/* The next item of an array, where it is of that kind: a table 'F', a text 'S'. `at` begins at 0. */
static bool next_item(struct wr_text array, size_t *at, char kind, struct wr_text *out)
{
    uint32_t len;
    const size_t left = array.len - *at;
    if (left < 1 + sizeof len || array.at[*at] != kind) return false;
    memcpy(&len, array.at + *at + 1, sizeof len);
    len = be32toh(len);
    if (len > left - 1 - sizeof len) return false;
    *at += 1 + sizeof len;
    *out = text_from(array.at + *at, len);
    *at += len;
    return true;
}

/* False where there is none, or it is no array. */
static bool find_array(struct wr_text table, const char *name, struct wr_text *array)
{
    size_t at = 0;
    for (struct table_entry entry; table_step(table, &at, &entry);) {
        if (!text_is(entry.name, name)) continue;
        *array = entry.value;
        return entry.kind == 'A';
    }
    return false;
}

static bool newest_death(struct wr_text headers, struct wr_text *table)
{
    struct wr_text deaths;
    size_t at = 0;
    return find_array(headers, "x-death", &deaths) && next_item(deaths, &at, 'F', table);
}

static bool find_text(struct wr_text table, const char *name, struct wr_text *text)
{
    struct wr_pair pair;
    if (!table_find(table, name, &pair) || pair.kind != WR_H_TEXT) return false;
    *text = pair.text;
    return true;
}

static bool is_retry_queue(struct wr_text name, struct wr_text queue)
{
    static const char middle[] = ".retry.";
    const size_t len = sizeof middle - 1;
    return name.len > queue.len + len && memcmp(name.at, queue.at, queue.len) == 0 &&
           memcmp(name.at + queue.len, middle, len) == 0;
}

/* It was published to its retry queue by name, expired there, and that was all that befell it. */
static bool came_back(struct wr_text headers, struct wr_text queue)
{
    struct wr_text death, name, reason, exchange;
    struct wr_pair count;
    return newest_death(headers, &death) && find_text(death, "queue", &name) &&
           is_retry_queue(name, queue) && find_text(death, "reason", &reason) &&
           text_is(reason, "expired") && find_text(death, "exchange", &exchange) &&
           exchange.len == 0 && table_find(death, "count", &count) && count.kind == WR_H_INT &&
           count.number == 1;
}

bool copy_read_origin(struct wr_text headers, struct copy_origin *out)
{
    out->user_id = text_of("");
    (void)find_text(headers, "x-warrener-user-id", &out->user_id); /* not all have one */
    return find_text(headers, "x-warrener-exchange", &out->exchange) &&
           find_text(headers, "x-warrener-routing-key", &out->routing_key);
}

static bool find_attempt(struct wr_text headers, int64_t *number)
{
    struct wr_pair attempt;
    if (!table_find(headers, COPY_ATTEMPT, &attempt) || attempt.kind != WR_H_INT) return false;
    *number = attempt.number;
    return true;
}

bool copy_read(struct wr_text headers, struct wr_text exchange, struct wr_text routing_key,
               struct wr_text queue, struct copy_origin *out)
{
    int64_t attempt;
    if (exchange.len > 0 || !text_equal(routing_key, queue) || !came_back(headers, queue))
        return false;
    if (!find_attempt(headers, &attempt) || attempt < 2 || attempt > UINT32_MAX) return false;
    out->attempt = (uint32_t)attempt;
    return copy_read_origin(headers, out);
}

bool copy_read_direct(struct wr_text headers, struct wr_text exchange, struct wr_text routing_key,
                      struct wr_text queue, struct copy_origin *out)
{
    int64_t attempt;
    if (exchange.len > 0 || !text_equal(routing_key, queue)) return false;
    if (!find_attempt(headers, &attempt) || attempt != 1) return false;
    out->attempt = 1;
    return copy_read_origin(headers, out);
}

/* ---- deaths ------------------------------------------------------------------------------------ */

static struct wr_text first_key(struct wr_text death)
{
    struct wr_text keys, key;
    size_t at = 0;
    const bool is_there =
        find_array(death, "routing-keys", &keys) && next_item(keys, &at, 'S', &key);
    return is_there ? key : text_of("");
}

bool copy_read_death(struct wr_text headers, struct copy_death *out)
{
    struct wr_text death;
    struct wr_pair at;
    if (!newest_death(headers, &death)) return false;
    out->exchange = text_of("");
    (void)find_text(death, "exchange", &out->exchange);
    out->routing_key = first_key(death);
    out->at_ms = table_find(death, "time", &at) && at.kind == WR_H_INT && at.number > 0 &&
                         at.number < INT64_MAX / 1000
                     ? at.number * 1000
                     : 0;
    return find_text(death, "queue", &out->queue) && find_text(death, "reason", &out->reason);
}

bool copy_was_retried(struct wr_text headers, struct wr_text queue)
{
    struct wr_text deaths, death, name;
    size_t at = 0;
    if (!find_array(headers, "x-death", &deaths)) return false;
    while (next_item(deaths, &at, 'F', &death))
        if (find_text(death, "queue", &name) && is_retry_queue(name, queue)) return true;
    return false;
}
