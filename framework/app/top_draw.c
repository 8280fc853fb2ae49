/* SPDX-License-Identifier: Apache-2.0
 *
 * Drawing; see top_draw.h. A line is counted in characters, colour not among them, and cut where the
 * terminal ends, so that nothing wraps. */
#include "app/top_draw.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/status.h"

enum colour { PLAIN, DIM, BOLD, GOOD, WARN, BAD };

struct pen {
    FILE *out;
    const struct top_canvas *canvas;
    unsigned column, line;
};

/* ---- the pen --------------------------------------------------------------------------------- */

static void colour(struct pen *pen, enum colour colour)
{
    static const char *const codes[] = {
        [PLAIN] = "0", [DIM] = "2", [BOLD] = "1", [GOOD] = "32", [WARN] = "33", [BAD] = "1;31",
    };
    if (pen->canvas->has_colour) fprintf(pen->out, "\033[%sm", codes[colour]);
}

/* At most `most` characters, and none past the edge. */
static void put_text(struct pen *pen, const char *text, unsigned most)
{
    const struct wr_text whole = text_of(text);
    for (size_t i = 0; i < whole.len && most && pen->column < pen->canvas->columns; most--) {
        const size_t n = text_char_bytes(whole, i);
        const bool is_shown = n == 1 || (n > 1 && pen->canvas->has_utf8);
        if (is_shown)
            fwrite(text + i, 1, n, pen->out);
        else
            fputc('?', pen->out);
        pen->column++;
        i += n ? n : 1;
    }
}

static void put(struct pen *pen, enum colour with, const char *format, ...) PRINTF_LIKE(3, 4);
static void put(struct pen *pen, enum colour with, const char *format, ...)
{
    char text[4 * TOP_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (with != PLAIN) colour(pen, with);
    put_text(pen, text, UINT32_MAX);
    if (with != PLAIN) colour(pen, PLAIN);
}

static void go_to(struct pen *pen, unsigned column)
{
    while (pen->column < column && pen->column < pen->canvas->columns) put_text(pen, " ", 1);
}

static void end_line(struct pen *pen)
{
    fputc('\n', pen->out);
    pen->column = 0;
    pen->line++;
}

static unsigned rows_left(const struct pen *pen)
{
    if (!pen->canvas->rows) return UINT32_MAX;
    return pen->canvas->rows > pen->line ? pen->canvas->rows - pen->line : 0;
}

/* ---- numbers --------------------------------------------------------------------------------- */

#define SHOWN 32

static const char *show_rate(double rate, char out[SHOWN])
{
    snprintf(out, SHOWN, rate > 0 && rate < 9.95 ? "%.1f" : "%.0f", rate);
    return out;
}

static const char *show_span(int64_t s, char out[SHOWN])
{
    if (s < 90)
        snprintf(out, SHOWN, "%lld s", (long long)s);
    else if (s < 5400)
        snprintf(out, SHOWN, "%lld min", (long long)(s + 30) / 60);
    else if (s < 129600)
        snprintf(out, SHOWN, "%lld h", (long long)(s + 1800) / 3600);
    else
        snprintf(out, SHOWN, "%lld d", (long long)s / 86400);
    return out;
}

static const char *show_time(int64_t us, char out[SHOWN])
{
    const double value = (double)us;
    if (us == 0)
        snprintf(out, SHOWN, "-");
    else if (us < 9950)
        snprintf(out, SHOWN, "%.1f ms", value / 1e3);
    else if (us < 995000)
        snprintf(out, SHOWN, "%.0f ms", value / 1e3);
    else if (us < 9950000)
        snprintf(out, SHOWN, "%.1f s", value / 1e6);
    else
        return show_span(us / 1000000, out);
    return out;
}

/* ---- the head -------------------------------------------------------------------------------- */

static enum colour colour_of(enum top_level level)
{
    return level == TOP_GOOD ? GOOD : level == TOP_WARN ? WARN : BAD;
}

static void draw_head(struct pen *pen, const struct top_view *view)
{
    char up[SHOWN];
    put(pen, BOLD, "%s", view->name);
    put(pen, DIM, "  Warrener %s  up %s", view->version, show_span(view->up_s, up));
    if (pen->canvas->columns > pen->column + 10) go_to(pen, pen->canvas->columns - 8);
    put(pen, DIM, "%s", view->clock);
    end_line(pen);
}

static void draw_health(struct pen *pen, const struct top_view *view)
{
    if (pen->canvas->notice) {
        put(pen, BAD, "%s", pen->canvas->notice);
        end_line(pen);
        return;
    }
    put(pen, colour_of(view->level), "%s", view->verdict);
    end_line(pen);
    for (unsigned i = 0; i < view->n_lines && rows_left(pen) > 12; i++) {
        put(pen, PLAIN, "  %s", view->lines[i]);
        end_line(pen);
    }
}

#define DEATH_FRESH_S 3600

static void draw_death(struct pen *pen, const struct top_view *view)
{
    const struct top_death *death = &view->death;
    char ago[SHOWN];
    if (!death->restarts) return;
    put(pen, death->ago_s < DEATH_FRESH_S ? WARN : DIM,
        "started again %lld time%s, last %s ago: %s", (long long)death->restarts,
        death->restarts == 1 ? "" : "s", show_span(death->ago_s, ago), death->words);
    end_line(pen);
}

/* The last minutes, a column each few seconds. */
static void draw_plot(struct pen *pen, const struct top_view *view, unsigned cells)
{
    static const char *const tall[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    static const char *const plain[] = { " ", ".", ".", ":", ":", "-", "=", "+", "#" };
    double most = 1;
    const unsigned n = view->n_steps < cells ? view->n_steps : cells;
    const double *at = view->done + view->n_steps - n;
    for (unsigned i = 0; i < n; i++) most = at[i] > most ? at[i] : most;
    for (unsigned i = 0; i < n; i++) {
        const unsigned height = (unsigned)(at[i] * 8 / most + (at[i] > 0 ? 0.999 : 0));
        put_text(pen, (pen->canvas->has_utf8 ? tall : plain)[height > 8 ? 8 : height], 1);
    }
}

static void draw_sums(struct pen *pen, const struct top_view *view)
{
    char rate[SHOWN], late[SHOWN], half[SHOWN];
    const struct top_consumer *sum = &view->sum;
    put(pen, BOLD, "%s/s", show_rate(sum->done_rate, rate));
    put(pen, PLAIN, " done   settled within %s (99 of 100), %s (half)",
        show_time(sum->late_us, late), show_time(sum->median_us, half));
    end_line(pen);
    const unsigned room = pen->canvas->columns;
    draw_plot(pen, view, room < 100 ? room : 100);
    end_line(pen);
}

static void draw_way(struct pen *pen, const struct top_view *view)
{
    static const char *const names[TOP_STAGES] = { "broker", "lane?", "handler", "batch",
                                                   "commit", "cache", "publish", "ack" };
    for (int i = 0; i < TOP_STAGES; i++) {
        if (i) put(pen, DIM, pen->canvas->has_utf8 ? " → " : " > ");
        put(pen, DIM, "%s ", names[i]);
        put(pen, view->sum.stages[i] ? BOLD : DIM, "%lld", (long long)view->sum.stages[i]);
    }
    end_line(pen);
    put(pen, DIM, "waiting for another try ");
    put(pen, PLAIN, "%lld", (long long)view->sum.retry_ready + view->sum.held);
    put(pen, DIM, "   in dead queues ");
    put(pen, view->sum.dead_ready ? BAD : PLAIN, "%lld", (long long)view->sum.dead_ready);
    put(pen, DIM, "   died here ");
    put(pen, PLAIN, "%lld", (long long)view->sum.dead);
    end_line(pen);
}

/* ---- consumers ------------------------------------------------------------------------------- */

/* Columns from the right, as many as there is room for beside the name. */
static const struct column {
    const char *title;
    unsigned width;
} columns[] = {
    { "STATE", 13 }, { "DONE/S", 8 },  { "P99", 8 },    { "WAITING", 9 },
    { "DEAD", 7 },   { "FLIGHT", 11 }, { "LANES", 10 }, { "RETRIED", 9 },
};
#define COLUMNS (sizeof columns / sizeof *columns)
#define NAME_LEAST 22
#define NAME_MOST 40

static size_t columns_shown(unsigned width, unsigned *name_width)
{
    size_t n = 0;
    unsigned used = NAME_LEAST;
    while (n < COLUMNS && used + columns[n].width <= width) used += columns[n++].width;
    *name_width = NAME_LEAST + (width > used ? width - used : 0);
    if (*name_width > NAME_MOST) *name_width = NAME_MOST;
    return n;
}

static void show_cell(const struct top_consumer *consumer, size_t column, char *out, size_t bytes)
{
    char text[SHOWN];
    switch (column) {
    case 0: snprintf(out, bytes, "%s", consumer->word); break;
    case 1: snprintf(out, bytes, "%s", show_rate(consumer->done_rate, text)); break;
    case 2: snprintf(out, bytes, "%s", show_time(consumer->late_us, text)); break;
    case 3: snprintf(out, bytes, "%lld", (long long)consumer->ready); break;
    case 4: snprintf(out, bytes, "%lld", (long long)consumer->dead); break;
    case 5:
        snprintf(out, bytes, "%lld/%lld", (long long)consumer->in_flight,
                 (long long)consumer->prefetch);
        break;
    case 6: snprintf(out, bytes, "%.1f/%u", consumer->lanes_busy, consumer->lanes); break;
    default: snprintf(out, bytes, "%lld", (long long)consumer->retried); break;
    }
}

static void draw_row(struct pen *pen, const struct top_consumer *consumer, size_t n,
                     unsigned name_width)
{
    unsigned at = name_width;
    put_text(pen, consumer->name, name_width - 2);
    for (size_t i = 0; i < n; at += columns[i++].width) {
        char text[64];
        show_cell(consumer, i, text, sizeof text);
        go_to(pen, at + (i && strlen(text) + 1 < columns[i].width
                             ? columns[i].width - 1 - (unsigned)strlen(text)
                             : 0));
        const bool is_dead = i == 4 && consumer->dead;
        put(pen, i == 0 ? colour_of(consumer->level) : is_dead ? BAD : PLAIN, "%s", text);
    }
    end_line(pen);
}

static void draw_titles(struct pen *pen, size_t n, unsigned name_width)
{
    unsigned at = name_width;
    put(pen, DIM, "CONSUMER");
    for (size_t i = 0; i < n; at += columns[i++].width) {
        go_to(pen, at + (i ? columns[i].width - 1 - (unsigned)strlen(columns[i].title) : 0));
        put(pen, DIM, "%s", columns[i].title);
    }
    end_line(pen);
}

/* Returns how many there would be room for. */
static size_t draw_consumers(struct pen *pen, const struct top_view *view, unsigned kept)
{
    unsigned name_width;
    const size_t n = columns_shown(pen->canvas->columns, &name_width);
    draw_titles(pen, n, name_width);
    const size_t room = rows_left(pen) > kept ? rows_left(pen) - kept : 0;
    const size_t first = pen->canvas->first;
    for (size_t i = first; i < view->n_consumers && i - first < room; i++)
        draw_row(pen, &view->consumers[i], n, name_width);
    return room;
}

/* ---- servers and faults ---------------------------------------------------------------------- */

static void draw_servers(struct pen *pen, const struct top_view *view)
{
    for (unsigned i = 0; i < view->n_servers; i++) {
        const struct top_server *server = &view->servers[i];
        put(pen, DIM, "%s%s %s ", i ? "   " : "", server->kind, server->name);
        put(pen,
            !server->is_connected ? BAD
            : server->is_broken   ? WARN
                                  : GOOD,
            "%s",
            !server->is_connected ? "away"
            : server->is_broken   ? "broken"
                                  : "up");
    }
    end_line(pen);
}

static void draw_faults(struct pen *pen, const struct top_view *view)
{
    for (unsigned i = 0; i < view->n_faults && rows_left(pen) > 1; i++) {
        const struct top_fault *fault = &view->faults[i];
        char ago[SHOWN], times[SHOWN + 8] = "";
        if (fault->count > 1) snprintf(times, sizeof times, "x%lld ", (long long)fault->count);
        put(pen, fault->is_error ? BAD : WARN, "%7s ago  ", show_span(fault->ago_s, ago));
        put(pen, PLAIN, "%s%s%s%s", times, fault->what, *fault->about ? ", " : "", fault->about);
        put(pen, DIM, "%s%s", *fault->reason ? ": " : "", fault->reason);
        end_line(pen);
    }
}

/* Below the consumers there are the servers, some faults and the keys. */
static unsigned rows_kept(const struct top_view *view, const struct top_canvas *canvas)
{
    if (!canvas->rows) return 0;
    const unsigned faults = view->n_faults < canvas->rows / 5 ? view->n_faults : canvas->rows / 5;
    return 2 + faults;
}

size_t top_draw(const struct top_view *view, const struct top_canvas *canvas, char **out)
{
    size_t bytes;
    struct pen pen = { .canvas = canvas };
    pen.out = open_memstream(out, &bytes);
    CHECK(pen.out != NULL);
    draw_head(&pen, view);
    draw_health(&pen, view);
    draw_death(&pen, view);
    draw_sums(&pen, view);
    draw_way(&pen, view);
    const size_t room = draw_consumers(&pen, view, rows_kept(view, canvas));
    draw_servers(&pen, view);
    draw_faults(&pen, view);
    if (canvas->rows) {
        while (rows_left(&pen) > 1) end_line(&pen);
        put(&pen, DIM, "q quits");
        const size_t end = canvas->first + room;
        if (room < view->n_consumers)
            put(&pen, DIM, "   %s scroll: %zu to %zu of %zu consumers",
                canvas->has_utf8 ? "↑ ↓" : "up, down", canvas->first + 1,
                end < view->n_consumers ? end : view->n_consumers, view->n_consumers);
        end_line(&pen);
    }
    fclose(pen.out);
    return room;
}
