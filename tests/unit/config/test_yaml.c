/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree: where things stand, and everything that is refused with its place. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "config/yaml.h"
#include "unit/config/config_test.h"

#define GOOD "consumers: [{queue: q, handler: h}]\n"

Test(yaml, every_node_knows_its_place)
{
    struct arena arena;
    char bytes[512];
    struct config_faults faults = { 0 };
    arena_init(&arena, bytes, sizeof bytes);
    const struct yaml_node *root =
        yaml_parse(text_of("# first\na: one\nlist:\n  - 2\n  - {k: \"v\\u00e9\"}\nnone: ~\n"),
                   &arena, &faults);
    cr_assert_not_null(root);
    cr_assert_eq(faults.n, 0);
    cr_assert_eq(root->kind, NODE_MAP);
    cr_assert_eq(root->n, 3);

    const struct yaml_node *a = root->first, *list = a->next, *none = list->next;
    cr_assert(text_is(a->key, "a") && text_is(a->text, "one"));
    cr_assert(a->key_line == 2 && a->key_column == 1 && a->line == 2 && a->column == 4);
    cr_assert_eq(list->kind, NODE_LIST);
    cr_assert(list->key_line == 3 && list->line == 4 && list->column == 3 && list->n == 2);
    const struct yaml_node *second = list->first->next;
    cr_assert(second->kind == NODE_MAP && second->line == 5 && second->column == 5);
    cr_assert(text_is(second->first->text, "v\xc3\xa9"));
    cr_assert(second->first->line == 5 && second->first->column == 9);
    cr_assert(none->kind == NODE_NOTHING && none->next == NULL);
    arena_reset(&arena);
    config_faults_fini(&faults);
}

Test(yaml, what_is_refused_says_where_and_why)
{
    static const struct {
        const char *yaml, *told;
    } cases[] = {
        { "", "w.yaml:1:1: consumers: is missing; give a list of maps: 1 to 500 of them\n" },
        { "[]", "w.yaml:1:1: the file is a list; it must be a map of keys, such as consumers:\n" },
        { GOOD "drain: 1s\nlog: {level: info, level: warn}\ndrain: 2s\n",
          "w.yaml:3:20: \"level\" is given twice, on line 3 and on line 3; keep one\n"
          "w.yaml:4:1: \"drain\" is given twice, on line 2 and on line 4; keep one\n" },
        { GOOD "drain: &a 1s\nstate: *a\n",
          "w.yaml:2:8: an anchor (&...): anchors and aliases are not used here; write the value "
          "out; text that begins with a & stands in quotes\n"
          "w.yaml:3:8: an alias (*...): anchors and aliases are not used here; write the value "
          "out; text that begins with a * stands in quotes\n" },
        { GOOD "name: !x y\n", "w.yaml:2:7: a tag (!...): tags are not used here; text that "
                               "begins with a ! stands in quotes\n" },
        { GOOD "---\nx: 1\n", "w.yaml:2:1: a second document begins; one file is one document\n" },
        { "a:\n\tb: 1\n", "w.yaml:2:1: not YAML: found character that cannot start any token, "
                          "while scanning for the next token; YAML is indented with spaces, not "
                          "with tabs\n" },
        { "a: [1\n", "w.yaml:2:1: not YAML: did not find expected ',' or ']', while parsing a "
                     "flow sequence\n" },
        { "a: \"\\q\"\n", "w.yaml:1:5: not YAML: found unknown escape character, while parsing a "
                          "quoted scalar\n" },
        { "a: b: c\n", "w.yaml:1:5: not YAML: mapping values are not allowed in this context\n" },
        { "a: 1\nb: x\xff\n", "w.yaml:2:5: not YAML: invalid leading UTF-8 octet; the file must "
                              "be UTF-8 text\n" },
        { GOOD "state: \"a\\0b\"\n", "w.yaml:2:8: text holds a NUL character; take it out\n" },
        { GOOD "? [a]\n: b\n", "w.yaml:2:3: a key is a list; keys are text\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *told = faults_of(cases[i].yaml, NULL);
        cr_expect_str_eq(told, cases[i].told, "told:\n%s", told);
        free(told);
    }
}

/* `open` many times over, then `close`. */
static char *nested(size_t times)
{
    char *yaml = calloc(2 * times + 1, 1);
    memset(yaml, '[', times);
    memset(yaml + times, ']', times);
    return yaml;
}

Test(yaml, depth_is_bounded)
{
    char *fits = nested(YAML_DEPTH_MAX), *deep = nested(YAML_DEPTH_MAX + 1);
    char *told_fits = faults_of(fits, NULL), *told_deep = faults_of(deep, NULL);
    cr_assert_str_eq(told_fits, "w.yaml:1:1: the file is a list; it must be a map of keys, such as "
                                "consumers:\n");
    cr_assert_str_eq(told_deep, "w.yaml:1:33: nested deeper than 32\n");
    free(told_deep);
    free(told_fits);
    free(deep);
    free(fits);
}

Test(yaml, the_number_of_values_is_bounded)
{
    char *yaml = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&yaml, &len);
    for (int i = 0; i < YAML_VALUES_MAX; i++) fputs("- x\n", out);
    fclose(out);
    char *told = faults_of(yaml, NULL);
    cr_assert_str_eq(told, "w.yaml:20000:3: more than 20000 values in one file\n");
    free(told);
    free(yaml);
}

Test(yaml, a_password_that_looks_like_yaml_is_not_shown)
{
    char *told = faults_of(GOOD "amqp: {host: h, password: *hunter2}\nstate: !hunter2 x\n", NULL);
    cr_assert_null(strstr(told, "hunter2"), "%s", told);
    free(told);
}
