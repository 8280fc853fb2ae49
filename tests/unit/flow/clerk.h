/* SPDX-License-Identifier: Apache-2.0
 *
 * A database that the test plays: it takes the question that waits in a store which is never connected,
 * and answers it with rows or a SQLSTATE. One at a time. */
#ifndef TESTS_CLERK_H
#define TESTS_CLERK_H

#include "net/loop.h"
#include "store/query.h"
#include "store/store.h"

struct clerk {
    struct loop *loop;
    struct store *store;
};
extern struct clerk clerk;

void clerk_open(void);
/* First the store, then what asked it, then the loop. */
void clerk_close_store(void);
void clerk_close_loop(void);

void clerk_turn(void);     /* waits for whatever comes next in the loop */
bool clerk_is_asked(void); /* without waiting */
struct query *clerk_take(void);

#define CLERK_COLUMNS 3

struct clerk_row {
    const char *values[CLERK_COLUMNS]; /* NULL: NULL */
};
void clerk_answer_columns(struct query *query, int n_columns, const struct clerk_row *rows,
                          size_t n);
void clerk_answer(struct query *query, const struct clerk_row *rows, size_t n);
void clerk_fail(struct query *query, const char *sqlstate); /* in the words "it failed" */

#endif
