/* SPDX-License-Identifier: Apache-2.0
 *
 * The statement that locks the rows of a guarded sink before anything is decided on them; see
 * statement.h. Its rows are locked in the order of its arrays, as by every other statement. */
#include <stdio.h>

#include "base/check.h"
#include "base/text.h"
#include "store/name.h"
#include "store/statement.h"

static void put_keys(FILE *out, struct sink *sink)
{
    (void)fputs("(SELECT w.o", out);
    for (unsigned i = 0; i < sink->n_key; i++) {
        const struct wr_column *const column = &sink->columns[sink->key[i]];
        const struct row_type *const type = row_type(column->type);
        (void)fprintf(out, ", w.c%u", i + 1);
        if (column->as)
            (void)fprintf(out, "::%s", column->as);
        else if (type->oid != type->sent_oid)
            (void)fprintf(out, "::%s", type->brief);
        (void)fprintf(out, " AS k%u", i + 1);
        sink->hold.types[i] = type->sent_array_oid;
    }
    (void)fputs(" FROM unnest(", out);
    for (unsigned i = 0; i < sink->n_key; i++)
        (void)fprintf(out, "%s$%u::%s", i > 0 ? ", " : "", i + 1,
                      row_type(sink->columns[sink->key[i]].type)->sent_array);
    (void)fputs(") WITH ORDINALITY AS w(", out);
    for (unsigned i = 0; i < sink->n_key; i++) (void)fprintf(out, "c%u, ", i + 1);
    (void)fputs("o)) r", out);
}

void statement_make_hold(struct sink *sink)
{
    struct sink_statement *const hold = &sink->hold;
    size_t bytes;
    if (hold->sql) return;
    FILE *const out = open_memstream(&hold->sql, &bytes);
    CHECK(out);
    (void)fputs("SELECT count(*) FROM (SELECT 1 FROM ", out);
    put_keys(out, sink);
    (void)fprintf(out, " JOIN %s AS t ON ", sink->table);
    for (unsigned i = 0; i < sink->n_key; i++) {
        (void)fputs(i > 0 ? " AND t." : "t.", out);
        name_quote(out, text_of(sink->columns[sink->key[i]].name));
        (void)fprintf(out, " = r.k%u", i + 1);
    }
    (void)fputs(" ORDER BY r.o FOR UPDATE OF t) x", out);
    CHECK(fclose(out) == 0);
    hold->n_values = sink->n_key;
    (void)snprintf(hold->name, sizeof hold->name, "wr_%016llx",
                   (unsigned long long)text_hash(text_of(hold->sql)));
}
