/* SPDX-License-Identifier: Apache-2.0
 *
 * See redis.h. */
#include "support/redis.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define PATIENCE_MS 20000
#define ANSWERS 8
#define ANSWER_BYTES 2048

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* Bound, and not listened on: the system gives the port to nobody else, and who asks for it by its number
 * and with SO_REUSEADDR, as Redis does, may listen there. */
static int hold_port(uint16_t *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof address;
    const int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, bytes), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

uint16_t redis_free_port(void)
{
    uint16_t port;
    (void)hold_port(&port);
    return port;
}

static bool is_listened_on(uint16_t port)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons(port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0);
    const bool is = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return is;
}

/* ---- the process ----------------------------------------------------------------------------- */

static void be_redis(const struct redis *redis, char *port)
{
    const char *words[48] = { "redis-server",
                              redis->is_tls ? "--tls-port" : "--port",
                              port,
                              "--bind",
                              "127.0.0.1",
                              "--dir",
                              redis->dir,
                              "--save",
                              "",
                              "--appendonly",
                              "no",
                              "--dbfilename",
                              "dump.rdb" };
    size_t n = 13;
    if (redis->is_tls) {
        words[n++] = "--port";
        words[n++] = "0";
    }
    for (size_t i = 0; redis->options[i]; i++) words[n++] = redis->options[i];
    char log[160];
    snprintf(log, sizeof log, "%s/log", redis->dir);
    const int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp("redis-server", (char *const *)(uintptr_t)words);
    _exit(127);
}

void redis_again(struct redis *redis)
{
    const uint64_t deadline_ms = clock_now_ms() + PATIENCE_MS;
    char port[8];
    snprintf(port, sizeof port, "%u", redis->port);
    redis->pid = fork();
    cr_assert(redis->pid >= 0);
    if (redis->pid == 0) be_redis(redis, port);
    while (!is_listened_on(redis->port)) {
        cr_assert_eq(waitpid(redis->pid, NULL, WNOHANG), 0, "redis-server ended; see %s/log",
                     redis->dir);
        cr_assert(clock_now_ms() < deadline_ms, "redis-server does not listen");
        pause_ms(5);
    }
}

void redis_start(struct redis *redis, const char *const *options)
{
    *redis = (struct redis){ .pid = 0 };
    redis->hold = hold_port(&redis->port);
    for (size_t i = 0; options && options[i]; i++) {
        redis->options[i] = options[i];
        redis->is_tls |= strncmp(options[i], "--tls-cert-file", 15) == 0;
    }
    scratch_make(redis->dir, "redis");
    redis_again(redis);
}

void redis_signal(struct redis *redis, int number)
{
    cr_assert_eq(kill(redis->pid, number), 0);
}

void redis_kill(struct redis *redis)
{
    redis_look_away(redis);
    if (redis->pid <= 0) return;
    kill(redis->pid, SIGKILL);
    waitpid(redis->pid, NULL, 0);
    redis->pid = 0;
}

void redis_end(struct redis *redis)
{
    redis_kill(redis);
    close(redis->hold);
    scratch_remove(redis->dir);
}

/* ---- looking --------------------------------------------------------------------------------- */

bool redis_look(struct redis *redis, const char *url)
{
    unsigned port = 0;
    if (!url || sscanf(url, "redis://127.0.0.1:%u", &port) != 1) return false; // NOLINT
    *redis = (struct redis){ .port = (uint16_t)port };
    return true;
}

void redis_look_away(struct redis *redis)
{
    if (redis->line) redisFree(redis->line);
    redis->line = NULL;
}

static redisReply *vask(struct redis *redis, const char *format, va_list args)
{
    if (!redis->line) {
        redis->line = redisConnect("127.0.0.1", redis->port);
        cr_assert(redis->line && !redis->line->err, "no line to Redis");
        if (*redis->password)
            freeReplyObject(redisCommand(redis->line, "AUTH %s", redis->password));
    }
    redisReply *reply = redisvCommand(redis->line, format, args);
    cr_assert(reply, "%s: %s", format, redis->line->errstr);
    return reply;
}

const char *redis_ask(struct redis *redis, const char *format, ...)
{
    static char answers[ANSWERS][ANSWER_BYTES];
    static unsigned turn;
    char *const answer = answers[turn++ % ANSWERS];
    va_list args;
    va_start(args, format);
    redisReply *reply = vask(redis, format, args);
    va_end(args);
    if (reply->type == REDIS_REPLY_INTEGER)
        snprintf(answer, ANSWER_BYTES, "%lld", reply->integer);
    else
        snprintf(answer, ANSWER_BYTES, "%s",
                 reply->type == REDIS_REPLY_NIL ? "(nil)"
                 : reply->str                   ? reply->str
                                                : "");
    freeReplyObject(reply);
    return answer;
}

long long redis_ask_number(struct redis *redis, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = vask(redis, format, args);
    va_end(args);
    const long long number = reply->integer;
    cr_assert_eq(reply->type, REDIS_REPLY_INTEGER, "%s: %s", format, reply->str);
    freeReplyObject(reply);
    return number;
}
