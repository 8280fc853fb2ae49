/* SPDX-License-Identifier: Apache-2.0
 *
 * Topologies from the configuration; see topologies.h. */
#include "app/topologies.h"

#include <stdlib.h>

#include "base/check.h"

struct topology topology_of(const struct config_consumer *consumer, struct topology_lists *lists)
{
    static const enum topology_declare declares[] = {
        [CONFIG_DECLARE_QUORUM] = TOPOLOGY_QUORUM,
        [CONFIG_DECLARE_CLASSIC] = TOPOLOGY_CLASSIC,
        [CONFIG_DECLARE_NONE] = TOPOLOGY_NONE,
    };
    const size_t n_delays = consumer->retry.delays.n;
    lists->bindings = memory_new(consumer->bind.n + 1, sizeof *lists->bindings);
    for (size_t i = 0; i < consumer->bind.n; i++)
        lists->bindings[i] = (struct topology_binding){ .exchange = consumer->bind.at[i].exchange,
                                                        .type = consumer->bind.at[i].type,
                                                        .key = consumer->bind.at[i].key };
    lists->delays_ms = memory_new(n_delays + 1, sizeof *lists->delays_ms);
    for (size_t i = 0; i < n_delays; i++)
        lists->delays_ms[i] = (uint32_t)consumer->retry.delays.at_ms[i];
    return (struct topology){
        .queue = consumer->queue,
        .declare = declares[consumer->declare],
        .delivery_limit = (uint32_t)consumer->delivery_limit,
        .bindings = lists->bindings,
        .n_bindings = consumer->bind.n,
        .delays_ms = lists->delays_ms,
        .n_delays = consumer->order_by.kind == CONFIG_ORDER_NONE ? n_delays : 0,
    };
}

void topology_lists_free(struct topology_lists *lists)
{
    free(lists->bindings);
    free(lists->delays_ms);
    *lists = (struct topology_lists){ 0 };
}
