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

static void run(const char *const *words)
{
    const char *tool = getenv("WARRENER_TEST_BROKER_TOOL");
    pid_t pid;
    int state;
    if (!tool) tool = TEST_SOURCE "/support/broker";
    cr_assert(posix_spawn(&pid, tool, NULL, NULL, (char *const *)words, environ) == 0);
    cr_assert(waitpid(pid, &state, 0) == pid);
    cr_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0, "broker %s failed", words[1]);
}

void broker_verb(const char *verb)
{
    run((const char *const[]){ "broker", verb, getenv("WARRENER_TEST_BROKER"), NULL });
}

void broker_ctl(const char *command, const char *argument)
{
    run((const char *const[]){ "broker", "ctl", getenv("WARRENER_TEST_BROKER"), "-q", command,
                               argument, NULL });
}
