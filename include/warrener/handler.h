/* SPDX-License-Identifier: Apache-2.0
 *
 * Warrener handler ABI 1.0: all that a handler sees.
 *
 * A handler decides; the host makes it durable. A plugin exports one data symbol,
 * `warrener_handler`, and calls the host through a table of functions that every job and host
 * points to, so that it links nothing of the host and any language can do the same. Structs and
 * the table only ever grow at their end, with a minor version. Text is borrowed unless said
 * otherwise: what the host lends lives for the call, what the handler gives is copied at once.
 */
#ifndef WARRENER_HANDLER_H
#define WARRENER_HANDLER_H

#if defined(__cplusplus) && __cplusplus < 201402L
#error "warrener/handler.h needs C++14 or newer; WR_HANDLER and WR_COLUMN read best from C++17 on"
#endif

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <warrener/version.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define WR_PRINTF(nth, first) __attribute__((format(printf, nth, first)))
#define WR_EXPORT __attribute__((visibility("default")))
#define WR_UNUSED __attribute__((unused))
#else
#define WR_PRINTF(nth, first)
#define WR_EXPORT
#define WR_UNUSED
#endif
#define WR_INLINE WR_UNUSED static inline

/* Members that may be left out of an initializer; C++ wants that said, or -Wextra warns. */
#ifdef __cplusplus
#define WR_UNSET = {}
#else
#define WR_UNSET
#endif

/* ---- values ------------------------------------------------------------------------------- */

/* Borrowed bytes: not NUL-terminated, `at` never NULL in what the host gives. */
struct wr_text {
    const char *at;
    size_t len;
};

/* A text as a value, for use inside functions; a static table of C holds { "text", 4 } instead. */
#ifdef __cplusplus
#define WR_TEXT_OF(literal) (wr_text{ "" literal, sizeof(literal) - 1 })
#else
#define WR_TEXT_OF(literal) ((struct wr_text){ "" literal, sizeof(literal) - 1 })
#endif

/* One message, borrowed for the call. */
struct wr_message {
    struct wr_text body, id, type, queue, exchange, routing_key, content_type, content_encoding,
        correlation_id, reply_to, app_id, user_id;
    int64_t timestamp_ms; /* 0 when absent */
    uint32_t attempt;     /* 1 the first time */
    uint8_t priority;
    bool redelivered;
};

enum wr_verdict {
    WR_DONE,   /* make the effects durable, then acknowledge */
    WR_RETRY,  /* again later, an attempt spent */
    WR_REJECT, /* to the dead queue; so is any unknown value */
    WR_WAIT    /* what I need is down: pause, no attempt spent */
};

/* ---- rows --------------------------------------------------------------------------------- */

enum wr_type {
    WR_BOOL,
    WR_INT2,
    WR_INT4,
    WR_INT8,
    WR_FLOAT8,
    WR_NUMERIC,
    WR_TEXT,
    WR_BYTEA,
    WR_UUID,
    WR_DATE,
    WR_TIMESTAMP,
    WR_TIMESTAMPTZ,
    WR_INET,
    WR_JSONB,
    WR_TEXT_ARRAY,
    WR_INT8_ARRAY
};

/* The key exists already: leave the row as it is, or merge the new one into it. */
enum wr_conflict { WR_KEEP, WR_MERGE };

/* How a column is merged. WR_FILL: the new value unless it is NULL. */
enum wr_merge { WR_LAST, WR_FIRST, WR_SUM, WR_MIN, WR_MAX, WR_FILL };

struct wr_column {
    const char *name WR_UNSET;
    enum wr_type type WR_UNSET;
    enum wr_merge merge WR_UNSET;
    const char *as WR_UNSET; /* SQL type to cast to, an enum say; NULL: none */
};

/* WR_COLUMN("id", WR_UUID) or WR_COLUMN("n", WR_INT8, .merge = WR_SUM): growth never warns. */
#define WR_COLUMN(...) WR_COLUMN_OF(__VA_ARGS__, )
#define WR_COLUMN_OF(column, kind, ...) { .name = (column), .type = (kind), __VA_ARGS__ }

/* Rows the handler writes. A list of sinks ends with an all-zero entry. */
struct wr_sink {
    const char *table WR_UNSET;               /* "${option}" is filled in */
    const struct wr_column *columns WR_UNSET; /* ends with a NULL name */
    const char *key WR_UNSET;                 /* "event_id" or "user_id, sku"; NULL: plain insert */
    enum wr_conflict on_conflict WR_UNSET;
    bool once WR_UNSET;               /* once per message id within the inbox window */
    const char *newest_by WR_UNSET;   /* merge only when this column is greater */
    const char *sql WR_UNSET;         /* instead of the made statement: rows in `input`, arrival
                                         order in `n` */
    const char *cache_key WR_UNSET;   /* "cart:{user_id}": write what was committed */
    const char *cache_value WR_UNSET; /* SQL over the row `t`; NULL: to_jsonb(t) */
    uint32_t cache_ttl_s WR_UNSET;    /* 0 is refused */
    bool cache_around WR_UNSET;       /* drop the entry; the next read fills it */
};

/* What the handler reads, batched. Its columns are taken by their place; a row whose value is NULL is
 * absent. A loader that guards a table reads it past any cache, and its version has to change with
 * whatever a decision depends on: the `ver` of a row that every such message writes, say. */
struct wr_loader {
    const char *name WR_UNSET;
    const char *cache_key WR_UNSET; /* "user:{key}"; NULL: not cached */
    const char *sql WR_UNSET; /* key text, version bigint, value text for keys = any($1::text[]) */
    uint32_t ttl_s WR_UNSET, absent_ttl_s WR_UNSET;
    const char *guards WR_UNSET; /* a sink's table; NULL: none */
};

struct wr_option {
    const char *name WR_UNSET;
    const char *fallback WR_UNSET; /* NULL: the option is required */
    const char *help WR_UNSET;
};

struct wr_counter {
    const char *name WR_UNSET; /* [a-z0-9_]: seen as warrener_handler_NAME_total */
    const char *help WR_UNSET;
};

/* ---- what a handler sends and reads -------------------------------------------------------- */

enum wr_kind { WR_H_TEXT, WR_H_INT, WR_H_BOOL };

/* A header: fixed for ever. */
struct wr_pair {
    struct wr_text name WR_UNSET, text WR_UNSET;
    int64_t number WR_UNSET; /* of WR_H_INT; 0 or 1 of WR_H_BOOL */
    enum wr_kind kind WR_UNSET;
};

struct wr_outgoing {
    uint32_t size WR_UNSET; /* filled by wr_publish and wr_reply */
    struct wr_text exchange WR_UNSET, routing_key WR_UNSET, type WR_UNSET, body WR_UNSET,
        content_type WR_UNSET, message_id WR_UNSET, correlation_id WR_UNSET, reply_to WR_UNSET;
    const struct wr_pair *headers WR_UNSET;
    size_t n_headers WR_UNSET;
    uint8_t priority WR_UNSET;
    bool always WR_UNSET; /* also with WR_REJECT */
};

enum wr_found { WR_ABSENT, WR_FOUND };

enum wr_level { WR_DEBUG, WR_INFO, WR_WARN, WR_ERROR };

/* ---- the host ----------------------------------------------------------------------------- */

struct wr_job;
struct wr_host;

/* What the host offers. The order is part of the ABI; it grows at its end. Handlers in C use the
 * functions below instead; other languages call through this. Text comes formatted. */
struct wr_api {
    uint32_t size, abi_major, abi_minor;

    void (*row)(struct wr_job *, unsigned sink);
    void (*row_delete)(struct wr_job *, unsigned sink);
    void (*put_bool)(struct wr_job *, bool);
    void (*put_int)(struct wr_job *, int64_t);
    void (*put_float)(struct wr_job *, double);
    void (*put_text)(struct wr_job *, struct wr_text);
    void (*put_uuid)(struct wr_job *, struct wr_text);
    void (*put_time_us)(struct wr_job *, int64_t unix_us);
    void (*put_date)(struct wr_job *, int32_t unix_day);
    void (*put_texts)(struct wr_job *, const struct wr_text *, size_t);
    void (*put_ints)(struct wr_job *, const int64_t *, size_t);
    void (*put_null)(struct wr_job *);

    void (*cache_set)(struct wr_job *, struct wr_text key, struct wr_text value, uint64_t version,
                      uint32_t ttl_s);
    void (*cache_drop)(struct wr_job *, struct wr_text key, uint64_t version);
    void (*publish)(struct wr_job *, const struct wr_outgoing *);
    void (*reply)(struct wr_job *, const struct wr_outgoing *);

    void (*want)(struct wr_job *, unsigned loader, struct wr_text key);
    enum wr_found (*got)(struct wr_job *, unsigned loader, struct wr_text key,
                         struct wr_text *value, uint64_t *version);

    struct wr_text (*json_text)(struct wr_job *, const char *field);
    int64_t (*json_int)(struct wr_job *, const char *field);
    double (*json_float)(struct wr_job *, const char *field);
    bool (*json_bool)(struct wr_job *, const char *field);
    int64_t (*json_time_us)(struct wr_job *, const char *field);
    struct wr_text (*json_raw)(struct wr_job *, const char *field);
    bool (*json_has)(struct wr_job *, const char *field);
    size_t (*json_count)(struct wr_job *, const char *field);
    bool (*json_enter)(struct wr_job *, const char *field, size_t i, struct wr_text *key);
    void (*json_leave)(struct wr_job *);
    void (*json_open)(struct wr_job *, struct wr_text document);

    bool (*header)(struct wr_job *, const char *name, struct wr_pair *value);
    void *(*alloc)(struct wr_job *, size_t);
    char *(*cstr)(struct wr_job *, struct wr_text);
    struct wr_text (*uuid_of)(struct wr_job *, uint32_t n);
    void (*fail)(struct wr_job *, struct wr_text why);
    void (*because)(struct wr_job *, struct wr_text why);
    void (*code)(struct wr_job *, const char *code);
    void (*count)(struct wr_job *, unsigned counter, uint64_t n);
    void (*log)(struct wr_job *, enum wr_level, struct wr_text line);
    int64_t (*now_us)(struct wr_job *);
    int64_t (*left_ms)(struct wr_job *);

    const char *(*option)(struct wr_host *, const char *name);
    void (*open_because)(struct wr_host *, struct wr_text why);
};

/* A job is one message in one handler's hands; a host is what `open` may ask. What stands behind
 * the table is the host's own. */
struct wr_job {
    const struct wr_api *api;
};

struct wr_host {
    const struct wr_api *api;
};

/* ---- the handler -------------------------------------------------------------------------- */

struct wr_handler {
    /* first, for ever: filled by WR_HANDLER */
    uint32_t size WR_UNSET, abi_major WR_UNSET, abi_minor WR_UNSET;
    /* likewise: lists are walked by the plugin's own stride when entries grow */
    uint16_t sink_size WR_UNSET, column_size WR_UNSET, loader_size WR_UNSET, option_size WR_UNSET,
        counter_size WR_UNSET;
    const char *name WR_UNSET; /* [A-Za-z0-9_-], at most 64 */
    const char *version WR_UNSET, *about WR_UNSET;
    /* each list ends with an all-zero entry; sinks run in this order */
    const struct wr_sink *sinks WR_UNSET;
    const struct wr_loader *loaders WR_UNSET;
    const struct wr_option *options WR_UNSET;
    const struct wr_counter *counters WR_UNSET;
    /* once per lane; NULL: nothing to open */
    bool (*open)(struct wr_host *, void **self) WR_UNSET;
    /* says what to load */
    void (*prepare)(void *self, struct wr_job *, const struct wr_message *) WR_UNSET;
    enum wr_verdict (*handle)(void *self, struct wr_job *, const struct wr_message *) WR_UNSET;
    void (*close)(void *self) WR_UNSET;
};

extern const struct wr_handler warrener_handler WR_EXPORT;

/* WR_HANDLER(.name = "login_collect", .version = "1.2", .handle = handle); */
#define WR_HANDLER(...)                                                                            \
    const struct wr_handler warrener_handler = { .size = sizeof(struct wr_handler),                \
                                                 .abi_major = WR_ABI_MAJOR,                        \
                                                 .abi_minor = WR_ABI_MINOR,                        \
                                                 .sink_size = sizeof(struct wr_sink),              \
                                                 .column_size = sizeof(struct wr_column),          \
                                                 .loader_size = sizeof(struct wr_loader),          \
                                                 .option_size = sizeof(struct wr_option),          \
                                                 .counter_size = sizeof(struct wr_counter),        \
                                                 __VA_ARGS__ }

/* ---- rows: values in column order; a wrong type or count, a NUL or bad UTF-8 fails at the put -- */

WR_INLINE void wr_row(struct wr_job *job, unsigned sink)
{
    job->api->row(job, sink);
}

/* Then put the key's columns, in the key's order. */
WR_INLINE void wr_delete(struct wr_job *job, unsigned sink)
{
    job->api->row_delete(job, sink);
}

WR_INLINE void wr_put_bool(struct wr_job *job, bool value)
{
    job->api->put_bool(job, value);
}

WR_INLINE void wr_put_int(struct wr_job *job, int64_t value)
{
    job->api->put_int(job, value);
}

WR_INLINE void wr_put_float(struct wr_job *job, double value)
{
    job->api->put_float(job, value);
}

/* Serves BYTEA, NUMERIC, INET and JSONB as well. */
WR_INLINE void wr_put_text(struct wr_job *job, struct wr_text value)
{
    job->api->put_text(job, value);
}

WR_INLINE void wr_put_uuid(struct wr_job *job, struct wr_text value)
{
    job->api->put_uuid(job, value);
}

WR_INLINE void wr_put_time_us(struct wr_job *job, int64_t unix_us)
{
    job->api->put_time_us(job, unix_us);
}

WR_INLINE void wr_put_date(struct wr_job *job, int32_t unix_day)
{
    job->api->put_date(job, unix_day);
}

WR_INLINE void wr_put_texts(struct wr_job *job, const struct wr_text *values, size_t n)
{
    job->api->put_texts(job, values, n);
}

WR_INLINE void wr_put_ints(struct wr_job *job, const int64_t *values, size_t n)
{
    job->api->put_ints(job, values, n);
}

WR_INLINE void wr_put_null(struct wr_job *job)
{
    job->api->put_null(job);
}

/* ---- cache and messages, after the commit --------------------------------------------------- */

WR_INLINE void wr_cache_set(struct wr_job *job, struct wr_text key, struct wr_text value,
                            uint64_t version, uint32_t ttl_s)
{
    job->api->cache_set(job, key, value, version, ttl_s);
}

WR_INLINE void wr_cache_drop(struct wr_job *job, struct wr_text key, uint64_t version)
{
    job->api->cache_drop(job, key, version);
}

WR_INLINE void wr_publish(struct wr_job *job, struct wr_outgoing message)
{
    message.size = (uint32_t)sizeof message;
    job->api->publish(job, &message);
}

/* To reply_to, with its correlation_id; confirmed, not mandatory: an asker may have gone. */
WR_INLINE void wr_reply(struct wr_job *job, struct wr_outgoing message)
{
    message.size = (uint32_t)sizeof message;
    job->api->reply(job, &message);
}

/* ---- reading: a key that was not wanted in prepare fails the message ------------------------ */

WR_INLINE void wr_want(struct wr_job *job, unsigned loader, struct wr_text key)
{
    job->api->want(job, loader, key);
}

WR_INLINE enum wr_found wr_got(struct wr_job *job, unsigned loader, struct wr_text key,
                               struct wr_text *value, uint64_t *version)
{
    return job->api->got(job, loader, key, value, version);
}

/* ---- JSON: the body at first. A missing or wrong field fails the message with the field's name
 * and gives 0 or "". "a.b" goes inside, "items.0.sku" too. -------------------------------------- */

WR_INLINE struct wr_text wr_json_text(struct wr_job *job, const char *field)
{
    return job->api->json_text(job, field);
}

/* Exact over int64. */
WR_INLINE int64_t wr_json_int(struct wr_job *job, const char *field)
{
    return job->api->json_int(job, field);
}

WR_INLINE double wr_json_float(struct wr_job *job, const char *field)
{
    return job->api->json_float(job, field);
}

WR_INLINE bool wr_json_bool(struct wr_job *job, const char *field)
{
    return job->api->json_bool(job, field);
}

/* RFC 3339 text as microseconds of Unix time. */
WR_INLINE int64_t wr_json_time_us(struct wr_job *job, const char *field)
{
    return job->api->json_time_us(job, field);
}

/* The source bytes: 12.10 stays 12.10. */
WR_INLINE struct wr_text wr_json_raw(struct wr_job *job, const char *field)
{
    return job->api->json_raw(job, field);
}

/* null counts as absent. */
WR_INLINE bool wr_json_has(struct wr_job *job, const char *field)
{
    return job->api->json_has(job, field);
}

/* The entries of an array or object; the field "" is what was entered last, or the document. */
WR_INLINE size_t wr_json_count(struct wr_job *job, const char *field)
{
    return job->api->json_count(job, field);
}

/* The i-th entry of an array or object becomes what fields are looked up in, until wr_json_leave; false
 * past its end. `key` (may be NULL) is its name in an object, "" in an array. */
WR_INLINE bool wr_json_enter(struct wr_job *job, const char *field, size_t i, struct wr_text *key)
{
    return job->api->json_enter(job, field, i, key);
}

WR_INLINE void wr_json_leave(struct wr_job *job)
{
    job->api->json_leave(job);
}

/* Another document in place of the body; nothing of it is entered. */
WR_INLINE void wr_json_open(struct wr_job *job, struct wr_text document)
{
    job->api->json_open(job, document);
}

/* ---- the rest ------------------------------------------------------------------------------- */

/* The first header of that name; false where there is none, or it is no text, integer or boolean. */
WR_INLINE bool wr_header(struct wr_job *job, const char *name, struct wr_pair *value)
{
    return job->api->header(job, name, value);
}

/* Aligned for anything, not cleared; dies with the job. All that one message takes of the host, copies
 * of what is put and published included, is bounded by 64 MiB: past it the message fails, and this
 * gives NULL. */
WR_INLINE void *wr_alloc(struct wr_job *job, size_t bytes)
{
    return job->api->alloc(job, bytes);
}

/* A NUL-terminated copy; fails the message, and gives "", where the text holds a NUL. */
WR_INLINE char *wr_cstr(struct wr_job *job, struct wr_text text)
{
    return job->api->cstr(job, text);
}

/* The n-th UUID that this handler makes of this message (36 characters): from the message's id, or
 * from what it holds where it has none, so that it is the same at each redelivery. */
WR_INLINE struct wr_text wr_uuid_of(struct wr_job *job, uint32_t n)
{
    return job->api->uuid_of(job, n);
}

#define WR_LINE_BYTES 1024 /* reasons and log lines are cut here */

WR_INLINE struct wr_text wr_line_of(char *line, int length)
{
    struct wr_text text;
    text.at = line;
    text.len = length < 0 ? 0 : length < WR_LINE_BYTES ? (size_t)length : WR_LINE_BYTES - 1;
    return text;
}

WR_PRINTF(2, 3) WR_INLINE struct wr_text wr_format(struct wr_job *job, const char *format, ...)
{
    struct wr_text text = { "", 0 };
    char line[256]; /* most are short: they are formatted once */
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (length <= 0) return text;
    char *copy = (char *)job->api->alloc(job, (size_t)length + 1);
    if (!copy) return text;
    if ((size_t)length < sizeof line) {
        memcpy(copy, line, (size_t)length + 1);
    } else {
        va_start(args, format);
        vsnprintf(copy, (size_t)length + 1, format, args);
        va_end(args);
    }
    text.at = copy;
    text.len = (size_t)length;
    return text;
}

/* A sticky reject, from any depth: the first reason stays. */
WR_PRINTF(2, 3) WR_INLINE void wr_fail(struct wr_job *job, const char *format, ...)
{
    char line[WR_LINE_BYTES];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    job->api->fail(job, wr_line_of(line, length));
}

/* The reason of RETRY, REJECT or WAIT; the last one stays. */
WR_PRINTF(2, 3) WR_INLINE void wr_because(struct wr_job *job, const char *format, ...)
{
    char line[WR_LINE_BYTES];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    job->api->because(job, wr_line_of(line, length));
}

/* Machine-readable, for dead letters. */
WR_INLINE void wr_code(struct wr_job *job, const char *code)
{
    job->api->code(job, code);
}

WR_INLINE void wr_count(struct wr_job *job, unsigned counter, uint64_t n)
{
    job->api->count(job, counter, n);
}

WR_PRINTF(3, 4)
WR_INLINE void wr_log(struct wr_job *job, enum wr_level level, const char *format, ...)
{
    char line[WR_LINE_BYTES];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    job->api->log(job, level, wr_line_of(line, length));
}

/* Unix time; fixed in tests. */
WR_INLINE int64_t wr_now_us(struct wr_job *job)
{
    return job->api->now_us(job);
}

/* To the deadline of this call or the end of the drain, whichever is sooner. */
WR_INLINE int64_t wr_left_ms(struct wr_job *job)
{
    return job->api->left_ms(job);
}

/* The option's value as text, NUL-terminated, for the life of the handler's state; NULL where the handler
 * declares no such option. (In C++, `struct wr_option` keeps its first word because of this.) */
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
WR_INLINE const char *wr_option(struct wr_host *host, const char *name)
{
    return host->api->option(host, name);
}
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/* Why `open` is about to return false. */
WR_PRINTF(2, 3) WR_INLINE void wr_open_because(struct wr_host *host, const char *format, ...)
{
    char line[WR_LINE_BYTES];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    host->api->open_because(host, wr_line_of(line, length));
}

#ifdef __cplusplus
}
#endif
#endif
