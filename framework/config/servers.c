/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading servers; see servers.h. Everything filled in is wiped on every way out. */
#include "config/servers.h"

#include <stdio.h>

#include "base/check.h"
#include "base/text.h"
#include "config/secrets.h"
#include "config/url.h"

#define AMQP_PORT 5672
#define AMQPS_PORT 5671
#define REDIS_PORT 6379

/* ---- parts --------------------------------------------------------------------------------- */

static bool put(const char *text, const char *what, char *out, size_t out_bytes,
                struct status *status)
{
    size_t len = strlen(text);
    if (len >= out_bytes)
        return status_fail(status, EXIT_CONFIG, "its %s is too long: at most %zu bytes", what,
                           out_bytes - 1);
    memcpy(out, text, len + 1);
    return true;
}

static bool put_template(const struct config *config, const char *text, const char *what, char *out,
                         size_t out_bytes, struct status *status)
{
    char *value = NULL;
    if (!secrets_fill(text_of(text), config->directory, &value, status)) return false;
    bool is_well = put(value, what, out, out_bytes, status);
    secrets_give_back(value);
    return is_well;
}

/* A URL from its template, with one of two schemes, the second the encrypted one. */
static bool read_url(const struct config *config, const char *text, const char *const schemes[2],
                     struct url *url, bool *is_second, struct status *status)
{
    char *value = NULL;
    if (!secrets_fill(text_of(text), config->directory, &value, status)) return false;
    bool is_well = url_parse(text_of(value), url, status);
    secrets_give_back(value);
    if (!is_well) return false;
    *is_second = strcmp(url->scheme, schemes[1]) == 0;
    if (*is_second || strcmp(url->scheme, schemes[0]) == 0) return true;
    url_fini(url);
    return status_fail(status, EXIT_CONFIG, "it does not begin with %s:// or %s://", schemes[0],
                       schemes[1]);
}

static bool check_plain_parts(const struct url *url, struct status *status)
{
    if (!*url->host) return status_fail(status, EXIT_CONFIG, "it names no host");
    if (!url->query) return true;
    return status_fail(
        status, EXIT_CONFIG,
        "it has a ?, and nothing is read from there; settings are keys of their own");
}

/* ---- AMQP ---------------------------------------------------------------------------------- */

static bool put_url(const struct url *url, struct config_server *out, struct status *status)
{
    if (!check_plain_parts(url, status)) return false;
    out->port = url->port ? url->port : out->is_tls ? AMQPS_PORT : AMQP_PORT;
    return put(url->host, "host", out->host, sizeof out->host, status) &&
           url_vhost(url, out->vhost, sizeof out->vhost, status) &&
           put(url->user ? url->user : "guest", "user", out->user, sizeof out->user, status) &&
           put(url->password ? url->password : "guest", "password", out->password,
               sizeof out->password, status);
}

static bool read_from_url(const struct config *config, const char *text, struct config_server *out,
                          struct status *status)
{
    static const char *const schemes[] = { "amqp", "amqps" };
    struct url url;
    if (!read_url(config, text, schemes, &url, &out->is_tls, status)) return false;
    bool is_well = put_url(&url, out, status);
    url_fini(&url);
    return is_well;
}

static bool read_from_host(const struct config *config, struct config_server *out,
                           const void **field, struct status *status)
{
    const char *vhost = config->amqp.vhost ? config->amqp.vhost : "/";
    const char *user = config->amqp.user ? config->amqp.user : "guest";
    const char *password = config->amqp.password ? config->amqp.password : "guest";
    out->is_tls = config->amqp.tls.is_given;
    out->port = config->amqp.port ? (uint16_t)config->amqp.port
                : out->is_tls     ? AMQPS_PORT
                                  : AMQP_PORT;
    *field = &config->amqp.host;
    if (!put(config->amqp.host, "host", out->host, sizeof out->host, status)) return false;
    *field = &config->amqp.vhost;
    if (!put(vhost, "virtual host", out->vhost, sizeof out->vhost, status)) return false;
    *field = &config->amqp.user;
    if (!put_template(config, user, "user", out->user, sizeof out->user, status)) return false;
    *field = &config->amqp.password;
    return put_template(config, password, "password", out->password, sizeof out->password, status);
}

bool servers_read_amqp(const struct config *config, size_t nth, struct config_server *out,
                       const void **field, struct status *status)
{
    memset(out, 0, sizeof *out);
    out->is_external = config->amqp.auth == CONFIG_AUTH_EXTERNAL;
    bool is_well;
    if (config->amqp.host) {
        is_well = read_from_host(config, out, field, status);
    } else {
        bool is_list = config->amqp.urls.n > 0;
        const char *const *text = is_list ? &config->amqp.urls.at[nth] : &config->amqp.url;
        *field = text;
        is_well = read_from_url(config, *text, out, status);
    }
    if (!is_well) explicit_bzero(out, sizeof *out);
    return is_well;
}

size_t config_amqp_servers(const struct config *config)
{
    if (config->amqp.host || config->amqp.url) return 1;
    return config->amqp.urls.n;
}

bool config_resolve_amqp(const struct config *config, size_t nth, struct config_server *out,
                         struct status *status)
{
    CHECK(nth < config_amqp_servers(config));
    const void *field = NULL;
    struct status why = { 0 };
    if (servers_read_amqp(config, nth, out, &field, &why)) return true;
    const struct config_place *place = config_place_of(config, field);
    return status_fail(status, EXIT_CONFIG, "%s:%d:%d: %s: %s", config->file, place->line,
                       place->column, place->path, why.text);
}

/* ---- PostgreSQL and Redis ------------------------------------------------------------------ */

/* "a:5432,b:5432": libpq's own extension of URLs, and libpq's to read. */
static bool has_several_hosts(const char *value)
{
    const char *hosts = strstr(value, "://");
    return hosts && memchr(hosts + 3, ',', strcspn(hosts + 3, "/?")) != NULL;
}

static bool check_postgres_url(const char *value, struct status *status)
{
    struct url url;
    if (strncmp(value, "postgresql://", 13) != 0 && strncmp(value, "postgres://", 11) != 0)
        return status_fail(status, EXIT_CONFIG,
                           "it does not begin with postgresql:// or postgres://");
    if (has_several_hosts(value)) return true;
    if (!url_parse(text_of(value), &url, status)) return false;
    bool is_well = *url.host || url.query; /* ?host=/a/directory */
    if (!is_well) status_fail(status, EXIT_CONFIG, "it names no host");
    url_fini(&url);
    return is_well;
}

static bool read_postgres(const struct config *config, const char *text, char *out,
                          size_t out_bytes, struct status *status)
{
    char *value = NULL;
    if (!secrets_fill(text_of(text), config->directory, &value, status)) return false;
    bool is_well = check_postgres_url(value, status);
    if (is_well && out) is_well = put(value, "text", out, out_bytes, status);
    secrets_give_back(value);
    return is_well;
}

bool servers_check_postgres(const struct config *config, const char *text, struct status *status)
{
    return read_postgres(config, text, NULL, 0, status);
}

bool config_resolve_postgres(const struct config *config, bool migrate, char *out, size_t bytes,
                             struct status *status)
{
    const char *const *field = migrate && config->postgres.migrate_url
                                   ? &config->postgres.migrate_url
                                   : &config->postgres.url;
    struct status why = { 0 };
    if (read_postgres(config, *field, out, bytes, &why)) return true;
    const struct config_place *place = config_place_of(config, field);
    return status_fail(status, EXIT_CONFIG, "%s:%d:%d: %s: %s", config->file, place->line,
                       place->column, place->path, why.text);
}

static bool put_database(const struct url *url, unsigned *out, struct status *status)
{
    int64_t database = 0;
    const char *path = *url->path == '/' ? url->path + 1 : url->path;
    if (*path && (!text_to_int(text_of(path), &database) || database < 0 || database > INT32_MAX))
        return status_fail(status, EXIT_CONFIG,
                           "what follows the host is not a database's number, as in /0");
    *out = (unsigned)database;
    return true;
}

static bool put_redis(const struct url *url, struct config_redis *out, struct status *status)
{
    if (!check_plain_parts(url, status) || !put_database(url, &out->database, status)) return false;
    if (url->user && *url->user && !url->password)
        return status_fail(status, EXIT_CONFIG,
                           "it has a user and no password; a password alone "
                           "is written :PASSWORD@");
    out->port = url->port ? url->port : REDIS_PORT;
    return put(url->host, "host", out->host, sizeof out->host, status) &&
           put(url->user ? url->user : "", "user", out->user, sizeof out->user, status) &&
           put(url->password ? url->password : "", "password", out->password, sizeof out->password,
               status);
}

bool servers_read_redis(const struct config *config, struct config_redis *out,
                        struct status *status)
{
    static const char *const schemes[] = { "redis", "rediss" };
    struct url url;
    memset(out, 0, sizeof *out);
    if (!read_url(config, config->redis.url, schemes, &url, &out->is_tls, status)) return false;
    const bool is_well = put_redis(&url, out, status);
    url_fini(&url);
    if (!is_well) explicit_bzero(out, sizeof *out);
    return is_well;
}

bool config_resolve_redis(const struct config *config, struct config_redis *out,
                          struct status *status)
{
    struct status why = { 0 };
    if (servers_read_redis(config, out, &why)) return true;
    const struct config_place *place = config_place_of(config, &config->redis.url);
    return status_fail(status, EXIT_CONFIG, "%s:%d:%d: %s: %s", config->file, place->line,
                       place->column, place->path, why.text);
}
