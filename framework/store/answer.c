/* SPDX-License-Identifier: Apache-2.0
 *
 * See answer.h. */
#include "store/answer.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const char *field(const PGresult *error, int which)
{
    const char *value = PQresultErrorField(error, which);
    return value ? value : "";
}

bool answer_is_decisive(const PGresult *error)
{
    const char *sqlstate = field(error, PG_DIAG_SQLSTATE);
    return strcmp(field(error, PG_DIAG_SEVERITY_NONLOCALIZED), "ERROR") == 0 && *sqlstate &&
           strcmp(sqlstate, "40003") != 0 && /* statement completion unknown */
           strcmp(sqlstate, "08007") != 0;   /* transaction resolution unknown: a pooler's words */
}

void answer_read_words(const PGresult *error, char *out, size_t out_bytes)
{
    const char *message = field(error, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = field(error, PG_DIAG_MESSAGE_DETAIL);
    if (!*message) message = PQresultErrorMessage(error);
    text_show(text_of(message), out, out_bytes);
    const size_t used = strlen(out);
    if (!*detail || used + 8 > out_bytes) return;
    memcpy(out + used, "; ", 3);
    text_show(text_of(detail), out + used + 2, out_bytes - used - 2);
}

static void add_way_out(struct store_answer *answer)
{
    const char *const way_out = sqlstate_way_out(answer->sqlstate);
    const size_t used = strlen(answer->text);
    if (*way_out) snprintf(answer->text + used, sizeof answer->text - used, "; %s", way_out);
}

void answer_read_error(struct store_answer *answer, const PGresult *error)
{
    answer->result = STORE_FAILED;
    snprintf(answer->sqlstate, sizeof answer->sqlstate, "%s", field(error, PG_DIAG_SQLSTATE));
    answer->fault = sqlstate_class(answer->sqlstate);
    const char *message = field(error, PG_DIAG_MESSAGE_PRIMARY);
    if (!*message) message = PQresultErrorMessage(error);
    text_show(text_of(message), answer->text, sizeof answer->text);
    add_way_out(answer);
    text_show(text_of(field(error, PG_DIAG_MESSAGE_DETAIL)), answer->detail, sizeof answer->detail);
    snprintf(answer->table, sizeof answer->table, "%s", field(error, PG_DIAG_TABLE_NAME));
    snprintf(answer->column, sizeof answer->column, "%s", field(error, PG_DIAG_COLUMN_NAME));
    snprintf(answer->constraint, sizeof answer->constraint, "%s",
             field(error, PG_DIAG_CONSTRAINT_NAME));
}
