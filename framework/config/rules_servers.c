/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules about servers; see rules.h. Words about URLs and users come from servers.h and show nothing
 * secret; what a value was filled from is named. */
#include <errno.h>
#include <unistd.h>

#include "config/rules.h"
#include "config/secrets.h"
#include "config/servers.h"

#define SHOWN_BYTES 200

static bool is_given(const struct config *config, const void *field)
{
    return config_place_of(config, field)->is_given;
}

static void blame_template(const struct config *config, struct config_faults *faults,
                           const char *const *field, const struct status *why)
{
    char names[SHOWN_BYTES] = "";
    if (*field) secrets_show(text_of(*field), names, sizeof names);
    config_blame(config, faults, field, "%s%s%s", names, *names ? ": " : "", why->text);
}

/* ---- one way to name the broker ------------------------------------------------------------- */

static void check_one_way(const struct config *config, struct config_faults *faults)
{
    const void *const ways[] = { &config->amqp.url, &config->amqp.urls, &config->amqp.host };
    const struct config_place *first = NULL;
    for (size_t i = 0; i < 3; i++) {
        const struct config_place *place = config_place_of(config, ways[i]);
        if (!place->is_given) continue;
        if (first)
            config_blame(config, faults, ways[i],
                         "%s on line %d names the broker already; give one of: url, urls, or host "
                         "with port, vhost, user and password",
                         first->path, first->line);
        else
            first = place;
    }
    const void *const parts[] = { &config->amqp.port, &config->amqp.vhost, &config->amqp.user,
                                  &config->amqp.password };
    for (size_t i = 0; i < 4 && !is_given(config, &config->amqp.host); i++)
        if (is_given(config, parts[i]))
            config_blame(config, faults, parts[i],
                         "goes with amqp.host, which is not given; give that, or put this into "
                         "the URL");
}

/* ---- TLS ----------------------------------------------------------------------------------- */

static void check_file(const struct config *config, struct config_faults *faults,
                       const char *const *field)
{
    char shown[SHOWN_BYTES];
    if (!*field || access(*field, R_OK) == 0) return;
    config_blame(config, faults, field, "cannot read %s: %s",
                 text_show(text_of(*field), shown, sizeof shown), strerror(errno));
}

static void check_tls(const struct config *config, struct config_faults *faults,
                      const struct config_tls *tls)
{
    check_file(config, faults, &tls->ca);
    check_file(config, faults, &tls->cert);
    check_file(config, faults, &tls->key);
    if (tls->cert && !tls->key)
        config_blame(config, faults, &tls->cert, "a certificate needs its private key: give key");
    if (tls->key && !tls->cert)
        config_blame(config, faults, &tls->key, "a private key needs its certificate: give cert");
}

/* ---- each server ---------------------------------------------------------------------------- */

static void check_amqp(const struct config *config, struct config_faults *faults)
{
    bool is_all_tls = true;
    for (size_t i = 0; i < config_amqp_servers(config); i++) {
        struct config_server server;
        struct status why = { 0 };
        const void *field = NULL;
        if (!servers_read_amqp(config, i, &server, &field, &why)) {
            blame_template(config, faults, field, &why);
            continue;
        }
        is_all_tls &= server.is_tls;
        if (config->amqp.tls.is_given && !server.is_tls)
            config_blame(config, faults, field,
                         "amqp.tls is given, but this is not amqps://; change one of them");
        explicit_bzero(&server, sizeof server);
    }
    if (config->amqp.auth == CONFIG_AUTH_EXTERNAL && (!is_all_tls || !config->amqp.tls.cert))
        config_blame(config, faults, &config->amqp.auth,
                     "external is a client certificate: it needs amqps:// and amqp.tls with cert "
                     "and key");
}

static void check_postgres(const struct config *config, struct config_faults *faults)
{
    struct status why = { 0 };
    if (config->postgres.url && !servers_check_postgres(config, config->postgres.url, &why))
        blame_template(config, faults, &config->postgres.url, &why);
    if (config->postgres.migrate_url &&
        !servers_check_postgres(config, config->postgres.migrate_url, &why))
        blame_template(config, faults, &config->postgres.migrate_url, &why);
}

static void check_redis(const struct config *config, struct config_faults *faults)
{
    struct status why = { 0 };
    struct config_redis server;
    check_tls(config, faults, &config->redis.tls);
    if (!config->redis.url) return;
    if (!servers_read_redis(config, &server, &why))
        blame_template(config, faults, &config->redis.url, &why);
    else if (config->redis.tls.is_given && !server.is_tls)
        config_blame(config, faults, &config->redis.url,
                     "redis.tls is given, but this is not rediss://; change one of them");
    explicit_bzero(&server, sizeof server);
}

void rules_check_servers(const struct config *config, struct config_faults *faults)
{
    check_one_way(config, faults);
    check_tls(config, faults, &config->amqp.tls);
    check_amqp(config, faults);
    if (config->postgres.is_given) check_postgres(config, faults);
    if (config->redis.is_given) check_redis(config, faults);
}
