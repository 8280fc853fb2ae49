/* SPDX-License-Identifier: Apache-2.0
 *
 * Topologies from the configuration; see topologies.h. */
#include "app/topologies.h"

#include "base/check.h"

struct topology topology_of(const struct config_consumer *consumer,
                            struct topology_binding **bindings)
{
    static const enum topology_declare declares[] = {
        [CONFIG_DECLARE_QUORUM] = TOPOLOGY_QUORUM,
        [CONFIG_DECLARE_CLASSIC] = TOPOLOGY_CLASSIC,
        [CONFIG_DECLARE_NONE] = TOPOLOGY_NONE,
    };
    *bindings = memory_new(consumer->bind.n + 1, sizeof **bindings);
    for (size_t i = 0; i < consumer->bind.n; i++)
        (*bindings)[i] = (struct topology_binding){ .exchange = consumer->bind.at[i].exchange,
                                                    .type = consumer->bind.at[i].type,
                                                    .key = consumer->bind.at[i].key };
    return (struct topology){ .queue = consumer->queue,
                              .declare = declares[consumer->declare],
                              .delivery_limit = (uint32_t)consumer->delivery_limit,
                              .bindings = *bindings,
                              .n_bindings = consumer->bind.n };
}
