/* SPDX-License-Identifier: Apache-2.0
 *
 * What a configured consumer wants to find on the broker, in the words of the amqp room. */
#ifndef APP_TOPOLOGIES_H
#define APP_TOPOLOGIES_H

#include "amqp/topology.h"
#include "config/config.h"

/* Texts stay the configuration's; the caller frees `bindings` after the last use. */
struct topology topology_of(const struct config_consumer *consumer,
                            struct topology_binding **bindings);

#endif
