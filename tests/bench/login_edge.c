/* SPDX-License-Identifier: Apache-2.0
 *
 * The edge of `./dev bench login`: the login job of workers/login_collect for as little as one file
 * can do it. It reads large pieces with short rests and has rabbitmq-c decode them, takes JSON fields
 * where they lie, sorts a batch by its ids and sends it as binary arrays, goes on reading while it commits, and acks by
 * multiple after the commit. What it does not do is what Warrener's promises cost: it knows one shape
 * of body, and one fault of any kind ends it.
 *
 *     bench_login_edge AMQP_URL QUEUE PREFETCH ROWS WAIT_MS COUNT IDLE_MS DATABASE_URL [REDIS_URL]
 *
 * Works until COUNT messages, or IDLE_MS without any; prints then: messages, wall ns, CPU ns, peak
 * resident KiB, and the moments of consume-ok and last ack in Unix ns; ends at SIGTERM. With REDIS_URL
 * each user's last event is SET for an hour, after the commit and before the ack.
 * (One file, however long: that is what it is to be compared as.) */
#include <endian.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_tcp_socket.h>
#endif

#define BUFFER_BYTES (8u << 20) /* more than any prefetch lets arrive; touched as it is used */
#define BUSY_BYTES 16384
#define REST_NS 3000000u
#define BATCHES 4      /* one being filled, the others on their way */
#define BATCHES_OUT 2u /* sent and not answered: the server has the next before it ends the last */
#define UA_BYTES 256
#define COLUMNS 8
#define UNIX_TO_PG_US INT64_C(946684800000000)

struct row {
    unsigned char id[16];
    int64_t user_id, at_us;
    uint32_t ip; /* as it is sent */
    int32_t session_ms;
    uint16_t kind, ua_bytes;
    uint32_t ua_at; /* in its batch's texts */
};

struct batch {
    struct row *rows;
    uint32_t n;
    char *texts;
    uint32_t texts_bytes;
    uint64_t tag, since_ns; /* of the last message, the first */
};

struct order {
    uint64_t high; /* of the id */
    uint32_t nth;
};

static struct {
    int fd;
    amqp_connection_state_t broker; /* decodes what we read; rabbitmq-c reads slower itself */
    PGconn *pg;
    redisContext *redis;
    uint32_t rows;
    uint64_t wait_ns, count, idle_ns;
    unsigned char *buffer;
    size_t from, used; /* of the buffer: what is not yet taken */
    uint64_t tag;      /* of the message being read */
    uint64_t taken, acked, heard_ns, rest_until_ns;
    struct batch batches[BATCHES];
    unsigned filling, oldest, out; /* batches: being filled, first not acked, sent */
    bool must_flush;
    struct order *order, *spare;
    unsigned char *columns[COLUMNS];
} self;

static volatile sig_atomic_t is_ending;

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_login_edge: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- bytes --------------------------------------------------------------------------------- */

static uint64_t read64(const unsigned char *at)
{
    uint64_t number;
    memcpy(&number, at, sizeof number);
    return be64toh(number);
}

static unsigned char *put32(unsigned char *at, uint32_t number)
{
    number = htobe32(number);
    memcpy(at, &number, sizeof number);
    return at + sizeof number;
}

static unsigned char *put64(unsigned char *at, uint64_t number)
{
    number = htobe64(number);
    memcpy(at, &number, sizeof number);
    return at + sizeof number;
}

static unsigned char *put_bytes(unsigned char *at, const void *bytes, uint32_t n)
{
    at = put32(at, n);
    memcpy(at, bytes, n);
    return at + n;
}

/* ---- a body -------------------------------------------------------------------------------- */

static const char *const kinds[] = { "login_ok", "login_failed", "logout" };

struct field {
    const char *at;
    size_t len;
};

static void take_uuid(struct row *row, struct field field)
{
    size_t n = 0;
    if (field.len != 36) fail("event_id", "is no UUID");
    for (size_t i = 0; i < 36;) {
        if (field.at[i] == '-') {
            i++;
            continue;
        }
        unsigned char byte = 0;
        for (int nibble = 0; nibble < 2; nibble++, i++) {
            const unsigned char c = (unsigned char)field.at[i];
            byte = (unsigned char)(byte << 4 | (c <= '9' ? c - '0' : (c | 32) - 'a' + 10));
        }
        if (n == 16) fail("event_id", "is no UUID");
        row->id[n++] = byte;
    }
}

static int64_t take_int(struct field field)
{
    int64_t number = 0;
    const bool is_negative = field.len && field.at[0] == '-';
    for (size_t i = is_negative; i < field.len; i++) number = number * 10 + (field.at[i] - '0');
    return is_negative ? -number : number;
}

static int32_t digits(const char *at, int n)
{
    int32_t number = 0;
    while (n--) number = number * 10 + (*at++ - '0');
    return number;
}

/* 2026-01-02T03:04:05.678Z and nothing else. */
static int64_t take_time_us(struct field field)
{
    if (field.len != 24 || field.at[23] != 'Z')
        fail("at", "is not a time with milliseconds in UTC");
    const char *at = field.at;
    const int32_t month = digits(at + 5, 2), year = digits(at, 4) - (month <= 2);
    const int32_t era_year = year % 400,
                  day_of_year =
                      (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + digits(at + 8, 2) - 1;
    const int64_t days = year / 400 * INT64_C(146097) + era_year * 365 + era_year / 4 -
                         era_year / 100 + day_of_year - 719468;
    const int64_t seconds =
        days * 86400 + digits(at + 11, 2) * 3600 + digits(at + 14, 2) * 60 + digits(at + 17, 2);
    return seconds * 1000000 + digits(at + 20, 3) * 1000;
}

static uint32_t take_ip(struct field field)
{
    uint32_t ip = 0, part = 0;
    for (size_t i = 0; i < field.len; i++) {
        if (field.at[i] != '.') {
            part = part * 10 + (uint32_t)(field.at[i] - '0');
            continue;
        }
        ip = ip << 8 | part;
        part = 0;
    }
    return ip << 8 | part;
}

static uint16_t take_kind(struct field field)
{
    return field.len == 8 ? 0 : field.len == 12 ? 1 : 2;
}

static void take_field(struct batch *batch, struct row *row, struct field key, struct field field)
{
    switch (key.len << 8 | (unsigned char)key.at[0]) {
    case 8 << 8 | 'e': take_uuid(row, field); break;
    case 7 << 8 | 'u': row->user_id = take_int(field); break;
    case 4 << 8 | 'k': row->kind = take_kind(field); break;
    case 2 << 8 | 'a': row->at_us = take_time_us(field); break;
    case 2 << 8 | 'i': row->ip = take_ip(field); break;
    case 10 << 8 | 's': row->session_ms = (int32_t)take_int(field); break;
    case 2 << 8 | 'u':
        if (field.len > UA_BYTES) fail("ua", "is too long");
        row->ua_at = batch->texts_bytes;
        row->ua_bytes = (uint16_t)field.len;
        memcpy(batch->texts + batch->texts_bytes, field.at, field.len);
        batch->texts_bytes += (uint32_t)field.len;
        break;
    default: fail("body", "has a field that is not known");
    }
}

/* {"name":"text","name":1} without a space or a backslash. */
static void take_body(struct batch *batch, const char *at, size_t bytes)
{
    struct row *row = &batch->rows[batch->n++];
    const char *const end = at + bytes - 1;
    if (bytes < 2 || *at != '{' || *end != '}') fail("body", "is no object");
    for (at++; at < end; at++) {
        struct field key = { at + 1, 0 }, field;
        const char *quote = memchr(key.at, '"', (size_t)(end - key.at));
        if (*at != '"' || !quote || quote[1] != ':') fail("body", "is not as it should be");
        key.len = (size_t)(quote - key.at);
        const bool is_text = quote[2] == '"';
        field.at = quote + 2 + is_text;
        at = memchr(field.at, is_text ? '"' : ',', (size_t)(end - field.at));
        if (!at) at = end;
        field.len = (size_t)(at - field.at);
        at += is_text;
        take_field(batch, row, key, field);
    }
}

/* ---- a batch to PostgreSQL ----------------------------------------------------------------- */

static bool is_before(const struct batch *batch, const struct order *a, const struct order *b)
{
    if (a->high != b->high) return a->high < b->high;
    return memcmp(batch->rows[a->nth].id, batch->rows[b->nth].id, 16) < 0;
}

/* Merges the two ordered halves of `at`, by way of the spare. */
static void merge(const struct batch *batch, struct order *at, uint32_t half, uint32_t n)
{
    uint32_t left = 0, right = half, i = 0;
    if (!is_before(batch, &at[half], &at[half - 1])) return; /* as events mostly come */
    memcpy(self.spare, at, half * sizeof *at);
    while (left < half && right < n)
        at[i++] =
            is_before(batch, &at[right], &self.spare[left]) ? at[right++] : self.spare[left++];
    memcpy(at + i, self.spare + left, (half - left) * sizeof *at);
}

static void sort(const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->n; i++)
        self.order[i] = (struct order){ read64(batch->rows[i].id), i };
    for (uint32_t half = 1; half < batch->n; half *= 2)
        for (uint32_t i = 0; i + half < batch->n; i += 2 * half)
            merge(batch, self.order + i, half, batch->n - i < 2 * half ? batch->n - i : 2 * half);
}

/* Type, as in pg_type, and whether its values are NULL. */
static const struct column {
    Oid type, array;
    bool is_null;
} columns[COLUMNS] = { { 2950, 2951, false }, { 20, 1016, false },  { 25, 1009, false },
                       { 1184, 1185, false }, { 869, 1041, false }, { 23, 1007, false },
                       { 25, 1009, false },   { 3802, 3807, true } };

static void pack_row(const struct batch *batch, const struct row *row, unsigned char **at)
{
    const char *kind = kinds[row->kind];
    at[0] = put_bytes(at[0], row->id, 16);
    at[1] = put64(put32(at[1], 8), (uint64_t)row->user_id);
    at[2] = put_bytes(at[2], kind, (uint32_t)strlen(kind));
    at[3] = put64(put32(at[3], 8), (uint64_t)(row->at_us - UNIX_TO_PG_US));
    at[4] = put32(put32(put32(at[4], 8), 2u << 24 | 32u << 16 | 4), row->ip);
    at[5] = put32(put32(at[5], 4), (uint32_t)row->session_ms);
    at[6] = put_bytes(at[6], batch->texts + row->ua_at, row->ua_bytes);
    at[7] = put32(at[7], UINT32_MAX);
}

static void send_batch(void)
{
    struct batch *batch = &self.batches[self.filling];
    unsigned char *at[COLUMNS];
    const char *values[COLUMNS];
    int lengths[COLUMNS], formats[COLUMNS];
    sort(batch);
    for (int i = 0; i < COLUMNS; i++)
        at[i] = put32(
            put32(put32(put32(put32(self.columns[i], 1), columns[i].is_null), columns[i].type),
                  batch->n),
            1);
    for (uint32_t i = 0; i < batch->n; i++) pack_row(batch, &batch->rows[self.order[i].nth], at);
    for (int i = 0; i < COLUMNS; i++) {
        values[i] = (const char *)self.columns[i];
        lengths[i] = (int)(at[i] - self.columns[i]);
        formats[i] = 1;
    }
    if (!PQsendQueryPrepared(self.pg, "login", COLUMNS, values, lengths, formats, 1) ||
        !PQpipelineSync(self.pg))
        fail("PostgreSQL", PQerrorMessage(self.pg));
    self.must_flush = true;
    self.out++;
    self.filling = (self.filling + 1) % BATCHES;
}

/* ---- the cache, and the ack ---------------------------------------------------------------- */

static void set_last(const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->n; i++) {
        const struct row *row = &batch->rows[i];
        char set[256];
        const int body = snprintf(set + 128, 128, "{\"kind\":\"%s\",\"at_us\":%lld}",
                                  kinds[row->kind], (long long)row->at_us);
        char key[40];
        const int key_bytes = snprintf(key, sizeof key, "login:last:%lld", (long long)row->user_id);
        const char *words[] = { "SET", key, set + 128, "EX", "3600" };
        const size_t lengths[] = { 3, (size_t)key_bytes, (size_t)body, 2, 4 };
        redisAppendCommandArgv(self.redis, 5, words, lengths);
    }
    for (uint32_t i = 0; i < batch->n; i++) {
        void *reply;
        if (redisGetReply(self.redis, &reply) != REDIS_OK) fail("Redis", self.redis->errstr);
        freeReplyObject(reply);
    }
}

static void ack(uint64_t tag)
{
    unsigned char frame[21] = { 1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80 };
    put64(frame + 11, tag);
    frame[19] = 1; /* multiple */
    frame[20] = 0xce;
    if (send(self.fd, frame, sizeof frame, MSG_NOSIGNAL) != sizeof frame)
        fail("ack", strerror(errno));
}

static void end_batch(void)
{
    struct batch *batch = &self.batches[self.oldest];
    if (self.redis) set_last(batch);
    ack(batch->tag);
    self.acked += batch->n;
    batch->n = batch->texts_bytes = 0;
    self.oldest = (self.oldest + 1) % BATCHES;
    self.out--;
}

static void hear_postgres(void)
{
    if (!PQconsumeInput(self.pg)) fail("PostgreSQL", PQerrorMessage(self.pg));
    while (self.out && !PQisBusy(self.pg)) {
        PGresult *result = PQgetResult(self.pg);
        const ExecStatusType status = PQresultStatus(result);
        if (result && status != PGRES_COMMAND_OK && status != PGRES_PIPELINE_SYNC)
            fail("PostgreSQL", PQresultErrorMessage(result));
        PQclear(result);
        if (result && status == PGRES_PIPELINE_SYNC) end_batch();
    }
}

/* ---- from the broker ----------------------------------------------------------------------- */

static bool is_stuffed(void)
{
    return self.batches[self.filling].n == self.rows;
}

static void take_message(const unsigned char *body, size_t bytes)
{
    struct batch *batch = &self.batches[self.filling];
    if (!batch->n) batch->since_ns = self.heard_ns;
    take_body(batch, (const char *)body, bytes);
    batch->tag = self.tag;
    self.taken++;
}

/* One frame; false where it is not all there. */
static bool take_frame(void)
{
    amqp_frame_t frame = { 0 };
    while (self.from < self.used && !frame.frame_type) {
        const amqp_bytes_t rest = { self.used - self.from, self.buffer + self.from };
        const int taken = amqp_handle_input(self.broker, rest, &frame);
        if (taken < 0) fail("frame", amqp_error_string2(taken));
        self.from += (size_t)taken;
    }
    if (frame.frame_type == AMQP_FRAME_METHOD &&
        frame.payload.method.id == AMQP_BASIC_DELIVER_METHOD)
        self.tag = ((const amqp_basic_deliver_t *)frame.payload.method.decoded)->delivery_tag;
    if (frame.frame_type != AMQP_FRAME_BODY) return frame.frame_type;
    take_message(frame.payload.body_fragment.bytes, frame.payload.body_fragment.len);
    amqp_maybe_release_buffers(self.broker);
    return true;
}

/* Sends what became full; a full batch that cannot be sent yet ends the taking. */
static void take_all(void)
{
    while (!is_stuffed() && take_frame())
        if (is_stuffed() && self.out < BATCHES_OUT) send_batch();
    memmove(self.buffer, self.buffer + self.from, self.used - self.from);
    self.used -= self.from;
    self.from = 0;
}

/* Reads until the socket is empty, what cannot be taken yet too; rests then if there was much. */
static void hear_broker(void)
{
    size_t sum = 0;
    self.heard_ns = now_ns(CLOCK_MONOTONIC);
    for (;;) {
        const ssize_t got =
            recv(self.fd, self.buffer + self.used, BUFFER_BYTES - self.used, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (got <= 0) fail("receive", got ? strerror(errno) : "the broker hung up");
        self.used += (size_t)got;
        sum += (size_t)got;
        take_all();
    }
    if (sum >= BUSY_BYTES) self.rest_until_ns = self.heard_ns + REST_NS;
}

/* ---- the loop ------------------------------------------------------------------------------ */

static void send_if_due(uint64_t now)
{
    const struct batch *batch = &self.batches[self.filling];
    if (!batch->n || self.out >= BATCHES_OUT) return;
    const bool is_last = self.count && self.taken == self.count;
    const bool is_due = self.wait_ns ? now >= batch->since_ns + self.wait_ns : !self.out;
    if (is_stuffed() || is_last || is_due) send_batch();
}

static void lower(uint64_t *deadline, uint64_t other)
{
    if (other < *deadline) *deadline = other;
}

static void turn(void)
{
    uint64_t now = now_ns(CLOCK_MONOTONIC), until = now + 1000000000u;
    send_if_due(now);
    if (self.must_flush) {
        const int left = PQflush(self.pg);
        if (left < 0) fail("PostgreSQL", PQerrorMessage(self.pg));
        self.must_flush = left;
    }
    const bool is_resting = now < self.rest_until_ns;
    if (is_resting) lower(&until, self.rest_until_ns);
    if (self.batches[self.filling].n && self.wait_ns && self.out < BATCHES_OUT)
        lower(&until, self.batches[self.filling].since_ns + self.wait_ns);
    if (self.taken && self.idle_ns) lower(&until, self.heard_ns + self.idle_ns);
    struct pollfd fds[] = {
        { PQsocket(self.pg), (short)(POLLIN | (self.must_flush ? POLLOUT : 0)), 0 },
        { is_resting ? -1 : self.fd, POLLIN, 0 },
    };
    const uint64_t left_ns = until > now ? until - now : 0;
    const struct timespec left = { (time_t)(left_ns / 1000000000u), (long)(left_ns % 1000000000u) };
    if (ppoll(fds, 2, &left, NULL) < 0 && errno != EINTR) fail("poll", strerror(errno));
    if (fds[0].revents) hear_postgres();
    if (self.from < self.used) take_all();
    if (fds[1].revents) hear_broker();
}

static bool is_over(void)
{
    if (is_ending || (self.count && self.acked >= self.count)) return true;
    return self.idle_ns && self.acked && self.acked == self.taken &&
           now_ns(CLOCK_MONOTONIC) >= self.heard_ns + self.idle_ns;
}

/* ---- coming up ----------------------------------------------------------------------------- */

static void on_signal(int number)
{
    (void)number;
    is_ending = 1;
}

static void open_broker(char *url, const char *queue, uint16_t prefetch)
{
    struct amqp_connection_info to;
    amqp_connection_state_t state = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(state);
    if (amqp_parse_url(url, &to)) fail("AMQP_URL", "is none");
    if (!socket || amqp_socket_open(socket, to.host, to.port)) fail("connect", to.host);
    const amqp_rpc_reply_t reply = amqp_login(state, *to.vhost ? to.vhost : "/", 0, 131072, 0,
                                              AMQP_SASL_METHOD_PLAIN, to.user, to.password);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) fail("login", "refused");
    if (!amqp_channel_open(state, 1)) fail("channel", "refused");
    if (!amqp_basic_qos(state, 1, 0, prefetch, 0)) fail("qos", "refused");
    const amqp_basic_consume_t consume = { .queue = amqp_cstring_bytes(queue) };
    if (amqp_send_method(state, 1, AMQP_BASIC_CONSUME_METHOD, (void *)(uintptr_t)&consume))
        fail("consume", "not sent");
    self.fd = amqp_get_sockfd(state);
    self.broker = state;
    setsockopt(self.fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
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
        "unnest($7), "
        "unnest($8) ON CONFLICT (event_id, at) DO NOTHING",
        COLUMNS, types);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) fail("prepare", PQerrorMessage(self.pg));
    PQclear(result);
    if (PQsetnonblocking(self.pg, 1) || !PQenterPipelineMode(self.pg))
        fail("PostgreSQL", PQerrorMessage(self.pg));
}

/* redis://HOST:PORT[/…] */
static void open_redis(const char *url)
{
    char host[128];
    int port;
    if (sscanf(url, "redis://%127[^:]:%d", host, &port) != 2) fail("REDIS_URL", "is none");
    self.redis = redisConnect(host, port);
    if (!self.redis || self.redis->err) fail("Redis", "not reached");
}

static void make_room(uint32_t rows)
{
    self.rows = rows;
    self.buffer = malloc(BUFFER_BYTES);
    self.order = malloc(rows * sizeof *self.order);
    self.spare = malloc(rows * sizeof *self.spare);
    for (int i = 0; i < BATCHES; i++) {
        self.batches[i].rows = malloc(rows * sizeof *self.batches[i].rows);
        self.batches[i].texts = malloc((size_t)rows * UA_BYTES);
    }
    for (int i = 0; i < COLUMNS; i++)
        self.columns[i] = malloc(20 + (size_t)rows * (i == 6 ? UA_BYTES + 4 : 20));
}

int main(int argc, char **argv)
{
    if (argc < 9)
        fail("usage", "AMQP_URL QUEUE PREFETCH ROWS WAIT_MS COUNT IDLE_MS DATABASE_URL "
                      "[REDIS_URL]");
    const struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);
    make_room((uint32_t)strtoul(argv[4], NULL, 10));
    self.wait_ns = strtoull(argv[5], NULL, 10) * 1000000u;
    self.count = strtoull(argv[6], NULL, 10);
    self.idle_ns = strtoull(argv[7], NULL, 10) * 1000000u;
    open_postgres(argv[8]);
    if (argc > 9) open_redis(argv[9]);
    open_broker(argv[1], argv[2], (uint16_t)strtoul(argv[3], NULL, 10));
    const uint64_t began_ns = now_ns(CLOCK_REALTIME), cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t ended_ns = began_ns;
    for (uint64_t acked = 0; !is_over(); acked = self.acked) {
        turn();
        if (self.acked != acked) ended_ns = now_ns(CLOCK_REALTIME);
    }
    const uint64_t cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%llu %llu %llu %ld %llu %llu\n", (unsigned long long)self.acked,
           (unsigned long long)(ended_ns - began_ns), (unsigned long long)cpu, usage.ru_maxrss,
           (unsigned long long)began_ns, (unsigned long long)ended_ns);
    fflush(stdout);
    /* The last ack is to arrive, and what the servers spent on this process is counted while it lives. */
    for (int i = 0; i < 600 && !is_ending; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
    return EXIT_SUCCESS;
}
