/* SPDX-License-Identifier: Apache-2.0
 *
 * What a command is, and how its line is read: one table of flags a command, so that parsing, --help
 * and the faults of a wrong line all say the same. */
#ifndef APP_COMMAND_H
#define APP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum flag_kind {
    FLAG_YES,
    FLAG_TEXT,
    FLAG_COUNT,
    FLAG_TEXTS, /* may be given several times */
    FLAG_WORD, /* its name is what help calls it: "HANDLER.so"; such words come in the table's order */
};

#define FLAG_TEXTS_MOST 64
struct flag_texts {
    const char *at[FLAG_TEXTS_MOST];
    size_t n;
};

struct flag {
    const char *name;  /* "--rate"; NULL ends the table */
    const char *value; /* what help calls its value, "N"; NULL for FLAG_YES */
    const char *help;
    enum flag_kind kind;
    void *into; /* bool *, const char ** (words too), uint64_t * or struct flag_texts * */
};

/* Reads argv[1..]: `-c FILE` (into `config`), --help, and the flags. A stray word or a bad value says
 * so on stderr with the nearest flag. Returns true to go on; otherwise *exit is what to end with. */
MUST_USE bool command_read_line(int argc, char **argv, const struct flag *flags,
                                const char **config, enum exit_status *exit);

struct command {
    const char *name, *arguments, *about;
    enum exit_status (*run)(int argc, char **argv);
};

extern const struct command commands[]; /* ends with a NULL name */

enum exit_status command_run(int argc, char **argv);
enum exit_status command_check(int argc, char **argv);
enum exit_status command_dead(int argc, char **argv);
enum exit_status command_migrate(int argc, char **argv);
enum exit_status command_publish(int argc, char **argv);
enum exit_status command_health(int argc, char **argv);
enum exit_status command_try(int argc, char **argv);
enum exit_status command_new(int argc, char **argv);
enum exit_status command_top(int argc, char **argv);
enum exit_status command_version(int argc, char **argv);

/* "K=V" in two; false, with words on stderr that name the flag, where it is no such thing. */
MUST_USE bool command_split_pair(const char *command, const char *flag, const char *given,
                                 struct wr_text *name, const char **value);

/* "warrener: …" on stderr; returns the status's exit. */
enum exit_status command_fail(const struct status *status);

#endif
