/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys of the log: alerts are written against them, so that none is ever taken away or renamed, and
 * each stands in docs/operating.md. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static const char *const promised[] = {
    "server",     "queue",    "handler",  "lane",    "message_id", "reason",  "code",
    "connection", "channel",  "tag",      "file",    "line",       "count",   "bytes",
    "after_ms",   "took_ms",  "listen",   "pid",     "signal",     "version", "attempt",
    "key",        "to_level", "trace_id", "span_id",
};
#define PROMISED (sizeof promised / sizeof *promised)

static const char *const names[] = {
#define NAME(symbol, name) name,
    LOG_KEYS(NAME)
#undef NAME
};

Test(log_keys, none_is_missing)
{
    for (size_t i = 0; i < PROMISED; i++) {
        bool is_there = false;
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            is_there |= strcmp(names[k], promised[i]) == 0;
        cr_expect(is_there, "%s", promised[i]);
    }
}

Test(log_keys, each_is_documented)
{
    static char text[65536];
    static const char path[] = TEST_SOURCE "/../docs/operating.md";
    char quoted[64];
    FILE *file = fopen(path, "re");
    cr_assert(file, "%s", path);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        snprintf(quoted, sizeof quoted, "`%s`", names[k]);
        cr_expect(strstr(text, quoted), "%s", quoted);
    }
}

/* The line itself, to the letter but for its time. */
Test(log_keys, a_line_of_json_is_as_it_was)
{
    char line[1000];
    int ends[2];
    cr_assert(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    log_configure(WR_INFO, LOG_FORMAT_JSON);
    log_warn("flow", "message dead: rejected", LOG_TEXT(QUEUE, "orders"),
             LOG_TEXT(MESSAGE_ID, "m1"), LOG_TEXT(REASON, "no such \"customer\""),
             LOG_INT(ATTEMPT, 2));
    const ssize_t n = read(ends[0], line, sizeof line - 1);
    cr_assert_gt(n, 0);
    line[n] = '\0';
    cr_assert(strncmp(line, "{\"time\":\"", 9) == 0 && line[33] == '"', "%s", line);
    cr_assert_str_eq(line + 33,
                     "\",\"level\":\"warn\",\"room\":\"flow\",\"what\":\"message dead: rejected\","
                     "\"queue\":\"orders\",\"message_id\":\"m1\","
                     "\"reason\":\"no such \\\"customer\\\"\",\"attempt\":2}\n");
}
