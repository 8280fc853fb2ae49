/* SPDX-License-Identifier: Apache-2.0
 *
 * warrener try: messages through a handler with no server about. The plugin comes in by the gate, as it
 * would in the host; the rest is a trial, as in handlers' own tests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/try_crash.h"
#include "app/try_input.h"
#include "app/try_loads.h"
#include "app/try_show.h"
#include "base/check.h"
#include "plugin/gate.h"

struct try_command {
    const char *handler, *loads;
    struct flag_texts options, properties;
    struct try_input input;
    uint64_t repeat;

    struct plugin *plugin;
    struct wr_trial *trial;
    uint64_t *counted; /* before a message, and then by it */
    uint64_t verdicts[WR_WAIT + 1];
    uint64_t n_calls, took_ns;
    bool is_for_people, is_coloured;
};

/* ---- the handler ------------------------------------------------------------------------------------ */

/* build/orders.so: the gate takes a directory and a name. */
static bool load(struct try_command *command, struct status *status)
{
    const char *const slash = strrchr(command->handler, '/');
    const char *const file = slash ? slash + 1 : command->handler;
    const size_t len = strlen(file), cut = len > 3 && !strcmp(file + len - 3, ".so") ? 3 : 0;
    char *const directory =
        slash ? text_copy(text_from(command->handler, (size_t)(slash - command->handler) + 1))
              : memory_copy_text(".");
    char *const name = text_copy(text_from(file, len - cut));
    command->plugin = plugin_load(directory, name, status);
    free(directory);
    free(name);
    return command->plugin != NULL;
}

static bool open_trial(struct try_command *command, struct status *status)
{
    struct wr_pair pairs[FLAG_TEXTS_MOST];
    for (size_t i = 0; i < command->options.n; i++) {
        const char *value;
        pairs[i] = (struct wr_pair){ .kind = WR_H_TEXT };
        if (!command_split_pair("try", "--option", command->options.at[i], &pairs[i].name, &value))
            return status_fail(status, EXIT_USAGE, "no message was tried");
        pairs[i].text = text_of(value);
    }
    command->trial = trial_open(plugin_handler(command->plugin), plugin_path(command->plugin),
                                pairs, command->options.n, status);
    if (!command->trial) return false;
    command->counted =
        memory_new(trial_count_counters(command->trial) + 1, sizeof *command->counted);
    return !command->loads || try_loads_read(command->loads, command->trial, status);
}

/* ---- messages --------------------------------------------------------------------------------------- */

/* By how much counters grew, or where they are. */
static void read_counters(struct try_command *command)
{
    for (unsigned i = 0; i < trial_count_counters(command->trial); i++)
        command->counted[i] = wr_trial_counted(command->trial, i) - command->counted[i];
}

static uint64_t time_call(struct try_command *command, const struct wr_message *message)
{
    wr_trial_handle(command->trial, *message);
    return trial_took_ns(command->trial);
}

/* All calls but the last are there for their time alone; the last tells what comes of the message. */
static void try_one(struct try_command *command, const struct try_message *message)
{
    const size_t counters = trial_count_counters(command->trial) * sizeof *command->counted;
    uint64_t took_ns = 0;
    try_crash_note(message->source, message->line, message->message.id);
    wr_trial_headers(command->trial, message->headers, message->n_headers);
    for (uint64_t i = 1; i < command->repeat; i++) took_ns += time_call(command, &message->message);
    memset(command->counted, 0, counters);
    read_counters(command);
    took_ns += time_call(command, &message->message);
    read_counters(command);
    command->verdicts[trial_outcome(command->trial)->verdict]++;
    command->n_calls += command->repeat;
    command->took_ns += took_ns;
    const struct try_shown shown = {
        command->trial,      message->source,  message->line,
        message->message.id, command->counted, (double)took_ns / 1e3 / (double)command->repeat
    };
    if (command->is_for_people)
        try_show_people(&shown, stdout, command->is_coloured);
    else
        try_show_json(&shown, stdout);
}

static enum exit_status try_all(struct try_command *command, struct status *status)
{
    struct try_message message;
    enum try_found found;
    while ((found = try_input_next(&command->input, &message, status)) == TRY_FOUND)
        try_one(command, &message);
    fflush(stdout);
    if (found == TRY_END && !command->n_calls)
        (void)status_fail(status, EXIT_USAGE, "%s holds no message, so nothing was tried",
                          command->input.lines_file ? command->input.lines_file : "standard input");
    if (found == TRY_FAULT || !command->n_calls) return command_fail(status);
    return command->verdicts[WR_RETRY] + command->verdicts[WR_REJECT] + command->verdicts[WR_WAIT]
               ? EXIT_MESSAGE
               : EXIT_WELL;
}

static void conclude(const struct try_command *command)
{
    uint64_t n = 0;
    for (unsigned i = 0; i <= WR_WAIT; i++) n += command->verdicts[i];
    if (!command->is_for_people || n == 0) return;
    printf("%llu messages:", (unsigned long long)n);
    for (unsigned i = 0, shown = 0; i <= WR_WAIT; i++)
        if (command->verdicts[i])
            printf("%s %llu %s", shown++ ? "," : "", (unsigned long long)command->verdicts[i],
                   try_verdict_name(i));
    printf("; %.2f us a call\n",
           (double)command->took_ns / 1e3 / (double)(command->n_calls ? command->n_calls : 1));
}

/* ---- the command ------------------------------------------------------------------------------------ */

enum exit_status command_try(int argc, char **argv)
{
    static struct try_command command = { .repeat = 1 };
    const struct flag flags[] = {
        { "HANDLER.so", NULL, "the handler, as it was built", FLAG_WORD, &command.handler },
        { "--ndjson", "FILE", "messages, one JSON object a line (default: standard input)",
          FLAG_TEXT, &command.input.lines_file },
        { "--message", "FILE", "one message; a file without a \"body\" is the body itself",
          FLAG_TEXT, &command.input.message_file },
        { "--property", "K=V", "set with every message: id, key, headers.NAME, attempt, ...",
          FLAG_TEXTS, &command.properties },
        { "--option", "K=V", "an option of the handler's", FLAG_TEXTS, &command.options },
        { "--loads", "FILE", "what loaders find: {\"loader\",\"key\",\"version\",\"value\"} a line",
          FLAG_TEXT, &command.loads },
        { "--repeat", "N", "handle each message N times, for the time it takes", FLAG_COUNT,
          &command.repeat },
        { 0 },
    };
    struct status status = { 0 };
    enum exit_status exit;
    if (!command_read_line(argc, argv, flags, NULL, &exit)) return exit;
    command.input.properties = &command.properties;
    command.is_for_people = isatty(STDOUT_FILENO);
    command.is_coloured = command.is_for_people && !getenv("NO_COLOR");
    try_input_init(&command.input);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* what was told before a crash stays told */
    try_crash_watch();
    if (load(&command, &status) && open_trial(&command, &status)) {
        exit = try_all(&command, &status);
        conclude(&command);
    } else {
        exit = command_fail(&status);
    }
    wr_trial_close(command.trial);
    try_input_fini(&command.input);
    free(command.counted);
    plugin_free(command.plugin);
    return exit;
}
