/* SPDX-License-Identifier: Apache-2.0
 *
 * The picture of `warrener top`: lines of at most `columns` characters, of at most `rows` lines, for a
 * terminal or, plain and whole, for a pipe. Pure. */
#ifndef APP_TOP_DRAW_H
#define APP_TOP_DRAW_H

#include "app/top_view.h"

struct top_canvas {
    unsigned columns, rows; /* rows 0: as many as it takes */
    bool has_colour, has_utf8;
    size_t first;       /* the consumer that is shown first */
    const char *notice; /* over the health's line; NULL: none */
};

/* Into `out`, lines ending in \n. Returns how many consumers there is room for. */
size_t top_draw(const struct top_view *view, const struct top_canvas *canvas, char **out);

#endif
