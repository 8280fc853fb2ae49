/* SPDX-License-Identifier: Apache-2.0
 *
 * Several faults in one status, a line each; those that do not fit are counted. */
#ifndef STORE_FAULT_LIST_H
#define STORE_FAULT_LIST_H

#include <stddef.h>

#include "base/status.h"

struct fault_list {
    struct status *into;
    size_t n, bytes; /* faults in all; bytes of them in the text */
    size_t n_untold;
};

/* Empties the status. */
struct fault_list fault_list_open(struct status *into, enum exit_status exit);
void fault_list_add(struct fault_list *list, const char *format, ...) PRINTF_LIKE(2, 3);
/* True where there was none. */
MUST_USE bool fault_list_end(struct fault_list *list);

#endif
