/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler as a compiler with larger structs would lay it out, within this ABI: every list has a
 * stride of its own, and the handler itself a tail that this host knows nothing of. */
#include <stddef.h>

#include <warrener/handler.h>

struct grown_column {
    struct wr_column column;
    const char *later;
};
struct grown_sink {
    struct wr_sink sink;
    const char *later;
};
struct grown_option {
    struct wr_option option;
    const char *later[2];
};
struct grown_handler {
    struct wr_handler handler;
    const char *later;
};

static const struct grown_column columns[] = {
    { WR_COLUMN("id", WR_UUID), "x" },
    { WR_COLUMN("n", WR_INT8, .merge = WR_SUM), "y" },
    { .later = "a name of NULL ends columns, whatever stands behind it" },
};
static const struct grown_sink sinks[] = {
    { { .table = "first", .columns = &columns[0].column, .key = "id" }, NULL },
    { { .table = "second", .columns = &columns[0].column }, "z" },
    { { 0 }, NULL },
};
static const struct grown_option options[] = {
    { { "a", "1", "the first" }, { "x", NULL } },
    { { "b", "2", "the second" }, { NULL, "y" } },
    { { 0 }, { 0 } },
};

static enum wr_verdict handle(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    (void)job;
    (void)message;
    return WR_DONE;
}

/* The name is what matters: the host reads a struct wr_handler at its front. */
extern const struct grown_handler grown __asm__("warrener_handler") WR_EXPORT;
const struct grown_handler grown = {
    .handler = { .size = sizeof(struct grown_handler),
                 .abi_major = WR_ABI_MAJOR,
                 .abi_minor = WR_ABI_MINOR,
                 .sink_size = sizeof(struct grown_sink),
                 .column_size = sizeof(struct grown_column),
                 .loader_size = sizeof(struct wr_loader),
                 .option_size = sizeof(struct grown_option),
                 .counter_size = sizeof(struct wr_counter),
                 .name = "grown",
                 .sinks = &sinks[0].sink,
                 .options = &options[0].option,
                 .handle = handle },
    .later = "not read",
};
