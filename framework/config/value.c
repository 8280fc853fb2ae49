/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading single values; see value.h. Fields are written with memcpy, since their types differ. */
#include "config/value.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/units.h"
#include "config/config.h"
#include "config/file.h"

struct value {
    const struct schema_key *key;
    struct wr_text text;
    const char *directory;
    struct arena *arena;
};

typedef enum value_fault reader(const struct value *value, void *field);

static enum value_fault put_text(const char *text, void *field)
{
    memcpy(field, &text, sizeof text);
    return VALUE_WELL;
}

static enum value_fault check_length(const struct value *value)
{
    if ((int64_t)value->text.len < value->key->least) return VALUE_EMPTY;
    return (int64_t)value->text.len > value->key->most ? VALUE_TOO_LONG : VALUE_WELL;
}

static enum value_fault read_text(const struct value *value, void *field)
{
    enum value_fault fault = check_length(value);
    return fault == VALUE_WELL ? put_text(value->text.at, field) : fault;
}

static bool is_made_of(struct wr_text text, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain && !strchr(others, c)) return false;
    }
    return true;
}

static enum value_fault read_name(const struct value *value, void *field)
{
    const char *others = value->key->type == SCHEMA_HANDLER ? "_-" : "_.-";
    if (value->text.len && !is_made_of(value->text, others)) return VALUE_BAD_CHARACTER;
    return read_text(value, field);
}

static enum value_fault read_path(const struct value *value, void *field)
{
    enum value_fault fault = check_length(value);
    if (fault != VALUE_WELL) return fault;
    char *path = file_path_from(value->directory, value->text.at);
    const char *kept = arena_copy(value->arena, text_from(path, strlen(path) + 1)).at;
    free(path);
    return put_text(kept, field);
}

static enum value_fault read_exchange(const struct value *value, void *field)
{
    static const char *const words[] = { "direct", "fanout", "topic", "headers" };
    bool is_known = text_starts(value->text, "x-");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        is_known |= text_is(value->text, words[i]);
    return is_known ? read_text(value, field) : VALUE_UNKNOWN_WORD;
}

static enum value_fault read_bool(const struct value *value, void *field)
{
    bool is_true = text_is(value->text, "true");
    if (!is_true && !text_is(value->text, "false")) return VALUE_NOT_OF_TYPE;
    memcpy(field, &is_true, sizeof is_true);
    return VALUE_WELL;
}

static enum value_fault put_number(const struct value *value, int64_t number, void *field)
{
    if (number < value->key->least || number > value->key->most) return VALUE_OUT_OF_RANGE;
    if ((value->key->flags & SCHEMA_WHOLE_SECONDS) && number % 1000) return VALUE_NOT_WHOLE;
    memcpy(field, &number, sizeof number);
    return VALUE_WELL;
}

static enum value_fault read_int(const struct value *value, void *field)
{
    int64_t number = 0;
    for (const char *const *word = value->key->words; word && *word; word++) {
        if (!text_is(value->text, *word)) continue;
        memcpy(field, &number, sizeof number);
        return VALUE_WELL;
    }
    if (text_to_int(value->text, &number)) return put_number(value, number, field);
    bool is_digits = value->text.len > 0; /* and yet no int64 */
    for (size_t i = 0; i < value->text.len; i++)
        is_digits &= value->text.at[i] >= '0' && value->text.at[i] <= '9';
    return is_digits ? VALUE_OUT_OF_RANGE : VALUE_NOT_OF_TYPE;
}

static enum value_fault read_duration(const struct value *value, void *field)
{
    int64_t ms = 0;
    if (!duration_parse(value->text, &ms)) return VALUE_NOT_OF_TYPE;
    return put_number(value, ms, field);
}

static enum value_fault read_size(const struct value *value, void *field)
{
    int64_t bytes = 0;
    if (!size_parse(value->text, &bytes)) return VALUE_NOT_OF_TYPE;
    return put_number(value, bytes, field);
}

static enum value_fault read_percent(const struct value *value, void *field)
{
    int64_t percent = 0;
    size_t len = value->text.len;
    if (len < 2 || value->text.at[len - 1] != '%' ||
        !text_to_int(text_from(value->text.at, len - 1), &percent))
        return VALUE_NOT_OF_TYPE;
    return put_number(value, percent, field);
}

_Static_assert(sizeof(enum config_declare) == sizeof(unsigned), "choices are stored as unsigned");

static enum value_fault read_choice(const struct value *value, void *field)
{
    for (unsigned i = 0; value->key->words[i]; i++) {
        if (!text_is(value->text, value->key->words[i])) continue;
        memcpy(field, &i, sizeof i);
        return VALUE_WELL;
    }
    return VALUE_UNKNOWN_WORD;
}

static enum value_fault read_order(const struct value *value, void *field)
{
    static const struct {
        const char *begin;
        enum config_order kind;
    } fields[] = { { "header:", CONFIG_ORDER_HEADER }, { "json:", CONFIG_ORDER_JSON } };
    struct config_order_by order = { CONFIG_ORDER_NONE, NULL };
    bool is_known = text_is(value->text, "none");
    if (text_is(value->text, "routing_key")) {
        order.kind = CONFIG_ORDER_ROUTING_KEY;
        is_known = true;
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!text_starts(value->text, fields[i].begin)) continue;
        order.kind = fields[i].kind;
        order.field = value->text.at + strlen(fields[i].begin);
        is_known = true;
        if (!*order.field) return VALUE_EMPTY;
        if (strlen(order.field) > 255) return VALUE_TOO_LONG;
    }
    if (!is_known) return VALUE_UNKNOWN_WORD;
    memcpy(field, &order, sizeof order);
    return VALUE_WELL;
}

static enum value_fault read_address(const struct value *value, void *field)
{
    const char *colon = strrchr(value->text.at, ':');
    int64_t port = 0;
    if (!colon || !text_to_int(text_of(colon + 1), &port) || colon[1] == '+')
        return VALUE_NOT_OF_TYPE;
    struct wr_text host = text_from(value->text.at, (size_t)(colon - value->text.at));
    bool is_v6 = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
    if (is_v6) host = text_from(host.at + 1, host.len - 2);
    char *copy = arena_take_bytes(value->arena, host.len + 1);
    memcpy(copy, host.at, host.len);
    copy[host.len] = '\0';
    struct in6_addr ignored;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, copy, &ignored) != 1) return VALUE_NOT_OF_TYPE;
    if (port < 0 || port > 65535) return VALUE_OUT_OF_RANGE;
    struct config_address address = { copy, (uint16_t)port };
    memcpy(field, &address, sizeof address);
    return VALUE_WELL;
}

enum value_fault value_read(const struct schema_key *key, struct wr_text text,
                            const char *directory, struct arena *arena, void *field)
{
    static reader *const readers[SCHEMA_TYPES] = {
        [SCHEMA_TEXT] = read_text,         [SCHEMA_NAME] = read_name,
        [SCHEMA_HANDLER] = read_name,      [SCHEMA_PATH] = read_path,
        [SCHEMA_SECRET] = read_text,       [SCHEMA_EXCHANGE] = read_exchange,
        [SCHEMA_BOOL] = read_bool,         [SCHEMA_INT] = read_int,
        [SCHEMA_DURATION] = read_duration, [SCHEMA_SIZE] = read_size,
        [SCHEMA_PERCENT] = read_percent,   [SCHEMA_CHOICE] = read_choice,
        [SCHEMA_ORDER] = read_order,       [SCHEMA_ADDRESS] = read_address,
    };
    const struct value value = { key, text, directory, arena };
    return readers[key->type](&value, field);
}
