/* SPDX-License-Identifier: Apache-2.0
 *
 * A database of the test's own, with the host's inbox in it, and parcels sent to it. Without a server the
 * tests say so and pass. */
#ifndef INTEGRATION_STORE_SQL_DESK_H
#define INTEGRATION_STORE_SQL_DESK_H

#include <criterion/criterion.h>
#include <libpq-fe.h>

#include "unit/store/stock.h"

enum { DESK_STEPS = 64 };

struct desk {
    PGconn *conn;
    struct stock stock;
    unsigned affected[DESK_STEPS]; /* of the parcel last sent, by step */
    size_t n_steps;
    char sqlstate[6], message[1000]; /* of the last failure */
};

extern struct desk desk;

void desk_open(void);
void desk_close(void);
bool desk_is_there(void);

#define DESK_TEST(suite, name)                                                                     \
    static void suite##_##name(void);                                                              \
    Test(suite, name, .init = desk_open, .fini = desk_close, .timeout = 240)                       \
    {                                                                                              \
        if (desk_is_there()) suite##_##name();                                                     \
    }                                                                                              \
    static void suite##_##name(void)

/* Statements that must go well. */
void desk_do(const char *sql);
/* Columns with | between them, rows with a blank. */
void desk_expect(const char *sql, const char *expected);
/* The same, on the heap. */
char *desk_ask(const char *sql);

/* What is in stock as one transaction; the SQLSTATE, "" for none. The stock is empty then. */
const char *desk_send(const char *consumer);

#endif
