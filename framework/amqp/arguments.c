/* SPDX-License-Identifier: Apache-2.0
 *
 * Queue arguments in one table, and the parser of the broker's complaint about them. Brokers of
 * different age word the values as '20', as "the value '20' of type 'signedint'", or as none. */
#include "amqp/arguments.h"

#include <stdio.h>
#include <string.h>

#define IN_QUORUM (1u << QUEUE_QUORUM)
#define IN_CLASSIC (1u << QUEUE_CLASSIC)
#define IN_DEAD (1u << QUEUE_DEAD)
#define IN_RETRY (1u << QUEUE_RETRY)

enum value { VALUE_TEXT, VALUE_NEXT, VALUE_NUMBER };

static const struct rule {
    unsigned roles;
    const char *name;
    enum value value; /* the latter two are filled in from the call */
    const char *text;
} RULES[] = {
    { IN_QUORUM | IN_DEAD | IN_RETRY, "x-queue-type", VALUE_TEXT, "quorum" },
    { IN_CLASSIC, "x-queue-type", VALUE_TEXT, "classic" },
    { IN_QUORUM | IN_DEAD, "x-delivery-limit", VALUE_NUMBER, NULL },
    { IN_RETRY, "x-message-ttl", VALUE_NUMBER, NULL },
    { IN_QUORUM | IN_CLASSIC | IN_RETRY, "x-dead-letter-exchange", VALUE_TEXT, "" },
    { IN_QUORUM | IN_CLASSIC | IN_RETRY, "x-dead-letter-routing-key", VALUE_NEXT, NULL },
    { IN_QUORUM | IN_RETRY, "x-dead-letter-strategy", VALUE_TEXT, "at-least-once" },
    { IN_QUORUM | IN_CLASSIC | IN_RETRY, "x-overflow", VALUE_TEXT, "reject-publish" },
};

void arguments_make(struct arguments *arguments, enum queue_role role, const char *next,
                    int64_t number)
{
    int n = 0;
    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++) {
        const struct rule *rule = &RULES[i];
        if (!(rule->roles & 1u << role)) continue;
        if (rule->value == VALUE_NUMBER && number == DELIVERY_LIMIT_NONE) continue;
        amqp_table_entry_t *entry = &arguments->entries[n++];
        *entry = (amqp_table_entry_t){ .key = codec_cstr(rule->name) };
        if (rule->value == VALUE_NUMBER) {
            entry->value.kind = AMQP_FIELD_KIND_I64;
            entry->value.value.i64 = number;
        } else {
            entry->value.kind = AMQP_FIELD_KIND_UTF8;
            entry->value.value.bytes = codec_cstr(rule->value == VALUE_NEXT ? next : rule->text);
        }
    }
    arguments->table = (amqp_table_t){ .num_entries = n, .entries = arguments->entries };
}

static const char *find(struct wr_text words, const char *from, const char *what)
{
    return from ? memmem(from, (size_t)(words.at + words.len - from), what, strlen(what)) : NULL;
}

/* The value of "'20'", "the value '20' of type 'long'" or "none", for people. */
static void read_value(struct wr_text words, char *out, size_t out_bytes)
{
    const char *end = words.at + words.len, *quote = memchr(words.at, '\'', words.len);
    if (quote) {
        const char *after = find(words, quote, "' of type");
        if (!after) after = memrchr(quote + 1, '\'', (size_t)(end - quote - 1));
        words = text_from(quote + 1, (size_t)((after ? after : end) - quote - 1));
    }
    text_show(words, out, out_bytes);
}

bool difference_read(struct wr_text words, struct difference *out)
{
    static const char begin[] = "inequivalent arg '", middle[] = "received ",
                      last[] = " but current is ";
    const char *end = words.at + words.len, *argument = find(words, words.at, begin);
    if (!argument) return false;
    argument += strlen(begin);
    const char *quote = memchr(argument, '\'', (size_t)(end - argument));
    const char *wanted = find(words, quote, middle);
    const char *current = find(words, wanted, last);
    if (!current) return false;
    text_show(text_from(argument, (size_t)(quote - argument)), out->argument, sizeof out->argument);
    wanted += strlen(middle);
    read_value(text_from(wanted, (size_t)(current - wanted)), out->wanted, sizeof out->wanted);
    current += strlen(last);
    read_value(text_from(current, (size_t)(end - current)), out->current, sizeof out->current);
    return true;
}
