/* SPDX-License-Identifier: Apache-2.0
 *
 * The terminal as a screen: taken over, drawn on, and given back as it was, whatever signal ends the
 * command. Where stdout or stdin is no terminal there is no screen. */
#ifndef APP_SCREEN_H
#define APP_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

enum screen_key {
    SCREEN_NOTHING, /* the time is over */
    SCREEN_RESIZED,
    SCREEN_QUIT, /* q, Ctrl-C, or a signal that ends */
    SCREEN_UP,
    SCREEN_DOWN,
    SCREEN_PAGE_UP,
    SCREEN_PAGE_DOWN,
    SCREEN_HOME,
    SCREEN_END,
    SCREEN_OTHER
};

bool screen_open(void); /* false: no terminal */
void screen_close(void);

void screen_size(unsigned *columns, unsigned *rows);
void screen_show(const char *lines); /* in place of what was there */

/* Waits for a key, a new size or the end. */
enum screen_key screen_wait(uint64_t ms);

#endif
