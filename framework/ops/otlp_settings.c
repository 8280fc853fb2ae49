/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the environment; see otlp_settings.h. What is set and empty counts as not set, as
 * OpenTelemetry asks. Words about a header never quote its value. */
#include "ops/otlp_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/check.h"
#include "config/url.h"

#define TIMEOUT_MS 10000
#define TIMEOUT_MOST_MS 600000
#define TRACES_PATH "/v1/traces"

struct reading {
    const char *(*get)(const char *name);
    struct otlp_settings *out;
    struct status *status;
};

static const char *ask(const struct reading *reading, const char *name)
{
    const char *const value = reading->get(name);
    return value && *value ? value : NULL;
}

/* Of two names the one for traces alone goes first. */
static const char *ask_either(const struct reading *reading, const char *what, char name[64])
{
    snprintf(name, 64, "OTEL_EXPORTER_OTLP_TRACES_%s", what);
    const char *const value = ask(reading, name);
    if (value) return value;
    snprintf(name, 64, "OTEL_EXPORTER_OTLP_%s", what);
    return ask(reading, name);
}

static char *join(const char *a, const char *b, const char *c, const char *d)
{
    const size_t bytes = strlen(a) + strlen(b) + strlen(c) + strlen(d) + 1;
    char *const joined = memory_new(bytes, 1);
    snprintf(joined, bytes, "%s%s%s%s", a, b, c, d);
    return joined;
}

/* ---- where to ---------------------------------------------------------------------------------- */

/* The endpoint for traces is taken as it is; to that for all signals their path is added. */
static char *path_of(const struct url *url, bool is_for_traces)
{
    const char *const query = url->query ? url->query : "", *const mark = url->query ? "?" : "";
    if (is_for_traces) return join(*url->path ? url->path : "/", "", mark, query);
    char *const base = memory_copy_text(url->path);
    size_t n = strlen(base);
    while (n > 0 && base[n - 1] == '/') base[--n] = '\0';
    char *const path = join(base, TRACES_PATH, mark, query);
    free(base);
    return path;
}

static bool read_endpoint(struct reading *reading, const char *name, const char *value)
{
    struct otlp_settings *const out = reading->out;
    struct url url;
    struct status fault = { 0 };
    if (!url_parse(text_of(value), &url, &fault))
        return status_fail(reading->status, EXIT_CONFIG, "%s: %s", name, fault.text);
    out->use_tls = strcmp(url.scheme, "https") == 0;
    const bool is_http = out->use_tls || strcmp(url.scheme, "http") == 0;
    if (is_http && *url.host && !url.user) {
        out->host = memory_copy_text(url.host);
        out->port = url.port ? url.port : out->use_tls ? 443 : 80;
        out->path = path_of(&url, strstr(name, "TRACES") != NULL);
    }
    url_fini(&url);
    return out->host || status_fail(reading->status, EXIT_CONFIG,
                                    "%s is not like http://collector:4318 or https://…; a user "
                                    "and password go into OTEL_EXPORTER_OTLP_HEADERS",
                                    name);
}

/* ---- lists: "key=value,key=value", values %XX-encoded ------------------------------------------- */

static char *trim(char *text)
{
    while (*text == ' ' || *text == '\t') text++;
    for (size_t n = strlen(text); n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t');)
        text[--n] = '\0';
    return text;
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f) return true;
    return false;
}

/* Each pair to `on_pair`; the copy is wiped, for there may be a token in it. */
static bool read_list(struct reading *reading, const char *name, const char *value,
                      void (*on_pair)(struct otlp_settings *, const char *key, const char *value))
{
    char *const copy = memory_copy_text(value), *rest = copy;
    bool is_good = true;
    for (char *item; is_good && (item = strsep(&rest, ","));) {
        item = trim(item);
        if (!*item) continue;
        char *const equals = strchr(item, '=');
        if (equals) *equals = '\0';
        char *const key = trim(item), *const own = equals ? trim(equals + 1) : NULL;
        is_good = own && *key && !strpbrk(key, " \t:") && url_decode(own) && !has_control(key) &&
                  !has_control(own);
        if (is_good) on_pair(reading->out, key, own);
    }
    explicit_bzero(copy, strlen(value));
    free(copy);
    return is_good ||
           status_fail(reading->status, EXIT_CONFIG,
                       "%s is not like key=value,key=value with values %%XX-encoded", name);
}

static void add_header(struct otlp_settings *out, const char *key, const char *value)
{
    char *const line = join(key, ": ", value, "\r\n");
    char *const all = join(out->headers, line, "", "");
    explicit_bzero(line, strlen(line));
    free(line);
    free(out->headers);
    out->headers = all;
}

/* The last of a name counts; service.name has its place already. */
static void add_about(struct otlp_settings *out, const char *key, const char *value)
{
    for (size_t i = 0; i < out->n_about; i++) {
        if (strcmp(out->about[i].key, key) != 0) continue;
        free(out->about[i].value);
        out->about[i].value = memory_copy_text(value);
        return;
    }
    out->about = memory_grow(out->about, out->n_about + 1, sizeof *out->about);
    out->about[out->n_about++] =
        (struct otlp_pair){ memory_copy_text(key), memory_copy_text(value) };
}

static bool read_about(struct reading *reading)
{
    static const char attributes[] = "OTEL_RESOURCE_ATTRIBUTES";
    const char *const service = ask(reading, "OTEL_SERVICE_NAME");
    const char *const list = ask(reading, attributes);
    char host[256] = "";
    (void)gethostname(host, sizeof host - 1);
    add_about(reading->out, "service.name", "warrener");
    if (*host) add_about(reading->out, "service.instance.id", host);
    if (*host) add_about(reading->out, "host.name", host);
    if (list && !read_list(reading, attributes, list, add_about)) return false;
    if (service) add_about(reading->out, "service.name", service);
    return true;
}

/* ---- the rest ------------------------------------------------------------------------------------ */

static bool read_timeout(struct reading *reading, uint32_t *timeout_ms)
{
    char name[64];
    const char *const value = ask_either(reading, "TIMEOUT", name);
    int64_t ms = TIMEOUT_MS;
    if (value && (!text_to_int(text_of(value), &ms) || ms < 1 || ms > TIMEOUT_MOST_MS))
        return status_fail(reading->status, EXIT_CONFIG,
                           "%s is \"%s\"; milliseconds from 1 to %d were expected", name, value,
                           TIMEOUT_MOST_MS);
    *timeout_ms = (uint32_t)ms;
    return true;
}

static void read_protocol(struct reading *reading)
{
    struct otlp_settings *const out = reading->out;
    char name[64];
    const char *const value = ask_either(reading, "PROTOCOL", name);
    out->format = value && strcmp(value, "http/json") == 0 ? OTLP_JSON : OTLP_PROTOBUF;
    if (value && out->format != OTLP_JSON && strcmp(value, "http/protobuf") != 0)
        snprintf(out->warning, sizeof out->warning,
                 "%s is \"%s\", but spans are sent as http/protobuf (there is http/json, too): let "
                 "the endpoint be one that takes OTLP over HTTP (a collector's port 4318)",
                 name, value);
}

static bool is_off(const struct reading *reading)
{
    const char *const disabled = ask(reading, "OTEL_SDK_DISABLED");
    const char *const exporter = ask(reading, "OTEL_TRACES_EXPORTER");
    return (disabled && strcasecmp(disabled, "true") == 0) ||
           (exporter && strcmp(exporter, "none") == 0);
}

static bool read_all(struct reading *reading)
{
    char name[64];
    struct otlp_settings *const out = reading->out;
    const char *value = ask_either(reading, "ENDPOINT", name);
    if (!value || is_off(reading)) return true;
    out->headers = memory_copy_text("");
    if (!read_endpoint(reading, name, value)) return false;
    value = ask_either(reading, "HEADERS", name);
    if (value && !read_list(reading, name, value, add_header)) return false;
    value = ask_either(reading, "CERTIFICATE", name);
    if (value) out->ca_file = memory_copy_text(value);
    if (!read_about(reading) || !read_timeout(reading, &out->timeout_ms)) return false;
    if (!trace_sampler_read(ask(reading, "OTEL_TRACES_SAMPLER"),
                            ask(reading, "OTEL_TRACES_SAMPLER_ARG"), &out->sampler,
                            reading->status))
        return false;
    read_protocol(reading);
    out->is_on = true;
    return true;
}

bool otlp_settings_read(const char *(*get)(const char *name), struct otlp_settings *out,
                        struct status *status)
{
    struct reading reading = { get, out, status };
    *out = (struct otlp_settings){ .is_on = false };
    if (read_all(&reading)) return true;
    otlp_settings_fini(out);
    return false;
}

void otlp_settings_fini(struct otlp_settings *settings)
{
    if (settings->headers) explicit_bzero(settings->headers, strlen(settings->headers));
    for (size_t i = 0; i < settings->n_about; i++) {
        free(settings->about[i].key);
        free(settings->about[i].value);
    }
    free(settings->about);
    free(settings->headers);
    free(settings->host);
    free(settings->path);
    free(settings->ca_file);
    *settings = (struct otlp_settings){ .is_on = false };
}
