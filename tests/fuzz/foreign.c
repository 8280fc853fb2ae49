/* SPDX-License-Identifier: Apache-2.0
 *
 * Foreign bytes through the readers of trace contexts and CloudEvents: good ones, damaged at random, for
 * some seconds or some rounds. The sanitizers judge, and a few things that must hold whatever came. The
 * seed is printed first: with -r it does the same again.
 * Usage: fuzz_foreign [-s SECONDS] [-n ROUNDS] [-r SEED] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "amqp/table.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/trace.h"
#include "plugin/event.h"
#include "plugin/headers.h"

#define BYTES_MOST 600

static uint64_t state;

static uint64_t next(void)
{
    state += 0x9E3779B97F4A7C15u;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* In exactly as many bytes as it has, so that reading past it is seen; the caller frees it. */
static struct wr_text damage(struct wr_text good)
{
    char bytes[BYTES_MOST + 8];
    size_t n = good.len;
    memcpy(bytes, good.at, n);
    for (uint64_t i = next() % 4; i > 0; i--) {
        const size_t at = n ? next() % n : 0;
        switch (next() % 5) {
        case 0:
            if (n) bytes[at] = (char)next();
            break;
        case 1:
            if (n) bytes[at] ^= (char)(1u << next() % 8);
            break;
        case 2: n = at; break;
        case 3:
            if (n) memmove(bytes + at, bytes + at + 1, --n - at);
            break;
        default:
            if (n >= BYTES_MOST) break;
            memmove(bytes + at + 1, bytes + at, n++ - at);
            bytes[at] = "{}[]\",:0e\\"[next() % 10];
        }
    }
    char *const own = malloc(n ? n : 1);
    CHECK(own);
    memcpy(own, bytes, n);
    return text_from(own, n);
}

static uint64_t read_trace(void)
{
    static const char *const good[] = {
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
    };
    struct trace_context context, again;
    char out[TRACE_PARENT_CHARS];
    const struct wr_text text = damage(text_of(good[next() % 2]));
    const bool is_good = trace_read(text, &context);
    CHECK(is_good == context.is_there);
    (void)trace_is_state(text);
    if (is_good) {
        trace_write(&context, out);
        CHECK(trace_read(text_from(out, sizeof out), &again));
        CHECK(memcmp(again.id, context.id, sizeof again.id) == 0 && again.flags == context.flags);
    }
    free((void *)(uintptr_t)text.at);
    return is_good;
}

static uint64_t read_event(void)
{
    static const char *const bodies[] = {
        "{\"specversion\":\"1.0\",\"id\":\"e\\u00e9\",\"source\":\"/s\",\"type\":\"t\","
        "\"time\":\"2026-01-02T03:04:05Z\",\"n\":7,\"data\":{\"a\":[1,{\"b\":null}]}}",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\","
        "\"datacontenttype\":\"text/plain\",\"data\":\"x\\ny\"}",
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\","
        "\"data_base64\":\"iVBORw==\"}",
    };
    static const struct wr_pair pairs[] = {
        { .name = WR_TEXT_OF("cloudEvents:specversion"), .text = WR_TEXT_OF("1.0") },
        { .name = WR_TEXT_OF("ce-id"), .text = WR_TEXT_OF("e") },
        { .name = WR_TEXT_OF("cloudEvents_time"), .number = 1767323045, .kind = WR_H_INT },
        { .name = WR_TEXT_OF("ce_urgent"), .number = 1, .kind = WR_H_BOOL },
        { .name = WR_TEXT_OF("tenant"), .text = WR_TEXT_OF("blue") },
    };
    static struct json json;
    char encoded[300];
    const struct wr_text none = { "", 0 };
    const size_t n = sizeof pairs / sizeof *pairs;
    CHECK(headers_bytes("", pairs, n) <= sizeof encoded);
    const size_t bytes = (size_t)(headers_write("", pairs, n, encoded) - encoded);
    const struct wr_text body = damage(text_of(bodies[next() % 3]));
    const struct wr_text headers = next() % 2 ? damage(text_from(encoded, bytes)) : none;
    const bool is_structured = next() % 2;
    struct job_message message = { .headers = headers, .fault = none };
    struct arena arena;
    arena_init(&arena, NULL, 0);
    message.message.body = body;
    message.message.id = message.message.type = none;
    message.message.content_type = text_of(is_structured ? EVENT_TYPE : "application/json");
    if (event_is_possible(&message)) event_read(&message, &json, &arena);
    const bool is_event = message.is_id_of_event;
    CHECK(!message.fault.len || (is_structured && !is_event));
    struct wr_pair pair;
    uint64_t sum = 0; /* every byte of it is read */
    for (size_t at = 0; table_next(message.headers, &at, &pair);) sum += text_hash(pair.text);
    sum += text_hash(message.message.body) + text_hash(message.message.id);
    __asm__ volatile("" : : "r"(sum));
    arena_reset(&arena);
    free((void *)(uintptr_t)body.at);
    if (headers.len || headers.at != none.at) free((void *)(uintptr_t)headers.at);
    return is_event;
}

int main(int argc, char **argv)
{
    uint64_t rounds = UINT64_MAX, traces = 0, events = 0, done = 0, seed = random_u64();
    uint64_t seconds = 0;
    for (int option; (option = getopt(argc, argv, "s:n:r:")) != -1;) {
        if (option == 's')
            seconds = strtoull(optarg, NULL, 10);
        else if (option == 'n')
            rounds = strtoull(optarg, NULL, 10);
        else if (option == 'r')
            seed = strtoull(optarg, NULL, 10);
        else
            return 64;
    }
    if (seconds == 0 && rounds == UINT64_MAX) seconds = 1;
    const uint64_t until_ms = seconds ? clock_now_ms() + seconds * 1000 : UINT64_MAX;
    printf("fuzz_foreign: seed %" PRIu64 "\n", seed);
    fflush(stdout);
    for (state = seed; done < rounds && (done % 256 != 0 || clock_now_ms() < until_ms); done++) {
        traces += read_trace();
        events += read_event();
    }
    printf("fuzz_foreign: %" PRIu64 " rounds, %" PRIu64 " traces and %" PRIu64 " events accepted\n",
           done, traces, events);
    return traces > 0 && traces < done && events > 0 && events < done ? 0 : 1;
}
