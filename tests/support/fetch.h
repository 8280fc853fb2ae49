/* SPDX-License-Identifier: Apache-2.0
 *
 * One GET, to its end or its deadline: of a host's pages, and of the broker's management API. */
#ifndef SUPPORT_FETCH_H
#define SUPPORT_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FETCH_BYTES (1 << 20)

struct fetched {
    int status; /* 0: no answer */
    const char *body;
    char text[FETCH_BYTES];
};

void fetch(uint16_t port, const char *path, struct fetched *into);
int fetch_status(uint16_t port, const char *path);             /* the status alone */
bool fetch_management(const char *path, struct fetched *into); /* true: 200 */

/* A series as /metrics writes it, name{labels}; NAN where there is none. */
double fetch_metric(uint16_t port, const char *series);
double fetch_series(const struct fetched *page,
                    const char *series); /* of a page that was fetched */

#endif
