/* SPDX-License-Identifier: Apache-2.0
 *
 * AMQP field tables as the broker sends them: a message's headers stay encoded and are read by name
 * when somebody asks. Pure, bounded, and safe on hostile bytes. */
#ifndef AMQP_TABLE_H
#define AMQP_TABLE_H

#include "base/text.h"

/* The first entry of that name as text, integer or boolean (bytes count as text, decimals and
 * timestamps as integers where exact). False where there is none or it is of another kind. Text is
 * borrowed from `encoded`, which is the table without its four length bytes. */
bool table_find(struct wr_text encoded, const char *name, struct wr_pair *value);

/* Walks all entries: those of a kind that wr_pair cannot hold are passed over. `at` begins at 0.
 * False at the end, or where the bytes are no table. */
bool table_next(struct wr_text encoded, size_t *at, struct wr_pair *pair);

/* An entry of any kind, as it stands there. */
struct table_entry {
    struct wr_text name;
    uint8_t kind;         /* AMQP's letter */
    struct wr_text value; /* encoded; texts, tables and arrays without their length */
    struct wr_text whole; /* all of it, name and kind too */
};

/* Walks all entries as they stand; otherwise like table_next. */
bool table_step(struct wr_text encoded, size_t *at, struct table_entry *entry);

#endif
