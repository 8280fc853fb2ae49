/* SPDX-License-Identifier: Apache-2.0
 *
 * What brokers refuse and what to do about it, in one place. Where a refusal is of no known kind, the
 * broker's own words are passed on. */
#include "amqp/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amqp/arguments.h"
#include "base/text.h"

enum code {
    ACCESS_REFUSED = 403,
    NOT_FOUND = 404,
    RESOURCE_LOCKED = 405,
    PRECONDITION_FAILED = 406
};

static void explain_missing(const struct refusal *refusal, struct status *status)
{
    if (refusal->exchange && strstr(refusal->words, "no exchange")) {
        status_fail(status, EXIT_CONFIG,
                    "exchange '%s' does not exist in vhost '%s': make it, or name its `type` under "
                    "`bind` and it is made",
                    refusal->exchange, refusal->vhost);
    } else if (refusal->queue && strstr(refusal->words, "no queue")) {
        status_fail(status, EXIT_CONFIG,
                    "queue '%s' does not exist in vhost '%s': make it, or let it be made with "
                    "`declare: quorum`",
                    refusal->queue, refusal->vhost);
    } else {
        status_fail(status, EXIT_CONFIG, "the broker does not find it: %s", refusal->words);
    }
}

static void explain_difference(const struct refusal *refusal, struct status *status)
{
    struct difference difference;
    if (!difference_read(text_of(refusal->words), &difference)) {
        status_fail(status, EXIT_CONFIG, "the broker refuses %s '%s': %s",
                    refusal->queue ? "queue" : "exchange",
                    refusal->queue ? refusal->queue : refusal->exchange, refusal->words);
    } else if (!refusal->queue) {
        status_fail(
            status, EXIT_CONFIG,
            "exchange '%s' has %s '%s' on the broker, not '%s': correct it under `bind`, or "
            "leave `type` out to use the exchange as it is",
            refusal->exchange, difference.argument, difference.current, difference.wanted);
    } else {
        status_fail(status, EXIT_CONFIG,
                    "queue '%s' has %s '%s' on the broker, not '%s': make it anew (empty it, then "
                    "rabbitmqctl -p %s delete_queue %s)%s",
                    refusal->queue, difference.argument, difference.current, difference.wanted,
                    refusal->vhost, refusal->queue,
                    refusal->is_side_queue ? "" : ", or take it as it is with `declare: none`");
    }
}

static void explain_access(const struct refusal *refusal, struct status *status)
{
    if (strstr(refusal->words, "reserved prefix"))
        status_fail(status, EXIT_CONFIG, "%s: brokers make those themselves; name it otherwise",
                    refusal->words);
    else
        status_fail(status, EXIT_CONFIG,
                    "%s: rabbitmqctl set_permissions -p %s gives the user the rights to configure, "
                    "write and read",
                    refusal->words, refusal->vhost);
}

void refusal_explain(const struct refusal *refusal, struct status *status)
{
    switch (refusal->code) {
    case ACCESS_REFUSED: explain_access(refusal, status); return;
    case NOT_FOUND: explain_missing(refusal, status); return;
    case RESOURCE_LOCKED:
        status_fail(status, EXIT_CONFIG,
                    "queue '%s' is exclusive to another connection: end that one, or consume "
                    "another queue",
                    refusal->queue ? refusal->queue : "");
        return;
    case PRECONDITION_FAILED: explain_difference(refusal, status); return;
    default:
        status_fail(status, EXIT_CONFIG, "the broker refuses it: %u %s", refusal->code,
                    refusal->words);
    }
}

bool refusal_is_late_ack(uint16_t code, const char *words, uint64_t *most_ms)
{
    static const char value[] = "Timeout value used: ";
    const char *at = strstr(words, value);
    if (code != PRECONDITION_FAILED || !strstr(words, "delivery acknowledgement") || !at)
        return false;
    *most_ms = strtoull(at + sizeof value - 1, NULL, 10);
    return *most_ms > 0;
}

/* The queue's name as a pattern that matches it alone. */
static void make_pattern(const char *queue, char *out, size_t out_bytes)
{
    size_t n = 0;
    for (const char *at = queue; *at && n + 3 < out_bytes; at++) {
        if (strchr(".^$*+?()[]{}|\\", *at)) out[n++] = '\\';
        out[n++] = *at;
    }
    out[n] = '\0';
}

bool refusal_is_limit(const struct refusal *refusal, int64_t wanted, int64_t *current,
                      char *warning, size_t warning_bytes)
{
    struct difference difference;
    if (refusal->code != PRECONDITION_FAILED || !refusal->queue ||
        !difference_read(text_of(refusal->words), &difference) ||
        strcmp(difference.argument, "x-delivery-limit") != 0)
        return false;
    if (strcmp(difference.current, "none") == 0) {
        *current = DELIVERY_LIMIT_NONE;
    } else if (!text_to_int(text_of(difference.current), current)) {
        return false;
    }
    char pattern[320];
    make_pattern(refusal->queue, pattern, sizeof pattern);
    (void)snprintf(warning, warning_bytes,
                   "queue '%s' was made with x-delivery-limit %s, not %lld; the broker's is used. "
                   "A policy can lower it (rabbitmqctl set_policy -p %s delivery-limit '^%s$' "
                   "'{\"delivery-limit\":%lld}' --apply-to queues); a higher one takes a new queue",
                   refusal->queue, difference.current, (long long)wanted, refusal->vhost, pattern,
                   (long long)wanted);
    return true;
}
