/* SPDX-License-Identifier: Apache-2.0
 *
 * The language of Redis, and the only door to hiredis, whose reader is used and nothing else of it.
 * Commands are built here in one piece; replies are read from what has arrived, in bounded memory,
 * however they are cut. A reply is borrowed: the next one takes its place. */
#ifndef CACHE_RESP_H
#define CACHE_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct evbuffer;

/* ---- commands: zeroed, one is empty; it may be begun again and again ---------------------------- */

struct resp_command {
    char *at;
    size_t bytes, room;
};

void resp_begin(struct resp_command *command, size_t words);
void resp_add(struct resp_command *command, struct wr_text word);
void resp_add_number(struct resp_command *command, uint64_t number);
void resp_fini(struct resp_command *command);

void resp_send(const struct resp_command *command, struct evbuffer *out);

/* ---- replies ------------------------------------------------------------------------------------ */

enum resp_kind { RESP_NIL, RESP_TEXT, RESP_STATUS, RESP_ERROR, RESP_NUMBER, RESP_LIST };

struct resp_value {
    enum resp_kind kind;
    struct wr_text text; /* TEXT, STATUS, ERROR; else "" */
    int64_t number;      /* NUMBER */
    struct resp_value *items;
    size_t n; /* LIST */
};

struct resp_reader;

/* `most_bytes`: of one reply, in all. */
struct resp_reader *resp_reader_new(size_t most_bytes);
void resp_reader_free(struct resp_reader *reader); /* NULL is fine */

enum resp_result {
    RESP_REPLY,      /* `*reply` is there until the next call */
    RESP_NEEDS_MORE, /* all that arrived was taken */
    RESP_BROKEN,     /* what speaks there is not Redis; nothing but resp_reader_free is left */
};
enum resp_result resp_next(struct resp_reader *reader, struct evbuffer *in,
                           const struct resp_value **reply);
const char *resp_reader_fault(const struct resp_reader *reader); /* why it is broken, in words */

const char *resp_library_version(void);

#endif
