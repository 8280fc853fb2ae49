/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of faults; see faults.h. */
#include "config/faults.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "config/schema.h"

#define FAULT_BYTES 1000

void config_faults_fini(struct config_faults *faults)
{
    for (size_t i = 0; i < faults->n; i++) free(faults->items[i].text);
    free(faults->items);
    free(faults->file);
    memset(faults, 0, sizeof *faults);
}

void config_faults_open(struct config_faults *faults, const char *file)
{
    config_faults_fini(faults);
    faults->file = memory_copy_text(file);
}

/* A key that nobody knows may be one of those that are needed, misspelt. */
static bool is_wanted(const struct config_faults *faults, const char *key)
{
    if (!faults->only || !key) return true;
    const struct wr_text top = { key, strcspn(key, ".[") };
    for (const char *const *name = faults->only; *name; name++)
        if (text_is(top, *name)) return true;
    return schema_find(top) == NULL;
}

void config_faults_vadd(struct config_faults *faults, int line, int column, const char *key,
                        const char *format, va_list args)
{
    if (!is_wanted(faults, key)) return;
    if (faults->n == CONFIG_FAULTS_MAX) {
        faults->n_more++;
        return;
    }
    char text[FAULT_BYTES];
    int at = key && *key ? snprintf(text, sizeof text, "%s: ", key) : 0;
    if (at >= FAULT_BYTES) at = FAULT_BYTES - 1;
    vsnprintf(text + at, sizeof text - (size_t)at, format, args);
    faults->items = memory_grow(faults->items, faults->n + 1, sizeof *faults->items);
    faults->items[faults->n] =
        (struct config_fault){ line, column, faults->n, memory_copy_text(text) };
    faults->n++;
}

void config_faults_add(struct config_faults *faults, int line, int column, const char *key,
                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    config_faults_vadd(faults, line, column, key, format, args);
    va_end(args);
}

static int compare(const void *left, const void *right)
{
    const struct config_fault *a = left, *b = right;
    if (a->line != b->line) return a->line < b->line ? -1 : 1;
    if (a->column != b->column) return a->column < b->column ? -1 : 1;
    return a->nth < b->nth ? -1 : 1;
}

void config_faults_sort(struct config_faults *faults)
{
    if (faults->n) qsort(faults->items, faults->n, sizeof *faults->items, compare);
}

void config_faults_write(const struct config_faults *faults, FILE *out)
{
    const char *file = faults->file ? faults->file : "configuration";
    for (size_t i = 0; i < faults->n; i++) {
        const struct config_fault *fault = &faults->items[i];
        if (fault->line)
            fprintf(out, "%s:%d:%d: %s\n", file, fault->line, fault->column, fault->text);
        else
            fprintf(out, "%s: %s\n", file, fault->text);
    }
    if (faults->n_more) fprintf(out, "%s: and %zu more\n", file, faults->n_more);
}
