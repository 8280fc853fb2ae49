/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking the tree by the table; see reader.h. Defaults are read from their text like values of the
 * file. A value that is wrong is told and then replaced by its default, so that the rules that come
 * after do not tell it again in other words. */
#include "config/reader.h"

#include <stdio.h>

#include "base/check.h"
#include "config/schema.h"
#include "config/secrets.h"
#include "config/url.h"
#include "config/value.h"

#define PATH_BYTES 160
#define SHOWN_BYTES 100
#define ALLOWED_BYTES 200

struct reader {
    struct loaded *loaded;
    struct config_faults *faults;
    struct yaml_node **fallbacks; /* by the key's place in the table; NULL: not read yet */
};

/* Where the walk is: a map, and the struct that its keys fill. */
struct section {
    const char *pattern; /* "consumers[].batch" */
    const char *shown;   /* "consumers[0].batch" */
    char *base;
    const struct yaml_node *node;
};

/* One key's value, or its default. */
struct item {
    const struct schema_key *key;
    const struct yaml_node *node;
    const char *shown;
    void *field;
    bool is_given;
};

#define FAULT(reader, item, ...)                                                                   \
    config_faults_add((reader)->faults, (item)->node->line, (item)->node->column, (item)->shown,   \
                      __VA_ARGS__)

static const char *path_copy(struct reader *reader, const char *path)
{
    struct wr_text text = text_from(path, strlen(path) + 1);
    return arena_copy(&reader->loaded->arena, text).at;
}

static const char *path_join(struct reader *reader, const char *section, const char *name)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s%s%s", section, *section ? "." : "", name);
    return path_copy(reader, path);
}

static const char *path_entry(struct reader *reader, const char *list, size_t i)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s[%zu]", list, i);
    return path_copy(reader, path);
}

static const char *allowed(const struct item *item, char out[ALLOWED_BYTES])
{
    return schema_show_allowed(item->key, out, ALLOWED_BYTES);
}

static void *zeroed(struct reader *reader, size_t count, size_t bytes)
{
    void *memory = arena_take(&reader->loaded->arena, count ? count * bytes : 1);
    memset(memory, 0, count * bytes);
    return memory;
}

/* All list fields begin alike: a pointer, then the number of entries. */
static void put_list(void *field, void *entries, size_t n)
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
static const char *show_value(const struct item *item, char out[SHOWN_BYTES])
{
    struct wr_text text = item->node->text;
    char inner[SHOWN_BYTES - 20];
    if (is_secret(item->key)) {
        snprintf(out, SHOWN_BYTES, "the value");
    } else if (secrets_is_template(text)) {
        snprintf(out, SHOWN_BYTES, "the value of %s", secrets_show(text, inner, sizeof inner));
    } else if (memmem(text.at, text.len, "://", 3)) {
        char redacted[SHOWN_BYTES];
        url_redact(text, redacted, sizeof redacted);
        snprintf(out, SHOWN_BYTES, "\"%s\"", text_show(text_of(redacted), inner, sizeof inner));
    } else {
        int64_t ignored;
        const char *quote = text_to_int(text, &ignored) ? "" : "\"";
        snprintf(out, SHOWN_BYTES, "%s%s%s", quote, text_show(text, inner, sizeof inner), quote);
    }
    return out;
}

static void tell_value_fault(struct reader *reader, const struct item *item, size_t len,
                             enum value_fault fault)
{
    char shown[SHOWN_BYTES], may[ALLOWED_BYTES], meant[SHOWN_BYTES] = "";
    show_value(item, shown);
    allowed(item, may);
    if (item->key->words && *shown == '"') {
        const char *nearest = text_nearest(item->node->text.at, item->key->words);
        if (nearest) snprintf(meant, sizeof meant, "; did you mean \"%s\"?", nearest);
    }
    switch (fault) {
    case VALUE_WELL: break;
    case VALUE_NOT_OF_TYPE:
        FAULT(reader, item, "%s is not %s; allowed: %s%s", shown, schema_type_name(item->key->type),
              may, meant);
        break;
    case VALUE_OUT_OF_RANGE:
        FAULT(reader, item, "%s is out of range; allowed: %s", shown, may);
        break;
    case VALUE_UNKNOWN_WORD:
        FAULT(reader, item, "%s is not known; allowed: %s%s", shown, may, meant);
        break;
    case VALUE_EMPTY: FAULT(reader, item, "%s is empty; allowed: %s", shown, may); break;
    case VALUE_TOO_LONG:
        FAULT(reader, item, "%s is too long (%zu bytes); allowed: %s", shown, len, may);
        break;
    case VALUE_BAD_CHARACTER:
        FAULT(reader, item, "%s has a character that cannot stand here; allowed: %s", shown, may);
        break;
    case VALUE_NOT_WHOLE:
        FAULT(reader, item, "%s is not whole seconds; allowed: %s", shown, may);
        break;
    }
}

/* Text, at least: says so where it is not. */
static bool expect_text(struct reader *reader, const struct item *item)
{
    char may[ALLOWED_BYTES];
    switch (item->node->kind) {
    case NODE_TEXT: return true;
    case NODE_BROKEN: return false;
    case NODE_NOTHING:
        FAULT(reader, item, "has no value; give one or leave the key out; allowed: %s",
              allowed(item, may));
        return false;
    default:
        FAULT(reader, item, "%s where %s is expected; allowed: %s",
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
        FAULT(reader, item, "%s", status.text);
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

static bool read_single(struct reader *reader, const struct item *item)
{
    return expect_text(reader, item) && read_text(reader, item);
}

/* ---- lists and options --------------------------------------------------------------------- */

static bool expect_entries(struct reader *reader, const struct item *item, enum node_kind kind)
{
    char may[ALLOWED_BYTES];
    const struct yaml_node *node = item->node;
    if (node->kind == NODE_BROKEN) return false;
    if (node->kind != kind) {
        FAULT(reader, item, "%s where %s is expected; allowed: %s", yaml_kind_name(node->kind),
              schema_type_name(item->key->type), allowed(item, may));
        return false;
    }
    bool is_short = node->n == 0 && kind == NODE_LIST && item->key->type != SCHEMA_SECTIONS;
    is_short |= node->n == 0 && (item->key->flags & SCHEMA_REQUIRED);
    if (!is_short && node->n <= item->key->entries_most) return true;
    FAULT(reader, item, "%zu entries; allowed: %s", node->n, allowed(item, may));
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

static bool read_list(struct reader *reader, const struct item *item)
{
    if (!expect_entries(reader, item, NODE_LIST)) return false;
    const struct schema_key key = key_of_entry(item->key);
    size_t bytes = key.type == SCHEMA_DURATION ? sizeof(int64_t) : sizeof(const char *), i = 0;
    char *entries = zeroed(reader, item->node->n, bytes);
    bool is_well = true;
    for (const struct yaml_node *node = item->node->first; node; node = node->next, i++) {
        struct item entry = { &key, node, path_entry(reader, item->shown, i), entries + i * bytes,
                              item->is_given };
        is_well &= read_single(reader, &entry);
        loaded_add_place(reader->loaded, entry.field, entry.shown, node->line, node->column,
                         item->is_given);
    }
    if (is_well) put_list(item->field, entries, i);
    return is_well;
}

static bool read_options(struct reader *reader, const struct item *item)
{
    if (item->node->kind == NODE_NOTHING) return true;
    if (!expect_entries(reader, item, NODE_MAP)) return false;
    const struct schema_key key = key_of_entry(item->key);
    struct config_option *options = zeroed(reader, item->node->n, sizeof *options);
    size_t n = 0;
    for (const struct yaml_node *node = item->node->first; node; node = node->next) {
        char name[SHOWN_BYTES];
        text_show(node->key, name, sizeof name);
        struct config_option *option = &options[n];
        *option = (struct config_option){ node->key.at, NULL,           node->line,
                                          node->column, node->key_line, node->key_column };
        struct item entry = { &key, node, path_join(reader, item->shown, name), &option->value,
                              true };
        n += read_single(reader, &entry);
    }
    put_list(item->field, options, n);
    return true;
}

/* ---- sections ------------------------------------------------------------------------------ */

static void read_section(struct reader *reader, const struct section *section);

static bool read_map(struct reader *reader, const struct item *item, const struct section *outer)
{
    const struct yaml_node *node = item->node;
    bool can_be_off = item->key->words != NULL, is_there = item->is_given || can_be_off;
    char may[ALLOWED_BYTES];
    struct yaml_node empty = { .kind = NODE_MAP, .line = node->line, .column = node->column };
    if (can_be_off && node->kind == NODE_TEXT && text_is(node->text, item->key->words[0])) {
        is_there = false;
        node = &empty;
    } else if (node->kind != NODE_MAP) {
        if (node->kind != NODE_NOTHING && node->kind != NODE_BROKEN)
            FAULT(reader, item, "%s where a map is expected; allowed: %s",
                  yaml_kind_name(node->kind), allowed(item, may));
        node = &empty;
    }
    if (item->field) memcpy(item->field, &is_there, sizeof is_there);
    struct section section = { item->key->path, item->shown, outer->base, node };
    read_section(reader, &section);
    return true;
}

static bool read_maps(struct reader *reader, const struct item *item)
{
    if (!expect_entries(reader, item, NODE_LIST)) return false;
    char pattern[PATH_BYTES];
    snprintf(pattern, sizeof pattern, "%s[]", item->key->path);
    char *entries = zeroed(reader, item->node->n, item->key->entry_bytes);
    size_t i = 0;
    for (const struct yaml_node *node = item->node->first; node; node = node->next, i++) {
        const char *shown = path_entry(reader, item->shown, i);
        struct section section = { pattern, shown, entries + i * item->key->entry_bytes, node };
        if (node->kind == NODE_MAP)
            read_section(reader, &section);
        else if (node->kind != NODE_BROKEN)
            config_faults_add(reader->faults, node->line, node->column, shown,
                              "%s where a map is expected", yaml_kind_name(node->kind));
    }
    put_list(item->field, entries, i);
    return true;
}

static bool read_item(struct reader *reader, const struct item *item, const struct section *section)
{
    switch (item->key->type) {
    case SCHEMA_SECTION: return read_map(reader, item, section);
    case SCHEMA_SECTIONS: return read_maps(reader, item);
    case SCHEMA_SECRETS:
    case SCHEMA_DURATIONS: return read_list(reader, item);
    case SCHEMA_OPTIONS: return read_options(reader, item);
    default: return read_single(reader, item);
    }
}

/* The default's node, made once a key; its own place means nothing. */
static struct yaml_node *fallback_node(struct reader *reader, const struct schema_key *key)
{
    struct yaml_node **node = &reader->fallbacks[key - schema_keys];
    if (!*node) {
        *node = yaml_parse(text_of(key->fallback), &reader->loaded->arena, reader->faults);
        CHECK(*node != NULL);
    }
    return *node;
}

static void read_fallback(struct reader *reader, const struct item *item,
                          const struct section *section)
{
    if (!item->key->fallback) return;
    struct yaml_node node = *fallback_node(reader, item->key);
    node.line = section->node->line;
    node.column = section->node->column;
    struct item fallback = { item->key, &node, item->shown, item->field, false };
    read_item(reader, &fallback, section);
}

static void read_absent(struct reader *reader, struct item *item, const struct section *section)
{
    struct yaml_node nothing = { .kind = NODE_NOTHING,
                                 .line = section->node->line,
                                 .column = section->node->column,
                                 .text = text_of("") };
    item->node = &nothing;
    char may[ALLOWED_BYTES];
    if (item->key->flags & SCHEMA_REQUIRED)
        FAULT(reader, item, "is missing; give %s: %s", schema_type_name(item->key->type),
              allowed(item, may));
    else if (item->key->type == SCHEMA_SECTION)
        read_item(reader, item, section);
    else
        read_fallback(reader, item, section);
}

static void read_key(struct reader *reader, const struct schema_key *key, const char *name,
                     const struct section *section)
{
    struct item item = { .key = key, .shown = path_join(reader, section->shown, name) };
    for (item.node = section->node->first; item.node; item.node = item.node->next)
        if (text_is(item.node->key, name)) break;
    item.is_given = item.node != NULL;
    if (key->offset != SCHEMA_NO_FIELD) item.field = section->base + key->offset;
    const struct yaml_node *at = item.node ? item.node : section->node;
    if (item.field)
        loaded_add_place(reader->loaded, item.field, item.shown, at->line, at->column,
                         item.is_given);
    if (!item.is_given)
        read_absent(reader, &item, section);
    else if (!read_item(reader, &item, section))
        read_fallback(reader, &item, section);
}

static void tell_unknown(struct reader *reader, const struct section *section,
                         const struct yaml_node *node)
{
    char name[SHOWN_BYTES], meant[PATH_BYTES] = "";
    text_show(node->key, name, sizeof name);
    const char *nearest = schema_suggest(section->pattern, node->key.at);
    if (nearest) snprintf(meant, sizeof meant, "; did you mean \"%s\"?", nearest);
    config_faults_add(reader->faults, node->key_line, node->key_column,
                      path_join(reader, section->shown, name), "unknown key%s", meant);
}

static void read_section(struct reader *reader, const struct section *section)
{
    for (const struct yaml_node *node = section->node->first; node; node = node->next) {
        bool is_known = false;
        for (size_t i = 0; i < schema_keys_n && !is_known; i++) {
            const char *name = schema_child_name(&schema_keys[i], section->pattern);
            is_known = name && text_is(node->key, name);
        }
        if (!is_known) tell_unknown(reader, section, node);
    }
    for (size_t i = 0; i < schema_keys_n; i++) {
        const char *name = schema_child_name(&schema_keys[i], section->pattern);
        if (name) read_key(reader, &schema_keys[i], name, section);
    }
}

void reader_read(struct loaded *loaded, const struct yaml_node *root, struct config_faults *faults)
{
    struct reader reader = { .loaded = loaded, .faults = faults };
    if (root->kind != NODE_MAP && root->kind != NODE_NOTHING) {
        config_faults_add(faults, root->line, root->column, NULL,
                          "the file is %s; it must be a map of keys, such as consumers:",
                          yaml_kind_name(root->kind));
        return;
    }
    reader.fallbacks = zeroed(&reader, schema_keys_n, sizeof *reader.fallbacks);
    struct section section = { "", "", (char *)&loaded->config, root };
    read_section(&reader, &section);
    loaded_sort_places(loaded);
}
