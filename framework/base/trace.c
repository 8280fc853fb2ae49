/* SPDX-License-Identifier: Apache-2.0
 *
 * Trace contexts; see trace.h. Hex digits are lower case in both directions: others are no digits. */
#include "base/trace.h"

#include <math.h>
#include <stdlib.h>

static const char digits[] = "0123456789abcdef";

/* ---- traceparent ------------------------------------------------------------------------------- */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *from, uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int high = digit_of(from[2 * i]), low = digit_of(from[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
    while (n > 0 && bytes[n - 1] == 0) n--;
    return n == 0;
}

/* Of a version to come, what is known of 00 is read and the rest is ignored; ff will never be one. */
static bool has_form(struct wr_text parent, uint8_t version)
{
    if (parent.at[2] != '-' || parent.at[35] != '-' || parent.at[52] != '-') return false;
    if (version == 0xff) return false;
    return parent.len == TRACE_PARENT_CHARS || (version != 0 && parent.at[55] == '-');
}

bool trace_read(struct wr_text parent, struct trace_context *out)
{
    uint8_t version;
    *out = (struct trace_context){ .is_there = false };
    if (parent.len < TRACE_PARENT_CHARS || !read_hex(parent.at, &version, 1)) return false;
    out->is_there = has_form(parent, version) && read_hex(parent.at + 3, out->id, sizeof out->id) &&
                    read_hex(parent.at + 36, out->span, sizeof out->span) &&
                    read_hex(parent.at + 53, &out->flags, 1) && !is_zero(out->id, sizeof out->id) &&
                    !is_zero(out->span, sizeof out->span);
    return out->is_there;
}

void trace_hex(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

void trace_write(const struct trace_context *context, char out[TRACE_PARENT_CHARS])
{
    memset(out, '-', TRACE_PARENT_CHARS);
    out[0] = out[1] = '0';
    trace_hex(context->id, sizeof context->id, out + 3);
    trace_hex(context->span, sizeof context->span, out + 36);
    trace_hex(&context->flags, 1, out + 53);
}

bool trace_is_state(struct wr_text state)
{
    if (state.len == 0 || state.len > TRACE_STATE_BYTES) return false;
    for (size_t i = 0; i < state.len; i++)
        if (state.at[i] < ' ' || state.at[i] > '~') return false;
    return true;
}

/* ---- samplers ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    struct trace_sampler sampler;
} samplers[] = {
    { "parentbased_always_on", { TRACE_ALWAYS, true, 0 } }, /* the default */
    { "parentbased_always_off", { TRACE_NEVER, true, 0 } },
    { "parentbased_traceidratio", { TRACE_RATIO, true, 0 } },
    { "always_on", { TRACE_ALWAYS, false, 0 } },
    { "always_off", { TRACE_NEVER, false, 0 } },
    { "traceidratio", { TRACE_RATIO, false, 0 } },
};
#define SAMPLERS (sizeof samplers / sizeof *samplers)
#define ALL (UINT64_C(1) << 63)

static bool read_ratio(const char *argument, uint64_t *most, struct status *status)
{
    *most = ALL;
    if (!argument || !*argument) return true;
    char *end;
    const double ratio = strtod(argument, &end);
    if (*end || !isfinite(ratio) || ratio < 0 || ratio > 1)
        return status_fail(status, EXIT_CONFIG,
                           "OTEL_TRACES_SAMPLER_ARG is \"%s\"; a ratio from 0 to 1 was expected",
                           argument);
    *most = ratio >= 1 ? ALL : (uint64_t)(ratio * (double)ALL);
    return true;
}

bool trace_sampler_read(const char *name, const char *argument, struct trace_sampler *out,
                        struct status *status)
{
    *out = samplers[0].sampler;
    if (!name || !*name) return true;
    for (size_t i = 0; i < SAMPLERS; i++) {
        if (strcmp(name, samplers[i].name) != 0) continue;
        struct trace_sampler sampler = samplers[i].sampler;
        if (sampler.root == TRACE_RATIO && !read_ratio(argument, &sampler.most, status))
            return false;
        *out = sampler;
        return true;
    }
    return status_fail(status, EXIT_CONFIG,
                       "OTEL_TRACES_SAMPLER is \"%s\"; known are always_on, always_off, "
                       "traceidratio, and each with parentbased_ before it",
                       name);
}

static uint64_t low_bits(const uint8_t id[TRACE_ID_BYTES])
{
    uint64_t bits = 0;
    for (size_t i = TRACE_ID_BYTES - 8; i < TRACE_ID_BYTES; i++) bits = bits << 8 | id[i];
    return bits & (ALL - 1);
}

bool trace_is_sampled(const struct trace_sampler *sampler, const struct trace_context *parent,
                      const uint8_t id[TRACE_ID_BYTES])
{
    if (sampler->follows_parent && parent->is_there) return parent->flags & TRACE_SAMPLED;
    if (sampler->root == TRACE_RATIO) return low_bits(id) < sampler->most;
    return sampler->root == TRACE_ALWAYS;
}
