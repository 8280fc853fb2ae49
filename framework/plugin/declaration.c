/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations; see declaration.h. A plugin's lists are walked by its own stride and copied by the
 * shorter of both sizes, so that an older plugin's entries grow zeros here. What must be there at
 * least is what ABI 1.0 had: each struct up to the last member of that time, whatever was added since. */
#include "plugin/declaration.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/text.h"

enum { NAME_CHARS_MOST = 64, ENTRIES_MOST = 1024, STRIDE_MOST = 4096 };

struct declaration {
    struct wr_handler handler;
    struct arena arena; /* the lists */
    char first[1024];
};

#define END_OF(type, member) (offsetof(type, member) + sizeof(((type *)NULL)->member))
#define SIZE_IN_1_0(type, last)                                                                    \
    ((END_OF(type, last) + alignof(type) - 1) / alignof(type) * alignof(type))
#define HANDLER_IN_1_0 SIZE_IN_1_0(struct wr_handler, close)

/* Who reads, and where refusals go. */
struct reader {
    struct declaration *into;
    const char *path;
    struct status *status;
};

#define REFUSE(reader, format, ...)                                                                \
    status_fail((reader)->status, EXIT_CONFIG, "%s: " format, (reader)->path, __VA_ARGS__)

/* ---- size and ABI ------------------------------------------------------------------------------ */

static bool is_abi_good(const struct reader *reader, const struct wr_handler *theirs)
{
    if (theirs->abi_major == WR_ABI_MAJOR && theirs->abi_minor <= WR_ABI_MINOR) return true;
    const bool is_newer = theirs->abi_major >= WR_ABI_MAJOR; /* or its minor would be well */
    return REFUSE(
        reader, "it was built for handler ABI %u.%u, this host (warrener %s) speaks %d.%d: %s",
        theirs->abi_major, theirs->abi_minor, WARRENER_VERSION, WR_ABI_MAJOR, WR_ABI_MINOR,
        is_newer ? "upgrade the host, or rebuild the handler against this host's headers"
                 : "rebuild the handler against the headers of this host");
}

/* The three numbers at the front are all that may be read before they are known to be good. */
static bool is_head_good(const struct reader *reader, const struct wr_handler *theirs,
                         size_t symbol_bytes)
{
    const size_t numbers = offsetof(struct wr_handler, sink_size);
    if (symbol_bytes != 0 && symbol_bytes < numbers)
        return REFUSE(
            reader,
            "its symbol warrener_handler has %zu bytes and is no struct wr_handler: declare "
            "it with WR_HANDLER",
            symbol_bytes);
    if (!is_abi_good(reader, theirs)) return false;
    if (theirs->size < HANDLER_IN_1_0)
        return REFUSE(
            reader,
            "its struct wr_handler says it has %u bytes, ABI 1.0 has %zu: declare it with "
            "WR_HANDLER",
            theirs->size, HANDLER_IN_1_0);
    if (symbol_bytes != 0 && symbol_bytes < theirs->size)
        return REFUSE(reader,
                      "its struct wr_handler says it has %u bytes, its symbol warrener_handler has "
                      "%zu: declare it with WR_HANDLER",
                      theirs->size, symbol_bytes);
    return true;
}

/* ---- lists ------------------------------------------------------------------------------------- */

struct shape {
    const char *what; /* "sink" */
    size_t bytes;     /* of an entry here */
    size_t least;     /* of one in ABI 1.0 */
    size_t align;
};

#define SHAPE(name, last)                                                                          \
    static const struct shape name##_shape = { #name, sizeof(struct wr_##name),                    \
                                               SIZE_IN_1_0(struct wr_##name, last),                \
                                               alignof(struct wr_##name) }
SHAPE(sink, cache_around);
SHAPE(column, as);
SHAPE(loader, guards);
SHAPE(option, help);
SHAPE(counter, help);

static bool is_stride_good(const struct reader *reader, const struct shape *shape, size_t stride)
{
    if (stride >= shape->least && stride <= STRIDE_MOST && stride % shape->align == 0) return true;
    return REFUSE(
        reader,
        "its %ss have %zu bytes each, where %zu to %d in steps of %zu are expected: declare the "
        "handler with WR_HANDLER",
        shape->what, stride, shape->least, STRIDE_MOST, shape->align);
}

static bool is_all_zero(const char *entry, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (entry[i] != 0) return false;
    return true;
}

/* Columns end with a NULL name, whatever stands behind it; their name is their first member. */
static bool is_end(const struct shape *shape, const char *entry, size_t stride)
{
    return is_all_zero(entry, shape == &column_shape ? sizeof(char *) : stride);
}

/* The list at this host's stride, with its all-zero end; NULL where it is refused. */
static void *copy_list(const struct reader *reader, const struct shape *shape, const void *list,
                       size_t stride)
{
    const char *const entries = list;
    size_t n = 0;
    while (entries && n <= ENTRIES_MOST && !is_end(shape, entries + n * stride, stride)) n++;
    if (n > ENTRIES_MOST) {
        (void)REFUSE(reader,
                     "its list of %ss does not end within %d: a list ends with an all-zero entry",
                     shape->what, ENTRIES_MOST);
        return NULL;
    }
    char *const copy = arena_take(&reader->into->arena, (n + 1) * shape->bytes);
    memset(copy, 0, (n + 1) * shape->bytes);
    const size_t known = stride < shape->bytes ? stride : shape->bytes;
    for (size_t i = 0; i < n; i++) memcpy(copy + i * shape->bytes, entries + i * stride, known);
    return copy;
}

static bool copy_sinks(const struct reader *reader, const struct wr_handler *theirs)
{
    struct wr_sink *const sinks = copy_list(reader, &sink_shape, theirs->sinks, theirs->sink_size);
    if (!sinks) return false;
    for (struct wr_sink *sink = sinks; !is_all_zero((const char *)sink, sizeof *sink); sink++) {
        sink->columns = copy_list(reader, &column_shape, sink->columns, theirs->column_size);
        if (!sink->columns) return false;
    }
    reader->into->handler.sinks = sinks;
    return true;
}

static bool copy_lists(const struct reader *reader, const struct wr_handler *theirs)
{
    struct wr_handler *const ours = &reader->into->handler;
    if (!is_stride_good(reader, &sink_shape, theirs->sink_size)) return false;
    if (!is_stride_good(reader, &column_shape, theirs->column_size)) return false;
    if (!is_stride_good(reader, &loader_shape, theirs->loader_size)) return false;
    if (!is_stride_good(reader, &option_shape, theirs->option_size)) return false;
    if (!is_stride_good(reader, &counter_shape, theirs->counter_size)) return false;
    if (!copy_sinks(reader, theirs)) return false;
    ours->loaders = copy_list(reader, &loader_shape, theirs->loaders, theirs->loader_size);
    if (!ours->loaders) return false;
    ours->options = copy_list(reader, &option_shape, theirs->options, theirs->option_size);
    if (!ours->options) return false;
    ours->counters = copy_list(reader, &counter_shape, theirs->counters, theirs->counter_size);
    return ours->counters != NULL;
}

/* ---- names ------------------------------------------------------------------------------------- */

#define LOWER_NAME "abcdefghijklmnopqrstuvwxyz0123456789_"
#define ANY_NAME LOWER_NAME "ABCDEFGHIJKLMNOPQRSTUVWXYZ-"

static bool is_name(const char *name, const char *of)
{
    const size_t n = name ? strnlen(name, NAME_CHARS_MOST + 1) : 0;
    return n > 0 && n <= NAME_CHARS_MOST && strspn(name, of) == n;
}

/* `name_at(list, i)` walks either list: options and counters both begin with their name. */
static bool are_names_good(const struct reader *reader, const struct shape *shape, const void *list,
                           const char *of, const char *of_words)
{
    const char *const entries = list;
    for (size_t i = 0; !is_all_zero(entries + i * shape->bytes, shape->bytes); i++) {
        const char *name;
        memcpy(&name, entries + i * shape->bytes, sizeof name);
        char shown[NAME_CHARS_MOST * 2];
        if (!is_name(name, of))
            return REFUSE(reader, "%s %zu is named \"%s\", where 1 to %d of %s are expected",
                          shape->what, i, text_show(text_of(name), shown, sizeof shown),
                          NAME_CHARS_MOST, of_words);
        for (size_t k = 0; k < i; k++) {
            const char *other;
            memcpy(&other, entries + k * shape->bytes, sizeof other);
            if (strcmp(name, other) == 0)
                return REFUSE(reader, "it declares the %s \"%s\" twice", shape->what, name);
        }
    }
    return true;
}

static bool are_all_names_good(const struct reader *reader)
{
    const struct wr_handler *const ours = &reader->into->handler;
    char shown[NAME_CHARS_MOST * 2];
    if (!ours->name)
        return REFUSE(reader, "the handler has no name: %s", "give WR_HANDLER a .name");
    if (!is_name(ours->name, ANY_NAME))
        return REFUSE(reader,
                      "the handler is named \"%s\", where 1 to %d of A-Z a-z 0-9 _ - are expected",
                      text_show(text_of(ours->name), shown, sizeof shown), NAME_CHARS_MOST);
    return are_names_good(reader, &option_shape, ours->options, ANY_NAME, "A-Z a-z 0-9 _ -") &&
           are_names_good(reader, &counter_shape, ours->counters, LOWER_NAME, "a-z 0-9 _");
}

/* ---- reading ----------------------------------------------------------------------------------- */

static bool copy_handler(const struct reader *reader, const struct wr_handler *theirs)
{
    struct wr_handler *const ours = &reader->into->handler;
    memcpy(ours, theirs, theirs->size < sizeof *ours ? theirs->size : sizeof *ours);
    if (!ours->version) ours->version = "";
    if (!ours->about) ours->about = "";
    if (!copy_lists(reader, theirs) || !are_all_names_good(reader)) return false;
    ours->size = sizeof *ours;
    ours->sink_size = sizeof *ours->sinks;
    ours->column_size = sizeof *ours->sinks->columns;
    ours->loader_size = sizeof *ours->loaders;
    ours->option_size = sizeof *ours->options;
    ours->counter_size = sizeof *ours->counters;
    if (ours->handle) return true;
    return REFUSE(reader, "the handler \"%s\" handles nothing: give WR_HANDLER a .handle",
                  ours->name);
}

struct declaration *declaration_read(const void *symbol, size_t symbol_bytes, const char *path,
                                     struct status *status)
{
    struct declaration *declaration = NEW(struct declaration);
    arena_init(&declaration->arena, declaration->first, sizeof declaration->first);
    const struct reader reader = { declaration, path, status };
    if (is_head_good(&reader, symbol, symbol_bytes) && copy_handler(&reader, symbol))
        return declaration;
    declaration_free(declaration);
    return NULL;
}

void declaration_free(struct declaration *declaration)
{
    if (!declaration) return;
    arena_reset(&declaration->arena);
    free(declaration);
}

const struct wr_handler *declaration_handler(const struct declaration *declaration)
{
    return &declaration->handler;
}
