/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter; see dead_filter.h. */
#include "app/dead_filter.h"

#include <stddef.h>
#include <stdio.h>

#include "base/time_text.h"
#include "base/units.h"

static const struct field {
    const char *name;
    size_t at;
} fields[] = {
#define FIELD(name, member) { name, offsetof(struct dead_facts, member) }
    FIELD("reason", reason), FIELD("code", code),         FIELD("detail", detail),
    FIELD("host", host),     FIELD("exchange", exchange), FIELD("key", routing_key),
#undef FIELD
};
#define FIELDS (sizeof fields / sizeof *fields)

static bool read_where(const char *word, struct dead_where *out, struct status *status)
{
    const char *names[FIELDS + 1] = { NULL };
    char shown[64];
    const size_t len = strcspn(word, "=");
    const struct wr_text name = text_from(word, len);
    for (size_t i = 0; i < FIELDS && word[len]; i++) {
        if (!text_is(name, fields[i].name)) continue;
        *out = (struct dead_where){ i, text_of(word + len + 1) };
        return true;
    }
    for (size_t i = 0; i < FIELDS; i++) names[i] = fields[i].name;
    const char *near = text_nearest(text_show(name, shown, sizeof shown), names);
    return status_fail(
        status, EXIT_USAGE,
        "--where \"%s\": FIELD=VALUE was expected, FIELD one of reason, code, detail, "
        "host, exchange, key%s%s%s",
        word, near ? "; did you mean \"" : "", near ? near : "", near ? "=\"?" : "");
}

/* "2h": so long ago; or a moment, which may lack its seconds, its time and its zone (then UTC). */
static bool read_moment(const char *flag, const char *word, int64_t now_ms, int64_t *out,
                        struct status *status)
{
    static const char *const ends[] = { "", "Z", ":00Z", "T00:00:00Z" };
    char whole[64];
    int64_t us, ago_ms;
    *out = 0;
    if (!word) return true;
    if (duration_parse(text_of(word), &ago_ms)) {
        *out = ago_ms < now_ms ? now_ms - ago_ms : 1;
        return true;
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        (void)snprintf(whole, sizeof whole, "%.40s%s", word, ends[i]);
        if (whole[0] && strlen(word) > 10) whole[10] = whole[10] == ' ' ? 'T' : whole[10];
        if (!time_from_rfc3339(text_of(whole), &us)) continue;
        *out = us / 1000;
        return true;
    }
    return status_fail(status, EXIT_USAGE,
                       "%s \"%s\": \"2h\" (ago), \"2026-01-02\" or \"2026-01-02T03:04:05Z\" was "
                       "expected",
                       flag, word);
}

bool dead_filter_read(const struct dead_filter_words *words, int64_t now_ms,
                      struct dead_filter *out, struct status *status)
{
    *out = (struct dead_filter){ .type = text_of(words->type),
                                 .handler = text_of(words->handler),
                                 .id = text_of(words->id) };
    for (size_t i = 0; i < words->where.n; i++)
        if (!read_where(words->where.at[i], &out->where[out->n_where++], status)) return false;
    if (!read_moment("--since", words->since, now_ms, &out->since_ms, status) ||
        !read_moment("--until", words->until, now_ms, &out->until_ms, status))
        return false;
    if (out->since_ms && out->until_ms && out->since_ms > out->until_ms)
        return status_fail(status, EXIT_USAGE, "--since %s is later than --until %s", words->since,
                           words->until);
    return true;
}

bool dead_filter_is_empty(const struct dead_filter *filter)
{
    return !filter->n_where && !filter->type.len && !filter->handler.len && !filter->id.len &&
           !filter->since_ms && !filter->until_ms;
}

/* "orders" is of any version, "orders/1.2" of that. */
static bool is_handler(struct wr_text wanted, struct wr_text handler)
{
    if (memchr(wanted.at, '/', wanted.len)) return text_equal(wanted, handler);
    return handler.len >= wanted.len && !memcmp(handler.at, wanted.at, wanted.len) &&
           (handler.len == wanted.len || handler.at[wanted.len] == '/');
}

const char *dead_filter_field(const struct dead_where *where)
{
    return fields[where->field].name;
}

struct wr_text dead_filter_value(const struct dead_where *where, const struct dead_facts *facts)
{
    return *(const struct wr_text *)(const void *)((const char *)facts + fields[where->field].at);
}

static bool holds(const struct dead_where *where, const struct dead_facts *facts)
{
    return text_equal(dead_filter_value(where, facts), where->value);
}

/* What does not tell when it died is in no span of time. */
static bool is_in_time(const struct dead_filter *filter, const struct dead_facts *facts)
{
    if (!filter->since_ms && !filter->until_ms) return true;
    const int64_t at_ms = facts->died_ms ? facts->died_ms : facts->sent_ms;
    return at_ms && at_ms >= filter->since_ms && (!filter->until_ms || at_ms <= filter->until_ms);
}

bool dead_filter_takes(const struct dead_filter *filter, const struct dead_facts *facts)
{
    for (size_t i = 0; i < filter->n_where; i++)
        if (!holds(&filter->where[i], facts)) return false;
    return (!filter->type.len || text_equal(filter->type, facts->type)) &&
           (!filter->id.len || text_equal(filter->id, facts->id)) &&
           (!filter->handler.len || is_handler(filter->handler, facts->handler)) &&
           is_in_time(filter, facts);
}
