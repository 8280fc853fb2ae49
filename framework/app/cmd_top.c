/* SPDX-License-Identifier: Apache-2.0
 *
 * warrener top: a running host on a terminal, live; where there is none, its state once as text. */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ask.h"
#include "app/command.h"
#include "app/screen.h"
#include "app/target.h"
#include "app/top_draw.h"
#include "base/check.h"
#include "base/clock.h"

#define EVERY_MS 1000
#define DEADLINE_MS 1500
#define STATUS_BYTES (4u << 20)
#define PLAIN_COLUMNS 120

struct top {
    struct target target;
    struct answer_page page;
    struct top_view view;
    bool has_view;
    char notice[1000]; /* why the view is an old one; "": it is not */
    struct top_canvas canvas;
    size_t room; /* for consumers, by the last picture */
};

static bool look(struct top *top, struct status *status)
{
    struct top_view view;
    if (!ask_page(top->target.host, top->target.port, top->target.path, DEADLINE_MS, &top->page,
                  status))
        return false;
    if (!top_view_read(&view, text_of(top->page.body)))
        return status_fail(status, EXIT_UNREACHABLE, "what answers at %s port %u is no Warrener",
                           top->target.host, top->target.port);
    top_view_fini(&top->view);
    top->view = view;
    return true;
}

static void look_again(struct top *top)
{
    struct status status = { 0 };
    top->notice[0] = '\0';
    if (look(top, &status))
        top->has_view = true;
    else
        snprintf(top->notice, sizeof top->notice, "%s", status.text);
}

/* ---- live ------------------------------------------------------------------------------------ */

/* No emptiness behind the last consumer; true where it had to be moved. */
static bool settle(struct top *top)
{
    const size_t n = top->view.n_consumers, last = n > top->room ? n - top->room : 0;
    if (top->canvas.first <= last) return false;
    top->canvas.first = last;
    return true;
}

static void draw(struct top *top)
{
    char *lines = NULL;
    screen_size(&top->canvas.columns, &top->canvas.rows);
    top->canvas.notice = *top->notice ? top->notice : NULL;
    if (!top->has_view) {
        screen_show(top->notice);
        return;
    }
    top->room = top_draw(&top->view, &top->canvas, &lines);
    if (settle(top)) {
        free(lines);
        (void)top_draw(&top->view, &top->canvas, &lines);
    }
    screen_show(lines);
    free(lines);
}

static void scroll(struct top *top, enum screen_key key)
{
    const size_t page = top->room ? top->room : 1;
    size_t *first = &top->canvas.first;
    const size_t step = key == SCREEN_UP || key == SCREEN_DOWN ? 1 : page;
    if (key == SCREEN_UP || key == SCREEN_PAGE_UP) *first = *first > step ? *first - step : 0;
    if (key == SCREEN_DOWN || key == SCREEN_PAGE_DOWN) *first += step;
    if (key == SCREEN_HOME) *first = 0;
    if (key == SCREEN_END) *first = top->view.n_consumers;
}

static void watch(struct top *top)
{
    uint64_t due_ms = 0;
    for (;;) {
        uint64_t now_ms = clock_now_ms();
        if (now_ms >= due_ms) {
            look_again(top);
            now_ms = clock_now_ms();
            due_ms = now_ms + EVERY_MS;
        }
        draw(top);
        const enum screen_key key = screen_wait(due_ms - now_ms);
        if (key == SCREEN_QUIT) return;
        scroll(top, key);
    }
}

/* ---- once ------------------------------------------------------------------------------------ */

static enum exit_status print(struct top *top)
{
    struct status status = { 0 };
    char *lines = NULL;
    if (!look(top, &status)) return command_fail(&status);
    top->canvas.columns = PLAIN_COLUMNS;
    top->canvas.has_colour = false;
    (void)top_draw(&top->view, &top->canvas, &lines);
    fputs(lines, stdout);
    free(lines);
    return EXIT_WELL;
}

static enum exit_status show(struct top *top)
{
    if (!screen_open()) return print(top);
    watch(top);
    screen_close();
    return EXIT_WELL;
}

enum exit_status command_top(int argc, char **argv)
{
    const char *file = NULL, *url = NULL;
    const struct flag flags[] = {
        { "--url", "URL", "http://HOST:PORT of the host; default: http.listen", FLAG_TEXT, &url },
        { 0 },
    };
    enum exit_status exit;
    struct status status = { 0 };
    if (!command_read_line(argc, argv, flags, &file, &exit)) return exit;
    struct top *top = NEW(struct top);
    setlocale(LC_CTYPE, "");
    const char *no_colour = getenv("NO_COLOR");
    top->canvas.has_colour = !no_colour || !*no_colour;
    top->canvas.has_utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
    top->page.room = STATUS_BYTES;
    top->page.text = memory_new(STATUS_BYTES, 1);
    if (!target_find(url, file, "/status", &top->target, &status)) {
        exit = command_fail(&status);
    } else {
        if (!strcmp(top->target.path, "/"))
            snprintf(top->target.path, sizeof top->target.path, "/status");
        exit = show(top);
    }
    top_view_fini(&top->view);
    free(top->page.text);
    free(top);
    return exit;
}
