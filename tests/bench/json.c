/* SPDX-License-Identifier: Apache-2.0
 *
 * What the JSON scanner costs for one message of the benchmark: check it and take its seven fields.
 * Prints ns per message, the best of several rounds (the others were disturbed), beside jansson
 * where that is installed. Not a test: machines differ. Usage: bench_json [rounds] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"

#ifdef HAVE_JANSSON
#include <jansson.h>
#endif

#define MESSAGES 64 /* different ones, so that no branch is learnt by heart */
#define MESSAGES_A_ROUND 200000

struct message {
    char bytes[512];
    size_t len;
};

/* Takes seven fields and folds them into a number, so that nothing can be left out; 0 is a fault. */
typedef uint64_t (*taker)(struct wr_text document);

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void message_make(struct message *message, unsigned seed)
{
    static const char *const kinds[] = { "login_ok", "login_failed", "logout" };
    message->len = (size_t)snprintf(
        message->bytes, sizeof message->bytes,
        "{\"event_id\":\"%08x-7c3b-4a1e-9f42-0123456789ab\",\"user_id\":%u,\"kind\":\"%s\","
        "\"at\":\"2026-01-02T03:04:05.%03uZ\",\"ip\":\"10.%u.2.3\",\"session_ms\":%u,"
        "\"ua\":\"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0 en-US\"}",
        seed * 2654435761u, seed * 7919 % 50000 + 1, kinds[seed % 3], seed * 37 % 1000, seed % 256,
        seed * 7907 % 9000);
}

static uint64_t take_ours(struct wr_text document)
{
    static struct json json;
    static struct arena arena; /* nothing is escaped, nothing is taken */
    struct wr_text event_id, kind, at, ip, ua;
    int64_t user_id, session_ms;
    if (json_open(&json, document) || json_text(&json, "event_id", &arena, &event_id) ||
        json_int(&json, "user_id", &user_id) || json_text(&json, "kind", &arena, &kind) ||
        json_text(&json, "at", &arena, &at) || json_text(&json, "ip", &arena, &ip) ||
        json_int(&json, "session_ms", &session_ms) || json_text(&json, "ua", &arena, &ua))
        return 0;
    return (uint64_t)(user_id + session_ms) + event_id.len + kind.len + at.len + ip.len + ua.len;
}

#ifdef HAVE_JANSSON
static uint64_t take_jansson(struct wr_text document)
{
    json_t *root = json_loadb(document.at, document.len, 0, NULL);
    if (!root) return 0;
    static const char *const texts[] = { "event_id", "kind", "at", "ip", "ua" };
    json_int_t sum = json_integer_value(json_object_get(root, "user_id")) +
                     json_integer_value(json_object_get(root, "session_ms"));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        sum += (json_int_t)json_string_length(json_object_get(root, texts[i]));
    json_decref(root);
    return (uint64_t)sum;
}
#endif

static void measure(const char *name, taker take, const struct message *messages, unsigned rounds)
{
    double best = 0;
    uint64_t sum = 0;
    for (unsigned round = 0; round < rounds; round++) {
        int64_t begun = now_ns();
        for (unsigned i = 0; i < MESSAGES_A_ROUND; i++) {
            const struct message *message = &messages[i % MESSAGES];
            uint64_t taken = take((struct wr_text){ message->bytes, message->len });
            if (taken == 0) abort();
            sum += taken;
        }
        double ns = (double)(now_ns() - begun) / MESSAGES_A_ROUND;
        if (round == 0 || ns < best) best = ns;
    }
    printf("%-10s %7.0f ns per message (sum %" PRIu64 ")\n", name, best, sum);
}

int main(int argc, char **argv)
{
    static struct message messages[MESSAGES];
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 15;
    for (unsigned i = 0; i < MESSAGES; i++) message_make(&messages[i], i + 1);
    printf("check a message of %zu bytes and take seven fields, best of %u rounds\n",
           messages[0].len, rounds);
    measure("warrener", take_ours, messages, rounds);
#ifdef HAVE_JANSSON
    measure("jansson", take_jansson, messages, rounds);
#endif
    return 0;
}
