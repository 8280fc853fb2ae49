/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands and replies, byte by byte and hostile. */
#include <criterion/criterion.h>
#include <event2/buffer.h>
#include <stdio.h>

#include "cache/resp.h"

#define MOST 65536

static const struct resp_value *take(struct resp_reader *reader, struct evbuffer *in)
{
    const struct resp_value *reply = NULL;
    cr_assert_eq(resp_next(reader, in, &reply), RESP_REPLY, "%s", resp_reader_fault(reader));
    return reply;
}

static void put(struct evbuffer *in, const char *bytes, size_t n)
{
    cr_assert(evbuffer_add(in, bytes, n) == 0);
}

Test(resp, a_command_is_its_words_with_their_lengths)
{
    static const char expected[] = "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$20\r\n18446744073709551615\r\n";
    struct resp_command command = { 0 };
    struct evbuffer *out = evbuffer_new();
    for (int round = 0; round < 2; round++) { /* begun again, it starts anew */
        resp_begin(&command, 3);
        resp_add(&command, text_of("SET"));
        resp_add(&command, text_of(""));
        resp_add_number(&command, UINT64_MAX);
    }
    resp_send(&command, out);
    cr_assert_eq(evbuffer_get_length(out), sizeof expected - 1);
    cr_assert_arr_eq(evbuffer_pullup(out, -1), expected, sizeof expected - 1);
    resp_fini(&command);
    evbuffer_free(out);
}

Test(resp, a_command_grows_with_what_is_put_into_it)
{
    struct resp_command command = { 0 };
    char *large = malloc(300000);
    memset(large, 'x', 300000);
    resp_begin(&command, 2);
    resp_add(&command, text_from(large, 300000));
    resp_add(&command, text_from("\0\r\n", 3));
    static const char head[] = "*2\r\n$300000\r\n", tail[] = "\r\n$3\r\n\0\r\n\r\n";
    cr_assert_eq(command.bytes, sizeof head - 1 + 300000 + sizeof tail - 1);
    cr_assert_arr_eq(command.at, head, sizeof head - 1);
    cr_assert_arr_eq(command.at + sizeof head - 1 + 300000, tail, sizeof tail - 1);
    free(large);
    resp_fini(&command);
}

static const char talk[] = "+OK\r\n:-42\r\n$-1\r\n$5\r\na\0b\r\n\r\n-ERR no\r\n*-1\r\n*0\r\n"
                           "*3\r\n$1\r\nx\r\n*2\r\n:1\r\n$-1\r\n+y\r\n";

static void expect_talk(struct resp_reader *reader, struct evbuffer *in)
{
    const struct resp_value *reply = take(reader, in);
    cr_assert(reply->kind == RESP_STATUS && text_is(reply->text, "OK"));
    reply = take(reader, in);
    cr_assert(reply->kind == RESP_NUMBER && reply->number == -42);
    cr_assert(take(reader, in)->kind == RESP_NIL);
    reply = take(reader, in);
    cr_assert(reply->kind == RESP_TEXT && reply->text.len == 5 &&
              memcmp(reply->text.at, "a\0b\r\n", 5) == 0);
    reply = take(reader, in);
    cr_assert(reply->kind == RESP_ERROR && text_is(reply->text, "ERR no"));
    cr_assert(take(reader, in)->kind == RESP_NIL);
    reply = take(reader, in);
    cr_assert(reply->kind == RESP_LIST && reply->n == 0);
    reply = take(reader, in);
    cr_assert(reply->kind == RESP_LIST && reply->n == 3);
    cr_assert(text_is(reply->items[0].text, "x") && text_is(reply->items[2].text, "y"));
    cr_assert(reply->items[1].kind == RESP_LIST && reply->items[1].n == 2);
    cr_assert(reply->items[1].items[0].number == 1 && reply->items[1].items[1].kind == RESP_NIL);
}

Test(resp, replies_are_read_whole)
{
    struct resp_reader *reader = resp_reader_new(MOST);
    struct evbuffer *in = evbuffer_new();
    const struct resp_value *reply = NULL;
    for (int i = 0; i < 1000; i++) put(in, talk, sizeof talk - 1);
    for (int i = 0; i < 1000; i++) expect_talk(reader, in);
    cr_assert_eq(resp_next(reader, in, &reply), RESP_NEEDS_MORE);
    evbuffer_free(in);
    resp_reader_free(reader);
}

Test(resp, replies_are_read_cut_anywhere)
{
    for (size_t cut = 1; cut < sizeof talk - 1; cut++) {
        struct resp_reader *reader = resp_reader_new(MOST);
        struct evbuffer *in = evbuffer_new();
        struct resp_reader *bytewise = resp_reader_new(MOST);
        const struct resp_value *reply = NULL;
        unsigned n = 0;
        put(in, talk, cut);
        while (resp_next(reader, in, &reply) == RESP_REPLY) n++;
        put(in, talk + cut, sizeof talk - 1 - cut);
        while (resp_next(reader, in, &reply) == RESP_REPLY) n++;
        cr_assert_eq(n, 8, "cut at %zu", cut);
        cr_assert(text_is(reply->items[2].text, "y"));
        n = 0;
        for (size_t i = 0; i < sizeof talk - 1; i++) {
            put(in, talk + i, 1);
            while (resp_next(bytewise, in, &reply) == RESP_REPLY) n++;
        }
        cr_assert_eq(n, 8);
        evbuffer_free(in);
        resp_reader_free(reader);
        resp_reader_free(bytewise);
    }
}

static void expect_broken(const char *bytes, size_t n, const char *what)
{
    struct resp_reader *reader = resp_reader_new(MOST);
    struct evbuffer *in = evbuffer_new();
    const struct resp_value *reply = NULL;
    put(in, bytes, n);
    enum resp_result result = RESP_REPLY;
    while (result == RESP_REPLY) result = resp_next(reader, in, &reply);
    cr_expect_eq(result, RESP_BROKEN, "%s", what);
    cr_expect(*resp_reader_fault(reader));
    evbuffer_free(in);
    resp_reader_free(reader);
}

Test(resp, what_is_no_redis_is_told)
{
    static const char *const cases[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "\x15\x03\x01",
        "AMQP\x00\x00\x09\x01",
        "*99999999999999999999\r\n",
        "*1048577\r\n",
        "*2147483647\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
        "$99999999999999999999\r\n",
        "%1\r\n+a\r\n+b\r\n",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_broken(cases[i], strlen(cases[i]), cases[i]);
}

Test(resp, memory_is_bounded_whatever_comes)
{
    const size_t n = 200000;
    char *flood = malloc(n);
    memset(flood, 'x', n);
    memcpy(flood, "$150000\r\n", 9);
    expect_broken(flood, n, "a text above the bound");
    memset(flood, 'x', n);
    flood[0] = '+';
    expect_broken(flood, n, "a line without an end");
    memcpy(flood, "*1000000\r\n", 10);
    for (size_t i = 10; i + 4 < n; i += 4) memcpy(flood + i, ":1\r\n", 4);
    expect_broken(flood, n, "a list above the bound");
    free(flood);
}

Test(resp, garbage_never_hurts)
{
    uint64_t dice = 20260730;
    for (int round = 0; round < 20000; round++) {
        static const char marks[] = "+-:$*%~#,(!=\r\n0123456789-xyz";
        struct resp_reader *reader = resp_reader_new(4096);
        struct evbuffer *in = evbuffer_new();
        const struct resp_value *reply = NULL;
        enum resp_result result = RESP_NEEDS_MORE;
        for (int piece = 0; piece < 8 && result != RESP_BROKEN; piece++) {
            char bytes[24];
            for (size_t i = 0; i < sizeof bytes; i++) {
                dice = dice * 6364136223846793005u + 1442695040888963407u;
                bytes[i] = marks[(dice >> 33) % (sizeof marks - 1)];
                if (i % 3 == 1) bytes[i] = '\r';
                if (i % 3 == 2) bytes[i] = '\n';
                if ((dice >> 60) == 0) bytes[i] = (char)(dice >> 40);
            }
            put(in, bytes, sizeof bytes);
            while ((result = resp_next(reader, in, &reply)) == RESP_REPLY) continue;
        }
        evbuffer_free(in);
        resp_reader_free(reader);
    }
}
