/* SPDX-License-Identifier: Apache-2.0
 *
 * What the catalogue asks of the database, as SQL, and what it makes of the answers, in words. */
#ifndef STORE_CATALOGUE_WORDS_H
#define STORE_CATALOGUE_WORDS_H

#include <libpq-fe.h>
#include <stdio.h>

#include "store/sink.h"

/* $1 the table as a sink has it, $2 the names of columns, $3 their types, $4 the key's columns: all
 * text, the last three as array literals. */
enum { CATALOGUE_QUESTIONS = 3, CATALOGUE_VALUES = 4 };
extern const char *const catalogue_questions[CATALOGUE_QUESTIONS];
extern const char catalogue_inbox_question[];

/* $2, $3 and $4 for a sink, on the heap. */
char *catalogue_column_names(const struct sink *sink);
char *catalogue_column_types(const struct sink *sink);
char *catalogue_key_names(const struct sink *sink);

bool catalogue_has_table(const PGresult *answer); /* to the first question */

/* Writes a line for each thing that differs; whatever it writes is a finding. */
void catalogue_tell_table(FILE *to, const struct sink *sink, const PGresult *answer);
void catalogue_tell_columns(FILE *to, const struct sink *sink, const PGresult *answer);
void catalogue_tell_unwritten(FILE *to, const struct sink *sink, const PGresult *answer);
void catalogue_tell_refusal(FILE *to, const struct sink *sink, const PGresult *error);
void catalogue_tell_recall_refusal(FILE *to, const struct sink *sink, const PGresult *error);

#endif
