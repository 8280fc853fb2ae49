/* SPDX-License-Identifier: Apache-2.0
 *
 * A second thread that asks a host's /livez every 50 ms, whatever the test is waiting for. */
#ifndef SUPPORT_WATCH_LIVEZ_H
#define SUPPORT_WATCH_LIVEZ_H

#include <stdbool.h>
#include <stdint.h>

struct watch_livez;

struct watch_report {
    unsigned asked, failed; /* anything but 200 */
    uint64_t slowest_ms;
    uint64_t starved_ms; /* the most that its own pause was longer than it should */
};

/* The machine kept one of the two waiting for so long: the test, or all of the host, whose page has a
 * thread of its own and waits for nothing else. */
bool watch_saw_stutter(const struct watch_report *report, uint64_t ms);

struct watch_livez *watch_livez_start(uint16_t port);
struct watch_report watch_livez_end(struct watch_livez *watch); /* and frees it */

#endif
