/* SPDX-License-Identifier: Apache-2.0
 *
 * The log: one line an event on stderr, text for people or JSON for machines. The keys are a fixed
 * set, so that alerts can be written against them. Values are escaped and capped; payloads and
 * secrets are never given to it. From any thread, without a mutex (threads that write at the same
 * moment take short turns); a reader that stalls never blocks the caller: lines are dropped, counted,
 * and the count is told once it reads again. SIGPIPE is for main to ignore; descriptor 2 must be
 * stderr or closed, never something else.
 *
 *     log_info("amqp", "connected", LOG_TEXT(SERVER, "amqp://h:5672/"), LOG_INT(CHANNEL, 1));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* One table of keys: LOG_KEY(symbol, name in the line). */
#define LOG_KEYS(LOG_KEY)                                                                          \
    LOG_KEY(SERVER, "server")                                                                      \
    LOG_KEY(QUEUE, "queue")                                                                        \
    LOG_KEY(HANDLER, "handler")                                                                    \
    LOG_KEY(LANE, "lane")                                                                          \
    LOG_KEY(MESSAGE_ID, "message_id")                                                              \
    LOG_KEY(REASON, "reason")                                                                      \
    LOG_KEY(CODE, "code")                                                                          \
    LOG_KEY(CONNECTION, "connection")                                                              \
    LOG_KEY(CHANNEL, "channel")                                                                    \
    LOG_KEY(TAG, "tag")                                                                            \
    LOG_KEY(FILE, "file")                                                                          \
    LOG_KEY(LINE, "line")                                                                          \
    LOG_KEY(COUNT, "count")                                                                        \
    LOG_KEY(BYTES, "bytes")                                                                        \
    LOG_KEY(AFTER_MS, "after_ms")                                                                  \
    LOG_KEY(TOOK_MS, "took_ms")                                                                    \
    LOG_KEY(LISTEN, "listen")                                                                      \
    LOG_KEY(PID, "pid")                                                                            \
    LOG_KEY(SIGNAL, "signal")                                                                      \
    LOG_KEY(VERSION, "version")                                                                    \
    LOG_KEY(ATTEMPT, "attempt")                                                                    \
    LOG_KEY(KEY, "key")                                                                            \
    LOG_KEY(LEVEL, "to_level")                                                                     \
    LOG_KEY(TRACE_ID, "trace_id")                                                                  \
    LOG_KEY(SPAN_ID, "span_id")

enum log_key {
#define LOG_KEY_SYMBOL(symbol, name) LOG_##symbol,
    LOG_KEYS(LOG_KEY_SYMBOL)
#undef LOG_KEY_SYMBOL
        LOG_KEY_COUNT
};

struct log_field {
    int key; /* enum log_key; -1: none */
    bool is_number;
    int64_t number;
    struct wr_text text;
};

#define LOG_NOTHING ((struct log_field){ -1, false, 0, { "", 0 } })
#define LOG_INT(key, value) ((struct log_field){ LOG_##key, true, (int64_t)(value), { "", 0 } })
#define LOG_TEXT(key, value) ((struct log_field){ LOG_##key, false, 0, text_of(value) })
#define LOG_SPAN(key, value) ((struct log_field){ LOG_##key, false, 0, (value) })

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

void log_configure(enum wr_level least, enum log_format format);
bool log_is_on(enum wr_level level);

/* `room` is who speaks ("amqp"), `what` a short sentence without a full stop. */
void log_write(enum wr_level level, const char *room, struct wr_text what,
               const struct log_field *fields, size_t n);

#define LOG_AT(level, room, what, ...)                                                             \
    do {                                                                                           \
        if (log_is_on(level)) {                                                                    \
            const struct log_field log_fields_[] = { { -1, false, 0, { "", 0 } }, ##__VA_ARGS__ }; \
            log_write(level, room, text_of(what), log_fields_ + 1,                                 \
                      sizeof log_fields_ / sizeof *log_fields_ - 1);                               \
        }                                                                                          \
    } while (0)
#define log_debug(room, what, ...) LOG_AT(WR_DEBUG, room, what, ##__VA_ARGS__)
#define log_info(room, what, ...) LOG_AT(WR_INFO, room, what, ##__VA_ARGS__)
#define log_warn(room, what, ...) LOG_AT(WR_WARN, room, what, ##__VA_ARGS__)
#define log_error(room, what, ...) LOG_AT(WR_ERROR, room, what, ##__VA_ARGS__)

#endif
