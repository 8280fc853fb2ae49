/* SPDX-License-Identifier: Apache-2.0
 *
 * The world of a test, and its messages; see play.h. */
#include "support/play.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOG_SHOWN 4000

void play_pause_ms(uint32_t ms)
{
    struct timespec left = { ms / 1000, (long)(ms % 1000) * 1000000 };
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

uint16_t play_broker_port(void)
{
    const char *colon = strrchr(getenv("AMQP_URL"), ':');
    return (uint16_t)atoi(colon + 1);
}

const char *play_path(const struct play *play, const char *file)
{
    static char paths[4][300];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", play->dir, file);
    return path;
}

bool play_open(struct play *play, const char *name)
{
    const char *url = getenv("AMQP_URL");
    *play = (struct play){ .host = 0 };
    if (!url) {
        fprintf(stderr, "passed over: AMQP_URL is not set\n");
        return false;
    }
    play->rabbit = rabbit_open(url);
    cr_assert(play->rabbit, "no broker at AMQP_URL");
    snprintf(play->name, sizeof play->name, "t-%s-%d", name, (int)getpid());
    snprintf(play->queue, sizeof play->queue, "test.host.%s.%d", name, (int)getpid());
    snprintf(play->dead, sizeof play->dead, "%s.dead", play->queue);
    scratch_make(play->dir, "test");
    snprintf(play->record, sizeof play->record, "%s/record", play->dir);
    snprintf(play->log, sizeof play->log, "%s/log", play->dir);
    return true;
}

/* Of all delays that tests use. */
static void delete_retry_queues(const struct play *play)
{
    static const char *const delays[] = { "100ms", "200ms", "300ms", "900ms",
                                          "1s",    "10s",   "1m",    "10m" };
    char name[120];
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        snprintf(name, sizeof name, "%s.retry.%s", play->queue, delays[i]);
        rabbit_delete(play->rabbit, name);
    }
}

void play_close(struct play *play)
{
    if (play->host) play_kill(play);
    rabbit_delete(play->rabbit, play->queue);
    rabbit_delete(play->rabbit, play->dead);
    delete_retry_queues(play);
    rabbit_close(play->rabbit);
    scratch_remove(play->dir);
}

static void show_log(const struct play *play)
{
    char text[LOG_SHOWN + 1];
    FILE *file = fopen(play->log, "re");
    if (!file) return;
    fseek(file, 0, SEEK_END);
    const long end = ftell(file);
    fseek(file, end > LOG_SHOWN ? end - LOG_SHOWN : 0, SEEK_SET);
    const size_t n = fread(text, 1, LOG_SHOWN, file);
    fclose(file);
    fprintf(stderr, "---- %s, the end of the host's log:\n%.*s----\n", play->name, (int)n, text);
}

const char *play_confess(const struct play *play, const char *format, ...)
{
    static char words[4096];
    va_list args;
    show_log(play);
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return words;
}

/* ---- files ----------------------------------------------------------------------------------- */

void play_write(const struct play *play, const char *name, const char *text)
{
    FILE *file = fopen(play_path(play, name), "we");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* Beside the host, where it was built: a plugin is loaded by a host of its own kind only. */
static const char *plugins_dir(void)
{
    static char dir[300];
    const char *bin = getenv("WARRENER_BIN");
    const char *slash = bin ? strrchr(bin, '/') : NULL;
    if (!slash) return TEST_PLUGINS;
    snprintf(dir, sizeof dir, "%.*s/tests/plugins", (int)(slash - bin), bin);
    return dir;
}

const char *play_workers_dir(void)
{
    const char *dir = getenv("WARRENER_WORKERS");
    return dir ? dir : TEST_WORKERS;
}

static const char * or (const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

/* Tests that reject by the hundred mean it: a breaker is for those that ask for one. */
static const char *breaker_of(const struct setup *setup)
{
    return setup->consumer && strstr(setup->consumer, "breaker") ? "" : ", breaker: off";
}

void play_configure(const struct play *play, const struct setup *setup)
{
    char options[400] = "", text[8192];
    if (!setup->handler)
        snprintf(options, sizeof options, ", options: {record: \"%s\"%s%s}", play->record,
                 setup->options ? ", " : "", or (setup->options, ""));
    snprintf(text, sizeof text,
             "name: %s\n"
             "amqp: {%s}\n"
             "http: {listen: 127.0.0.1:0}\n"
             "plugins: %s\n"
             "%s\n"
             "consumers:\n"
             "  - {queue: %s, handler: %s%s%s%s%s}\n"
             "%s",
             play->name, or (setup->amqp, "url: \"${AMQP_URL}\""),
             or (setup->plugins, plugins_dir()), or (setup->top, ""), play->queue,
             or (setup->handler, "probe"), options, setup->consumer ? ", " : "",
             or (setup->consumer, ""), breaker_of(setup), or (setup->more, ""));
    play_write(play, "warrener.yaml", text);
}

/* ---- messages -------------------------------------------------------------------------------- */

void play_write_many(const struct play *play, const char *name, uint32_t first, uint32_t n,
                     const char *body)
{
    FILE *file = fopen(play_path(play, name), "we");
    const char *at = strstr(body, "%u");
    cr_assert(file);
    for (uint32_t i = first; i < first + n; i++) {
        fprintf(file, "{\"id\":\"m%u\",\"body\":", i);
        if (at)
            fprintf(file, "%.*s%u%s}\n", (int)(at - body), body, i, at + 2);
        else
            fprintf(file, "%s}\n", body);
    }
    cr_assert(fclose(file) == 0);
}

static void publish(const struct play *play)
{
    char output[1024];
    const int end = RUN(play, output, "publish", "--exchange", "", "--key", play->queue, "--ndjson",
                        play_path(play, "messages"));
    PROVE(play, end == 0, "%s", output);
}

void play_send(const struct play *play, const char *lines)
{
    play_write(play, "messages", lines);
    publish(play);
}

void play_send_many(const struct play *play, uint32_t first, uint32_t n, const char *body)
{
    play_write_many(play, "messages", first, n, body);
    publish(play);
}

/* ---- accounts -------------------------------------------------------------------------------- */

uint32_t play_handled(const struct play *play, uint32_t ids)
{
    return record_handled(play->record, ids);
}

bool play_is_still(const struct play *play)
{
    return rabbit_ready(play->rabbit, play->queue) == 0 &&
           play_metric(play, "warrener_messages_in_flight@}") == 0;
}

/* What a consumer had goes back in the same moment as it is forgotten. */
uint32_t play_left(const struct play *play)
{
    uint32_t ready = 0, consumers = 1;
    WAIT(play, rabbit_look(play->rabbit, play->queue, &ready, &consumers) && consumers == 0);
    return ready;
}
