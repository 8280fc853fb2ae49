/* SPDX-License-Identifier: Apache-2.0
 *
 * Sinks and messages for tests and measurements: values are given as text, NULL for NULL, the elements
 * of arrays with | between them. */
#ifndef UNIT_STORE_STOCK_H
#define UNIT_STORE_STOCK_H

#include "store/parcel.h"

enum { STOCK_SINKS = 16 };

struct stock {
    struct arena arena; /* of rows and texts */
    struct sink *sinks[STOCK_SINKS];
    unsigned n_sinks;
    struct parcel_message *messages;
    size_t n, room;
};

void stock_open(struct stock *stock);
void stock_close(struct stock *stock);
void stock_clear(struct stock *stock); /* its messages */

/* Added as the next one. A fault ends the program with its words. */
struct sink *stock_sink(struct stock *stock, const struct wr_sink *declared);
/* Options are asked here: only "schema" (its value "sch"), "dotted" ("a.b") and "odd" are there. */
const char *stock_option(void *owner, const char *name);

void stock_message(struct stock *stock, const char *id);
/* Of the message last added; `values` by column, of a delete by the key's columns. */
struct row *stock_row(struct stock *stock, unsigned sink, const char *const *values);
struct row *stock_delete(struct stock *stock, unsigned sink, const char *const *values);
#define stock_put(stock, sink, ...) stock_row(stock, sink, (const char *const[]){ __VA_ARGS__ })
#define stock_drop(stock, sink, ...) stock_delete(stock, sink, (const char *const[]){ __VA_ARGS__ })

/* One value; false, and the fault, where it is refused. */
bool stock_value(struct row *row, struct arena *arena, enum wr_type type, struct wr_text text,
                 const char **fault);

struct parcel *stock_parcel(struct stock *stock, const char *consumer);

#endif
