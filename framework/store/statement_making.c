/* SPDX-License-Identifier: Apache-2.0
 *
 * See statement_making.h. */
#include "store/statement_making.h"

#include "base/check.h"
#include "base/text.h"
#include "store/name.h"

void making_begin(struct making *making, struct sink_statement *statement, size_t *bytes)
{
    making->out = open_memstream(&statement->sql, bytes);
    CHECK(making->out);
    statement->n_values = making->n;
    for (unsigned i = 0; i < making->n; i++)
        statement->types[i] = making_type(making, making->columns[i])->sent_array_oid;
    if (!making->has_ids) return;
    statement->types[statement->n_values++] = OID_TEXT_ARRAY;
    statement->types[statement->n_values++] = OID_DATE_ARRAY;
    statement->types[statement->n_values++] = OID_TEXT;
}

void making_end(const struct making *making, struct sink_statement *statement)
{
    CHECK(fclose(making->out) == 0);
    (void)snprintf(statement->name, sizeof statement->name, "wr_%016llx",
                   (unsigned long long)text_hash(text_of(statement->sql)));
}

void making_put(const struct making *making, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vfprintf(making->out, format, args);
    va_end(args);
}

void making_put_name(const struct making *making, unsigned column)
{
    name_quote(making->out, text_of(making->sink->columns[column].name));
}

const struct row_type *making_type(const struct making *making, unsigned column)
{
    return row_type(making->sink->columns[column].type);
}

/* Nothing where what is sent is what is meant. */
void making_put_cast(const struct making *making, unsigned column)
{
    const struct row_type *const type = making_type(making, column);
    const char *const as = making->sink->columns[column].as;
    if (as)
        making_put(making, "::%s", as);
    else if (type->oid != type->sent_oid)
        making_put(making, "::%s", type->brief);
}

void making_put_value(const struct making *making, unsigned i)
{
    making_put(making, "r.c%u", i + 1);
    making_put_cast(making, making->columns[i]);
}

/* OFFSET 0 keeps the planner from a join whose plan, made while the inbox was small, would later read
 * all of it. */
void making_put_from(const struct making *making)
{
    const unsigned n = making->n;
    making_put(making, " FROM unnest(");
    for (unsigned i = 0; i < n; i++)
        making_put(making, "%s$%u::%s", i > 0 ? ", " : "", i + 1,
                   making_type(making, making->columns[i])->sent_array);
    if (making->has_ids) making_put(making, ", $%u::text[], $%u::date[]", n + 1, n + 2);
    making_put(making, ") WITH ORDINALITY AS r(");
    for (unsigned i = 0; i < n; i++) making_put(making, "c%u, ", i + 1);
    making_put(making, "%so)", making->has_ids ? "id, day, " : "");
    if (!making->has_ids) return;
    making_put(making,
               " CROSS JOIN LATERAL (SELECT 1 FROM warrener.inbox i WHERE i.consumer = $%u::text"
               " AND i.message_id = r.id AND i.day = r.day AND i.batch = pg_current_xact_id()"
               " OFFSET 0) x",
               n + 3);
}

void making_put_keys(const struct making *making)
{
    making_put(making, "(SELECT ");
    for (unsigned i = 0; i < making->n; i++) {
        making_put_value(making, i);
        making_put(making, " AS wr_k%u, ", i + 1);
    }
    making_put(making, "r.o AS wr_o");
    making_put_from(making);
    making_put(making, ") d");
}

void making_put_match(const struct making *making, const char *row, const char *with)
{
    for (unsigned i = 0; i < making->n; i++) {
        making_put(making, "%s%s.", i > 0 ? " AND " : "", row);
        making_put_name(making, making->columns[i]);
        making_put(making, " = %s.wr_k%u", with, i + 1);
    }
}
