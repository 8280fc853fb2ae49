/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at the database for `check --connect`: is it reached, and does it fit what handlers declare?
 * Runs a loop of its own until that is known, and makes nothing there. */
#ifndef STORE_SURVEY_H
#define STORE_SURVEY_H

#include "store/catalogue.h"
#include "store/store.h"

enum store_word {
    STORE_SAYS,    /* who answered; all is well so far */
    STORE_WARNS,   /* it will do */
    STORE_DIFFERS, /* it will not do until mended */
    STORE_AWAY,    /* not reached */
};

/* `conninfo` as on_server gives it. EXIT_WELL, EXIT_CONFIG where something differs, EXIT_UNREACHABLE.
 * Every word is a line for people, without secrets. */
enum exit_status store_survey(const char *conninfo, const struct store_settings *settings,
                              const struct catalogue_target *targets, size_t n,
                              void (*on_word)(void *owner, enum store_word word, const char *text),
                              void *owner);

#endif
