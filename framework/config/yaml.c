/* SPDX-License-Identifier: Apache-2.0
 *
 * From libyaml's events to a tree; see yaml.h. Scalars are kept as text whatever they look like:
 * what a value must be is the schema's to say. */
#include "config/yaml.h"

#include <yaml.h>

#define SHOWN_BYTES 80

/* Their names are not shown: a password that was not quoted may look like one. */
#define WRITE_IT_OUT                                                                               \
    "anchors and aliases are not used here; write the value out; text that begins with a %s "      \
    "stands "                                                                                      \
    "in quotes"

struct build {
    yaml_parser_t parser;
    struct wr_text source;
    struct arena *arena;
    struct config_faults *faults;
    size_t n_values;
};

/* libyaml counts from 0. */
static int line_of(yaml_mark_t mark)
{
    return (int)mark.line + 1;
}

static int column_of(yaml_mark_t mark)
{
    return (int)mark.column + 1;
}

#define FAULT_AT(build, mark, ...)                                                                 \
    config_faults_add((build)->faults, line_of(mark), column_of(mark), NULL, __VA_ARGS__)

static const char *show(struct wr_text text, char out[SHOWN_BYTES])
{
    return text_show(text, out, SHOWN_BYTES);
}

/* ---- events -------------------------------------------------------------------------------- */

/* Bytes that are not text have an offset only. */
static yaml_mark_t mark_of_offset(struct wr_text source, size_t offset)
{
    yaml_mark_t mark = { .index = offset };
    for (size_t i = 0; i < offset && i < source.len; i++) {
        bool is_end = source.at[i] == '\n';
        mark.line += is_end;
        mark.column = is_end ? 0 : mark.column + 1;
    }
    return mark;
}

static char char_at(struct wr_text source, yaml_mark_t mark)
{
    size_t line = 0, at = 0;
    while (line < mark.line && at < source.len) line += source.at[at++] == '\n';
    at += mark.column;
    return at < source.len ? source.at[at] : '\0';
}

static void fault_of_parser(struct build *build)
{
    const yaml_parser_t *parser = &build->parser;
    if (parser->error == YAML_READER_ERROR) {
        FAULT_AT(build, mark_of_offset(build->source, parser->problem_offset),
                 "not YAML: %s; the file must be UTF-8 text", parser->problem);
        return;
    }
    const char *hint = char_at(build->source, parser->problem_mark) == '\t'
                           ? "; YAML is indented with spaces, not with tabs"
                           : "";
    FAULT_AT(build, parser->problem_mark, "not YAML: %s%s%s%s",
             parser->problem ? parser->problem : "out of memory", parser->context ? ", " : "",
             parser->context ? parser->context : "", hint);
}

static bool next_event(struct build *build, yaml_event_t *event)
{
    if (yaml_parser_parse(&build->parser, event)) return true;
    fault_of_parser(build);
    return false;
}

/* ---- nodes --------------------------------------------------------------------------------- */

static struct yaml_node *new_node(struct build *build, enum node_kind kind, yaml_mark_t mark)
{
    struct yaml_node *node = arena_take(build->arena, sizeof *node);
    *node = (struct yaml_node){
        .kind = kind, .line = line_of(mark), .column = column_of(mark), .text = text_of("")
    };
    return node;
}

static bool is_nothing(const yaml_event_t *event)
{
    static const char *const words[] = { "", "~", "null", "Null", "NULL" };
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return false;
    struct wr_text text =
        text_from((const char *)event->data.scalar.value, event->data.scalar.length);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(text, words[i])) return true;
    return false;
}

static struct yaml_node *scalar_node(struct build *build, const yaml_event_t *event)
{
    struct wr_text text =
        text_from((const char *)event->data.scalar.value, event->data.scalar.length);
    struct yaml_node *node = new_node(build, NODE_TEXT, event->start_mark);
    if (memchr(text.at, '\0', text.len)) {
        FAULT_AT(build, event->start_mark, "text holds a NUL character; take it out");
        node->kind = NODE_BROKEN;
    } else if (is_nothing(event)) {
        node->kind = NODE_NOTHING;
    } else {
        char *copy = arena_take_bytes(build->arena, text.len + 1);
        memcpy(copy, text.at, text.len);
        copy[text.len] = '\0';
        node->text = text_from(copy, text.len);
    }
    return node;
}

/* Anchors and tags, on whatever they stand. */
static void check_marks(struct build *build, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default: break;
    }
    if (anchor) FAULT_AT(build, event->start_mark, "an anchor (&...): " WRITE_IT_OUT, "&");
    if (tag)
        FAULT_AT(
            build, event->start_mark,
            "a tag (!...): tags are not used here; text that begins with a ! stands in quotes");
}

static void check_duplicate(struct build *build, const struct yaml_node *map,
                            const struct yaml_node *entry)
{
    char shown[SHOWN_BYTES];
    for (const struct yaml_node *before = map->first; before; before = before->next) {
        if (!text_equal(before->key, entry->key)) continue;
        config_faults_add(build->faults, entry->key_line, entry->key_column, NULL,
                          "\"%s\" is given twice, on line %d and on line %d; keep one",
                          show(entry->key, shown), before->key_line, entry->key_line);
        return;
    }
}

static struct yaml_node *build_node(struct build *build, yaml_event_t *event, int depth);

/* Entries up to the end event of a list or map; keys come before their values. */
static bool build_entries(struct build *build, struct yaml_node *parent, int depth)
{
    bool is_map = parent->kind == NODE_MAP, is_well = true;
    struct yaml_node **tail = &parent->first, *key = NULL;
    while (is_well) {
        yaml_event_t event;
        if (!next_event(build, &event)) return false;
        if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return true;
        }
        yaml_mark_t mark = event.start_mark;
        struct yaml_node *node = build_node(build, &event, depth);
        yaml_event_delete(&event);
        if (!node) return false;
        if (is_map && !key) {
            key = node;
            if (key->kind == NODE_TEXT || key->kind == NODE_BROKEN) continue;
            FAULT_AT(build, mark, "a key is %s; keys are text", yaml_kind_name(key->kind));
            key->kind = NODE_BROKEN;
            continue;
        }
        if (is_map) {
            node->key = key->text;
            node->key_line = key->line;
            node->key_column = key->column;
            bool is_broken = key->kind == NODE_BROKEN;
            key = NULL;
            if (is_broken) continue;
            check_duplicate(build, parent, node);
        }
        *tail = node;
        tail = &node->next;
        parent->n++;
    }
    return false;
}

static struct yaml_node *build_node(struct build *build, yaml_event_t *event, int depth)
{
    if (depth > YAML_DEPTH_MAX || ++build->n_values > YAML_VALUES_MAX) {
        if (depth > YAML_DEPTH_MAX)
            FAULT_AT(build, event->start_mark, "nested deeper than %d", YAML_DEPTH_MAX);
        else
            FAULT_AT(build, event->start_mark, "more than %d values in one file", YAML_VALUES_MAX);
        return NULL;
    }
    check_marks(build, event);
    struct yaml_node *node = NULL;
    switch (event->type) {
    case YAML_SCALAR_EVENT: return scalar_node(build, event);
    case YAML_SEQUENCE_START_EVENT: node = new_node(build, NODE_LIST, event->start_mark); break;
    case YAML_MAPPING_START_EVENT: node = new_node(build, NODE_MAP, event->start_mark); break;
    default: /* an alias */
        FAULT_AT(build, event->start_mark, "an alias (*...): " WRITE_IT_OUT, "*");
        return new_node(build, NODE_BROKEN, event->start_mark);
    }
    return build_entries(build, node, depth + 1) ? node : NULL;
}

/* The stream's and the document's start and end around one root. */
static struct yaml_node *build_root(struct build *build)
{
    struct yaml_node *root = NULL;
    yaml_mark_t begin = { 0 };
    for (bool is_over = false; !is_over;) {
        yaml_event_t event;
        if (!next_event(build, &event)) return NULL;
        yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT && root)
            FAULT_AT(build, event.start_mark, "a second document begins; one file is one document");
        is_over = type == YAML_STREAM_END_EVENT || (type == YAML_DOCUMENT_START_EVENT && root);
        bool is_frame = type == YAML_STREAM_START_EVENT || type == YAML_STREAM_END_EVENT ||
                        type == YAML_DOCUMENT_START_EVENT || type == YAML_DOCUMENT_END_EVENT;
        bool is_well = is_frame || (root = build_node(build, &event, 1)) != NULL;
        yaml_event_delete(&event);
        if (!is_well) return NULL;
    }
    return root ? root : new_node(build, NODE_NOTHING, begin);
}

struct yaml_node *yaml_parse(struct wr_text text, struct arena *arena, struct config_faults *faults)
{
    struct build build = { .source = text, .arena = arena, .faults = faults };
    if (!yaml_parser_initialize(&build.parser)) {
        config_faults_add(faults, 0, 0, NULL, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&build.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&build.parser, (const unsigned char *)text.at, text.len);
    struct yaml_node *root = build_root(&build);
    yaml_parser_delete(&build.parser);
    return root;
}

const char *yaml_kind_name(enum node_kind kind)
{
    static const char *const names[] = {
        [NODE_NOTHING] = "nothing", [NODE_TEXT] = "text",     [NODE_LIST] = "a list",
        [NODE_MAP] = "a map",       [NODE_BROKEN] = "broken",
    };
    return names[kind];
}

const char *yaml_library_version(void)
{
    return yaml_get_version_string();
}
