/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages for a trial: from a file of one, from lines of a file or a pipe, with properties from the
 * command line over them. */
#ifndef APP_TRY_INPUT_H
#define APP_TRY_INPUT_H

#include "amqp/publisher.h"
#include "app/command.h"
#include "app/line_source.h"
#include "base/arena.h"
#include "base/json.h"

struct try_input {
    const char *message_file; /* NULL: none, or taken already */
    const char *lines_file;   /* NULL: none but standard input, where there is no message_file */
    const struct flag_texts *properties;
    bool is_open; /* the lines */
    struct line_source lines;
    struct arena arena; /* of the message at hand */
    char *text;         /* of message_file */
    struct json json;
};

struct try_message {
    struct wr_message message;
    const struct wr_pair *headers;
    size_t n_headers;
    const char *source;
    uint64_t line;
};

enum try_found { TRY_FOUND, TRY_END, TRY_FAULT };

/* `input` is zeroed but for its first three members. */
void try_input_init(struct try_input *input);
void try_input_fini(struct try_input *input);
/* Waits for a pipe. The message lives until the next call. */
enum try_found try_input_next(struct try_input *input, struct try_message *message,
                              struct status *status);

#endif
