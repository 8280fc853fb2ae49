/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plugin declares, read with suspicion: size and ABI first, then the rest, copied to this
 * host's sizes. Knows no files. */
#ifndef PLUGIN_DECLARATION_H
#define PLUGIN_DECLARATION_H

#include <warrener/handler.h>

#include "base/status.h"

struct declaration;

/* `symbol` is the plugin's own struct wr_handler, of which `symbol_bytes` are there (0: not known); its
 * texts are borrowed for good. `path` is for the words of a refusal. */
MUST_USE struct declaration *declaration_read(const void *symbol, size_t symbol_bytes,
                                              const char *path, struct status *status);
void declaration_free(struct declaration *declaration); /* NULL is fine */

const struct wr_handler *declaration_handler(const struct declaration *declaration);

#endif
