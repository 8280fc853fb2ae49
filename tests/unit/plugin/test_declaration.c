/* SPDX-License-Identifier: Apache-2.0
 *
 * What plugins declare: each refusal, in its exact words, and the copy at this host's sizes. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "plugin/declaration.h"
#include "plugin/gate.h"
#include "unit/plugin/folder.h"

static struct folder folder;
static struct status status;

static void make(void)
{
    folder_make(&folder);
}

static void drop(void)
{
    folder_remove(&folder);
}

TestSuite(declaration, .init = make, .fini = drop);

static struct plugin *load(const char *name)
{
    folder_add(&folder, TEST_PLUGINS, name, name);
    return plugin_load(folder.path, name, &status);
}

#define WAY_OUT "declare it with WR_HANDLER"
#define REBUILD "rebuild the handler against the headers of this host"
#define UPGRADE "upgrade the host, or rebuild the handler against this host's headers"
#define HOST "this host (warrener " WARRENER_VERSION ") speaks 1.0: "

static const struct refusal {
    const char *plugin, *words;
} refusals[] = {
    { "bad_major", "it was built for handler ABI 2.0, " HOST UPGRADE },
    { "bad_minor", "it was built for handler ABI 1.1, " HOST UPGRADE },
    { "bad_older_major", "it was built for handler ABI 0.0, " HOST REBUILD },
    { "bad_size", "its struct wr_handler says it has 64 bytes, ABI 1.0 has 112: " WAY_OUT },
    { "bad_symbol",
      "its struct wr_handler says it has 120 bytes, its symbol warrener_handler has 112: "
      "declare it with WR_HANDLER" },
    { "number", "its symbol warrener_handler has 4 bytes and is no struct wr_handler: " WAY_OUT },
    { "silent",
      "it exports no data symbol warrener_handler: declare the handler with WR_HANDLER(...)" },
    { "bad_short_stride",
      "its sinks have 8 bytes each, where 72 to 4096 in steps of 8 are expected: "
      "declare the handler with WR_HANDLER" },
    { "bad_long_stride",
      "its sinks have 65528 bytes each, where 72 to 4096 in steps of 8 are expected: "
      "declare the handler with WR_HANDLER" },
    { "bad_odd_stride",
      "its options have 25 bytes each, where 24 to 4096 in steps of 8 are expected: "
      "declare the handler with WR_HANDLER" },
    { "bad_no_name", "the handler has no name: give WR_HANDLER a .name" },
    { "bad_name",
      "the handler is named \"two words\", where 1 to 64 of A-Z a-z 0-9 _ - are expected" },
    { "bad_no_handle", "the handler \"bad\" handles nothing: give WR_HANDLER a .handle" },
    { "bad_option_name", "option 1 is named \"\", where 1 to 64 of A-Z a-z 0-9 _ - are expected" },
    { "bad_option_twice", "it declares the option \"one\" twice" },
    { "bad_counter_name",
      "counter 0 is named \"Seen-It\", where 1 to 64 of a-z 0-9 _ are expected" },
    { "bad_endless",
      "its list of counters does not end within 1024: a list ends with an all-zero entry" },
};

Test(declaration, faults_are_refused)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct plugin *const plugin = load(refusals[i].plugin);
        cr_expect_null(plugin, "%s was let in", refusals[i].plugin);
        char words[1024];
        snprintf(words, sizeof words, "%s/%s.so: %s", folder.path, refusals[i].plugin,
                 refusals[i].words);
        cr_expect_eq(status.exit, EXIT_CONFIG);
        cr_expect_str_eq(status.text, words);
        plugin_free(plugin);
    }
}

Test(declaration, lists_are_walked_by_the_plugins_own_stride)
{
    struct plugin *const plugin = load("grown");
    cr_assert_not_null(plugin, "%s", status.text);
    const struct wr_handler *const handler = plugin_handler(plugin);
    cr_expect_eq(handler->size, sizeof *handler);
    cr_expect_eq(handler->sink_size, sizeof(struct wr_sink));
    cr_expect_eq(handler->column_size, sizeof(struct wr_column));
    cr_expect_str_eq(handler->version, "");
    cr_expect_str_eq(handler->about, "");
    for (int i = 0; i < 2; i++) {
        const struct wr_sink *const sink = &handler->sinks[i];
        cr_expect_str_eq(sink->table, i == 0 ? "first" : "second");
        cr_expect_str_eq(sink->columns[0].name, "id");
        cr_expect_str_eq(sink->columns[1].name, "n");
        cr_expect_eq(sink->columns[1].merge, WR_SUM);
        cr_expect_null(sink->columns[2].name);
    }
    cr_expect_null(handler->sinks[2].columns);
    cr_expect_str_eq(handler->options[1].name, "b");
    cr_expect_str_eq(handler->options[1].fallback, "2");
    cr_expect_null(handler->options[2].name);
    plugin_free(plugin);
}

Test(declaration, an_unknown_symbol_size_is_no_fault)
{
    const struct wr_handler *theirs;
    struct plugin *const plugin = load("probe");
    cr_assert_not_null(plugin);
    theirs = plugin_handler(plugin);
    struct declaration *const declaration = declaration_read(theirs, 0, "there", &status);
    cr_assert_not_null(declaration, "%s", status.text);
    cr_expect_str_eq(declaration_handler(declaration)->name, "probe");
    declaration_free(declaration);
    declaration_free(NULL);
    plugin_free(plugin);
}
