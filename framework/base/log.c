/* SPDX-License-Identifier: Apache-2.0
 *
 * The log: a line is made on the caller's stack and leaves in one write of at most PIPE_BUF bytes, so
 * that lines of several threads and processes never mix. The surprising rule: nobody waits for the
 * reader. poll says whether a whole line fits; where it does not, the line is dropped and counted. */
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_kept.h"
#include "base/time_text.h"

enum {
    WRITE_BYTES = 4096,
    NOTICE_BYTES = 256, /* of that, for the line that tells how many were dropped */
    LINE_BYTES = WRITE_BYTES - NOTICE_BYTES,
    END_BYTES = 16, /* of each line, for what closes it */
    WHAT_BYTES = 1024,
    LONG_BYTES = 1000, /* of a reason or a file */
    VALUE_BYTES = 256, /* of any other value */
    ROOM_BYTES = 64,
    TURNS_MOST = 1000, /* given to others before a line is dropped */
};
_Static_assert(WRITE_BYTES <= PIPE_BUF, "larger writes can mix and block");

static const char *const key_names[] = {
#define LOG_KEY_NAME(symbol, name) name,
    LOG_KEYS(LOG_KEY_NAME)
#undef LOG_KEY_NAME
};

static const struct {
    const char *name, *colour;
} levels[] = {
    [WR_DEBUG] = { "debug", "\033[2m" },
    [WR_INFO] = { "info", "\033[32m" },
    [WR_WARN] = { "warn", "\033[33m" },
    [WR_ERROR] = { "error", "\033[31m" },
};

static atomic_int least_level = WR_INFO;
static atomic_int line_format = LOG_FORMAT_TEXT;
static atomic_bool is_coloured;
static atomic_ullong dropped;  /* lines since the last that went through */
static atomic_flag is_writing; /* between poll and write, so that one free slot is not used twice */

void log_configure(enum wr_level least, enum log_format format)
{
    const char *no_colour = getenv("NO_COLOR");
    const bool wants_colour = !no_colour || no_colour[0] == '\0';
    atomic_store(&least_level, (int)least);
    atomic_store(&line_format, (int)format);
    atomic_store(&is_coloured, wants_colour && isatty(STDERR_FILENO));
}

static bool is_written(enum wr_level level)
{
    return (int)level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

bool log_is_on(enum wr_level level)
{
    return is_written(level) || log_kept_wants((int)level);
}

/* ---- making a line -------------------------------------------------------------------------- */

struct line {
    size_t used, limit;
    bool is_json, is_full; /* is_full: something did not fit, and nothing more is put */
    char bytes[WRITE_BYTES];
};

static void put_bytes(struct line *line, const char *at, size_t n)
{
    line->is_full |= n > line->limit - line->used;
    if (line->is_full) return;
    memcpy(line->bytes + line->used, at, n);
    line->used += n;
}

static void put(struct line *line, const char *cstr)
{
    put_bytes(line, cstr, strlen(cstr));
}

/* One space at least, so that words stay apart. */
static void put_padded(struct line *line, const char *cstr, size_t width)
{
    size_t n = strlen(cstr);
    put(line, cstr);
    do put(line, " ");
    while (++n < width);
}

/* What stands in `shown` for the character at offset; returns its bytes, and in *taken the text's. */
static size_t escape(struct wr_text text, size_t offset, bool is_json, bool is_quoted,
                     char shown[8], size_t *taken)
{
    const char *at = text.at + offset;
    const unsigned char byte = (unsigned char)at[0];
    const size_t n = text_char_bytes(text, offset);
    const bool is_control = text_has_control_at(text, offset);
    *taken = n && (is_json || !is_control) ? n : 1; /* for people, byte by byte */
    if (byte == '\n') return (size_t)snprintf(shown, 8, "\\n");
    if (byte == '\t') return (size_t)snprintf(shown, 8, "\\t");
    if (is_json && n == 0) return (size_t)snprintf(shown, 8, "\\ufffd");
    if (is_json && is_control)
        return (size_t)snprintf(shown, 8, "\\u00%02x", (unsigned char)at[n - 1]);
    if (n == 0 || is_control) return (size_t)snprintf(shown, 8, "\\x%02x", byte);
    if (is_quoted && (byte == '"' || byte == '\\')) return (size_t)snprintf(shown, 8, "\\%c", byte);
    memcpy(shown, at, n);
    return n;
}

/* At most `most` bytes as shown, ending in "..." where that is less than all. */
static void put_escaped(struct line *line, struct wr_text text, bool is_quoted, size_t most)
{
    size_t shown_bytes = 0, taken, dots_at = line->used;
    for (size_t i = 0; i < text.len && !line->is_full; i += taken) {
        char shown[8];
        const size_t n = escape(text, i, line->is_json, is_quoted, shown, &taken);
        if (shown_bytes + 3 <= most) dots_at = line->used;
        if (shown_bytes + n > most) {
            line->used = dots_at;
            put(line, "...");
            return;
        }
        put_bytes(line, shown, n);
        shown_bytes += n;
    }
}

static bool needs_quotes(struct wr_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text_has_control_at(text, i) || strchr(" \"\\=", text.at[i])) return true;
    return text.len == 0 || !text_is_utf8(text);
}

static void put_value(struct line *line, const struct log_field *field)
{
    if (field->is_number) {
        char digits[24];
        const int n = snprintf(digits, sizeof digits, "%lld", (long long)field->number);
        put_bytes(line, digits, (size_t)n);
        return;
    }
    const bool is_long = field->key == LOG_REASON || field->key == LOG_FILE;
    const bool is_quoted = line->is_json || needs_quotes(field->text);
    if (is_quoted) put(line, "\"");
    put_escaped(line, field->text, is_quoted, is_long ? LONG_BYTES : VALUE_BYTES);
    if (is_quoted) put(line, "\"");
}

/* A field that does not fit is left out whole, so that JSON stays JSON. */
static bool put_field(struct line *line, const struct log_field *field)
{
    if (field->key < 0 || field->key >= LOG_KEY_COUNT) return true;
    const size_t before = line->used;
    put(line, line->is_json ? ",\"" : " ");
    put(line, key_names[field->key]);
    put(line, line->is_json ? "\":" : "=");
    put_value(line, field);
    if (!line->is_full) return true;
    line->is_full = false;
    line->used = before;
    return false;
}

static void put_head_json(struct line *line, const char *time, int level, const char *room,
                          struct wr_text what)
{
    put(line, "{\"time\":\"");
    put(line, time);
    put(line, "\",\"level\":\"");
    put(line, levels[level].name);
    put(line, "\",\"room\":\"");
    put_escaped(line, text_of(room), true, ROOM_BYTES);
    put(line, "\",\"what\":\"");
    put_escaped(line, what, true, WHAT_BYTES);
    put(line, "\"");
}

static void put_head_text(struct line *line, const char *time, int level, const char *room,
                          struct wr_text what)
{
    enum { LEVEL_WIDTH = 6, ROOM_WIDTH = 10 };
    const bool coloured = atomic_load_explicit(&is_coloured, memory_order_relaxed);
    put(line, time);
    put(line, " ");
    if (coloured) put(line, levels[level].colour);
    put_padded(line, levels[level].name, LEVEL_WIDTH);
    if (coloured) put(line, "\033[0m");
    char shown_room[ROOM_BYTES + 1];
    put_padded(line, text_show(text_of(room), shown_room, sizeof shown_room), ROOM_WIDTH);
    put_escaped(line, what, false, WHAT_BYTES);
}

/* Adds a whole line of at most `most` bytes. */
static void add_line(struct line *line, size_t most, int level, const char *room,
                     struct wr_text what, const struct log_field *fields, size_t n)
{
    char time[TIME_CHARS + 1];
    line->limit = line->used + most - END_BYTES;
    line->is_full = false;
    line->is_json = atomic_load_explicit(&line_format, memory_order_relaxed) == LOG_FORMAT_JSON;
    time_to_rfc3339(clock_unix_us(), time);
    (line->is_json ? put_head_json : put_head_text)(line, time, level, room, what);
    if (!line->is_json && n > 0) put(line, " ");
    bool is_whole = true;
    for (size_t i = 0; i < n; i++) is_whole &= put_field(line, &fields[i]);
    /* END_BYTES were kept for this. */
    const char *end =
        is_whole ? (line->is_json ? "}\n" : "\n") : (line->is_json ? ",\"cut\":true}\n" : " ...\n");
    const size_t end_bytes = strlen(end);
    memcpy(line->bytes + line->used, end, end_bytes);
    line->used += end_bytes;
}

/* ---- sending it ----------------------------------------------------------------------------- */

/* Room for a whole line in a pipe; a closed or broken stderr has none. */
static bool is_writable(void)
{
    struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
    int ready;
    do ready = poll(&out, 1, 0);
    while (ready < 0 && errno == EINTR);
    return ready == 1 && out.revents == POLLOUT;
}

static bool send_bytes(const char *at, size_t bytes)
{
    ssize_t written;
    do {
        if (!is_writable()) return false;
        written = write(STDERR_FILENO, at, bytes);
    } while (written < 0 && errno == EINTR);
    return written > 0;
}

/* Whoever holds the flag never blocks, so the turn comes soon; a thread that was stopped while holding
 * it costs the others lines, not time. */
static bool take_turn(void)
{
    for (int i = 0; i < TURNS_MOST; i++) {
        if (!atomic_flag_test_and_set_explicit(&is_writing, memory_order_acquire)) return true;
        sched_yield();
    }
    return false;
}

static bool send_line(const struct line *line)
{
    if (!take_turn()) return false;
    const bool is_sent = send_bytes(line->bytes, line->used);
    atomic_flag_clear_explicit(&is_writing, memory_order_release);
    return is_sent;
}

static void add_notice(struct line *line, unsigned long long lost)
{
    char what[64];
    snprintf(what, sizeof what, lost == 1 ? "%llu line was dropped" : "%llu lines were dropped",
             lost);
    const struct log_field count = LOG_INT(COUNT, lost);
    add_line(line, NOTICE_BYTES, WR_WARN, "log", text_of(what), &count, 1);
}

void log_write(enum wr_level level, const char *room, struct wr_text what,
               const struct log_field *fields, size_t n)
{
    if (!log_is_on(level)) return;
    const int errno_before = errno;
    const int known_level = (int)level < WR_DEBUG || (int)level > WR_ERROR ? WR_ERROR : (int)level;
    if (log_kept_wants(known_level))
        log_kept_add(clock_unix_us(), known_level, room, what, fields, n);
    if (!is_written(level)) return;
    const unsigned long long lost = atomic_exchange_explicit(&dropped, 0, memory_order_relaxed);
    struct line line;
    line.used = 0;
    if (lost > 0) add_notice(&line, lost);
    add_line(&line, LINE_BYTES, known_level, room, what, fields, n);
    if (!send_line(&line)) atomic_fetch_add_explicit(&dropped, lost + 1, memory_order_relaxed);
    errno = errno_before;
}
