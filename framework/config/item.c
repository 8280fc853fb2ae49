/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading one key's value; see item.h. What may be secret is neither shown nor kept: its template is. */
#include "config/item.h"

#include <stdio.h>

#include "base/check.h"
#include "config/secrets.h"
#include "config/url.h"
#include "config/value.h"

static const char *path_copy(struct reader *reader, const char *path)
{
    struct wr_text text = text_from(path, strlen(path) + 1);
    return arena_copy(&reader->loaded->arena, text).at;
}

const char *item_path_join(struct reader *reader, const char *section, const char *name)
{
    char path[ITEM_PATH_BYTES];
    snprintf(path, sizeof path, "%s%s%s", section, *section ? "." : "", name);
    return path_copy(reader, path);
}

const char *item_path_entry(struct reader *reader, const char *list, size_t i)
{
    char path[ITEM_PATH_BYTES];
    snprintf(path, sizeof path, "%s[%zu]", list, i);
    return path_copy(reader, path);
}

static const char *allowed(const struct item *item, char out[ITEM_ALLOWED_BYTES])
{
    return schema_show_allowed(item->key, out, ITEM_ALLOWED_BYTES);
}

void *item_zeroed(struct reader *reader, size_t count, size_t bytes)
{
    void *memory = arena_take(&reader->loaded->arena, count ? count * bytes : 1);
    CHECK(memory != NULL);
    memset(memory, 0, count * bytes);
    return memory;
}

_Static_assert(sizeof(struct config_options) == sizeof(void *) + sizeof(size_t),
               "a list field is a pointer and a number, with nothing between");

void item_put_list(void *field, void *entries, size_t n)
{
    memcpy(field, &entries, sizeof entries);
    memcpy((char *)field + sizeof entries, &n, sizeof n);
}

/* ---- single values ------------------------------------------------------------------------- */

static bool is_secret(const struct schema_key *key)
{
    return key->type == SCHEMA_SECRET || (key->flags & SCHEMA_PRIVATE);
}

/* The value as a fault may show it: nothing that was or may be a secret. */
static const char *show_value(const struct item *item, char out[ITEM_SHOWN_BYTES])
{
    struct wr_text text = item->node->text;
    char inner[ITEM_SHOWN_BYTES - 20];
    if (is_secret(item->key)) {
        snprintf(out, ITEM_SHOWN_BYTES, "the value");
    } else if (secrets_is_template(text)) {
        snprintf(out, ITEM_SHOWN_BYTES, "the value of %s", secrets_show(text, inner, sizeof inner));
    } else if (memmem(text.at, text.len, "://", 3)) {
        char redacted[ITEM_SHOWN_BYTES];
        url_redact(text, redacted, sizeof redacted);
        snprintf(out, ITEM_SHOWN_BYTES, "\"%s\"",
                 text_show(text_of(redacted), inner, sizeof inner));
    } else {
        int64_t ignored;
        const char *quote = text_to_int(text, &ignored) ? "" : "\"";
        snprintf(out, ITEM_SHOWN_BYTES, "%s%s%s", quote, text_show(text, inner, sizeof inner),
                 quote);
    }
    return out;
}

static void tell_value_fault(struct reader *reader, const struct item *item, size_t len,
                             enum value_fault fault)
{
    char shown[ITEM_SHOWN_BYTES], may[ITEM_ALLOWED_BYTES], meant[ITEM_SHOWN_BYTES] = "";
    show_value(item, shown);
    allowed(item, may);
    if (item->key->words && *shown == '"') {
        const char *nearest = text_nearest(item->node->text.at, item->key->words);
        if (nearest) snprintf(meant, sizeof meant, "; did you mean \"%s\"?", nearest);
    }
    switch (fault) {
    case VALUE_WELL: break;
    case VALUE_NOT_OF_TYPE:
        ITEM_FAULT(reader, item, "%s is not %s; allowed: %s%s", shown,
                   schema_type_name(item->key->type), may, meant);
        break;
    case VALUE_OUT_OF_RANGE:
        ITEM_FAULT(reader, item, "%s is out of range; allowed: %s", shown, may);
        break;
    case VALUE_UNKNOWN_WORD:
        ITEM_FAULT(reader, item, "%s is not known; allowed: %s%s", shown, may, meant);
        break;
    case VALUE_EMPTY: ITEM_FAULT(reader, item, "%s is empty; allowed: %s", shown, may); break;
    case VALUE_TOO_LONG:
        ITEM_FAULT(reader, item, "%s is too long (%zu bytes); allowed: %s", shown, len, may);
        break;
    case VALUE_BAD_CHARACTER:
        ITEM_FAULT(reader, item, "%s has a character that cannot stand here; allowed: %s", shown,
                   may);
        break;
    case VALUE_NOT_WHOLE:
        ITEM_FAULT(reader, item, "%s is not whole seconds; allowed: %s", shown, may);
        break;
    }
}

/* Text, at least: says so where it is not. */
static bool expect_text(struct reader *reader, const struct item *item)
{
    char may[ITEM_ALLOWED_BYTES];
    switch (item->node->kind) {
    case NODE_TEXT: return true;
    case NODE_BROKEN: return false;
    case NODE_NOTHING:
        ITEM_FAULT(reader, item, "has no value; give one or leave the key out; allowed: %s",
                   allowed(item, may));
        return false;
    default:
        ITEM_FAULT(reader, item, "%s where %s is expected; allowed: %s",
                   yaml_kind_name(item->node->kind), schema_type_name(item->key->type),
                   allowed(item, may));
        return false;
    }
}

/* Fills the template in, reads it, and keeps the value, or for a secret the template alone. */
static bool read_text(struct reader *reader, const struct item *item)
{
    const char *directory = reader->loaded->config.directory;
    struct status status = { 0 };
    char *value = NULL;
    if (!secrets_fill(item->node->text, directory, &value, &status)) {
        ITEM_FAULT(reader, item, "%s", status.text);
        return false;
    }
    struct wr_text filled = text_of(value), kept = filled;
    bool is_template = item->key->type == SCHEMA_SECRET;
    if (!is_template) {
        kept = arena_copy(&reader->loaded->arena, text_from(value, filled.len + 1));
        kept.len--;
    }
    enum value_fault fault =
        value_read(item->key, kept, directory, &reader->loaded->arena, item->field);
    if (fault != VALUE_WELL)
        tell_value_fault(reader, item, filled.len, fault);
    else if (is_template)
        memcpy(item->field, &item->node->text.at, sizeof(const char *));
    secrets_give_back(value);
    return fault == VALUE_WELL;
}

bool item_read_single(struct reader *reader, const struct item *item)
{
    return expect_text(reader, item) && read_text(reader, item);
}

/* ---- lists and options --------------------------------------------------------------------- */

bool item_expect_entries(struct reader *reader, const struct item *item, enum node_kind kind)
{
    char may[ITEM_ALLOWED_BYTES];
    const struct yaml_node *node = item->node;
    if (node->kind == NODE_BROKEN) return false;
    if (node->kind != kind) {
        ITEM_FAULT(reader, item, "%s where %s is expected; allowed: %s", yaml_kind_name(node->kind),
                   schema_type_name(item->key->type), allowed(item, may));
        return false;
    }
    bool is_short = node->n == 0 && kind == NODE_LIST && item->key->type != SCHEMA_SECTIONS;
    is_short |= node->n == 0 && (item->key->flags & SCHEMA_REQUIRED);
    if (!is_short && node->n <= item->key->entries_most) return true;
    ITEM_FAULT(reader, item, "%zu entries; allowed: %s", node->n, allowed(item, may));
    return false;
}

/* An entry is read and blamed by a key of its own type. */
static struct schema_key key_of_entry(const struct schema_key *key)
{
    struct schema_key entry = *key;
    entry.type = key->type == SCHEMA_DURATIONS ? SCHEMA_DURATION
                 : key->type == SCHEMA_SECRETS ? SCHEMA_SECRET
                                               : SCHEMA_TEXT;
    return entry;
}

bool item_read_list(struct reader *reader, const struct item *item)
{
    if (!item_expect_entries(reader, item, NODE_LIST)) return false;
    const struct schema_key key = key_of_entry(item->key);
    size_t bytes = key.type == SCHEMA_DURATION ? sizeof(int64_t) : sizeof(const char *), i = 0;
    char *entries = item_zeroed(reader, item->node->n, bytes);
    bool is_well = true;
    for (const struct yaml_node *node = item->node->first; node; node = node->next, i++) {
        struct item entry = { &key, node, item_path_entry(reader, item->shown, i),
                              entries + i * bytes, item->is_given };
        is_well &= item_read_single(reader, &entry);
        loaded_add_place(reader->loaded, entry.field, entry.shown, node->line, node->column,
                         item->is_given);
    }
    if (is_well) item_put_list(item->field, entries, i);
    return is_well;
}

bool item_read_options(struct reader *reader, const struct item *item)
{
    if (item->node->kind == NODE_NOTHING) return true;
    if (!item_expect_entries(reader, item, NODE_MAP)) return false;
    const struct schema_key key = key_of_entry(item->key);
    struct config_option *options = item_zeroed(reader, item->node->n, sizeof *options);
    size_t n = 0;
    for (const struct yaml_node *node = item->node->first; node; node = node->next) {
        char name[ITEM_SHOWN_BYTES];
        text_show(node->key, name, sizeof name);
        struct config_option *option = &options[n];
        *option = (struct config_option){ node->key.at, NULL,           node->line,
                                          node->column, node->key_line, node->key_column };
        struct item entry = { &key, node, item_path_join(reader, item->shown, name), &option->value,
                              true };
        n += item_read_single(reader, &entry);
    }
    item_put_list(item->field, options, n);
    return true;
}
