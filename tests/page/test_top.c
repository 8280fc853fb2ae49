/* SPDX-License-Identifier: Apache-2.0
 *
 * `warrener top` under a pseudo-terminal, against a site without a host. A picture is what stands
 * between going home (ESC [ H) and clearing the rest (ESC [ J). */
#include <criterion/criterion.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "base/clock.h"

#define PATIENCE_MS 20000
#define SEEN_BYTES (1 << 20)
#define ENTER "\033[?1049h"
#define LEAVE "\033[?25h\033[?1049l"

TestSuite(top, .timeout = 120);

struct scene {
    pid_t stage, top;
    int stage_in, terminal;
    char url[64];
    struct termios before; /* as the terminal has to be given back */
    size_t n;
    char *seen;
};

static void open_stage(struct scene *scene)
{
    int in[2], out[2];
    char port[16] = "";
    *scene = (struct scene){ .terminal = -1, .seen = calloc(1, SEEN_BYTES) };
    cr_assert(scene->seen && pipe(in) == 0 && pipe(out) == 0);
    if ((scene->stage = fork()) == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        execl(TEST_STAGE, "stage", "50", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    scene->stage_in = in[1];
    cr_assert(read(out[0], port, sizeof port - 1) > 0);
    close(out[0]);
    snprintf(scene->url, sizeof scene->url, "http://127.0.0.1:%d/", atoi(port));
}

static void close_stage(struct scene *scene)
{
    kill(scene->stage, SIGTERM);
    waitpid(scene->stage, NULL, 0);
    close(scene->stage_in);
    if (scene->terminal >= 0) close(scene->terminal);
    free(scene->seen);
}

static void start_top(struct scene *scene, unsigned short columns, unsigned short rows)
{
    struct winsize size = { .ws_col = columns, .ws_row = rows };
    int line;
    cr_assert_eq(openpty(&scene->terminal, &line, NULL, NULL, &size), 0);
    cr_assert_eq(tcgetattr(line, &scene->before), 0);
    scene->top = fork();
    cr_assert(scene->top >= 0);
    if (scene->top) {
        close(line);
        return;
    }
    close(scene->terminal);
    login_tty(line);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("NO_COLOR");
    execl(TEST_WARRENER, "warrener", "top", "--url", scene->url, (char *)NULL);
    _exit(127);
}

/* False at the end of the terminal, or when nothing comes. */
static bool listen_on(struct scene *scene)
{
    struct pollfd ready = { .fd = scene->terminal, .events = POLLIN };
    if (poll(&ready, 1, 50) <= 0) return true;
    cr_assert_lt(scene->n, SEEN_BYTES - 4097);
    const ssize_t n = read(scene->terminal, scene->seen + scene->n, 4096);
    if (n <= 0) return false;
    scene->n += (size_t)n;
    scene->seen[scene->n] = '\0';
    return true;
}

/* The newest whole picture in `out`, without colours; "" while there is none. */
static void picture(const struct scene *scene, char *out)
{
    const char *begin = NULL, *end = NULL;
    for (const char *at = scene->seen; (at = strstr(at, "\033[H")); at += 3) {
        const char *stop = strstr(at, "\033[J");
        if (stop) begin = at + 3, end = stop;
    }
    for (; begin && begin < end; begin++) {
        if (*begin == '\033')
            begin += strcspn(begin, "mK");
        else
            *out++ = *begin;
    }
    *out = '\0';
}

static bool shows(struct scene *scene, const char *words)
{
    char *now = malloc(SEEN_BYTES);
    picture(scene, now);
    const bool is_there = strstr(now, words) != NULL;
    free(now);
    return is_there;
}

static void await(struct scene *scene, const char *words)
{
    const uint64_t deadline_ms = clock_now_ms() + PATIENCE_MS;
    while (!shows(scene, words)) {
        cr_assert(listen_on(scene), "top has ended before it showed %s", words);
        cr_assert_lt(clock_now_ms(), deadline_ms, "never shown: %s: %s", words,
                     scene->seen + (scene->n > 3000 ? scene->n - 3000 : 0));
    }
}

static void forget(struct scene *scene)
{
    scene->n = 0;
    scene->seen[0] = '\0';
}

static void expect_to_fit(struct scene *scene, unsigned columns, unsigned rows)
{
    char *now = malloc(SEEN_BYTES);
    unsigned lines = 1, width = 0;
    picture(scene, now);
    for (const char *c = now; *c; c++) {
        if (*c == '\n') lines++;
        if (*c == '\n' || *c == '\r')
            width = 0;
        else if ((*c & 0xc0) != 0x80)
            width++;
        cr_assert_leq(width, columns, "%s", now);
    }
    cr_assert_leq(lines, rows, "%u lines: %s", lines, now);
    free(now);
}

static void begin(struct scene *scene, unsigned short columns, unsigned short rows)
{
    open_stage(scene);
    start_top(scene, columns, rows);
    await(scene, "mail.welcome.11");
}

static void expect_end(struct scene *scene)
{
    const struct termios *before = &scene->before;
    struct termios after;
    int status;
    const uint64_t deadline_ms = clock_now_ms() + PATIENCE_MS;
    while (!strstr(scene->seen, LEAVE)) {
        if (!listen_on(scene)) break;
        cr_assert_lt(clock_now_ms(), deadline_ms, "the screen was not given back");
    }
    cr_assert(strstr(scene->seen, LEAVE), "%s", scene->seen);
    cr_assert_eq(waitpid(scene->top, &status, 0), scene->top);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
    cr_assert_eq(tcgetattr(scene->terminal, &after), 0);
    cr_assert(after.c_lflag == before->c_lflag && after.c_iflag == before->c_iflag);
    cr_assert_eq(memcmp(after.c_cc, before->c_cc, sizeof after.c_cc), 0);
}

static void press(const struct scene *scene, const char *keys)
{
    cr_assert_eq(write(scene->terminal, keys, strlen(keys)), (ssize_t)strlen(keys));
}

Test(top, shows_resizes_scrolls_and_gives_the_terminal_back)
{
    struct scene scene;
    begin(&scene, 100, 30);
    cr_assert(strstr(scene.seen, ENTER));
    cr_assert(shows(&scene, "Work flows, with trouble") && shows(&scene, "RETRIED"));
    cr_assert(shows(&scene, "search.index.23 is paused") && shows(&scene, "q quits"));
    expect_to_fit(&scene, 100, 30);

    forget(&scene);
    cr_assert_eq(ioctl(scene.terminal, TIOCSWINSZ, &(struct winsize){ 18, 60, 0, 0 }), 0);
    await(&scene, "mail.welcome.11");
    while (shows(&scene, "RETRIED")) cr_assert(listen_on(&scene)); /* no room for that column */
    expect_to_fit(&scene, 60, 18);

    press(&scene, "\033[F");
    await(&scene, "to 50 of 50 consumers");
    await(&scene, "shop.orders.45");
    press(&scene, "\033[H");
    await(&scene, "scroll: 1 to ");
    await(&scene, "mail.welcome.11");
    press(&scene, "\033[A\033[B"); /* there is nothing above the first */
    await(&scene, "scroll: 2 to ");

    cr_assert_eq(write(scene.stage_in, "died\n", 5), 5);
    await(&scene, "started again 3 times, last 2 min ago: SIGSEGV, in ledger.2 ");
    expect_to_fit(&scene, 60, 18);
    cr_assert_eq(write(scene.stage_in, "unready\n", 8), 8);
    await(&scene, "Not ready");
    await(&scene, "***@db");
    cr_assert(!strstr(scene.seen, "secret"));
    press(&scene, "q");
    expect_end(&scene);
    close_stage(&scene);
}

/* The host goes: said, with what it said last; and a signal ends as well as q does. */
Test(top, bears_that_the_host_goes)
{
    struct scene scene;
    begin(&scene, 80, 24);
    kill(scene.stage, SIGKILL);
    await(&scene, "no answer from 127.0.0.1");
    cr_assert(shows(&scene, "mail.welcome.11"));
    expect_to_fit(&scene, 80, 24);
    kill(scene.top, SIGTERM);
    expect_end(&scene);
    close_stage(&scene);
}

static int run_piped(const struct scene *scene, const char *more, char *text, size_t bytes)
{
    char command[600];
    snprintf(command, sizeof command, "LC_ALL=C %s top --url %s %s 2>&1 </dev/null", TEST_WARRENER,
             scene->url, more);
    FILE *pipe = popen(command, "r");
    cr_assert(pipe);
    text[fread(text, 1, bytes - 1, pipe)] = '\0';
    return WEXITSTATUS(pclose(pipe));
}

Test(top, is_plain_where_there_is_no_terminal)
{
    struct scene scene;
    char *text = malloc(SEEN_BYTES);
    open_stage(&scene);
    int end = run_piped(&scene, "", text, SEEN_BYTES);
    for (int i = 0; i < 100 && end; i++) { /* the stage is only just up */
        usleep(50000);
        end = run_piped(&scene, "", text, SEEN_BYTES);
    }
    cr_assert_eq(end, 0, "%s", text);
    cr_assert(strstr(text, "mail.welcome.11") && strstr(text, "ledger.47"), "%s", text);
    for (const char *c = text; *c; c++) cr_assert(*c == '\n' || (*c >= ' ' && *c < 127));
    snprintf(scene.url, sizeof scene.url, "http://127.0.0.1:1/");
    cr_assert_eq(run_piped(&scene, "", text, SEEN_BYTES), 69, "%s", text);
    cr_assert(strstr(text, "no answer from 127.0.0.1 port 1"), "%s", text);
    free(text);
    close_stage(&scene);
}
