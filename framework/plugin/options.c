/* SPDX-License-Identifier: Apache-2.0
 *
 * Options; see options.h. One value for each declared option, in the declaration's order. */
#include "plugin/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

struct options {
    const struct wr_option *declared; /* the handler's; ends with a NULL name */
    size_t n;
    char *values[]; /* NULL only while binding */
};

struct binding {
    struct options *options;
    void (*on_fault)(void *owner, int index, const char *text);
    void *owner;
    size_t faults;
};

static void PRINTF_LIKE(3, 4) tell(struct binding *binding, int index, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    binding->faults++;
    binding->on_fault(binding->owner, index, text);
}

static size_t count_declared(const struct wr_handler *handler)
{
    size_t n = 0;
    while (handler->options && handler->options[n].name) n++;
    return n;
}

static size_t find(const struct options *options, const char *name)
{
    size_t i = 0;
    while (i < options->n && strcmp(options->declared[i].name, name) != 0) i++;
    return i;
}

static void tell_unknown(struct binding *binding, int index, const char *handler, const char *name)
{
    const struct options *const options = binding->options;
    const char **const names = memory_new(options->n + 1, sizeof *names);
    for (size_t i = 0; i < options->n; i++) names[i] = options->declared[i].name;
    const char *const nearest = text_nearest(name, names);
    char shown[128];
    text_show(text_of(name), shown, sizeof shown);
    if (nearest)
        tell(binding, index, "the handler %s has no option \"%s\"; did you mean \"%s\"?", handler,
             shown, nearest);
    else if (options->n > 0)
        tell(binding, index, "the handler %s has no option \"%s\"; it has \"%s\"%s", handler, shown,
             names[0], options->n > 1 ? " and others" : "");
    else
        tell(binding, index, "the handler %s has no option \"%s\", it has none at all", handler,
             shown);
    free(names);
}

static void bind_given(struct binding *binding, const char *handler, int index,
                       const struct option_given *given)
{
    struct options *const options = binding->options;
    const size_t i = find(options, given->name);
    if (i == options->n)
        tell_unknown(binding, index, handler, given->name);
    else if (options->values[i])
        tell(binding, index, "the option \"%s\" is given twice", given->name);
    else
        options->values[i] = memory_copy_text(given->value);
}

static void fill_fallbacks(struct binding *binding, const char *handler)
{
    struct options *const options = binding->options;
    for (size_t i = 0; i < options->n; i++) {
        const struct wr_option *const declared = &options->declared[i];
        if (options->values[i]) continue;
        if (declared->fallback)
            options->values[i] = memory_copy_text(declared->fallback);
        else
            tell(binding, -1, "the handler %s needs the option \"%s\"%s%s", handler, declared->name,
                 declared->help ? ": " : "", declared->help ? declared->help : "");
    }
}

struct options *options_bind(const struct wr_handler *handler, const struct option_given *given,
                             size_t n, void (*on_fault)(void *owner, int index, const char *text),
                             void *owner)
{
    const size_t declared = count_declared(handler);
    struct options *const options =
        memory_new(1, sizeof *options + (declared + 1) * sizeof *options->values);
    options->declared = handler->options;
    options->n = declared;
    struct binding binding = { options, on_fault, owner, 0 };
    for (size_t i = 0; i < n; i++) bind_given(&binding, handler->name, (int)i, &given[i]);
    fill_fallbacks(&binding, handler->name);
    if (binding.faults == 0) return options;
    options_free(options);
    return NULL;
}

void options_free(struct options *options)
{
    if (!options) return;
    for (size_t i = 0; i < options->n; i++) free(options->values[i]);
    free(options);
}

const char *options_get(const struct options *options, const char *name)
{
    const size_t i = find(options, name);
    return i < options->n ? options->values[i] : NULL;
}
