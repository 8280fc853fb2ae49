/* SPDX-License-Identifier: Apache-2.0
 *
 * A statement in the making, and the pieces that several are put together from. What is sent are arrays,
 * one a column; as `r` they are rows with columns c1, c2... and `o`, their place in the arrays. */
#ifndef STORE_STATEMENT_MAKING_H
#define STORE_STATEMENT_MAKING_H

#include <stdio.h>

#include "base/status.h"
#include "store/sink.h"

#define OID_TEXT 25u
#define OID_TEXT_ARRAY 1009u
#define OID_DATE_ARRAY 1182u

struct making {
    FILE *out;
    const struct sink *sink;
    const unsigned *columns; /* those sent, in this order */
    unsigned n;
    bool
        has_ids; /* messages' ids, their days and the consumer come behind them: only rows count whose
                     message is new to the inbox */
};

void making_begin(struct making *making, struct sink_statement *statement, size_t *bytes);
void making_end(const struct making *making, struct sink_statement *statement);

void making_put(const struct making *making, const char *format, ...) PRINTF_LIKE(2, 3);
void making_put_name(const struct making *making, unsigned column);
const struct row_type *making_type(const struct making *making, unsigned column);
void making_put_cast(const struct making *making, unsigned column); /* "::mood", or "" */
void making_put_value(const struct making *making, unsigned i);     /* the i-th sent, from `r` */
void making_put_from(const struct making *making);                  /* " FROM … r" */
/* "(SELECT … ) d": what is sent, as columns wr_k1, wr_k2... and wr_o, which are no table's. */
void making_put_keys(const struct making *making);
/* The columns in `row` are those in `with`: "t.id = d.wr_k1 AND …" */
void making_put_match(const struct making *making, const char *row, const char *with);

#endif
