/* SPDX-License-Identifier: Apache-2.0
 *
 * Exchanges that the broker closed the channel over (they do not exist, say): left alone for a while,
 * a longer one each time, so that a handler which keeps publishing there does not hold up the rest.
 * Pure. */
#ifndef FLOW_SHUN_H
#define FLOW_SHUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/text.h"

struct shun {
    struct list exchanges;
};

void shun_init(struct shun *shun);
void shun_fini(struct shun *shun);
void shun_add(struct shun *shun, struct wr_text exchange, uint64_t now_ms);
bool shun_has(const struct shun *shun, struct wr_text exchange, uint64_t now_ms);
void shun_forgive(struct shun *shun, struct wr_text exchange); /* a message got through */

#endif
