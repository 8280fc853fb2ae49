/* SPDX-License-Identifier: Apache-2.0
 *
 * The login job as it is written by hand when a day is given to it and not a month: the libraries'
 * own calls, one batch after another. Messages by amqp_consume_message, each field checked for what it is,
 * rows sorted and sent as binary arrays by PQexecPrepared, the cache by one pipeline, then one ack
 * for the batch. It does what the job needs of a message: JSON in any form that a producer may send, with
 * escapes, other fields and other order; a body that is wrong ends it. Arguments and what it prints are
 * login_edge.c's, which is what is left when everything is taken off that can be. */
#include <ctype.h>
#include <endian.h>
#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_tcp_socket.h>
#endif

#define TEXT_BYTES 512
#define COLUMNS 8
#define UNIX_TO_PG_US INT64_C(946684800000000)

struct text {
    uint32_t n;
    char at[TEXT_BYTES];
};

struct row {
    unsigned char id[16];
    int64_t user_id, at_us;
    int32_t session_ms;
    unsigned char ip[4];
    struct text kind, ua;
    unsigned seen;
};

static struct {
    amqp_connection_state_t broker;
    PGconn *pg;
    redisContext *redis;
    struct row *rows, **order;
    uint32_t n, room;
    char *columns[COLUMNS];
} self;

static volatile sig_atomic_t is_ending;

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_login_floor: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

struct scan {
    const char *at, *end;
};

static _Noreturn void bad(const char *why)
{
    fail("body", why);
}

static char skip(struct scan *scan) /* to what comes next, which is given */
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\r' || *scan->at == '\n'))
        scan->at++;
    return scan->at < scan->end ? *scan->at : '\0';
}

static void expect(struct scan *scan, char wanted)
{
    if (skip(scan) != wanted) bad("is not JSON");
    scan->at++;
}

static unsigned hex4(struct scan *scan)
{
    unsigned code = 0;
    for (int i = 0; i < 4; i++, scan->at++) {
        if (scan->at == scan->end || !isxdigit((unsigned char)*scan->at)) bad("has a wrong escape");
        const char c = *scan->at;
        code = code << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return code;
}

static void put_utf8(struct text *out, unsigned code)
{
    static const unsigned char leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    const unsigned n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (unsigned i = n; i-- > 0; code >>= 6)
        out->at[out->n + i] = (char)(i ? 0x80 | (code & 0x3f) : leads[n] | code);
    out->n += n;
}

static void take_escape(struct scan *scan, struct text *out)
{
    static const char plain[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    if (scan->at == scan->end) bad("ends in an escape");
    const char c = *scan->at++;
    if (c != 'u') {
        const char *pair = strchr(plain, c);
        if (!c || !pair) bad("has a wrong escape");
        out->at[out->n++] = pair[1];
        return;
    }
    unsigned code = hex4(scan);
    if (code >= 0xd800 && code < 0xdc00) {
        if (scan->end - scan->at < 6 || memcmp(scan->at, "\\u", 2)) bad("has half a character");
        scan->at += 2;
        code = 0x10000 + ((code - 0xd800) << 10) + (hex4(scan) - 0xdc00);
    }
    if (!code) bad("has a zero byte");
    put_utf8(out, code);
}

/* A character of more than one byte, checked. */
static void take_utf8(struct scan *scan, struct text *out)
{
    const unsigned char lead = (unsigned char)*scan->at;
    const int n = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
    if (!n || lead >= 0xf5 || scan->end - scan->at < n) bad("is not UTF-8");
    const unsigned char second = (unsigned char)scan->at[1];
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
        bad("is not UTF-8");
    for (int i = 0; i < n; i++) {
        if (i && ((unsigned char)scan->at[i] & 0xc0) != 0x80) bad("is not UTF-8");
        out->at[out->n++] = scan->at[i];
    }
    scan->at += n;
}

static void take_text(struct scan *scan, struct text *out)
{
    expect(scan, '"');
    for (out->n = 0; scan->at < scan->end && *scan->at != '"';) {
        if (out->n > TEXT_BYTES - 8) bad("has too long a text");
        const unsigned char c = (unsigned char)*scan->at;
        if (c < 0x20) bad("has a control byte in a text");
        if (c == '\\') {
            scan->at++;
            take_escape(scan, out);
        } else if (c >= 0x80) {
            take_utf8(scan, out);
        } else {
            out->at[out->n++] = *scan->at++;
        }
    }
    expect(scan, '"');
}

static int64_t take_int(struct scan *scan)
{
    const bool is_negative = skip(scan) == '-';
    uint64_t number = 0;
    int digits = 0;
    scan->at += is_negative;
    for (; scan->at < scan->end && isdigit((unsigned char)*scan->at); scan->at++, digits++)
        number = number * 10 + (uint64_t)(*scan->at - '0');
    if (!digits || digits > 18) bad("has no integer where one should be");
    if (scan->at < scan->end && strchr(".eE", *scan->at))
        bad("has a fraction where an integer should be");
    return is_negative ? -(int64_t)number : (int64_t)number;
}

static void skip_value(struct scan *scan, int depth)
{
    struct text ignored;
    const char first = skip(scan);
    if (depth > 32) bad("is too deep");
    if (first == '"') {
        take_text(scan, &ignored);
    } else if (first == '{' || first == '[') {
        scan->at++;
        for (bool is_first = true; skip(scan) != (first == '{' ? '}' : ']'); is_first = false) {
            if (!is_first) expect(scan, ',');
            if (first == '{') {
                take_text(scan, &ignored);
                expect(scan, ':');
            }
            skip_value(scan, depth + 1);
        }
        scan->at++;
    } else {
        const char *begin = scan->at;
        while (scan->at < scan->end && !strchr(",]} \t\r\n", *scan->at)) scan->at++;
        if (scan->at == begin) bad("is not JSON");
    }
}

/* ---- a body -------------------------------------------------------------------------------- */

static void read_uuid(const struct text *text, unsigned char *id)
{
    size_t n = 0;
    for (uint32_t i = 0; i < text->n; i++) {
        const char c = text->at[i];
        if (c == '-' && (i == 8 || i == 13 || i == 18 || i == 23)) continue;
        if (!isxdigit((unsigned char)c) || n == 32) bad("has no UUID where one should be");
        const unsigned nibble = (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        id[n / 2] = (unsigned char)(n % 2 ? id[n / 2] | nibble : nibble << 4);
        n++;
    }
    if (n != 32) bad("has no UUID where one should be");
}

static int number_at(const struct text *text, int at, int digits)
{
    int number = 0;
    for (; digits--; at++) {
        if (!isdigit((unsigned char)text->at[at])) bad("has no time where one should be");
        number = number * 10 + (text->at[at] - '0');
    }
    return number;
}

static int64_t read_time_us(const struct text *text)
{
    if (text->n != 24 || text->at[10] != 'T' || text->at[23] != 'Z')
        bad("has no time where one should be");
    struct tm tm = {
        .tm_year = number_at(text, 0, 4) - 1900,
        .tm_mon = number_at(text, 5, 2) - 1,
        .tm_mday = number_at(text, 8, 2),
        .tm_hour = number_at(text, 11, 2),
        .tm_min = number_at(text, 14, 2),
        .tm_sec = number_at(text, 17, 2),
    };
    return timegm(&tm) * INT64_C(1000000) + number_at(text, 20, 3) * 1000;
}

static void read_ip(const struct text *text, unsigned char *ip)
{
    const char *at = text->at, *end = text->at + text->n;
    for (int i = 0; i < 4; i++, at++) {
        unsigned part = 0;
        const char *begin = at;
        for (; at < end && isdigit((unsigned char)*at); at++)
            part = part * 10 + (unsigned)(*at - '0');
        if (at == begin || part > 255 || (i < 3 ? at == end || *at != '.' : at != end))
            bad("has no address where one should be");
        ip[i] = (unsigned char)part;
    }
}

enum { EVENT_ID, USER_ID, KIND, AT, IP, SESSION_MS, UA, FIELDS };
static const char *const names[FIELDS] = { "event_id", "user_id",    "kind", "at",
                                           "ip",       "session_ms", "ua" };

static void take_field(struct scan *scan, struct row *row, const struct text *name)
{
    struct text text;
    int field = 0;
    while (field < FIELDS &&
           (strlen(names[field]) != name->n || memcmp(names[field], name->at, name->n)))
        field++;
    if (field < FIELDS) row->seen |= 1u << field;
    switch (field) {
    case EVENT_ID:
        take_text(scan, &text);
        read_uuid(&text, row->id);
        break;
    case USER_ID: row->user_id = take_int(scan); break;
    case KIND: take_text(scan, &row->kind); break;
    case AT:
        take_text(scan, &text);
        row->at_us = read_time_us(&text);
        break;
    case IP:
        take_text(scan, &text);
        read_ip(&text, row->ip);
        break;
    case SESSION_MS: row->session_ms = (int32_t)take_int(scan); break;
    case UA: take_text(scan, &row->ua); break;
    default: skip_value(scan, 0);
    }
}

static void take_body(amqp_bytes_t body, struct row *row)
{
    struct scan scan = { body.bytes, (const char *)body.bytes + body.len };
    struct text name;
    row->seen = 0;
    expect(&scan, '{');
    for (bool is_first = true; skip(&scan) != '}'; is_first = false) {
        if (!is_first) expect(&scan, ',');
        take_text(&scan, &name);
        expect(&scan, ':');
        take_field(&scan, row, &name);
    }
    scan.at++;
    if (skip(&scan) || row->seen != (1u << FIELDS) - 1) bad("lacks a field");
}

/* ---- a batch ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    return memcmp((*(struct row *const *)a)->id, (*(struct row *const *)b)->id, 16);
}

static char *put32(char *at, uint32_t number)
{
    number = htobe32(number);
    memcpy(at, &number, sizeof number);
    return at + sizeof number;
}

static char *put64(char *at, int64_t number)
{
    const uint64_t bytes = htobe64((uint64_t)number);
    memcpy(put32(at, 8), &bytes, sizeof bytes);
    return at + 12;
}

static char *put_bytes(char *at, const void *bytes, uint32_t n)
{
    memcpy(put32(at, n), bytes, n);
    return at + 4 + n;
}

static const struct {
    Oid type, array;
} columns[COLUMNS] = { { 2950, 2951 }, { 20, 1016 }, { 25, 1009 }, { 1184, 1185 },
                       { 869, 1041 },  { 23, 1007 }, { 25, 1009 }, { 3802, 3807 } };

static void insert_rows(void)
{
    char *at[COLUMNS];
    const char *values[COLUMNS];
    int lengths[COLUMNS], formats[COLUMNS];
    for (uint32_t i = 0; i < self.n; i++) self.order[i] = &self.rows[i];
    qsort(self.order, self.n, sizeof *self.order, compare);
    for (int i = 0; i < COLUMNS; i++) {
        at[i] = put32(put32(self.columns[i], 1), i == 7);
        at[i] = put32(put32(put32(at[i], columns[i].type), self.n), 1);
    }
    for (uint32_t i = 0; i < self.n; i++) {
        const struct row *row = self.order[i];
        const unsigned char inet[8] = {
            2, 32, 0, 4, row->ip[0], row->ip[1], row->ip[2], row->ip[3]
        };
        at[0] = put_bytes(at[0], row->id, 16);
        at[1] = put64(at[1], row->user_id);
        at[2] = put_bytes(at[2], row->kind.at, row->kind.n);
        at[3] = put64(at[3], row->at_us - UNIX_TO_PG_US);
        at[4] = put_bytes(at[4], inet, sizeof inet);
        at[5] = put32(put32(at[5], 4), (uint32_t)row->session_ms);
        at[6] = put_bytes(at[6], row->ua.at, row->ua.n);
        at[7] = put32(at[7], UINT32_MAX);
    }
    for (int i = 0; i < COLUMNS; i++) {
        values[i] = self.columns[i];
        lengths[i] = (int)(at[i] - self.columns[i]);
        formats[i] = 1;
    }
    PGresult *result = PQexecPrepared(self.pg, "login", COLUMNS, values, lengths, formats, 1);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) fail("PostgreSQL", PQerrorMessage(self.pg));
    PQclear(result);
}

static void set_last(void)
{
    char key[40], value[TEXT_BYTES + 64];
    const char *words[] = { "SET", key, value, "EX", "3600" };
    for (uint32_t i = 0; i < self.n; i++) {
        const struct row *row = &self.rows[i];
        const int key_bytes = snprintf(key, sizeof key, "login:last:%lld", (long long)row->user_id);
        const int value_bytes = snprintf(value, sizeof value, "{\"kind\":\"%.*s\",\"at_us\":%lld}",
                                         (int)row->kind.n, row->kind.at, (long long)row->at_us);
        const size_t lengths[] = { 3, (size_t)key_bytes, (size_t)value_bytes, 2, 4 };
        redisAppendCommandArgv(self.redis, 5, words, lengths);
    }
    for (uint32_t i = 0; i < self.n; i++) {
        void *reply;
        if (redisGetReply(self.redis, &reply) != REDIS_OK) fail("Redis", self.redis->errstr);
        freeReplyObject(reply);
    }
}

static void end_batch(uint64_t tag)
{
    insert_rows();
    if (self.redis) set_last();
    if (amqp_basic_ack(self.broker, 1, tag, 1)) fail("ack", "not sent");
    self.n = 0;
}

/* ---- coming up, and the loop --------------------------------------------------------------- */

static void on_signal(int number)
{
    (void)number;
    is_ending = 1;
}

static void open_broker(char *url, const char *queue, uint16_t prefetch)
{
    struct amqp_connection_info to;
    self.broker = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(self.broker);
    if (amqp_parse_url(url, &to)) fail("AMQP_URL", "is none");
    if (!socket || amqp_socket_open(socket, to.host, to.port)) fail("connect", to.host);
    const amqp_rpc_reply_t reply = amqp_login(self.broker, *to.vhost ? to.vhost : "/", 0, 131072, 0,
                                              AMQP_SASL_METHOD_PLAIN, to.user, to.password);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) fail("login", "refused");
    if (!amqp_channel_open(self.broker, 1)) fail("channel", "refused");
    if (!amqp_basic_qos(self.broker, 1, 0, prefetch, 0)) fail("qos", "refused");
    if (!amqp_basic_consume(self.broker, 1, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, 0, 0,
                            amqp_empty_table))
        fail("consume", "refused");
}

static void open_postgres(const char *url)
{
    Oid types[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) types[i] = columns[i].array;
    self.pg = PQconnectdb(url);
    if (PQstatus(self.pg) != CONNECTION_OK) fail("PostgreSQL", PQerrorMessage(self.pg));
    PGresult *result = PQprepare(
        self.pg, "login",
        "INSERT INTO login_event (event_id, user_id, kind, at, ip, session_ms, ua, details) "
        "SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), "
        "unnest($7), unnest($8) ON CONFLICT (event_id, at) DO NOTHING",
        COLUMNS, types);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) fail("prepare", PQerrorMessage(self.pg));
    PQclear(result);
}

static void open_redis(const char *url)
{
    char host[128];
    int port;
    if (sscanf(url, "redis://%127[^:]:%d", host, &port) != 2) fail("REDIS_URL", "is none");
    self.redis = redisConnect(host, port);
    if (!self.redis || self.redis->err) fail("Redis", "not reached");
}

/* The next message within the time that is left; false where none came. */
static bool take_one(uint64_t left_ns, uint64_t *tag)
{
    struct timeval left = { (time_t)(left_ns / 1000000000u),
                            (suseconds_t)(left_ns % 1000000000u / 1000u) };
    amqp_envelope_t envelope;
    amqp_maybe_release_buffers(self.broker);
    const amqp_rpc_reply_t reply = amqp_consume_message(self.broker, &envelope, &left, 0);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
        if (reply.library_error == AMQP_STATUS_TIMEOUT) return false;
        fail("consume", amqp_error_string2(reply.library_error));
    }
    take_body(envelope.message.body, &self.rows[self.n++]);
    *tag = envelope.delivery_tag;
    amqp_destroy_envelope(&envelope);
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 9)
        fail("usage",
             "AMQP_URL QUEUE PREFETCH ROWS WAIT_MS COUNT IDLE_MS DATABASE_URL [REDIS_URL]");
    const struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);
    self.room = (uint32_t)strtoul(argv[4], NULL, 10);
    self.rows = malloc(self.room * sizeof *self.rows);
    self.order = malloc(self.room * sizeof(struct row *));
    for (int i = 0; i < COLUMNS; i++)
        self.columns[i] = malloc(20 + (size_t)self.room * (TEXT_BYTES + 4));
    const uint64_t wait_ns = strtoull(argv[5], NULL, 10) * 1000000u,
                   count = strtoull(argv[6], NULL, 10),
                   idle_ns = strtoull(argv[7], NULL, 10) * 1000000u;
    open_postgres(argv[8]);
    if (argc > 9) open_redis(argv[9]);
    open_broker(argv[1], argv[2], (uint16_t)strtoul(argv[3], NULL, 10));
    const uint64_t began_ns = now_ns(CLOCK_REALTIME), cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t done = 0, ended_ns = began_ns, heard_ns = now_ns(CLOCK_MONOTONIC), due_ns = 0, tag = 0;
    while (!is_ending && (!count || done < count)) {
        const uint64_t now = now_ns(CLOCK_MONOTONIC);
        if (!self.n && done && idle_ns && now >= heard_ns + idle_ns) break;
        const uint64_t until = self.n ? due_ns : now + 100000000u;
        if (take_one(until > now ? until - now : 0, &tag)) {
            heard_ns = now;
            if (self.n == 1) due_ns = now + wait_ns;
            if (self.n < self.room && done + self.n != count) continue;
        } else if (!self.n || now_ns(CLOCK_MONOTONIC) < due_ns) {
            continue;
        }
        done += self.n;
        end_batch(tag);
        ended_ns = now_ns(CLOCK_REALTIME);
    }
    const uint64_t cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%llu %llu %llu %ld %llu %llu\n", (unsigned long long)done,
           (unsigned long long)(ended_ns - began_ns), (unsigned long long)cpu, usage.ru_maxrss,
           (unsigned long long)began_ns, (unsigned long long)ended_ns);
    fflush(stdout);
    for (int i = 0; i < 600 && !is_ending; i++) /* as login_edge.c does */
        nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
    return EXIT_SUCCESS;
}
