/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines, read back through a pipe that stands in for stderr: their text, their JSON, and that a
 * reader who stalls or is gone never holds up the writer. Each test is a process of its own. */
#include "base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/time_text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum { TIME_BYTES = sizeof "2026-11-20T05:06:07.890Z" - 1, CAPTURE_BYTES = 1 << 20 };

static int reader = -1;
static char captured[CAPTURE_BYTES];

/* From here on stderr is a pipe of the least size there is: a page. */
static void capture_stderr(void)
{
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    reader =
        fcntl(ends[0], F_DUPFD_CLOEXEC, 10); /* where stderr was closed, ends[0] has its number */
    close(ends[0]);
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    fcntl(reader, F_SETFL, O_NONBLOCK);
    fcntl(reader, F_SETPIPE_SZ, 4096);
}

/* What was written since the last call; "" for nothing. */
static char *written(void)
{
    const ssize_t got = read(reader, captured, sizeof captured - 1);
    captured[got > 0 ? got : 0] = '\0';
    return captured;
}

static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;
    for (; (text = strstr(text, part)); text += strlen(part)) n++;
    return n;
}

/* ---- text ------------------------------------------------------------------------------------- */

Test(log, text_for_people)
{
    capture_stderr();
    log_info("amqp", "connected", LOG_TEXT(SERVER, "amqp://h:5672/"), LOG_INT(CHANNEL, 1));
    const char *line = written();
    int64_t unix_us;
    cr_assert(time_from_rfc3339(text_from(line, TIME_BYTES), &unix_us));
    cr_assert_leq(llabs(clock_unix_us() - unix_us), 60000000);
    cr_assert_str_eq(line + TIME_BYTES,
                     " info  amqp      connected  server=amqp://h:5672/ channel=1\n");
    log_error("configuration", "no fields");
    cr_assert_str_eq(written() + TIME_BYTES, " error configuration no fields\n");
}

Test(log, text_values_are_quoted_and_escaped)
{
    static const struct {
        struct wr_text value;
        const char *shown;
    } cases[] = {
        { { "plain", 5 }, "plain" },
        { { "", 0 }, "\"\"" },
        { { "two words", 9 }, "\"two words\"" },
        { { "a=b", 3 }, "\"a=b\"" },
        { { "say \"hi\"", 8 }, "\"say \\\"hi\\\"\"" },
        { { "a\"b", 3 }, "\"a\\\"b\"" },
        { { "back\\slash", 10 }, "\"back\\\\slash\"" },
        { { "a\nb\tc", 5 }, "\"a\\nb\\tc\"" },
        { { "\033[31m", 5 }, "\"\\x1b[31m\"" },
        { { "a\0b", 3 }, "\"a\\x00b\"" },
        { { "\xFF", 1 }, "\"\\xff\"" },
        { { "\xC2\x9B", 2 }, "\"\\xc2\\x9b\"" },
        { { "gr\xC3\xBC\xC3\x9F", 6 }, "gr\xC3\xBC\xC3\x9F" },
    };
    capture_stderr();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char expected[128];
        snprintf(expected, sizeof expected, " warn  x         y  tag=%s\n", cases[i].shown);
        log_warn("x", "y", LOG_SPAN(TAG, cases[i].value));
        cr_assert_str_eq(written() + TIME_BYTES, expected, "%s", captured);
    }
    log_info("x", "two\nlines \033[2J \"quoted\"");
    cr_assert_str_eq(written() + TIME_BYTES, " info  x         two\\nlines \\x1b[2J \"quoted\"\n");
}

Test(log, levels)
{
    static const char *const names[] = { "debug", "info ", "warn ", "error" };
    capture_stderr();
    cr_assert_not(log_is_on(WR_DEBUG), "info is where it begins");
    for (int least = WR_DEBUG; least <= WR_ERROR; least++) {
        log_configure((enum wr_level)least, LOG_FORMAT_TEXT);
        for (int level = WR_DEBUG; level <= WR_ERROR; level++) {
            log_write((enum wr_level)level, "x", text_of("y"), NULL, 0);
            cr_assert_eq(log_is_on((enum wr_level)level), level >= least);
            cr_assert_eq(strstr(written(), names[level]) != NULL, level >= least);
        }
    }
    log_write((enum wr_level)99, "x", text_of("y"), NULL, 0); /* a handler's mistake */
    cr_assert_not_null(strstr(written(), " error x"));
}

Test(log, arguments_of_lines_that_are_off_are_not_evaluated)
{
    int evaluated = 0;
    capture_stderr();
    log_configure(WR_WARN, LOG_FORMAT_TEXT);
    log_info("x", "y", LOG_INT(COUNT, ++evaluated));
    cr_assert_eq(evaluated, 0);
}

/* A terminal may give a line in two pieces. */
static void read_line_of(int terminal, char *line, size_t bytes)
{
    size_t n = 0;
    do {
        const ssize_t got = read(terminal, line + n, bytes - 1 - n);
        cr_assert_gt(got, 0);
        line[n += (size_t)got] = '\0';
    } while (!strchr(line, '\n'));
}

Test(log, colour_is_for_terminals_that_want_it, .timeout = 60)
{
    char line[256];
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    const int end = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    cr_assert_geq(end, 0);
    dup2(end, STDERR_FILENO);
    static const struct {
        const char *no_colour;
        enum log_format format;
        bool is_coloured;
    } cases[] = {
        { NULL, LOG_FORMAT_TEXT, true },
        { "", LOG_FORMAT_TEXT, true },
        { "1", LOG_FORMAT_TEXT, false },
        { NULL, LOG_FORMAT_JSON, false },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        unsetenv("NO_COLOR");
        if (cases[i].no_colour) setenv("NO_COLOR", cases[i].no_colour, 1);
        log_configure(WR_INFO, cases[i].format);
        log_info("x", "y");
        read_line_of(terminal, line, sizeof line);
        cr_assert_eq(strchr(line, '\033') != NULL, cases[i].is_coloured, "case %zu: %s", i, line);
    }
    unsetenv("NO_COLOR");
    capture_stderr();
    log_configure(WR_INFO, LOG_FORMAT_TEXT);
    log_info("x", "y");
    cr_assert_null(strchr(written(), '\033'));
}

/* ---- JSON ------------------------------------------------------------------------------------- */

/* The character after the string that begins at `at`; NULL where it is no JSON string. */
static const char *after_string(const char *at)
{
    if (*at++ != '"') return NULL;
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < 0x20) return NULL; /* the end of the line among them */
        if (*at != '\\') continue;
        at++;
        if (*at == 'u' ? strspn(at + 1, "0123456789abcdef") < 4 : !strchr("\"\\nt", *at))
            return NULL;
    }
    return at + 1;
}

/* One object a line, of strings, integers and true, in UTF-8. */
static bool is_flat_json(const char *line)
{
    if (!text_is_utf8(text_of(line)) || *line != '{') return false;
    do {
        line = after_string(line + 1);
        if (!line || *line++ != ':') return false;
        if (*line == '"')
            line = after_string(line);
        else if (strncmp(line, "true", 4) == 0)
            line += 4;
        else
            line += strspn(line, "-0123456789");
        if (!line) return false;
    } while (*line == ',');
    return strcmp(line, "}\n") == 0;
}

Test(log, json_for_machines)
{
    capture_stderr();
    log_configure(WR_INFO, LOG_FORMAT_JSON);
    log_info("amqp", "connected", LOG_TEXT(SERVER, "amqp://h:5672/"), LOG_INT(CHANNEL, 1));
    const char *line = written();
    cr_assert_eq(strncmp(line, "{\"time\":\"", 9), 0);
    cr_assert_str_eq(line + 9 + TIME_BYTES,
                     "\",\"level\":\"info\",\"room\":\"amqp\",\"what\":\"connected\","
                     "\"server\":\"amqp://h:5672/\",\"channel\":1}\n");
    log_warn("x", "y", LOG_INT(BYTES, INT64_MIN));
    cr_assert_not_null(strstr(written(), "\"bytes\":-9223372036854775808}\n"));
}

Test(log, json_escapes)
{
    static const struct {
        struct wr_text value;
        const char *shown;
    } cases[] = {
        { { "say \"hi\" \\", 10 }, "say \\\"hi\\\" \\\\" },
        { { "a\nb\tc", 5 }, "a\\nb\\tc" },
        { { "\0\x01\x1F\x7F", 4 }, "\\u0000\\u0001\\u001f\\u007f" },
        { { "\xC2\x9B", 2 }, "\\u009b" },
        { { "a\xFFz", 3 }, "a\\ufffdz" },
        { { "\xC3", 1 }, "\\ufffd" },
        { { "gr\xC3\xBC", 4 }, "gr\xC3\xBC" },
    };
    capture_stderr();
    log_configure(WR_INFO, LOG_FORMAT_JSON);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char expected[128];
        snprintf(expected, sizeof expected, "\"tag\":\"%s\"}\n", cases[i].shown);
        log_warn("x", "y", LOG_SPAN(TAG, cases[i].value));
        cr_assert_not_null(strstr(written(), expected), "case %zu: %s", i, captured);
        log_write(WR_WARN, "x", cases[i].value, NULL, 0);
        cr_assert(is_flat_json(written()), "%s", captured);
    }
}

static void fill(char *bytes, size_t n, unsigned *seed)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(rand_r(seed) % 3 ? rand_r(seed) : rand_r(seed) % 40);
}

Test(log, json_is_always_json_and_one_write)
{
    unsigned seed = 7;
    static char bytes[3000];
    capture_stderr();
    log_configure(WR_INFO, LOG_FORMAT_JSON);
    for (int round = 0; round < 2000; round++) {
        struct log_field fields[LOG_KEY_COUNT];
        fill(bytes, sizeof bytes, &seed);
        for (int key = 0; key < LOG_KEY_COUNT; key++) {
            const size_t len = (size_t)rand_r(&seed) % (round % 2 ? 600 : 60);
            fields[key] = (struct log_field){ key, false, 0, text_from(bytes + len, len) };
        }
        const size_t what_len = (size_t)rand_r(&seed) % (round % 3 ? 2000 : 20);
        log_write(WR_INFO, "x", text_from(bytes, what_len), fields, LOG_KEY_COUNT);
        const char *line = written();
        cr_assert(is_flat_json(line), "round %d: %s", round, line);
        cr_assert_leq(strlen(line), 4096);
    }
}

/* ---- bounds ----------------------------------------------------------------------------------- */

static size_t value_bytes(const char *key)
{
    const char *at = strstr(captured, key);
    return at ? strcspn(at + strlen(key), " \n") : 0;
}

Test(log, values_are_capped)
{
    char many[5000];
    memset(many, 'x', sizeof many);
    const struct wr_text text = text_from(many, sizeof many);
    capture_stderr();
    log_info("a", "b", LOG_SPAN(TAG, text), LOG_SPAN(REASON, text), LOG_SPAN(FILE, text));
    written();
    cr_assert_eq(value_bytes("tag="), 256);
    cr_assert_eq(value_bytes("reason="), 1000);
    cr_assert_eq(value_bytes("file="), 1000);
    cr_assert_not_null(strstr(captured, "x... reason="), "a cut is seen");
    log_write(WR_INFO, "a", text, NULL, 0);
    cr_assert_eq(strlen(written()), TIME_BYTES + strlen(" info  a         ") + 1024 + 1);
    log_info("a", "b", LOG_SPAN(TAG, text_from(many, 256)));
    cr_assert_null(strstr(written(), "..."), "what fits is not cut");
    memset(many, '\n', sizeof many);
    log_info("a", "b", LOG_SPAN(TAG, text));
    written();
    cr_assert_leq(value_bytes("tag="), 258, "capped as shown, and two quotes");
}

Test(log, fields_that_do_not_fit_are_left_out_whole)
{
    char many[1024];
    memset(many, 'x', sizeof many);
    struct log_field fields[LOG_KEY_COUNT + 1];
    for (int key = 0; key < LOG_KEY_COUNT; key++)
        fields[key] = (struct log_field){ key, false, 0, text_from(many, sizeof many) };
    fields[LOG_KEY_COUNT] = LOG_INT(LINE, 42);
    capture_stderr();
    for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
        log_configure(WR_INFO, (enum log_format)format);
        log_write(WR_INFO, "a", text_from(many, sizeof many), fields, COUNT_OF(fields));
        const char *line = written();
        cr_assert_leq(strlen(line), 4096);
        cr_assert_not_null(strstr(line, format == LOG_FORMAT_JSON ? ",\"cut\":true}\n" : " ...\n"));
        cr_assert_not_null(strstr(line, format == LOG_FORMAT_JSON ? "\"line\":42" : "line=42"),
                           "small ones that follow still come: %s", line);
    }
    log_write(WR_INFO, "a", text_of("b"), &(struct log_field){ .key = 1000 }, 1);
    cr_assert(is_flat_json(written()), "an unknown key is passed over: %s", captured);
}

/* ---- readers that stall, go, or are not there ------------------------------------------------- */

Test(log, a_stalled_reader_costs_lines_not_time, .timeout = 60)
{
    enum { LINES = 1000 };
    capture_stderr();
    for (int i = 0; i < LINES; i++) log_info("x", "stalled", LOG_INT(COUNT, i));
    const size_t through = count_of(written(), "stalled");
    cr_assert(through > 0 && through < LINES);
    log_info("x", "reading again");
    char expected[64];
    snprintf(expected, sizeof expected, " %zu lines were dropped  count=%zu\n", LINES - through,
             LINES - through);
    cr_assert_not_null(strstr(written(), expected), "%s", captured);
    cr_assert_not_null(strstr(strstr(captured, expected), "reading again\n"), "the count first");
    log_info("x", "and on");
    cr_assert_null(strstr(written(), "dropped"), "told once");
}

Test(log, without_stderr_lines_are_dropped)
{
    close(STDERR_FILENO);
    log_info("x", "into the void");
    capture_stderr();
    log_info("x", "back");
    cr_assert_not_null(strstr(written(), " 1 line was dropped  count=1\n"), "%s", captured);
}

Test(log, a_reader_that_is_gone_kills_nobody)
{
    capture_stderr();
    close(reader);
    log_info("x", "nobody reads"); /* SIGPIPE would end the test */
    capture_stderr();
    log_info("x", "back");
    cr_assert_not_null(strstr(written(), " 1 line was dropped"), "%s", captured);
}

Test(log, errno_is_kept)
{
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert_eq(dup2(full, STDERR_FILENO), STDERR_FILENO);
    errno = ENOENT;
    log_info("x", "no space left");
    cr_assert_eq(errno, ENOENT);
}

Test(log, a_line_is_one_write)
{
    char text[1024], packet[8192];
    int ends[2];
    memset(text, 'x', sizeof text);
    const struct wr_text large = text_from(text, sizeof text);
    cr_assert_eq(pipe2(ends, O_CLOEXEC | O_DIRECT), 0); /* a read gives what one write gave */
    close(STDERR_FILENO);
    log_info("x", "dropped, so that its notice comes first");
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    log_write(WR_INFO, "x", large,
              (struct log_field[]){ LOG_SPAN(REASON, large), LOG_SPAN(FILE, large) }, 2);
    const ssize_t got = read(ends[0], packet, sizeof packet - 1);
    cr_assert_gt(got, 3000);
    packet[got] = '\0';
    cr_assert_eq(count_of(packet, "\n"), 2);
    cr_assert_eq(packet[got - 1], '\n');
}

/* ---- threads ---------------------------------------------------------------------------------- */

enum { THREADS = 4, LINES_EACH = 2000 };

static void *write_lines(void *mark)
{
    char value[200];
    memset(value, *(char *)mark, sizeof value);
    for (int i = 0; i < LINES_EACH; i++)
        log_info("threads", "a line", LOG_SPAN(TAG, text_from(value, sizeof value)));
    return NULL;
}

static void write_from_threads(void)
{
    static char marks[THREADS] = { 'a', 'b', 'c', 'd' };
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++)
        cr_assert_eq(pthread_create(&threads[t], NULL, write_lines, &marks[t]), 0);
    for (int t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
}

enum { WRITERS = 2, ROUNDS = 2000, ROUNDS_MS = 20000 };
static atomic_int round_begun, writers_done;

/* Lines of which the pipe holds one: where two threads ask at once whether there is room, one must
 * not take the other's for its own. They wait without sleeping, so that they do ask at once. */
static void *write_rounds(void *unused)
{
    char text[1000];
    memset(text, 'x', sizeof text);
    const struct wr_text large = text_from(text, sizeof text);
    for (int round = 1; round <= ROUNDS; round++) {
        while (atomic_load(&round_begun) < round) sched_yield();
        log_info("x", "a line", LOG_SPAN(REASON, large), LOG_SPAN(FILE, large),
                 LOG_SPAN(REASON, large));
        atomic_fetch_add(&writers_done, 1);
    }
    return unused;
}

/* As many rounds as a busy machine has time for: each takes three threads their turns. */
Test(log, threads_never_wait_for_a_stalled_reader, .timeout = 120)
{
    pthread_t threads[WRITERS];
    const uint64_t until_ms = clock_now_ms() + ROUNDS_MS;
    capture_stderr();
    for (int t = 0; t < WRITERS; t++)
        cr_assert_eq(pthread_create(&threads[t], NULL, write_rounds, NULL), 0);
    for (int round = 1; round <= ROUNDS && clock_now_ms() < until_ms; round++) {
        atomic_store(&round_begun, round);
        while (atomic_load(&writers_done) < WRITERS * round) usleep(50);
        cr_assert_eq(count_of(written(), "a line"), 1); /* nobody read before all had ended */
    }
    atomic_store(&round_begun, ROUNDS);
    for (int t = 0; t < WRITERS; t++) pthread_join(threads[t], NULL);
}

static size_t whole, told;

/* Each line is one of ours, unmixed, or the count of those dropped. */
static void check_line(const char *line)
{
    const char *what = strstr(line, "a line  tag=");
    if (what) {
        const char *value = what + strlen("a line  tag=");
        const char mark[2] = { value[0], '\0' };
        cr_assert(strspn(value, mark) == 200 && value[200] == '\0', "mixed: %s", line);
        whole++;
    } else {
        static const char begin[] = " warn  log       ";
        const char *number = line + TIME_BYTES + sizeof begin - 1;
        cr_assert(strncmp(line + TIME_BYTES, begin, sizeof begin - 1) == 0, "%s", line);
        told += strtoul(number, NULL, 10);
    }
}

static void *read_lines(void *stream)
{
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stream)) > 0;) {
        line[n - 1] = '\0';
        if (strstr(line, "the end")) break;
        check_line(line);
    }
    free(line);
    return NULL;
}

Test(log, lines_of_threads_never_mix, .timeout = 120)
{
    pthread_t thread;
    capture_stderr();
    fcntl(reader, F_SETFL, 0);
    FILE *stream = fdopen(reader, "r");
    cr_assert_eq(pthread_create(&thread, NULL, read_lines, stream), 0);
    write_from_threads();
    fcntl(reader, F_SETPIPE_SZ, 65536); /* room for the count of those dropped and one line more */
    log_info("threads", "the end");
    pthread_join(thread, NULL);
    cr_assert_eq(whole + told, (size_t)THREADS * LINES_EACH);
    fclose(stream);
}
