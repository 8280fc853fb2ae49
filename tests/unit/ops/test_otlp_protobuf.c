/* SPDX-License-Identifier: Apache-2.0
 *
 * Spans as OTLP's protobuf: against bytes reckoned by hand, and there and back through the tests' own
 * strict reader, which is held against mistakes itself. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/random.h"
#include "ops/otlp.h"
#include "support/otlp_read.h"

#define UNIX_NS INT64_C(0x1122334455667700)

static const struct span_source source = { "q", "h", true }, plain = { "\xc3\xa4", "h", false };
static const struct otlp_pair about[] = { { (char *)"service.name", (char *)"s" } };

static struct span a_message(void)
{
    struct span span = {
        .source = &source,
        .trace = { true, 1, { 0x4b, 0xf9, [15] = 0x36 }, { 0xab, [7] = 1 } },
        .kind = SPAN_MESSAGE,
        .start_ns = 8,
        .end_ns = 0x10,
        .attempt = 1,
        .body_bytes = 228,
        .id_chars = 2,
        .key_chars = 3,
    };
    memcpy(span.id, "m1", 2);
    memcpy(span.key, "k.l", 3);
    return span;
}

static struct metrics_text out;

static struct wr_text write_spans(const struct span *spans, size_t n)
{
    struct otlp *const otlp = otlp_new(OTLP_PROTOBUF, about, 1, "0.1");
    struct wr_text request;
    for (int round = 0; round < 2; round++) { /* the second finds what the first has kept */
        otlp_begin(otlp, &out);
        for (size_t i = 0; i < n; i++) otlp_add(otlp, &out, &spans[i], UNIX_NS);
        request = otlp_end(otlp, &out);
    }
    otlp_free(otlp);
    return request;
}

/* ---- to the letter --------------------------------------------------------------------------------- */

#define HEAD "\x0a\x15\x0a\x13\x0a\x0cservice.name\x12\x03\x0a\x01s" /* Resource: 23 bytes */
#define SCOPE                                                                                      \
    "\x0a\x0f\x0a\x08warrener\x12\x03"                                                             \
    "0.1" /* InstrumentationScope: 17 */
#define SPAN                                                                                       \
    "\x12\xb5\x02"                                                    /* 309 */                    \
    "\x0a\x10\x4b\xf9\0\0\0\0\0\0\0\0\0\0\0\0\0\x36"                  /* 18 */                     \
    "\x12\x08\xab\0\0\0\0\0\0\x01"                                    /* 28 */                     \
    "\x2a\x09process q"                                               /* 39 */                     \
    "\x30\x05"                                                        /* 41 */                     \
    "\x39\x08\x77\x66\x55\x44\x33\x22\x11"                            /* 50 */                     \
    "\x41\x10\x77\x66\x55\x44\x33\x22\x11"                            /* 59 */                     \
    "\x4a\x1e\x0a\x10messaging.system\x12\x0a\x0a\x08rabbitmq"        /* 91 */                     \
    "\x4a\x21\x0a\x1amessaging.destination.name\x12\x03\x0a\x01q"     /* 126 */                    \
    "\x4a\x17\x0a\x10warrener.handler\x12\x03\x0a\x01h"               /* 151 */                    \
    "\x4a\x25\x0a\x18messaging.operation.name\x12\x09\x0a\x07process" /* 190 */                    \
    "\x4a\x1c\x0a\x14messaging.message.id\x12\x04\x0a\x02m1"          /* 220 */                    \
    "\x4a\x33\x0a\x2amessaging.rabbitmq.destination.routing_key"      /* 266 */                    \
    "\x12\x05\x0a\x03k.l"                                             /* 273 */                    \
    "\x4a\x22\x0a\x1bmessaging.message.body.size\x12\x03\x18\xe4\x01" /* 309 */

static const char golden[] = "\x0a\xe3\x02" HEAD "\x12\xc9\x02" SCOPE SPAN; /* 355, 329 */
static const struct wr_text golden_text = { golden, sizeof golden - 1 };

Test(otlp_protobuf, a_message_that_is_done)
{
    const struct span span = a_message();
    const struct wr_text request = write_spans(&span, 1);
    cr_assert_eq(request.len, golden_text.len);
    cr_expect_arr_eq(request.at, golden, golden_text.len);
}

Test(otlp_protobuf, of_several_spans_has_one_head)
{
    static const char two[] = "\x0a\x9b\x05" HEAD "\x12\x81\x05" SCOPE SPAN SPAN; /* 667, 641 */
    const struct span spans[] = { a_message(), a_message() };
    const struct wr_text request = write_spans(spans, 2);
    cr_assert_eq(request.len, sizeof two - 1);
    cr_expect_arr_eq(request.at, two, sizeof two - 1);
}

/* ---- there and back -------------------------------------------------------------------------------- */

static struct otlp_reader reader;
static struct otlp_span read_spans[2];
static unsigned n_read;

static bool on_span(struct otlp_reader *from)
{
    cr_assert(n_read < 2);
    read_spans[n_read++] = from->span;
    return true;
}

static void expect_back(const struct span *spans, unsigned n)
{
    n_read = 0;
    reader.on_span = on_span;
    cr_assert(otlp_read(&reader, write_spans(spans, n)), "%s", reader.why);
    cr_assert_eq(n_read, n);
    cr_expect(reader.resource.n == 1 && text_is(reader.resource.at[0].text, "s"));
    cr_expect(text_is(reader.scope, "warrener") && text_is(reader.version, "0.1"));
}

static struct wr_text text_at(const struct otlp_span *span, const char *key)
{
    const struct otlp_attribute *const found = otlp_attribute_of(&span->attributes, key);
    return found && found->is_text ? found->text : text_of("");
}

static int64_t number_at(const struct otlp_span *span, const char *key)
{
    const struct otlp_attribute *const found = otlp_attribute_of(&span->attributes, key);
    return found && !found->is_text ? found->number : -1;
}

Test(otlp_protobuf, a_message_that_is_dead)
{
    struct span spans[] = { a_message(), a_message() };
    spans[0].has_parent = true;
    spans[0].parent[0] = 0xcd;
    spans[0].state = (char *)"rojo=1";
    spans[0].outcome = SPAN_DEAD;
    spans[0].attempt = 300;
    spans[0].error = "rejected";
    spans[0].words = (char *)"no \"sku\"\n";
    spans[1].outcome = SPAN_RETRY; /* without words */
    expect_back(spans, 2);
    const struct otlp_span *span = &read_spans[0];
    cr_expect_arr_eq(span->parent.at, spans[0].parent, TRACE_SPAN_BYTES);
    cr_expect(text_is(span->state, "rojo=1") && text_is(span->name, "process q"));
    cr_expect(span->kind == 5 && span->start_ns == UNIX_NS + 8 && span->end_ns == UNIX_NS + 16);
    cr_expect_eq(number_at(span, "warrener.attempt"), 300);
    cr_expect_eq(number_at(span, "messaging.message.body.size"), 228);
    cr_expect(text_is(text_at(span, "warrener.outcome"), "dead"));
    cr_expect(text_is(text_at(span, "error.type"), "rejected"));
    cr_expect(span->code == 2 && text_is(span->words, "no \"sku\"\n"));
    span = &read_spans[1];
    cr_expect(text_is(text_at(span, "error.type"), "retry") && !span->parent.len);
    cr_expect(span->code == 2 && !span->words.len);
}

/* One string that is not UTF-8, and a receiver would refuse them all. */
Test(otlp_protobuf, texts_from_outside_are_mended)
{
    struct span span = a_message();
    memcpy(span.id, "\xff\0", 2);
    memcpy(span.key, "\xc3\xa4\xc3", 3);
    span.outcome = SPAN_DEAD;
    span.words = (char *)"a\x80z";
    expect_back(&span, 1);
    const struct wr_text id = text_at(read_spans, "messaging.message.id");
    cr_assert_eq(id.len, 4);
    cr_expect_arr_eq(id.at, "\xef\xbf\xbd\0", 4);
    cr_expect(text_is(text_at(read_spans, "messaging.rabbitmq.destination.routing_key"),
                      "\xc3\xa4\xef\xbf\xbd"));
    cr_expect(text_is(read_spans->words, "a\xef\xbf\xbdz"));
}

Test(otlp_protobuf, a_batch_and_its_links)
{
    struct span_link links[SPAN_LINKS_MOST];
    struct span spans[] = { a_message(), a_message() };
    for (size_t i = 0; i < sizeof links; i++) ((uint8_t *)links)[i] = (uint8_t)random_u64();
    spans[0].kind = spans[1].kind = SPAN_BATCH;
    spans[0].links = spans[1].links = links;
    spans[0].messages = spans[0].n_links = 2;
    spans[1].messages = 500;
    spans[1].n_links = SPAN_LINKS_MOST;
    spans[1].source = &plain;
    expect_back(spans, 2);
    cr_expect(text_is(read_spans[0].name, "commit q") && read_spans[0].kind == 3);
    cr_expect(text_is(text_at(&read_spans[0], "db.system.name"), "postgresql"));
    cr_expect(read_spans[0].n_links == 2 && read_spans[0].dropped_links == 0);
    cr_expect(text_is(read_spans[1].name, "batch \xc3\xa4") && read_spans[1].kind == 1);
    cr_expect_eq(read_spans[1].n_links, SPAN_LINKS_MOST);
    cr_expect_eq(read_spans[1].dropped_links, 500 - SPAN_LINKS_MOST);
    cr_expect_eq(number_at(&read_spans[1], "messaging.batch.message_count"), 500);
    for (unsigned i = 0; i < SPAN_LINKS_MOST; i++) {
        cr_expect_arr_eq(read_spans[1].links[i].trace.at, links[i].id, TRACE_ID_BYTES);
        cr_expect_arr_eq(read_spans[1].links[i].span.at, links[i].span, TRACE_SPAN_BYTES);
    }
}

/* Lengths of one byte more or less at every level. */
Test(otlp_protobuf, of_any_length)
{
    static char words[20000];
    static const size_t lengths[] = { 1,     2,     100,   125,   126,   127,  128,
                                      15900, 16000, 16100, 16381, 16384, 19999 };
    memset(words, 'w', sizeof words - 1);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct span spans[] = { a_message(), a_message() };
        words[lengths[i]] = '\0';
        spans[0].outcome = spans[1].outcome = SPAN_RETRY;
        spans[0].words = words;
        expect_back(spans, 2);
        cr_expect_eq(read_spans[0].words.len, lengths[i]);
        cr_expect(text_is(text_at(&read_spans[1], "messaging.message.id"), "m1"));
        words[lengths[i]] = 'w';
    }
}

Test(otlp_protobuf, of_nothing_is_nothing_but_its_head)
{
    expect_back(NULL, 0);
}

/* ---- the reader ------------------------------------------------------------------------------------ */

static bool is_read(const char *bytes, size_t n)
{
    n_read = 0;
    reader.on_span = on_span;
    return otlp_read(&reader, text_from(bytes, n));
}

Test(otlp_reader, takes_nothing_that_is_cut)
{
    cr_assert(is_read(golden, golden_text.len));
    for (size_t n = 1; n < golden_text.len; n++) cr_expect_not(is_read(golden, n), "%zu", n);
}

/* Where a field begins, in the golden bytes: another number, another wire type, another order. */
Test(otlp_reader, takes_no_field_that_does_not_belong)
{
    static const struct {
        size_t at;
        char was, is;
    } wrong[] = {
        { 0, '\x0a', '\x12' },  { 3, '\x0a', '\x1a' },   { 5, '\x0a', '\x12' },
        { 7, '\x0a', '\x08' },  { 26, '\x12', '\x0a' },  { 29, '\x0a', '\x12' },
        { 49, '\x0a', '\x12' }, { 67, '\x12', '\x22' },  { 67, '\x12', '\x0a' },
        { 77, '\x2a', '\x52' }, { 88, '\x30', '\x32' },  { 90, '\x39', '\x41' },
        { 89, '\x05', '\x06' }, { 90, '\x39', '\x3d' },  { 79, 'p', '\xff' },
        { 68, '\x08', '\x07' }, { 108, '\x4a', '\x42' },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char bytes[sizeof golden];
        memcpy(bytes, golden, sizeof golden);
        cr_assert_eq(bytes[wrong[i].at], wrong[i].was, "%zu: \\x%02x", i,
                     (unsigned char)bytes[wrong[i].at]);
        bytes[wrong[i].at] = wrong[i].is;
        cr_expect_not(is_read(bytes, golden_text.len), "%zu", i);
        cr_expect(*reader.why);
    }
}

Test(otlp_reader, takes_no_number_that_is_longer_than_it_need_be)
{
    cr_expect_not(is_read("\x0a\x80\x00", 3));
    cr_expect(is_read("\x0a\x00", 2));
}

Test(otlp_reader, takes_no_field_before_its_turn)
{
    cr_expect(is_read("\x0a\x0c\x0a\x0a\x0a\x08\x0a\x01k\x12\x03\x0a\x01s", 14));
    cr_expect_not(is_read("\x0a\x0c\x0a\x0a\x0a\x08\x12\x03\x0a\x01s\x0a\x01k", 14));
    cr_expect(strstr(reader.why, "KeyValue, field 1: out of order"), "%s", reader.why);
}
