/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults, a line each; see fault_list.h. A line is told whole or not at all. */
#include "store/fault_list.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES 600
#define REST_BYTES 40 /* kept for "and N more" */

struct fault_list fault_list_open(struct status *into, enum exit_status exit)
{
    into->exit = exit;
    into->text[0] = '\0';
    return (struct fault_list){ .into = into };
}

void fault_list_add(struct fault_list *list, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    const size_t room = sizeof list->into->text - REST_BYTES - list->bytes;
    const size_t bytes = strlen(line) + (list->bytes > 0);
    list->n++;
    if (bytes >= room) {
        list->n_untold++;
        return;
    }
    snprintf(list->into->text + list->bytes, room, "%s%s", list->bytes > 0 ? "\n" : "", line);
    list->bytes += bytes;
}

bool fault_list_end(struct fault_list *list)
{
    if (list->n_untold > 0)
        snprintf(list->into->text + list->bytes, REST_BYTES, "\nand %zu more", list->n_untold);
    return list->n == 0;
}
