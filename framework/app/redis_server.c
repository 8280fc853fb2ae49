/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis_server.h. */
#include "app/redis_server.h"

#include <stdio.h>
#include <string.h>

static void name_server(const struct config_redis *server, char *out, size_t out_bytes)
{
    const bool is_ipv6 = strchr(server->host, ':') != NULL;
    snprintf(out, out_bytes, "%s://%s%s%s:%u/%u", server->is_tls ? "rediss" : "redis",
             is_ipv6 ? "[" : "", server->host, is_ipv6 ? "]" : "", server->port, server->database);
}

bool redis_server_find(const struct config *config, struct config_redis *server,
                       char shown[REDIS_SHOWN_BYTES], struct cache_server *out,
                       struct status *status)
{
    const struct config_tls *tls = &config->redis.tls;
    if (!config_resolve_redis(config, server, status)) return false;
    name_server(server, shown, REDIS_SHOWN_BYTES);
    *out = (struct cache_server){
        .host = server->host,
        .port = server->port,
        .user = *server->user ? server->user : NULL,
        .password = *server->password ? server->password : NULL,
        .database = server->database,
        .use_tls = server->is_tls,
        .tls = { .ca_file = tls->ca,
                 .cert_file = tls->cert,
                 .key_file = tls->key,
                 .verify = !tls->is_given || tls->verify },
        .shown = shown,
    };
    return true;
}
