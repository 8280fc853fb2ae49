/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking the tree by the table; see reader.h. Defaults are read from their text like values of the
 * file. A value that is wrong is told and then replaced by its default, so that the rules that come
 * after do not tell it again in other words. */
#include "config/reader.h"

#include <stdio.h>

#include "base/check.h"
#include "config/item.h"

struct fallback {
    const struct yaml_node *node; /* NULL: not read yet */
};

/* Where the walk is: a map, and the struct that its keys fill. */
struct section {
    const char *pattern; /* "consumers[].batch" */
    const char *shown;   /* "consumers[0].batch" */
    char *base;
    const struct yaml_node *node;
};

static void read_section(struct reader *reader, const struct section *section);

static bool read_map(struct reader *reader, const struct item *item, const struct section *outer)
{
    const struct yaml_node *node = item->node;
    bool can_be_off = item->key->words != NULL, is_there = item->is_given || can_be_off;
    char may[ITEM_ALLOWED_BYTES];
    struct yaml_node empty = { .kind = NODE_MAP, .line = node->line, .column = node->column };
    if (can_be_off && node->kind == NODE_TEXT && text_is(node->text, item->key->words[0])) {
        is_there = false;
        node = &empty;
    } else if (node->kind != NODE_MAP) {
        if (node->kind != NODE_NOTHING && node->kind != NODE_BROKEN)
            ITEM_FAULT(reader, item, "%s where a map is expected; allowed: %s",
                       yaml_kind_name(node->kind), schema_show_allowed(item->key, may, sizeof may));
        node = &empty;
    }
    if (item->field) memcpy(item->field, &is_there, sizeof is_there);
    struct section section = { item->key->path, item->shown, outer->base, node };
    read_section(reader, &section);
    return true;
}

static bool read_maps(struct reader *reader, const struct item *item)
{
    if (!item_expect_entries(reader, item, NODE_LIST)) return false;
    char pattern[ITEM_PATH_BYTES];
    snprintf(pattern, sizeof pattern, "%s[]", item->key->path);
    char *entries = item_zeroed(reader, item->node->n, item->key->entry_bytes);
    size_t i = 0;
    for (const struct yaml_node *node = item->node->first; node; node = node->next, i++) {
        const char *shown = item_path_entry(reader, item->shown, i);
        struct section section = { pattern, shown, entries + i * item->key->entry_bytes, node };
        if (node->kind == NODE_MAP)
            read_section(reader, &section);
        else if (node->kind != NODE_BROKEN)
            config_faults_add(reader->faults, node->line, node->column, shown,
                              "%s where a map is expected", yaml_kind_name(node->kind));
    }
    item_put_list(item->field, entries, i);
    return true;
}

static bool read_item(struct reader *reader, const struct item *item, const struct section *section)
{
    switch (item->key->type) {
    case SCHEMA_SECTION: return read_map(reader, item, section);
    case SCHEMA_SECTIONS: return read_maps(reader, item);
    case SCHEMA_SECRETS:
    case SCHEMA_DURATIONS: return item_read_list(reader, item);
    case SCHEMA_OPTIONS: return item_read_options(reader, item);
    default: return item_read_single(reader, item);
    }
}

/* The default's node, made once a key; its own place means nothing. */
static const struct yaml_node *fallback_node(struct reader *reader, const struct schema_key *key)
{
    struct fallback *fallback = &reader->fallbacks[key - schema_keys];
    if (!fallback->node)
        fallback->node = yaml_parse(text_of(key->fallback), &reader->loaded->arena, reader->faults);
    CHECK(fallback->node != NULL);
    return fallback->node;
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

/* As if it were there and held nothing, where the section stands. */
static void read_absent(struct reader *reader, const struct item *item,
                        const struct section *section)
{
    const struct yaml_node nothing = { .kind = NODE_NOTHING,
                                       .line = section->node->line,
                                       .column = section->node->column,
                                       .text = text_of("") };
    const struct item absent = { item->key, &nothing, item->shown, item->field, false };
    char may[ITEM_ALLOWED_BYTES];
    if (item->key->flags & SCHEMA_REQUIRED)
        ITEM_FAULT(reader, &absent, "is missing; give %s: %s", schema_type_name(item->key->type),
                   schema_show_allowed(item->key, may, sizeof may));
    else if (item->key->type == SCHEMA_SECTION)
        read_item(reader, &absent, section);
    else
        read_fallback(reader, item, section);
}

static void read_key(struct reader *reader, const struct schema_key *key, const char *name,
                     const struct section *section)
{
    struct item item = { .key = key, .shown = item_path_join(reader, section->shown, name) };
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
    char name[ITEM_SHOWN_BYTES], meant[ITEM_PATH_BYTES] = "";
    text_show(node->key, name, sizeof name);
    const char *nearest = schema_suggest(section->pattern, node->key.at);
    if (nearest) snprintf(meant, sizeof meant, "; did you mean \"%s\"?", nearest);
    config_faults_add(reader->faults, node->key_line, node->key_column,
                      item_path_join(reader, section->shown, name), "unknown key%s", meant);
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
    reader.fallbacks = item_zeroed(&reader, schema_keys_n, sizeof *reader.fallbacks);
    struct section section = { "", "", (char *)&loaded->config, root };
    read_section(&reader, &section);
    loaded_sort_places(loaded);
}
