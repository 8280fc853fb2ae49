/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing brokers; see brokers.h. */
#include "app/brokers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/random.h"

#define CONNECT_MS 10000
#define BACKOFF_FIRST_MS 250
#define BACKOFF_MOST_MS 15000
#define REST_US 1500 /* paced reading, see net/wire.h */

void brokers_init(struct brokers *brokers, const struct config *config)
{
    *brokers = (struct brokers){ .config = config, .n = config_amqp_servers(config) };
    brokers->order = memory_new(brokers->n, sizeof *brokers->order);
    for (size_t i = 0; i < brokers->n; i++) brokers->order[i] = i;
}

void brokers_forget(struct brokers *brokers)
{
    explicit_bzero(&brokers->server, sizeof brokers->server);
    brokers->is_said_away = false;
}

void brokers_say_away(struct brokers *brokers, const char *why, unsigned patience_s)
{
    if (!brokers->is_said_away)
        fprintf(stderr, "warrener: %s; trying again for %u s\n", why, patience_s);
    brokers->is_said_away = true;
}

void brokers_fini(struct brokers *brokers)
{
    brokers_forget(brokers);
    free(brokers->order);
}

static void shuffle(struct brokers *brokers)
{
    for (size_t left = brokers->n; left > 1; left--) {
        const size_t other = random_below(left);
        const size_t kept = brokers->order[left - 1];
        brokers->order[left - 1] = brokers->order[other];
        brokers->order[other] = kept;
    }
}

static void show(struct brokers *brokers)
{
    const struct config_server *server = &brokers->server;
    const bool is_ipv6 = strchr(server->host, ':') != NULL;
    snprintf(brokers->shown, sizeof brokers->shown, "%s://%s%s%s:%u/%s",
             server->is_tls ? "amqps" : "amqp", is_ipv6 ? "[" : "", server->host,
             is_ipv6 ? "]" : "", server->port, strcmp(server->vhost, "/") ? server->vhost : "");
}

bool brokers_next(struct brokers *brokers, struct amqp_server *out, struct status *status)
{
    if (brokers->next % brokers->n == 0) shuffle(brokers);
    const size_t nth = brokers->order[brokers->next++ % brokers->n];
    struct config_server *server = &brokers->server;
    if (!config_resolve_amqp(brokers->config, nth, server, status)) return false;
    show(brokers);
    const struct config_tls *tls = &brokers->config->amqp.tls;
    *out = (struct amqp_server){
        .host = server->host,
        .port = server->port,
        .vhost = server->vhost,
        .user = server->user,
        .password = server->password,
        .external = server->is_external,
        .use_tls = server->is_tls,
        .tls = { .ca_file = tls->ca,
                 .cert_file = tls->cert,
                 .key_file = tls->key,
                 .verify = tls->verify },
        .shown = brokers->shown,
    };
    return true;
}

void brokers_settings(const struct config *config, const char *role, char name[BROKERS_NAME_BYTES],
                      struct amqp_connection_settings *settings)
{
    snprintf(name, BROKERS_NAME_BYTES, "%s/%s", config->name, role);
    *settings = (struct amqp_connection_settings){
        .name = name,
        .heartbeat_s = (uint32_t)(config->amqp.heartbeat_ms / 1000),
        .connect_ms = CONNECT_MS,
        .backoff_first_ms = BACKOFF_FIRST_MS,
        .backoff_most_ms = BACKOFF_MOST_MS,
        .rest_us = REST_US,
    };
}
