/* SPDX-License-Identifier: Apache-2.0
 *
 * A host of a later minor version, in which every struct has grown: it takes the handlers of today's.
 * And the host of today, which refuses a handler of that version. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include "plugin/gate.h"
#include "plugin/trial.h"

_Static_assert(WR_ABI_MINOR == 99, "this test has to be built with the later headers");

static struct plugin *plugin;
static struct wr_trial *trial;

static void hire(const char *directory, const char *name)
{
    struct status status;
    plugin = plugin_load(directory, name, &status);
    cr_assert(plugin, "%s", status.text);
    trial = trial_open(plugin_handler(plugin), name, NULL, 0, &status);
    cr_assert(trial, "%s", status.text);
}

static void dismiss(void)
{
    wr_trial_close(trial);
    plugin_free(plugin);
}

TestSuite(abi, .fini = dismiss);

static enum wr_verdict handle(const char *body)
{
    return wr_trial_handle(trial, (struct wr_message){ .body = { body, strlen(body) } });
}

Test(abi, what_was_added_is_empty)
{
    hire(TEST_WORKERS, "login_collect");
    const struct wr_handler *const handler = plugin_handler(plugin);
    cr_expect_null(handler->later);
    cr_expect_null(handler->options[0].later);
    cr_expect_null(handler->sinks[0].later);
    cr_expect_null(handler->sinks[0].columns[7].later);
    cr_expect_str_eq(handler->sinks[0].columns[7].name, "details");
    cr_expect_null(handler->sinks[0].columns[8].name);
    cr_expect_null(handler->sinks[1].table);
}

Test(abi, a_handler_of_1_0_writes_rows)
{
    hire(TEST_WORKERS, "login_collect");
    cr_expect_eq(handle("{\"event_id\":\"01976F00-0000-7000-8000-000000000001\",\"user_id\":7,"
                        "\"kind\":\"logout\",\"at\":\"2026-01-02T03:04:05Z\"}"),
                 WR_DONE, "%s", wr_trial_reason(trial).at);
    cr_assert_eq(wr_trial_rows(trial, 0), 1);
    cr_expect(wr_trial_is(wr_trial_value(trial, 0, 0, "user_id"), "7"));
    cr_expect(wr_trial_is(wr_trial_value(trial, 0, 0, "kind"), "logout"));
}

Test(abi, a_handler_of_1_0_has_options_and_counters)
{
    hire(TEST_WORKERS, "tally");
    cr_expect_eq(handle("{\"kind\":\"logout\"}"), WR_DONE);
    cr_expect_eq(wr_trial_counted(trial, 2), 1);
    cr_expect_eq(handle("{}"), WR_REJECT);
}

#ifdef TEST_HAS_CXX
Test(abi, a_handler_of_1_0_publishes)
{
    hire(TEST_PLUGINS, "minimal");
    cr_expect_eq(handle(""), WR_DONE, "%s", wr_trial_reason(trial).at);
    cr_assert_eq(wr_trial_published(trial), 1);
    cr_expect(wr_trial_is(wr_trial_publish(trial, 0)->body, "hello, world"));
    cr_expect_null(wr_trial_publish(trial, 0)->later);
}
#endif

Test(abi, a_later_handler_is_at_home_in_a_later_host)
{
    hire(TEST_PLUGINS, "abi_later");
    cr_expect_eq(handle("{\"kind\":\"logout\"}"), WR_DONE);
}

Test(abi, a_later_handler_is_refused_by_todays_host)
{
    char words[1024];
    FILE *const pipe = popen(TEST_WARRENER " try " TEST_PLUGINS "/abi_later.so 2>&1", "re");
    cr_assert(pipe);
    words[fread(words, 1, sizeof words - 1, pipe)] = '\0';
    cr_expect_eq(WEXITSTATUS(pclose(pipe)), 78);
    cr_expect(strstr(words, "/abi_later.so: it was built for handler ABI 1.99, this host "
                            "(warrener " WARRENER_VERSION
                            ") speaks 1.0: upgrade the host, or rebuild the handler "
                            "against this host's headers"),
              "%s", words);
}
