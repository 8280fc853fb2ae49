/* SPDX-License-Identifier: Apache-2.0
 *
 * The program: finds the command and ends with its status. Nothing else in Warrener exits. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/standard.h"
#include "base/text.h"

static void write_usage(FILE *to)
{
    fprintf(to, "usage: warrener COMMAND [...]\n\n");
    for (const struct command *command = commands; command->name; command++)
        fprintf(to, "  %-8s %s\n", command->name, command->about);
    fprintf(to, "\n'warrener COMMAND --help' tells more of one.\n");
}

static enum exit_status refuse(const char *word)
{
    const char *names[16] = { NULL };
    for (size_t n = 0; commands[n].name && n < 15; n++) names[n] = commands[n].name;
    const char *near = text_nearest(word, names);
    fprintf(stderr, "warrener: there is no command \"%s\"", word);
    if (near) fprintf(stderr, "; did you mean \"%s\"?", near);
    fprintf(stderr, "\n\n");
    write_usage(stderr);
    return EXIT_USAGE;
}

static enum exit_status run(int argc, char **argv)
{
    if (argc < 2) {
        write_usage(stderr);
        return EXIT_USAGE;
    }
    const bool is_help = !strcmp(argv[1], "help");
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || (is_help && argc == 2)) {
        write_usage(stdout);
        return EXIT_WELL;
    }
    char help[] = "--help";
    if (is_help) argv[1] = argv[2], argv[2] = help, argc = 3; /* of that command */
    if (!strcmp(argv[1], "--version")) argv[1] = "version";
    for (const struct command *command = commands; command->name; command++)
        if (!strcmp(command->name, argv[1])) return command->run(argc - 1, argv + 1);
    return refuse(argv[1]);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a peer that goes is an error code, not our end */
    standard_hold();
    if (!standard_has_room()) return EXIT_INTERNAL;
    return (int)standard_end(run(argc, argv));
}
