/* SPDX-License-Identifier: Apache-2.0
 *
 * Variables and files in values, what happens where they are not there, and that nothing secret is
 * told. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "config/secrets.h"
#include "unit/config/config_test.h"

#define GOOD "consumers: [{queue: q, handler: h}]\n"

/* The filled text, or "! " and the words. */
static char *filled(const char *text, const char *directory)
{
    struct status status = { 0 };
    char *value = NULL, *answer = NULL;
    if (secrets_fill(text_of(text), directory, &value, &status)) return value;
    cr_assert(asprintf(&answer, "! %s", status.text) > 0);
    return answer;
}

static void expect_filled(const char *text, const char *expected)
{
    char *value = filled(text, ".");
    cr_expect_str_eq(value, expected, "%s gave %s", text, value);
    free(value);
}

Test(secrets, variables_and_dollars)
{
    setenv("WARRENER_TEST", "it", 1);
    setenv("WARRENER_EMPTY", "", 1);
    unsetenv("WARRENER_UNSET");
    expect_filled("", "");
    expect_filled("plain", "plain");
    expect_filled("a ${WARRENER_TEST} b ${WARRENER_TEST}", "a it b it");
    expect_filled("${WARRENER_UNSET:-x:-y}", "x:-y");
    expect_filled("${WARRENER_UNSET:-}", "");
    expect_filled("${WARRENER_EMPTY}", "");
    expect_filled("${WARRENER_EMPTY:-x}", "x");
    expect_filled("${WARRENER_TEST:-x}", "it");
    expect_filled("$$", "$");
    expect_filled("$${WARRENER_TEST}", "${WARRENER_TEST}");
    expect_filled("pa$word $", "pa$word $");
    expect_filled("${WARRENER_UNSET}/${WARRENER_UNSET2}",
                  "! the variable WARRENER_UNSET is not set; set it, or give a default: "
                  "${WARRENER_UNSET:-VALUE}; the variable WARRENER_UNSET2 is not set; set it, or "
                  "give a default: ${WARRENER_UNSET2:-VALUE}");
}

Test(secrets, what_is_filled_in_is_not_filled_in_again)
{
    setenv("WARRENER_TEST", "${WARRENER_TEST}$$", 1);
    expect_filled("${WARRENER_TEST}", "${WARRENER_TEST}$$");
}

Test(secrets, malformed_ones)
{
    static const char none[] = "! a ${...} that is none of ${NAME}, ${NAME:-default} and "
                               "${file:PATH}; write $$ for a dollar sign";
    expect_filled("${}", none);
    expect_filled("${1A}", none);
    expect_filled("${A-b}", none);
    expect_filled("${A B}", none);
    expect_filled("${env:A}", none);
    expect_filled("${A", "! a ${ is never closed by a }; write $$ for a dollar sign");
    expect_filled("${file:}", "! ${file:} names no file; write ${file:PATH}");
    expect_filled("${A:-${B}}", "! a ${...} inside another one is not filled in");
}

Test(secrets, files_are_read_from_the_directory_without_one_newline)
{
    char *directory = make_directory();
    write_file(directory, "one", "secret\n");
    write_file(directory, "two", "secret\n\n");
    write_file(directory, "empty", "");
    char *one = filled("<${file:one}>", directory), *two = filled("<${file:./two}>", directory);
    char *empty = filled("<${file:empty}>", directory);
    cr_expect_str_eq(one, "<secret>");
    cr_expect_str_eq(two, "<secret\n>");
    cr_expect_str_eq(empty, "<>");
    secrets_give_back(empty);
    secrets_give_back(two);
    secrets_give_back(one);
    remove_directory(directory);
}

Test(secrets, files_that_cannot_be_read)
{
    expect_filled("${file:/nowhere/at all}",
                  "! ${file:...}: cannot read /nowhere/at all: No such file or directory");
    expect_filled("${file:/}", "! ${file:...}: cannot read /: it is a directory");
    expect_filled("${file:/dev/null}",
                  "! ${file:...}: cannot read /dev/null: it is not a regular file");
}

Test(secrets, large_files_are_refused)
{
    char *directory = make_directory();
    char *large = calloc(SECRETS_FILE_BYTES + 2, 1);
    memset(large, 'x', SECRETS_FILE_BYTES);
    write_file(directory, "fits", large);
    large[SECRETS_FILE_BYTES] = 'x';
    write_file(directory, "large", large);
    char *fits = filled("${file:fits}", directory), *refused = filled("${file:large}", directory);
    cr_expect_eq(strlen(fits), SECRETS_FILE_BYTES);
    cr_expect_not_null(strstr(refused, "it is larger than 64 KiB"));
    free(refused);
    secrets_give_back(fits);
    free(large);
    remove_directory(directory);
}

Test(secrets, shown_without_defaults_and_text)
{
    char out[64];
    struct wr_text text = text_of("amqp://me:pw@${H:-secret}/${file:a/b}$$");
    cr_expect_str_eq(secrets_show(text, out, sizeof out), "${H}${file:a/b}");
    cr_expect(secrets_is_template(text));
    cr_expect_not(secrets_is_template(text_of("$a$$b{}")));
}

Test(secrets, no_fault_tells_a_value)
{
    static const char *const yamls[] = {
        GOOD "amqp: {url: 'amqp://me:hunter2@h:port/'}\n",
        GOOD "amqp: {url: 'amqp://me:hunter2@h/a/b'}\n",
        GOOD "amqp: {url: 'hunter2'}\n",
        GOOD "amqp: {url: 'ftp://me:hunter2@h/'}\n",
        GOOD "amqp: {url: '${WARRENER_TEST}'}\n",
        GOOD "amqp: {url: '${WARRENER_UNSET:-hunter2}'}\n",
        GOOD "amqp: {urls: ['hunter2', ['hunter2']]}\n",
        GOOD "amqp: {host: h, user: '', password: [hunter2]}\n",
        GOOD "name: 'amqp://me:hunter2@h/'\n",
        GOOD "name: 'x ${WARRENER_TEST}'\n",
        GOOD "drain: '${WARRENER_UNSET:-hunter2}'\n",
        GOOD "postgres: {url: 'hunter2', migrate_url: 'postgres://me:hunter2@@:x'}\n",
        GOOD "redis: {url: 'redis://:hunter2@h/hunter2'}\n",
    };
    setenv("WARRENER_TEST", "hunter2 ", 1);
    unsetenv("WARRENER_UNSET");
    for (size_t i = 0; i < sizeof yamls / sizeof *yamls; i++) {
        char *told = faults_of(yamls[i], NULL);
        cr_expect(*told && !strstr(told, "hunter2"), "for:\n%s\ntold:\n%s", yamls[i], told);
        free(told);
    }
}

Test(secrets, a_value_filled_in_is_judged_like_one_written)
{
    setenv("WARRENER_TEST", "9", 1);
    struct config *config =
        config_of("consumers: [{queue: 'q${WARRENER_TEST}', handler: h, lanes: '${WARRENER_TEST}', "
                  "options: {a: '${WARRENER_TEST}:x'}}]",
                  NULL);
    cr_expect_eq(config->consumers.at[0].lanes, 9);
    cr_expect_str_eq(config->consumers.at[0].queue, "q9");
    cr_expect_str_eq(config->consumers.at[0].options.at[0].value, "9:x");
    config_free(config);
    setenv("WARRENER_TEST", "0", 1);
    char *told = faults_of("consumers: [{queue: q, handler: h, lanes: '${WARRENER_TEST}'}]", NULL);
    cr_expect_str_eq(told, "w.yaml:1:43: consumers[0].lanes: the value of ${WARRENER_TEST} is out "
                           "of range; allowed: 1 to 256\n");
    free(told);
}
