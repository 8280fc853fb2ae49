/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's connection to its broker: which server to try, and what is told when it comes and goes. */
#include "app/host_inside.h"
#include "base/log.h"

static bool on_server(void *own, struct amqp_server *out, struct status *status)
{
    struct link *link = own;
    return brokers_next(&link->brokers, out, status);
}

static void note_state(struct link *link, bool is_ready)
{
    standing_note(&link->standing, is_ready);
    brokers_forget(&link->brokers);
}

static void on_ready(void *own)
{
    struct link *link = own;
    note_state(link, true);
    standing_blame(&link->standing, "");
    log_info("amqp", "connected", LOG_TEXT(SERVER, amqp_connection_server(link->connection)),
             LOG_TEXT(CONNECTION, link->role),
             LOG_TEXT(VERSION, amqp_connection_broker(link->connection)));
}

static void on_lost(void *own, const char *why, bool is_refusal)
{
    struct link *link = own;
    note_state(link, false);
    standing_blame(&link->standing, why);
    log_warn("amqp",
             is_refusal ? "refused by the broker; trying again" : "not connected; trying again",
             LOG_TEXT(SERVER, amqp_connection_server(link->connection)),
             LOG_TEXT(CONNECTION, link->role), LOG_TEXT(REASON, why));
}

static void on_blocked(void *own, bool blocked, const char *reason)
{
    const struct link *link = own;
    log_warn("amqp", blocked ? "the broker blocks publishers" : "the broker blocks no more",
             LOG_TEXT(CONNECTION, link->role), LOG_TEXT(REASON, reason));
}

static void on_closed(void *own)
{
    struct link *link = own;
    note_state(link, false);
    if (link->on_closed) link->on_closed(link->host);
}

void link_init(struct link *link, struct host *host, const char *role)
{
    *link = (struct link){ .host = host, .role = role };
    brokers_init(&link->brokers, host->config);
}

void link_open(struct link *link)
{
    static const struct amqp_connection_events events = {
        .on_server = on_server,
        .on_ready = on_ready,
        .on_lost = on_lost,
        .on_blocked = on_blocked,
        .on_closed = on_closed,
    };
    char name[BROKERS_NAME_BYTES];
    struct amqp_connection_settings settings;
    brokers_settings(link->host->config, link->role, name, &settings);
    link->connection = amqp_connection_new(link->host->loop, &settings, &events, link);
}

void link_fini(struct link *link)
{
    if (link->connection) amqp_connection_free(link->connection);
    link->connection = NULL;
    brokers_fini(&link->brokers);
}
