/* SPDX-License-Identifier: Apache-2.0
 *
 * The exporter: a thread of its own that sends spans, as they gather, to where OTLP is spoken. Nobody
 * ever waits for it: what it cannot get rid of stays in the ring until that is full, and what the ring
 * cannot take is dropped and counted. */
#ifndef OPS_EXPORTER_H
#define OPS_EXPORTER_H

#include "base/status.h"
#include "metrics/spans.h"
#include "ops/otlp_settings.h"

struct exporter;

struct exporter_plan {
    const struct otlp_settings *settings; /* outlives it, as the rest does */
    struct spans *spans;
    struct counter *exported, *dropped; /* shared */
    const char *version;
};

MUST_USE struct exporter *exporter_open(const struct exporter_plan *plan, struct status *status);
/* Sends what is left, for at most `patience_ms`; what is left then is dropped. NULL is fine. */
void exporter_close(struct exporter *exporter, uint32_t patience_ms);

#endif
