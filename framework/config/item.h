/* SPDX-License-Identifier: Apache-2.0
 *
 * One key's value on its way from the tree into its field: single values, lists of them, and maps of
 * free options. Shared by the files that read a configuration; sections are reader.c's. */
#ifndef CONFIG_ITEM_H
#define CONFIG_ITEM_H

#include "config/faults.h"
#include "config/loaded.h"
#include "config/schema.h"
#include "config/yaml.h"

#define ITEM_PATH_BYTES 160
#define ITEM_SHOWN_BYTES 100
#define ITEM_ALLOWED_BYTES 200

struct reader {
    struct loaded *loaded;
    struct config_faults *faults;
    struct fallback *fallbacks; /* by the key's place in the table */
};

/* One key's value, or its default. */
struct item {
    const struct schema_key *key;
    const struct yaml_node *node;
    const char *shown;
    void *field;
    bool is_given;
};

#define ITEM_FAULT(reader, item, ...)                                                              \
    config_faults_add((reader)->faults, (item)->node->line, (item)->node->column, (item)->shown,   \
                      __VA_ARGS__)

/* Each says what is wrong and then returns false. */
bool item_read_single(struct reader *reader, const struct item *item);
bool item_read_list(struct reader *reader, const struct item *item);
bool item_read_options(struct reader *reader, const struct item *item);
/* Is it a list or map, as `kind` says, with as many entries as the key allows? */
bool item_expect_entries(struct reader *reader, const struct item *item, enum node_kind kind);

/* "consumers[0]" and "queue" to "consumers[0].queue"; "consumers" and 0 to "consumers[0]". In the
 * configuration's memory, as is what item_zeroed gives. */
const char *item_path_join(struct reader *reader, const char *section, const char *name);
const char *item_path_entry(struct reader *reader, const char *list, size_t i);
void *item_zeroed(struct reader *reader, size_t count, size_t bytes);

/* All list fields begin alike: a pointer, then the number of entries. */
void item_put_list(void *field, void *entries, size_t n);

#endif
