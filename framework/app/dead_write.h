/* SPDX-License-Identifier: Apache-2.0
 *
 * Dead letters on paper: a row of a table, a page for people, a JSON object, or a line of messages
 * that `publish --ndjson` takes back. Pure. */
#ifndef APP_DEAD_WRITE_H
#define APP_DEAD_WRITE_H

#include "app/dead_facts.h"
#include "metrics/metrics_text.h"

void dead_write_heading(struct metrics_text *out);
void dead_write_row(struct metrics_text *out, const struct dead_facts *facts);
/* `body` NULL: only what `list` tells. */
void dead_write_json(struct metrics_text *out, const struct dead_facts *facts,
                     const struct amqp_properties *properties, const struct wr_text *body);
void dead_write_page(struct metrics_text *out, const struct dead_facts *facts,
                     const struct amqp_properties *properties, struct wr_text body);
/* Exchange and key are the original's. Returns how many of its headers no such line can hold. */
unsigned dead_write_line(struct metrics_text *out, const struct dead_facts *facts,
                         const struct amqp_properties *properties, struct wr_text body);

#endif
