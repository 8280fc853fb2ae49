/* SPDX-License-Identifier: Apache-2.0
 *
 * Where spans go and how, as OpenTelemetry's environment says it: OTEL_EXPORTER_OTLP_ENDPOINT and what
 * belongs to it; docs/tracing.md lists them. Without an endpoint nothing is sent. Pure, but for memory. */
#ifndef OPS_OTLP_SETTINGS_H
#define OPS_OTLP_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/trace.h"

struct otlp_pair {
    char *key, *value;
};

enum otlp_format { OTLP_PROTOBUF, OTLP_JSON };

struct otlp_settings {
    bool is_on; /* otherwise nothing below is set */
    bool use_tls;
    enum otlp_format format;
    uint16_t port;
    uint32_t timeout_ms;
    char *host, *path;       /* the path with its query */
    char *headers;           /* lines that end with CR LF; "" */
    char *ca_file;           /* NULL: the system's */
    struct otlp_pair *about; /* the resource's attributes, service.name first */
    size_t n_about;
    struct trace_sampler sampler;
    char warning[300]; /* what is not as it was asked for; "" */
};

/* `get` is getenv, but for tests. False where it cannot be read: says which variable; then it is off. */
MUST_USE bool otlp_settings_read(const char *(*get)(const char *name), struct otlp_settings *out,
                                 struct status *status);
void otlp_settings_fini(struct otlp_settings *settings); /* wipes its headers */

#endif
