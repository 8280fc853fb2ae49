/* SPDX-License-Identifier: Apache-2.0
 *
 * An error of the server, read into a store's answer: what it says, where, and of which class. */
#ifndef STORE_ANSWER_H
#define STORE_ANSWER_H

#include <libpq-fe.h>

#include "store/store.h"

/* The statement failed and the transaction cannot commit any more: false for words that libpq makes
 * itself, for the end of a session, and where the server does not know. */
bool answer_is_decisive(const PGresult *error);

/* Fills sqlstate, fault, text, detail, table, column and constraint; the result is FAILED. */
void answer_read_error(struct store_answer *answer, const PGresult *error);

/* "message; detail", shown safely, in one line. */
void answer_read_words(const PGresult *error, char *out, size_t out_bytes);

#endif
