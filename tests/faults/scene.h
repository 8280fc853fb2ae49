/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fault tests share: a host under watch with a backlog before it, and what must be true of it
 * once the fault is over. One test at a time: they stop the broker under each other otherwise. */
#ifndef FAULTS_SCENE_H
#define FAULTS_SCENE_H

#include "support/broker_verbs.h"
#include "support/dice.h"
#include "support/play.h"
#include "support/watch_livez.h"

bool scene_is_full(void); /* WARRENER_FAULTS=full */

struct scene {
    struct play play;
    struct watch_livez *watch;
    uint32_t sent;
};

/* A queue with n messages, and a host that is ready and has begun with them. False: passed over. */
bool scene_open(struct scene *scene, const char *name, const struct setup *setup, uint32_t n);

/* Sends some more, waits until everything sent was handled and acked, and proves that /livez was 200
 * throughout and the loop never late; ends the host, with 0, and closes the play. */
void scene_close(struct scene *scene);

/* The host came to be ready again. */
void scene_await_ready(struct scene *scene);

#endif
