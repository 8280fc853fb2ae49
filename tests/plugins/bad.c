/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler with one fault, told by the build: each of its plugins sets one of these. Not made with
 * WR_HANDLER, which makes no faults. */
#include <warrener/handler.h>

#ifndef SIZE
#define SIZE sizeof(struct wr_handler)
#endif
#ifndef MAJOR
#define MAJOR WR_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR WR_ABI_MINOR
#endif
#ifndef SINK_SIZE
#define SINK_SIZE sizeof(struct wr_sink)
#endif
#ifndef OPTION_SIZE
#define OPTION_SIZE sizeof(struct wr_option)
#endif
#ifndef NAME
#define NAME "bad"
#endif
#ifndef HANDLE
#define HANDLE handle
#endif
#ifndef OPEN
#define OPEN NULL
#endif
#ifndef OPTION_NAME
#define OPTION_NAME "two"
#endif
#ifndef COUNTER_NAME
#define COUNTER_NAME "seen"
#endif
#ifndef COUNTERS
#define COUNTERS counters
#endif

static const struct wr_option options[] = {
    { "one", "", NULL },
    { OPTION_NAME, "", NULL },
    { 0 },
};
WR_UNUSED static const struct wr_counter counters[] = { { COUNTER_NAME, NULL }, { 0 } };
WR_UNUSED static const struct wr_counter endless[] = { [0 ... 1999] = { "seen", NULL } };

WR_UNUSED static bool open_silently(struct wr_host *host, void **self)
{
    (void)host;
    (void)self;
    return false;
}

WR_UNUSED static bool open_with_words(struct wr_host *host, void **self)
{
    (void)self;
    wr_open_because(host, "the %s is not at home", "oracle");
    return false;
}

WR_UNUSED static enum wr_verdict handle(void *self, struct wr_job *job,
                                        const struct wr_message *message)
{
    (void)self;
    (void)job;
    (void)message;
    return WR_DONE;
}

const struct wr_handler warrener_handler = {
    .size = (uint32_t)SIZE,
    .abi_major = MAJOR,
    .abi_minor = MINOR,
    .sink_size = SINK_SIZE,
    .column_size = sizeof(struct wr_column),
    .loader_size = sizeof(struct wr_loader),
    .option_size = OPTION_SIZE,
    .counter_size = sizeof(struct wr_counter),
    .name = NAME,
    .options = options,
    .counters = COUNTERS,
    .open = OPEN,
    .handle = HANDLE,
};
