/* SPDX-License-Identifier: Apache-2.0
 *
 * Running tests/support/broker; see broker_verbs.h. */
#include "support/broker_verbs.h"

#include <criterion/criterion.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

bool broker_is_ours(void)
{
    if (getenv("WARRENER_TEST_BROKER")) return true;
    fprintf(stderr, "passed over: WARRENER_TEST_BROKER is not set, so the broker is not ours\n");
    return false;
}

static bool run(const char *const *words)
{
    const char *tool = getenv("WARRENER_TEST_BROKER_TOOL");
    pid_t pid;
    int state;
    if (!tool) tool = TEST_SOURCE "/support/broker";
    cr_assert(posix_spawn(&pid, tool, NULL, NULL, (char *const *)words, environ) == 0);
    cr_assert(waitpid(pid, &state, 0) == pid);
    return WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

static bool do_verb(const char *verb)
{
    return run((const char *const[]){ "broker", verb, getenv("WARRENER_TEST_BROKER"), NULL });
}

void broker_verb(const char *verb)
{
    cr_assert(do_verb(verb), "broker %s failed", verb);
}

void broker_mend(void)
{
    (void)do_verb("resume"); /* fails where it does not run */
    broker_verb("start");
}

void broker_ctl(const char *command, const char *argument)
{
    const bool is_well = run((const char *const[]){ "broker", "ctl", getenv("WARRENER_TEST_BROKER"),
                                                    "-q", command, argument, NULL });
    cr_assert(is_well, "rabbitmqctl %s failed", command);
}
