/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands for a value elsewhere: ${NAME}, ${NAME:-default}, ${file:PATH}, and $$ for a dollar.
 * Filled in inside scalars after parsing, so that no value can change the document's shape. A `$`
 * before anything else is itself. Filled text lives on the heap and is wiped when given back. */
#ifndef CONFIG_SECRETS_H
#define CONFIG_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/text.h"

#define SECRETS_FILE_BYTES (64 * 1024)

bool secrets_is_template(struct wr_text text); /* holds a `${` to be filled in */

/* Reads the environment and the files named, relative ones from `directory`. Every part that cannot
 * be had is named in the status; values never are. `*value` is NUL-terminated: give it back. */
bool secrets_fill(struct wr_text text, const char *directory, char **value,
                  struct status *status) MUST_USE;
void secrets_give_back(char *value); /* wiped and freed; NULL is fine */

/* The template for people: "${NAME}" and "${file:PATH}" alone, since the text around them and their
 * defaults may be secret. Returns out. */
const char *secrets_show(struct wr_text text, char *out, size_t out_bytes);

#endif
