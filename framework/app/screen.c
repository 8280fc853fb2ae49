/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking over a terminal; see screen.h. Signals are blocked but while waiting, so that none is missed
 * between two waits; Ctrl-Z is off, for it would leave the terminal as we made it. */
#include "app/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define COLUMNS_USUAL 80
#define ROWS_USUAL 24

static struct {
    struct termios before;
    sigset_t unblocked;
    char typed[64]; /* and not yet told: keys come several at once where they are repeated */
    size_t n_typed;
} screen;
static volatile sig_atomic_t has_ended, is_resized;

static void on_signal(int number)
{
    if (number == SIGWINCH)
        is_resized = 1;
    else
        has_ended = 1;
}

static void take_signals(void)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH };
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t blocked;
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaction(numbers[i], &action, NULL);
        sigaddset(&blocked, numbers[i]);
    }
    sigprocmask(SIG_BLOCK, &blocked, &screen.unblocked);
}

static void say(const char *text)
{
    fputs(text, stdout);
    fflush(stdout);
}

bool screen_open(void)
{
    if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &screen.before) != 0) return false;
    take_signals();
    struct termios raw = screen.before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    raw.c_cc[VSUSP] = _POSIX_VDISABLE;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
    say("\033[?1049h\033[?25l\033[2J");
    return true;
}

void screen_close(void)
{
    say("\033[0m\033[?25h\033[?1049l");
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &screen.before);
    sigprocmask(SIG_SETMASK, &screen.unblocked, NULL);
}

void screen_size(unsigned *columns, unsigned *rows)
{
    struct winsize size;
    const bool is_known =
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row;
    *columns = is_known ? size.ws_col : COLUMNS_USUAL;
    *rows = is_known ? size.ws_row : ROWS_USUAL;
}

/* Line by line, each cleared to its end, so that nothing flickers; no line ends the last one. */
void screen_show(const char *lines)
{
    fputs("\033[H", stdout);
    while (*lines) {
        const size_t n = strcspn(lines, "\n");
        fwrite(lines, 1, n, stdout);
        lines += n + (lines[n] == '\n');
        fputs(*lines ? "\033[K\r\n" : "\033[K", stdout);
    }
    say("\033[J");
}

static const struct {
    const char *bytes;
    enum screen_key key;
} keys[] = {
    { "q", SCREEN_QUIT },
    { "Q", SCREEN_QUIT },
    { "\003", SCREEN_QUIT },
    { "k", SCREEN_UP },
    { "\033[A", SCREEN_UP },
    { "\033OA", SCREEN_UP },
    { "j", SCREEN_DOWN },
    { "\033[B", SCREEN_DOWN },
    { "\033OB", SCREEN_DOWN },
    { "\033[5~", SCREEN_PAGE_UP },
    { "\033[6~", SCREEN_PAGE_DOWN },
    { " ", SCREEN_PAGE_DOWN },
    { "\033[H", SCREEN_HOME },
    { "\033[F", SCREEN_END },
    { "g", SCREEN_HOME },
    { "G", SCREEN_END },
};

/* Of the first key, known or not: one character, or a sequence to its end. */
static size_t key_bytes(const char *typed, size_t n)
{
    size_t i = 1;
    if (typed[0] != '\033') return 1;
    if (i < n && (typed[i] == '[' || typed[i] == 'O')) i++;
    while (i < n && (typed[i] < '@' || typed[i] > '~')) i++;
    return i < n ? i + 1 : n;
}

static enum screen_key take_key(void)
{
    enum screen_key key = SCREEN_OTHER;
    const size_t n = key_bytes(screen.typed, screen.n_typed);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (n == strlen(keys[i].bytes) && !memcmp(screen.typed, keys[i].bytes, n))
            key = keys[i].key;
    screen.n_typed -= n;
    memmove(screen.typed, screen.typed + n, screen.n_typed);
    return key;
}

enum screen_key screen_wait(uint64_t ms)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    const struct timespec time = { .tv_sec = (time_t)(ms / 1000),
                                   .tv_nsec = (long)(ms % 1000) * 1000000 };
    if (screen.n_typed) return take_key();
    const int ready = ppoll(&input, 1, &time, &screen.unblocked);
    if (has_ended) return SCREEN_QUIT;
    if (is_resized) {
        is_resized = 0;
        return SCREEN_RESIZED;
    }
    if (ready <= 0) return SCREEN_NOTHING;
    const ssize_t n = read(STDIN_FILENO, screen.typed, sizeof screen.typed);
    if (n <= 0) return errno == EINTR ? SCREEN_NOTHING : SCREEN_QUIT;
    screen.n_typed = (size_t)n;
    return take_key();
}
