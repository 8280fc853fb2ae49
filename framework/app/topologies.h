/* SPDX-License-Identifier: Apache-2.0
 *
 * What a configured consumer wants to find on the broker, in the words of the amqp room. */
#ifndef APP_TOPOLOGIES_H
#define APP_TOPOLOGIES_H

#include "amqp/topology.h"
#include "config/config.h"

/* What a topology points to, beside the configuration's own texts. */
struct topology_lists {
    struct topology_binding *bindings;
    uint32_t *delays_ms;
};

/* The lists are freed after the topology's last use. Where order is kept there are no retry queues. */
struct topology topology_of(const struct config_consumer *consumer, struct topology_lists *lists);
void topology_lists_free(struct topology_lists *lists); /* harmless twice */

#endif
