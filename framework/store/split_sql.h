/* SPDX-License-Identifier: Apache-2.0
 *
 * A script as single statements, as psql would send them: semicolons within quotes, dollar quotes,
 * comments, parentheses and BEGIN ATOMIC bodies end nothing. What is not closed runs to the end of
 * the script, for the server to complain of. Pure. */
#ifndef STORE_SPLIT_SQL_H
#define STORE_SPLIT_SQL_H

#include "base/text.h"

struct split_sql {
    struct wr_text script; /* set by the caller; UTF-8 */
    size_t at;             /* begins at 0 */
};

/* The next statement, without its semicolon and what stands around it; false where none is left. */
bool split_sql_next(struct split_sql *split, struct wr_text *statement);

/* It begins, commits or rolls back a transaction (savepoints do not). */
bool split_sql_is_transaction(struct wr_text statement);

/* Line and column of a byte, both from 1; columns are characters. */
struct sql_place {
    unsigned line, column;
};
struct sql_place sql_place_of(struct wr_text script, size_t at);
/* The byte at which the nth character (from 1, as the server counts) begins; at most text.len. */
size_t sql_byte_of(struct wr_text text, size_t nth_character);

#endif
