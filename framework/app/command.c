/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a command's line; see command.h. */
#include "app/command.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define FLAGS_MOST 32

const struct command commands[] = {
    { "run", "[-c FILE]", "run the host under its supervisor, in the foreground", command_run },
    { "check", "[-c FILE] [--connect]", "find every fault in the configuration and its handlers",
      command_check },
    { "migrate", "[-c FILE] [--dir DIR] [--status]",
      "bring the database to what this release expects", command_migrate },
    { "publish", "[-c FILE] --exchange E --key K [...]", "publish messages, with confirms",
      command_publish },
    { "dead", "list|show|export|retry|drop QUEUE [-c FILE] [...]", "look after dead letters",
      command_dead },
    { "health", "[-c FILE] [--url URL]", "ask a running host whether it is well", command_health },
    { "try", "HANDLER.so [--ndjson FILE] [...]", "run messages through a handler, with no server",
      command_try },
    { "new", "NAME [--dir DIR]", "make a handler project that builds, tests and runs",
      command_new },
    { "top", "[-c FILE] [--url URL]", "watch a running host on a terminal", command_top },
    { "version", "", "versions of the host, its ABI and its libraries", command_version },
    { NULL, NULL, NULL, NULL },
};

static const struct command *find_command(const char *name)
{
    for (const struct command *command = commands; command->name; command++)
        if (!strcmp(command->name, name)) return command;
    return NULL;
}

static void write_help(const char *name, const struct flag *flags, bool has_config)
{
    const struct command *command = find_command(name);
    printf("warrener %s %s\n    %s\n", name, command->arguments, command->about);
    for (const struct flag *flag = flags; flag->name; flag++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", flag->name, flag->value ? " " : "",
                 flag->value ? flag->value : "");
        printf("  %-18s %s\n", left, flag->help);
    }
    if (has_config)
        printf("  %-18s %s\n", "-c FILE",
               "the configuration; default $WARRENER_CONFIG, then warrener.yaml");
}

static const struct flag *find_flag(const struct flag *flags, const char *name)
{
    for (const struct flag *flag = flags; flag->name; flag++)
        if (!strcmp(flag->name, name)) return flag;
    return NULL;
}

/* The first word that has not been given yet; none where it looks like a flag. */
static const struct flag *find_word(const struct flag *flags, const char *word)
{
    for (const struct flag *flag = flags; flag->name && *word != '-'; flag++)
        if (flag->kind == FLAG_WORD && !*(const char **)flag->into) return flag;
    return NULL;
}

static bool has_all_words(const char *command, const struct flag *flags)
{
    for (const struct flag *flag = flags; flag->name; flag++) {
        if (flag->kind != FLAG_WORD || *(const char **)flag->into) continue;
        fprintf(stderr, "warrener %s: %s is missing; see 'warrener %s --help'\n", command,
                flag->name, command);
        return false;
    }
    return true;
}

static const char *nearest_flag(const struct flag *flags, const char *word)
{
    const char *names[FLAGS_MOST + 1] = { NULL };
    for (size_t n = 0; flags[n].name && n < FLAGS_MOST; n++) names[n] = flags[n].name;
    return text_nearest(word, names);
}

static bool refuse_word(const char *command, const struct flag *flags, const char *word)
{
    const char *near = nearest_flag(flags, word);
    fprintf(stderr, "warrener %s: \"%s\" is not known here%s%s%s; see 'warrener %s --help'\n",
            command, word, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "",
            command);
    return false;
}

static bool add_text(const char *command, const struct flag *flag, const char *value)
{
    struct flag_texts *texts = flag->into;
    if (texts->n == FLAG_TEXTS_MOST) {
        fprintf(stderr, "warrener %s: %s is given more than %d times\n", command, flag->name,
                FLAG_TEXTS_MOST);
        return false;
    }
    texts->at[texts->n++] = value;
    return true;
}

static bool take_value(const char *command, const struct flag *flag, const char *value)
{
    int64_t number;
    if (!value) {
        fprintf(stderr, "warrener %s: %s needs a value: %s %s\n", command, flag->name, flag->name,
                flag->value);
        return false;
    }
    if (flag->kind == FLAG_TEXT) {
        *(const char **)flag->into = value;
        return true;
    }
    if (flag->kind == FLAG_TEXTS) return add_text(command, flag, value);
    if (!text_to_int(text_of(value), &number) || number < 1) {
        fprintf(stderr, "warrener %s: %s \"%s\": a whole number above 0 was expected\n", command,
                flag->name, value);
        return false;
    }
    *(uint64_t *)flag->into = (uint64_t)number;
    return true;
}

bool command_read_line(int argc, char **argv, const struct flag *flags, const char **config,
                       enum exit_status *exit)
{
    const struct flag config_flag = { "-c", "FILE", "", FLAG_TEXT, config };
    *exit = EXIT_USAGE;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            write_help(argv[0], flags, config != NULL);
            *exit = EXIT_WELL;
            return false;
        }
        const struct flag *flag =
            config && !strcmp(argv[i], "-c") ? &config_flag : find_flag(flags, argv[i]);
        const struct flag *word = flag ? NULL : find_word(flags, argv[i]);
        if (!flag && !word) return refuse_word(argv[0], flags, argv[i]);
        if (word)
            *(const char **)word->into = argv[i];
        else if (flag->kind == FLAG_YES)
            *(bool *)flag->into = true;
        else if (!take_value(argv[0], flag, argv[++i]))
            return false;
    }
    return has_all_words(argv[0], flags);
}

bool command_split_pair(const char *command, const char *flag, const char *given,
                        struct wr_text *name, const char **value)
{
    const char *const equals = strchr(given, '=');
    if (!equals || equals == given) {
        fprintf(stderr, "warrener %s: %s \"%s\": NAME=VALUE was expected\n", command, flag, given);
        return false;
    }
    *name = text_from(given, (size_t)(equals - given));
    *value = equals + 1;
    return true;
}

enum exit_status command_fail(const struct status *status)
{
    fprintf(stderr, "warrener: %s\n", status->text);
    return status->exit;
}
