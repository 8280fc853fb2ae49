/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the registered tests, a child each; see criterion/criterion.h beside it. An argument names
 * the tests to run: those whose "suite/name" holds it. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT_S 240 /* at least: what hangs is ended, and what is only slow here is not */

static struct tsan_test *tests;

void tsan_test_register(struct tsan_test *test)
{
    struct tsan_test **link = &tests;
    while (*link) link = &(*link)->next;
    *link = test;
}

void tsan_test_fail(const char *file, int line, const char *what, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: not true: %s\n", file, line, what);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    _exit(1);
}

static const struct tsan_test_extra *suite_extra(const char *suite)
{
    static const struct tsan_test_extra none;
    for (const struct tsan_test *test = tests; test; test = test->next) {
        if (!test->run && strcmp(test->suite, suite) == 0) return &test->extra;
    }
    return &none;
}

_Noreturn static void run_child(const struct tsan_test *test)
{
    const struct tsan_test_extra *suite = suite_extra(test->suite);
    const double timeout = test->extra.timeout > 0 ? test->extra.timeout : suite->timeout;
    void (*init)(void) = test->extra.init ? test->extra.init : suite->init;
    void (*fini)(void) = test->extra.fini ? test->extra.fini : suite->fini;
    alarm(timeout > TIMEOUT_S ? (unsigned)timeout + 1 : TIMEOUT_S);
    if (init) init();
    test->run();
    if (fini) fini();
    exit(0);
}

static bool passes(const struct tsan_test *test)
{
    int status;
    fflush(stdout); /* or the child would say it again */
    const pid_t child = fork();
    if (child == 0) run_child(test);
    if (child < 0 || waitpid(child, &status, 0) != child) return false;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) printf("out of time:\n");
    const int wanted = test->extra.signal;
    if (wanted) return WIFSIGNALED(status) && WTERMSIG(status) == wanted;
    return WIFEXITED(status) && WEXITSTATUS(status) == test->extra.exit_code;
}

int main(int argc, char **argv)
{
    unsigned passed = 0, failed = 0;
    for (const struct tsan_test *test = tests; test; test = test->next) {
        char name[256];
        snprintf(name, sizeof name, "%s/%s", test->suite, test->name);
        if (!test->run || test->extra.disabled || (argc > 1 && !strstr(name, argv[1]))) continue;
        const bool ok = passes(test);
        if (!ok) printf("[FAIL] %s\n", name);
        passed += ok;
        failed += !ok;
    }
    printf("[====] Passing: %u | Failing: %u\n", passed, failed);
    return failed != 0;
}
