/* SPDX-License-Identifier: Apache-2.0
 *
 * See conninfo.h. libpq's words about a text it cannot read quote that text, so they are cut before
 * the first quotation mark. */
#include "store/conninfo.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

struct conninfo {
    PQconninfoOption *options;
    struct conninfo_host hosts[CONNINFO_HOSTS_MOST];
    size_t n_hosts;
    char *names, *addresses, *ports; /* what `hosts` points into */
};

static const char *value_of(const struct conninfo *info, const char *keyword)
{
    for (const PQconninfoOption *option = info->options; option->keyword; option++)
        if (strcmp(option->keyword, keyword) == 0)
            return option->val && *option->val ? option->val : NULL;
    return NULL;
}

static bool is_secret(const PQconninfoOption *option)
{
    return option->dispchar && *option->dispchar == '*' && option->val && *option->val;
}

/* ---- hosts ----------------------------------------------------------------------------------- */

/* Cuts "a,b" in place; past the last entry there is "". */
static size_t cut(char *list, const char *entries[CONNINFO_HOSTS_MOST])
{
    size_t n = 0;
    for (char *rest = list; rest && n < CONNINFO_HOSTS_MOST;) entries[n++] = strsep(&rest, ",");
    for (size_t i = n; i < CONNINFO_HOSTS_MOST; i++) entries[i] = "";
    return n;
}

static size_t count(const char *list)
{
    size_t n = 1;
    for (const char *c = list; *c; c++) n += *c == ',';
    return n;
}

static const char *told(const struct conninfo *info, const char *keyword, const char *variable)
{
    const char *value = value_of(info, keyword);
    if (!value) value = getenv(variable);
    return value ? value : "";
}

static bool is_port(const char *text)
{
    int64_t number = 0;
    return !*text || (text_to_int(text_of(text), &number) && number >= 1 && number <= 65535);
}

static bool check_counts(const struct conninfo *info, size_t n_names, size_t n_addresses,
                         size_t n_ports, struct status *status)
{
    const bool both = *info->names && *info->addresses;
    if (info->n_hosts > CONNINFO_HOSTS_MOST)
        return status_fail(status, EXIT_CONFIG, "it names more than %d hosts", CONNINFO_HOSTS_MOST);
    if (both && n_names != n_addresses)
        return status_fail(status, EXIT_CONFIG, "it has %zu hosts and %zu in hostaddr", n_names,
                           n_addresses);
    if (n_ports != 1 && n_ports != info->n_hosts)
        return status_fail(status, EXIT_CONFIG, "it has %zu hosts and %zu ports", info->n_hosts,
                           n_ports);
    return true;
}

static bool split_hosts(struct conninfo *info, struct status *status)
{
    info->names = memory_copy_text(told(info, "host", "PGHOST"));
    info->addresses = memory_copy_text(told(info, "hostaddr", "PGHOSTADDR"));
    info->ports = memory_copy_text(told(info, "port", "PGPORT"));
    const size_t n_names = count(info->names), n_addresses = count(info->addresses),
                 n_ports = count(info->ports);
    info->n_hosts = *info->addresses ? n_addresses : n_names;
    if (!check_counts(info, n_names, n_addresses, n_ports, status)) return false;
    const char *names[CONNINFO_HOSTS_MOST], *addresses[CONNINFO_HOSTS_MOST],
        *ports[CONNINFO_HOSTS_MOST];
    cut(info->names, names);
    cut(info->addresses, addresses);
    cut(info->ports, ports);
    for (size_t i = 0; i < info->n_hosts; i++) {
        const char *port = ports[n_ports == 1 ? 0 : i];
        if (!is_port(port)) return status_fail(status, EXIT_CONFIG, "its port is not 1 to 65535");
        info->hosts[i] = (struct conninfo_host){ names[i], addresses[i], port };
    }
    return true;
}

size_t conninfo_hosts(const struct conninfo *info, const struct conninfo_host **hosts)
{
    *hosts = info->hosts;
    return info->n_hosts;
}

bool conninfo_is_local(const struct conninfo_host *host)
{
    return !*host->address && (!*host->name || *host->name == '/' || *host->name == '@');
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool fail_unread(char *words, struct status *status)
{
    char said[100] = "";
    if (words) snprintf(said, sizeof said, "%.*s", (int)strcspn(words, "\"\n"), words);
    for (size_t n = strlen(said); n > 0 && strchr(" :=", said[n - 1]); n--) said[n - 1] = '\0';
    PQfreemem(words);
    return status_fail(
        status, EXIT_CONFIG,
        "PostgreSQL's library cannot read where to connect%s%s; it is written "
        "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, and in a user or password %% is "
        "%%25, / is %%2F, : is %%3A, @ is %%40",
        *said ? ": " : "", said);
}

/* libpq would look up the service's host by itself, and wait. */
static bool refuse_service(const struct conninfo *info, struct status *status)
{
    const bool is_named = value_of(info, "service") || getenv("PGSERVICE");
    if (!is_named || *told(info, "host", "PGHOST") || *told(info, "hostaddr", "PGHOSTADDR"))
        return true;
    return status_fail(status, EXIT_CONFIG,
                       "it names a service and no host; name host and port beside the service");
}

bool conninfo_parse(const char *text, struct conninfo **out, struct status *status)
{
    char *words = NULL;
    *out = NULL;
    PQconninfoOption *options = PQconninfoParse(text, &words);
    if (!options) return fail_unread(words, status);
    struct conninfo *info = NEW(struct conninfo);
    info->options = options;
    if (refuse_service(info, status) && split_hosts(info, status)) {
        *out = info;
        return true;
    }
    conninfo_free(info);
    return false;
}

void conninfo_free(struct conninfo *info)
{
    if (!info) return;
    for (PQconninfoOption *option = info->options; option->keyword; option++)
        if (is_secret(option)) explicit_bzero(option->val, strlen(option->val));
    PQconninfoFree(info->options);
    free(info->names);
    free(info->addresses);
    free(info->ports);
    free(info);
}

/* ---- showing --------------------------------------------------------------------------------- */

static void show_host(FILE *to, const struct conninfo_host *host)
{
    const char *name = *host->name ? host->name : host->address;
    const char *frame = strchr(name, ':') ? "[]" : "";
    fprintf(to, "%.1s%s%s", frame, name, *frame ? "]" : "");
    if (*host->port) fprintf(to, ":%s", host->port);
}

const char *conninfo_show(const struct conninfo *info, const struct conninfo_host *only, char *out,
                          size_t out_bytes)
{
    const char *user = value_of(info, "user"), *database = value_of(info, "dbname");
    FILE *to = fmemopen(out, out_bytes, "w");
    CHECK(to && out_bytes > 0);
    fprintf(to, "postgresql://%s%s", user ? user : "", user ? "@" : "");
    if (only) show_host(to, only);
    for (size_t i = 0; !only && i < info->n_hosts; i++) {
        if (i > 0) fputc(',', to);
        show_host(to, &info->hosts[i]);
    }
    fprintf(to, "/%s", database ? database : "");
    fclose(to);
    out[out_bytes - 1] = '\0';
    return out;
}

/* A password that is also the user's name would black out the words for nothing. */
static bool is_public(const struct conninfo *info, const char *secret)
{
    for (const PQconninfoOption *option = info->options; option->keyword; option++)
        if (!is_secret(option) && option->val && strcmp(option->val, secret) == 0) return true;
    return false;
}

static size_t secret_at(const struct conninfo *info, const char *at)
{
    for (const PQconninfoOption *option = info->options; option->keyword; option++)
        if (is_secret(option) && strncmp(at, option->val, strlen(option->val)) == 0 &&
            !is_public(info, option->val))
            return strlen(option->val);
    return 0;
}

const char *conninfo_redact(const struct conninfo *info, const char *words, char *out,
                            size_t out_bytes)
{
    size_t n = 0;
    for (const char *at = words; *at && n + 4 < out_bytes;) {
        const size_t hidden = secret_at(info, at);
        if (hidden > 0) {
            memcpy(out + n, "***", 3);
            n += 3;
            at += hidden;
        } else {
            out[n++] = *at == '\n' || *at == '\t' ? ' ' : *at;
            at++;
        }
    }
    while (n > 0 && out[n - 1] == ' ') n--;
    out[n] = '\0';
    return out;
}

/* ---- connecting ------------------------------------------------------------------------------ */

/* Ours, whatever was told: who connects elsewhere than where writing is possible is of no use. */
static const char *const ours[][2] = {
    { "target_session_attrs", "read-write" },
    { "gssencmode", "disable" }, /* its negotiation blocks */
    { "client_encoding", "UTF8" },
};

/* Unless told otherwise. */
static const char *const fallbacks[][2] = {
    { "keepalives", "1" },
    { "keepalives_idle", "10" },
    { "keepalives_interval", "5" },
    { "keepalives_count", "3" },
};

static bool is_ours(const char *keyword)
{
    static const char *const also[] = { "host", "hostaddr", "port", "connect_timeout",
                                        "load_balance_hosts" };
    for (size_t i = 0; i < sizeof also / sizeof *also; i++)
        if (strcmp(also[i], keyword) == 0) return true;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(ours[i][0], keyword) == 0) return true;
    return false;
}

static void add(struct conninfo_params *out, const char *keyword, const char *value)
{
    if (!value || !*value) return;
    CHECK(out->n + 1 < CONNINFO_PARAMS_MOST);
    out->keywords[out->n] = keyword;
    out->values[out->n++] = value;
}

void conninfo_params(const struct conninfo *info, const struct conninfo_host *host,
                     const char *application_name, unsigned user_timeout_ms,
                     struct conninfo_params *out)
{
    memset(out, 0, sizeof *out);
    snprintf(out->user_timeout_ms, sizeof out->user_timeout_ms, "%u", user_timeout_ms);
    for (const PQconninfoOption *option = info->options; option->keyword; option++)
        if (!is_ours(option->keyword)) add(out, option->keyword, option->val);
    for (size_t i = 0; i < sizeof fallbacks / sizeof *fallbacks; i++)
        if (!value_of(info, fallbacks[i][0])) add(out, fallbacks[i][0], fallbacks[i][1]);
    if (!value_of(info, "tcp_user_timeout")) add(out, "tcp_user_timeout", out->user_timeout_ms);
    if (!value_of(info, "application_name")) add(out, "application_name", application_name);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) add(out, ours[i][0], ours[i][1]);
    add(out, "host", host->name);
    add(out, "hostaddr", host->address);
    add(out, "port", host->port);
}
