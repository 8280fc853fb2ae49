/* SPDX-License-Identifier: Apache-2.0
 *
 * The SQL made from sinks. Every statement locks rows in the order of its arrays, which come sorted by
 * key, and is prepared once for batches of any size. Pure. */
#ifndef STORE_STATEMENT_H
#define STORE_STATEMENT_H

#include <stdio.h>

#include "store/sink.h"

/* From a sink that is otherwise made; `own_sql` is the handler's, or NULL. */
void statement_make_upsert(struct sink *sink, const char *own_sql);
void statement_make_erase(struct sink *sink);
/* `recall` and `reread`, and the name the sink goes by among repairs. */
void statement_make_recall(struct sink *sink, const char *cache_key, const char *cache_value);
/* What an erase returns: the entries of the rows it deletes, their versions above theirs. */
void statement_put_returning(FILE *out, const struct sink *sink);

/* For the transactions that look rows up by key. A plan made while a table was empty would read all of it
 * for each row once it is full: the next day's part of the inbox, say, or a table filled anew. */
const struct sink_statement *statement_seek(void);

/* What `once` begins with: message ids, their days, the consumer's name. Rows affected are messages
 * seen for the first time. */
const struct sink_statement *statement_inbox(void);

/* Locks rows by their keys, which come as for an erase, for a sink that a loader guards. */
void statement_make_hold(struct sink *sink);

#endif
