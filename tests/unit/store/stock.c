/* SPDX-License-Identifier: Apache-2.0
 *
 * See stock.h. */
#include "unit/store/stock.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

void stock_open(struct stock *stock)
{
    *stock = (struct stock){ .n_sinks = 0 };
    arena_init(&stock->arena, NULL, 0);
}

void stock_clear(struct stock *stock)
{
    arena_reset(&stock->arena);
    stock->n = 0;
}

void stock_close(struct stock *stock)
{
    stock_clear(stock);
    free(stock->messages);
    for (unsigned i = 0; i < stock->n_sinks; i++) sink_free(stock->sinks[i]);
}

const char *stock_option(void *owner, const char *name)
{
    (void)owner;
    if (strcmp(name, "schema") == 0) return "sch";
    if (strcmp(name, "dotted") == 0) return "a.b";
    return strcmp(name, "odd") == 0 ? "o\"dd" : NULL;
}

struct sink *stock_sink(struct stock *stock, const struct wr_sink *declared)
{
    struct status status = { EXIT_WELL, "" };
    CHECK(stock->n_sinks < STOCK_SINKS);
    struct sink *const sink = sink_new(declared, stock->n_sinks, stock_option, NULL, &status);
    if (!sink) (void)fprintf(stderr, "%s\n", status.text);
    CHECK(sink);
    return stock->sinks[stock->n_sinks++] = sink;
}

void stock_message(struct stock *stock, const char *id)
{
    if (stock->n == stock->room) {
        stock->room = stock->room * 2 + 64;
        stock->messages = memory_grow(stock->messages, stock->room, sizeof *stock->messages);
    }
    stock->messages[stock->n++] =
        (struct parcel_message){ .id = arena_copy(&stock->arena, text_of(id)),
                                 .timestamp_ms = 1767323045000 };
}

/* ---- values ------------------------------------------------------------------------------------ */

enum { ELEMENTS_MOST = 64 };

static size_t split(struct wr_text text, struct wr_text *parts)
{
    size_t n = 0;
    while (text.len > 0) {
        const char *const bar = memchr(text.at, '|', text.len);
        const size_t len = bar ? (size_t)(bar - text.at) : text.len;
        CHECK(n < ELEMENTS_MOST);
        parts[n++] = text_from(text.at, len);
        text = text_from(text.at + len + (bar != NULL), text.len - len - (bar != NULL));
    }
    return n;
}

static int64_t number(struct wr_text text)
{
    int64_t value;
    CHECK(text_to_int(text, &value));
    return value;
}

bool stock_value(struct row *row, struct arena *arena, enum wr_type type, struct wr_text text,
                 const char **fault)
{
    struct wr_text parts[ELEMENTS_MOST];
    int64_t numbers[ELEMENTS_MOST];
    size_t n;
    switch (row_type(type)->put) {
    case PUT_BOOL: row_put_bool(row, arena, text_is(text, "t")); return true;
    case PUT_INT: return row_put_int(row, arena, type, number(text), fault);
    case PUT_FLOAT: row_put_float(row, arena, strtod(text.at, NULL)); return true;
    case PUT_UUID: return row_put_uuid(row, arena, text, fault);
    case PUT_TIME_US: return row_put_time_us(row, arena, number(text), fault);
    case PUT_DATE: return row_put_date(row, arena, (int32_t)number(text), fault);
    case PUT_TEXTS: return row_put_texts(row, arena, parts, split(text, parts), fault);
    case PUT_INTS:
        n = split(text, parts);
        for (size_t i = 0; i < n; i++) numbers[i] = number(parts[i]);
        row_put_ints(row, arena, numbers, n);
        return true;
    default: return row_put_text(row, arena, type, text, fault);
    }
}

static struct row *add(struct stock *stock, unsigned nth, bool is_delete, const char *const *values)
{
    const struct sink *const sink = stock->sinks[nth];
    const unsigned n = is_delete ? sink->n_key : sink->n;
    struct row *const row = row_new(&stock->arena, nth, is_delete, n);
    for (unsigned i = 0; i < n; i++) {
        const char *fault = "";
        const enum wr_type type = sink->columns[is_delete ? sink->key[i] : i].type;
        if (!values[i])
            row_put_null(row, &stock->arena);
        else if (!stock_value(row, &stock->arena, type, text_of(values[i]), &fault))
            (void)fprintf(stderr, "\"%s\" %s\n", values[i], fault);
        CHECK(row->n == i + 1);
    }
    struct parcel_message *const message = &stock->messages[stock->n - 1];
    const struct row **last = &message->rows;
    while (*last) last = (const struct row **)&((struct row *)*last)->next;
    *last = row;
    return row;
}

struct row *stock_row(struct stock *stock, unsigned sink, const char *const *values)
{
    return add(stock, sink, false, values);
}

struct row *stock_delete(struct stock *stock, unsigned sink, const char *const *values)
{
    return add(stock, sink, true, values);
}

struct parcel *stock_parcel(struct stock *stock, const char *consumer)
{
    return parcel_new(stock->sinks, stock->n_sinks, consumer, stock->messages, stock->n);
}
