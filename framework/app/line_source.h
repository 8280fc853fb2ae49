/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of a file or of standard input, without ever blocking the loop: a pipe that has nothing yet
 * says AGAIN. A regular file can be begun again. */
#ifndef APP_LINE_SOURCE_H
#define APP_LINE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

#define LINE_MOST_BYTES (64u << 20)

enum line_found { LINE_FOUND, LINE_AGAIN, LINE_END, LINE_FAULT };

struct line_source {
    const char *name; /* for faults: the path, or "standard input" */
    int fd;
    bool is_regular;
    uint64_t line; /* number of the last line found, from 1 */
    char *buffer;
    size_t room, begin, end; /* unread bytes: begin .. end */
    bool is_at_end;
};

/* NULL or "-": standard input. */
MUST_USE bool line_source_open(struct line_source *source, const char *path, struct status *status);
void line_source_close(struct line_source *source);

/* The next line that is not blank, without its end; borrowed until the next call. */
enum line_found line_source_next(struct line_source *source, struct wr_text *line,
                                 struct status *status);
/* The same for those who have no loop: waits where the other says AGAIN. */
enum line_found line_source_wait(struct line_source *source, struct wr_text *line,
                                 struct status *status);
MUST_USE bool line_source_rewind(struct line_source *source); /* false: it is a pipe */

#endif
