/* SPDX-License-Identifier: Apache-2.0
 *
 * The processes of a play: the host and other commands of the same program; see play.h. They end with
 * the test that started them, however it ends. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/play.h"

#define WORDS_MOST 24

static const char *program(void)
{
    const char *bin = getenv("WARRENER_BIN");
    return bin ? bin : TEST_WARRENER;
}

/* The program says itself whether it has them. */
bool play_is_sanitized(void)
{
    static const char *const marks[] = { "__asan_init", "__tsan_init" };
    FILE *file = fopen(program(), "re");
    cr_assert(file);
    fseek(file, 0, SEEK_END);
    const size_t bytes = (size_t)ftell(file);
    char *all = malloc(bytes + 1);
    rewind(file);
    cr_assert(all && fread(all, 1, bytes, file) == bytes);
    const bool is_sanitized = memmem(all, bytes, marks[0], strlen(marks[0])) ||
                              memmem(all, bytes, marks[1], strlen(marks[1]));
    free(all);
    fclose(file);
    return is_sanitized;
}

/* WARRENER_BIN, the command, "-c FILE" and the rest; `fd` becomes both of its outputs. */
static pid_t spawn(const struct play *play, const char *const *words, int fd)
{
    const char *all[WORDS_MOST + 1] = { program() };
    size_t n = 1;
    const char *const file = play_path(play, "warrener.yaml");
    for (; *words && n + 3 < WORDS_MOST; words++) {
        all[n++] = *words;
        if (n == 2 && access(file, F_OK) == 0) {
            all[n++] = "-c";
            all[n++] = file;
        }
    }
    const pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid > 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    close(STDIN_FILENO);
    open("/dev/null", O_RDONLY);
    execv(all[0], (char *const *)all);
    _exit(127);
}

bool play_has_ended(pid_t pid)
{
    siginfo_t info = { .si_pid = 0 };
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

static int end_of(int state)
{
    return WIFEXITED(state) ? WEXITSTATUS(state) : -WTERMSIG(state);
}

int play_reap(pid_t pid)
{
    const uint64_t deadline_ms = clock_now_ms() + PLAY_PATIENCE_MS;
    int state;
    pid_t gone;
    while ((gone = waitpid(pid, &state, WNOHANG)) == 0) {
        if (clock_now_ms() > deadline_ms) {
            kill(pid, SIGKILL);
            cr_assert(false, "a process did not end within %d s", PLAY_PATIENCE_MS / 1000);
        }
        play_pause_ms(2);
    }
    cr_assert(gone == pid);
    return end_of(state);
}

pid_t play_spawn(const struct play *play, const char *const *words)
{
    const int fd = open(play_path(play, "quiet"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    cr_assert(fd >= 0);
    const pid_t pid = spawn(play, words, fd);
    close(fd);
    return pid;
}

int play_run(const struct play *play, char *output, size_t room, const char *const *words)
{
    const char *const path = play_path(play, "output");
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert(fd >= 0);
    const int end = play_reap(spawn(play, words, fd));
    const ssize_t n = pread(fd, output, room - 1, 0);
    output[n > 0 ? n : 0] = '\0';
    close(fd);
    return end;
}

/* ---- the host -------------------------------------------------------------------------------- */

static void read_log(const struct play *play, char text[PLAY_TEXT_BYTES])
{
    FILE *file = fopen(play->log, "re");
    size_t n = 0;
    if (file) {
        fseek(file, play->log_from, SEEK_SET);
        n = fread(text, 1, PLAY_TEXT_BYTES - 1, file);
        fclose(file);
    }
    text[n] = '\0';
}

bool play_log_has(const struct play *play, const char *words)
{
    char text[PLAY_TEXT_BYTES];
    read_log(play, text);
    return strstr(text, words) != NULL;
}

bool play_has_listened(struct play *play)
{
    char text[PLAY_TEXT_BYTES];
    read_log(play, text);
    const char *at = NULL;
    for (const char *next = text; (next = strstr(next, "listen=")); next++) at = next;
    const char *colon = at ? strchr(at, ':') : NULL;
    if (!colon || !strchr(colon, '\n')) return false;
    play->port = (uint16_t)atoi(colon + 1);
    return true;
}

void play_start(struct play *play)
{
    const int fd = open(play->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && !play->host);
    play->log_from = (long)lseek(fd, 0, SEEK_END);
    play->host = spawn(play, (const char *const[]){ "run", NULL }, fd);
    close(fd);
    WAIT(play, play_has_listened(play) || play_has_ended(play->host));
    PROVE(play, play_has_listened(play), "the host ended at once");
}

void play_start_ready(struct play *play)
{
    play_start(play);
    WAIT(play, play_is_ready(play));
}

void play_signal(const struct play *play, int number)
{
    const bool is_for_host = number == SIGSTOP || number == SIGCONT;
    const pid_t pid = is_for_host ? play_host_pid(play) : play->host;
    cr_assert(pid > 0 && kill(pid, number) == 0);
}

int play_wait(struct play *play)
{
    const uint64_t deadline_ms = clock_now_ms() + PLAY_PATIENCE_MS;
    while (!play_has_ended(play->host)) {
        PROVE(play, clock_now_ms() < deadline_ms, "the host does not end");
        play_pause_ms(2);
    }
    const int end = play_reap(play->host);
    play->host = 0;
    PROVE(play, play->may_die || !play_log_has(play, "the host died"), "the host died by itself");
    return end;
}

int play_end(struct play *play)
{
    play_signal(play, SIGTERM);
    return play_wait(play);
}

pid_t play_host_pid(const struct play *play)
{
    char path[64];
    int pid = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)play->host, (int)play->host);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%d", &pid) != 1) pid = 0;
    if (file) fclose(file);
    return pid;
}

/* Nobody may have reaped it. */
static bool is_gone(pid_t pid)
{
    char path[64], state = 'Z';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 'Z';
    if (file) fclose(file);
    return state == 'Z';
}

void play_kill(struct play *play)
{
    const pid_t host = play_host_pid(play);
    play_signal(play, SIGKILL);
    (void)play_wait(play);
    if (host) WAIT(play, is_gone(host));
}

bool play_is_ready(const struct play *play)
{
    return fetch_status(play->port, "/readyz") == 200;
}

static bool page_says(const struct play *play, const char *path, int status, const char *words)
{
    struct fetched *page = malloc(sizeof *page);
    fetch(play->port, path, page);
    const bool says = page->status == status && strstr(page->body, words);
    free(page);
    return says;
}

bool play_unready_says(const struct play *play, const char *words)
{
    return page_says(play, "/readyz", 503, words);
}

bool play_status_says(const struct play *play, const char *words)
{
    return page_says(play, "/status", 200, words);
}

double play_metric(const struct play *play, const char *format, ...)
{
    char series[300], full[500];
    va_list args;
    va_start(args, format);
    vsnprintf(series, sizeof series, format, args);
    va_end(args);
    const char *at = strchr(series, '@');
    if (!at) return fetch_metric(play->port, series);
    snprintf(full, sizeof full, "%.*s{queue=\"%s\"%s", (int)(at - series), series, play->queue,
             at + 1);
    return fetch_metric(play->port, full);
}
