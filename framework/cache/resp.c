/* SPDX-License-Identifier: Apache-2.0
 *
 * The codec; see resp.h. hiredis makes no object of its own: what it reads is put into an arena that
 * is emptied with each reply. It is fed small pieces, for it moves what is left after each reply. */
#include "cache/resp.h"

#include <event2/buffer.h>
#include <hiredis/hiredis.h>
#include <hiredis/read.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"

#define PIECE_BYTES 16384
#define ROOM_LEAST 512
#define NUMBER_BYTES 20 /* of 64 bits */
#define HEAD_BYTES (NUMBER_BYTES + 3)
#define LIST_MOST (1024 * 1024)
#define DEPTH_MOST 7 /* lists in lists */
#define SMALL_BYTES 4096

/* ---- commands ------------------------------------------------------------------------------------ */

static void grow(struct resp_command *command, size_t bytes)
{
    size_t room = command->room ? command->room : ROOM_LEAST;
    while (room - command->bytes < bytes) room *= 2;
    command->at = memory_grow(command->at, room, 1);
    command->room = room;
}

static inline char *reserve(struct resp_command *command, size_t bytes)
{
    if (UNLIKELY(command->room - command->bytes < bytes)) grow(command, bytes);
    return command->at + command->bytes;
}

/* From behind: what ends before `end` begins at what is returned. */
static inline char *write_number(char *end, uint64_t number)
{
    do {
        *--end = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return end;
}

/* "$5\r\n", at most HEAD_BYTES; returns what follows. */
static inline char *write_head(char *to, char mark, uint64_t number)
{
    char digits[NUMBER_BYTES], *const end = digits + sizeof digits, *at = write_number(end, number);
    *to++ = mark;
    while (at < end) *to++ = *at++;
    *to++ = '\r';
    *to++ = '\n';
    return to;
}

void resp_begin(struct resp_command *command, size_t words)
{
    command->bytes = 0;
    char *const at = reserve(command, HEAD_BYTES);
    command->bytes = (size_t)(write_head(at, '*', words) - at);
}

void resp_add(struct resp_command *command, struct wr_text word)
{
    char *const begin = reserve(command, HEAD_BYTES + word.len + 2);
    char *at = write_head(begin, '$', word.len);
    if (word.len) memcpy(at, word.at, word.len);
    at += word.len;
    *at++ = '\r';
    *at++ = '\n';
    command->bytes += (size_t)(at - begin);
}

void resp_add_number(struct resp_command *command, uint64_t number)
{
    char digits[NUMBER_BYTES];
    char *const end = digits + sizeof digits, *const at = write_number(end, number);
    resp_add(command, text_from(at, (size_t)(end - at)));
}

void resp_fini(struct resp_command *command)
{
    free(command->at);
    *command = (struct resp_command){ 0 };
}

void resp_send(const struct resp_command *command, struct evbuffer *out)
{
    CHECK(evbuffer_add(out, command->at, command->bytes) == 0);
}

/* ---- replies ------------------------------------------------------------------------------------- */

struct resp_reader {
    redisReader *codec;
    struct arena arena; /* of the reply being read */
    size_t most_bytes;
    bool has_told; /* the arena's reply is the owner's */
    char fault[200];
    char small[SMALL_BYTES]; /* most replies need no more */
};

#if HIREDIS_MAJOR >= 1
typedef size_t list_size;
#else
typedef int list_size;
#endif

static struct resp_value *place(const redisReadTask *task)
{
    struct resp_reader *reader = task->privdata;
    struct resp_value *value = NULL;
    if (task->parent) {
        struct resp_value *list = task->parent->obj;
        value = &list->items[task->idx];
    } else {
        value = arena_take(&reader->arena, sizeof *value);
    }
    *value = (struct resp_value){ .text = { "", 0 } };
    return value;
}

static void *create_string(const redisReadTask *task, char *at, size_t len)
{
    struct resp_reader *reader = task->privdata;
    struct resp_value *value = place(task);
    switch (task->type) {
    case REDIS_REPLY_STRING: value->kind = RESP_TEXT; break;
    case REDIS_REPLY_STATUS: value->kind = RESP_STATUS; break;
    case REDIS_REPLY_ERROR: value->kind = RESP_ERROR; break;
    default: return NULL; /* of a protocol that was not asked for */
    }
    value->text = arena_copy(&reader->arena, text_from(at, len));
    return value;
}

/* hiredis 0.14 bounds it, 1.2 does not; nothing that is asked for is nested deeper. */
static bool is_too_deep(const redisReadTask *task)
{
    unsigned depth = 0;
    for (; task->parent; task = task->parent) depth++;
    return depth >= DEPTH_MOST;
}

static void *create_array(const redisReadTask *task, list_size n)
{
    struct resp_reader *reader = task->privdata;
    if (task->type != REDIS_REPLY_ARRAY || n > LIST_MOST || is_too_deep(task)) return NULL;
    const size_t bytes = (size_t)n * sizeof(struct resp_value);
    if (reader->arena.heap_bytes + bytes > reader->most_bytes) return NULL;
    struct resp_value *value = place(task);
    value->kind = RESP_LIST;
    value->n = (size_t)n;
    value->items = arena_take(&reader->arena, bytes);
    return value;
}

static void *create_integer(const redisReadTask *task, long long number)
{
    struct resp_value *value = place(task);
    value->kind = RESP_NUMBER;
    value->number = number;
    return value;
}

static void *create_nil(const redisReadTask *task)
{
    return place(task);
}

static void free_object(void *object)
{
    (void)object; /* the arena's */
}

#if HIREDIS_MAJOR >= 1
static void *create_double(const redisReadTask *task, double number, char *at, size_t len)
{
    (void)task, (void)number, (void)at, (void)len;
    return NULL;
}

static void *create_bool(const redisReadTask *task, int is_true)
{
    (void)task, (void)is_true;
    return NULL;
}
#endif

static redisReplyObjectFunctions functions = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
    .createNil = create_nil,
    .freeObject = free_object,
#if HIREDIS_MAJOR >= 1
    .createDouble = create_double,
    .createBool = create_bool,
#endif
};

struct resp_reader *resp_reader_new(size_t most_bytes)
{
    struct resp_reader *reader = NEW(struct resp_reader);
    reader->most_bytes = most_bytes;
    arena_init(&reader->arena, reader->small, sizeof reader->small);
    reader->codec = redisReaderCreateWithFunctions(&functions);
    CHECK(reader->codec);
    reader->codec->privdata = reader;
    return reader;
}

void resp_reader_free(struct resp_reader *reader)
{
    if (!reader) return;
    redisReaderFree(reader->codec);
    arena_reset(&reader->arena);
    free(reader);
}

static enum resp_result be_broken(struct resp_reader *reader, const char *why)
{
    char shown[150];
    text_show(text_of(why), shown, sizeof shown);
    snprintf(reader->fault, sizeof reader->fault, "what answers there is not Redis: %s", shown);
    return RESP_BROKEN;
}

static bool feed(struct resp_reader *reader, struct evbuffer *in)
{
    const size_t there = evbuffer_get_length(in);
    if (!there) return false;
    const size_t bytes = there < PIECE_BYTES ? there : PIECE_BYTES;
    const unsigned char *at = evbuffer_pullup(in, (ev_ssize_t)bytes);
    CHECK(at);
    (void)redisReaderFeed(reader->codec, (const char *)at, bytes); /* its fault stays with it */
    evbuffer_drain(in, bytes);
    return true;
}

enum resp_result resp_next(struct resp_reader *reader, struct evbuffer *in,
                           const struct resp_value **reply)
{
    if (reader->has_told) arena_reset(&reader->arena);
    reader->has_told = false;
    for (;;) {
        void *got = NULL;
        if (redisReaderGetReply(reader->codec, &got) != REDIS_OK)
            return be_broken(reader, reader->codec->errstr);
        if (got) {
            reader->has_told = true;
            *reply = got;
            return RESP_REPLY;
        }
        if (reader->codec->len + reader->arena.heap_bytes > reader->most_bytes)
            return be_broken(reader, "a reply larger than anything that was asked for");
        if (!feed(reader, in)) return RESP_NEEDS_MORE;
    }
}

const char *resp_reader_fault(const struct resp_reader *reader)
{
    return reader->fault;
}

#define SHOW(number) #number
#define SHOW_VERSION(major, minor, patch) SHOW(major) "." SHOW(minor) "." SHOW(patch)

/* As built: the library does not tell its own. */
const char *resp_library_version(void)
{
    return SHOW_VERSION(HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
}
