/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler for tests of how hosts die: it writes a row for each message, and what a message asks for
 * with {"do": WAY} ends the host in that way, or never comes back. With "gate": FILE it does so
 * the first time it is called, and makes that file; from then on it waits until the file is gone, and
 * writes to it that it does. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <warrener/handler.h>

#define MIB (1u << 20)
#define ROOM (64u * MIB) /* that a greedy one has to itself */

static const struct wr_column columns[] = { WR_COLUMN("id", WR_TEXT), { 0 } };
static const struct wr_sink sinks[] = {
    { .table = "${table}", .columns = columns, .once = true },
    { 0 },
};
static const struct wr_option options[] = {
    { .name = "table", .help = "where its rows go" },
    { 0 },
};

static void touch_nothing(void)
{
    volatile char *volatile nowhere = NULL;
    *nowhere = 1; // NOLINT(clang-analyzer-core.NullDereference): what it is for
}

static int dig(volatile char *above)
{
    volatile char here[4096];
    here[0] = above[0];
    if (!here[0]) return 0; /* never */
    return dig(here) + here[0];
}

static void overflow(void)
{
    volatile char top = 1;
    (void)dig(&top);
}

static void leave(void)
{
    exit(0);
}

static void slip_away(void)
{
    _exit(0);
}

static void spin(void)
{
    for (volatile uint64_t turns = 0;; turns++) continue;
}

static uint64_t bytes_mapped(void)
{
    char line[64] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) return 0;
    const char *got = fgets(line, sizeof line, file);
    fclose(file);
    return got ? strtoull(line, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Its process may have so much more, and no more. */
static void eat(void)
{
    const rlim_t most = bytes_mapped() + ROOM;
    const struct rlimit limit = { most, most };
    setrlimit(RLIMIT_AS, &limit);
    for (;;) {
        char *piece = malloc(MIB);
        memset(piece, 1, MIB); /* it has not been looked at whether there is one */
    }
}

/* Until the system ends it. */
static void devour(void)
{
    for (;;) {
        char *piece = malloc(MIB);
        if (piece) memset(piece, 1, MIB);
    }
}

static const struct {
    const char *name;
    void (*act)(void);
} ways[] = {
    { "segv", touch_nothing }, { "abort", abort }, { "overflow", overflow }, { "exit", leave },
    { "_exit", slip_away },    { "eat", eat },     { "devour", devour },     { "loop", spin },
};

static void pass(const char *gate)
{
    const int made = open(gate, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (made >= 0) {
        close(made);
        return;
    }
    FILE *file = fopen(gate, "ae");
    if (file) (void)(fputs("waits\n", file) + fclose(file));
    while (access(gate, F_OK) == 0) nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}

static enum wr_verdict crasher_handle(void *self, struct wr_job *job,
                                      const struct wr_message *message)
{
    (void)self;
    if (wr_json_has(job, "do")) {
        const char *what = wr_cstr(job, wr_json_text(job, "do"));
        if (wr_json_has(job, "gate")) pass(wr_cstr(job, wr_json_text(job, "gate")));
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
            if (strcmp(ways[i].name, what) == 0) ways[i].act();
        wr_fail(job, "it knows no way called %s", what);
    }
    wr_row(job, 0);
    wr_put_text(job, message->id);
    return WR_DONE;
}

WR_HANDLER(.name = "crasher", .version = "1.0", .about = "ends its host, for tests", .sinks = sinks,
           .options = options, .handle = crasher_handle);
