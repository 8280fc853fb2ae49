/* SPDX-License-Identifier: Apache-2.0
 *
 * The progress line: there on a terminal, and nowhere else. Each test is a process, and its standard
 * error its own. */
#include <criterion/criterion.h>
#include <pty.h>
#include <string.h>
#include <unistd.h>

#include "app/progress.h"

/* 50 of the total after 200 ms, all 200 after a second; what was said meanwhile. */
static const char *say(int reader, int writer, uint64_t total)
{
    static char said[2000];
    struct progress progress;
    const int was = dup(STDERR_FILENO);
    cr_assert(was >= 0);
    dup2(writer, STDERR_FILENO);
    progress_begin(&progress, total, 1000);
    progress_show(&progress, 50, 1200);
    progress_show(&progress, 51, 1201); /* too soon to be drawn */
    progress_end(&progress, 200, 2000);
    dup2(was, STDERR_FILENO);
    close(was);
    close(writer);
    size_t n = 0;
    for (ssize_t got; (got = read(reader, said + n, sizeof said - 1 - n)) > 0;) n += (size_t)got;
    said[n] = '\0';
    close(reader);
    return said;
}

Test(progress, is_a_bar_where_the_total_is_known)
{
    int reader, writer;
    cr_assert(openpty(&reader, &writer, NULL, NULL, NULL) == 0);
    cr_assert_str_eq(say(reader, writer, 200),
                     "\r[#######.......................]  25 %  50 of 200, 250/s  "
                     "\r[##############################] 100 %  200 of 200, 200/s  \r\n");
    cr_assert(openpty(&reader, &writer, NULL, NULL, NULL) == 0);
    cr_assert_str_eq(say(reader, writer, 0), "\r50 confirmed, 250/s  \r200 confirmed, 200/s  \r\n");
}

Test(progress, is_for_terminals_alone)
{
    int ends[2];
    cr_assert(pipe(ends) == 0);
    cr_assert_str_empty(say(ends[0], ends[1], 200));
}
