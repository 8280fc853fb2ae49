/* SPDX-License-Identifier: Apache-2.0
 *
 * A second thread that asks a host's /livez every 100 ms, whatever the test is waiting for. */
#ifndef SUPPORT_WATCH_LIVEZ_H
#define SUPPORT_WATCH_LIVEZ_H

#include <stdint.h>

struct watch_livez;

struct watch_report {
    unsigned asked, failed; /* anything but 200 */
    uint64_t slowest_ms;
    uint64_t starved_ms; /* the most that its own pause was longer than it should */
};

struct watch_livez *watch_livez_start(uint16_t port);
struct watch_report watch_livez_end(struct watch_livez *watch); /* and frees it */

#endif
