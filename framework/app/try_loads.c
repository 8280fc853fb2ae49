/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of loads; see try_loads.h. */
#include "app/try_loads.h"

#include <stdlib.h>

#include "app/line_source.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/json.h"

struct reading {
    struct line_source lines;
    struct json json;
    struct arena arena; /* of a line */
    struct wr_trial *trial;
    struct status *status;
};

PRINTF_LIKE(2, 3) static bool refuse(struct reading *reading, const char *format, ...)
{
    struct status fault;
    va_list args;
    va_start(args, format);
    (void)status_vfail(&fault, EXIT_USAGE, format, args);
    va_end(args);
    return status_fail(reading->status, EXIT_USAGE, "%s:%llu: %s", reading->lines.name,
                       (unsigned long long)reading->lines.line, fault.text);
}

static bool refuse_field(struct reading *reading, const char *field, enum json_fault fault)
{
    char words[JSON_WORDS_BYTES];
    return refuse(reading, "\"%s\" %s", field,
                  json_words(&reading->json, fault, words, sizeof words));
}

static bool find_loader(struct reading *reading, struct wr_text name, unsigned *nth)
{
    const struct wr_loader *const loaders = trial_handler(reading->trial)->loaders;
    for (*nth = 0; loaders[*nth].name; (*nth)++)
        if (text_is(name, loaders[*nth].name)) return true;
    char shown[128];
    return refuse(reading, "the handler has no loader \"%s\"%s%s%s",
                  text_show(name, shown, sizeof shown),
                  *nth ? "; it has \"" : ", it has none at all", *nth ? loaders[0].name : "",
                  *nth ? (*nth > 1 ? "\" and others" : "\"") : "");
}

static bool read_loader(struct reading *reading, unsigned *nth)
{
    struct wr_text name;
    int64_t number;
    if (json_kind(&reading->json, "loader") != JSON_IS_INT) {
        const enum json_fault fault = json_text(&reading->json, "loader", &reading->arena, &name);
        return fault == JSON_OK ? find_loader(reading, name, nth)
                                : refuse_field(reading, "loader", fault);
    }
    unsigned n = 0;
    while (trial_handler(reading->trial)->loaders[n].name) n++;
    const enum json_fault fault = json_int(&reading->json, "loader", &number);
    if (fault != JSON_OK || number < 0 || number >= n)
        return refuse(reading, "\"loader\" is out of range: the handler has %u", n);
    *nth = (unsigned)number;
    return true;
}

static bool read_value(struct reading *reading, struct wr_text *value)
{
    struct json *const json = &reading->json;
    const enum json_fault fault = json_kind(json, "value") == JSON_IS_TEXT
                                      ? json_text(json, "value", &reading->arena, value)
                                      : json_raw(json, "value", value);
    return fault == JSON_OK || fault == JSON_HOLDS_NUL || refuse_field(reading, "value", fault);
}

static bool take_line(struct reading *reading, struct wr_text line)
{
    struct json *const json = &reading->json;
    struct wr_text key = { "", 0 }, value = { "", 0 };
    int64_t version = 1;
    unsigned loader = 0;
    const enum json_fault opened = json_open(json, line);
    char words[JSON_WORDS_BYTES];
    if (opened != JSON_OK)
        return refuse(reading, "the line %s", json_words(json, opened, words, sizeof words));
    if (!read_loader(reading, &loader)) return false;
    const enum json_fault fault = json_text(json, "key", &reading->arena, &key);
    if (fault != JSON_OK) return refuse_field(reading, "key", fault);
    const enum json_fault counted =
        json_has(json, "version") ? json_int(json, "version", &version) : JSON_OK;
    if (counted != JSON_OK) return refuse_field(reading, "version", counted);
    if (version < 0) return refuse(reading, "\"version\" is below 0");
    if (json_kind(json, "value") == JSON_IS_NULL) return true;
    if (!read_value(reading, &value)) return false;
    wr_trial_load(reading->trial, loader, key, (uint64_t)version, value);
    return true;
}

bool try_loads_read(const char *path, struct wr_trial *trial, struct status *status)
{
    struct reading *const reading = NEW(struct reading);
    reading->trial = trial;
    reading->status = status;
    arena_init(&reading->arena, NULL, 0);
    enum line_found found = LINE_FAULT;
    struct wr_text line;
    bool is_well = line_source_open(&reading->lines, path, status);
    while (is_well && (found = line_source_wait(&reading->lines, &line, status)) == LINE_FOUND) {
        is_well = take_line(reading, line);
        arena_reset(&reading->arena);
    }
    if (reading->lines.name) line_source_close(&reading->lines);
    arena_reset(&reading->arena);
    free(reading);
    return is_well && found == LINE_END;
}
