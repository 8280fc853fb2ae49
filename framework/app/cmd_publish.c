/* SPDX-License-Identifier: Apache-2.0
 *
 * warrener publish: messages from a file or standard input to an exchange, each confirmed. */
#include <stdio.h>
#include <stdlib.h>

#include "app/command.h"
#include "app/sender.h"
#include "app/standard.h"

#define FAILURES_SHOWN 10

struct failures {
    const char *source;
    uint64_t n;
};

static void on_failed(void *own, uint64_t line, struct wr_text id, const char *why)
{
    struct failures *failures = own;
    char shown[128];
    if (++failures->n <= FAILURES_SHOWN)
        fprintf(stderr, "warrener: %s:%llu: message %s: %s\n", failures->source,
                (unsigned long long)line, text_show(id, shown, sizeof shown), why);
}

static enum exit_status conclude(const struct sender_result *result, bool is_well,
                                 const struct status *status)
{
    printf("%llu confirmed, %llu returned, %llu not confirmed, in %.3f s\n",
           (unsigned long long)result->confirmed, (unsigned long long)result->returned,
           (unsigned long long)result->unsent, (double)result->took_ms / 1e3);
    if (!is_well) return command_fail(status);
    return result->returned ? EXIT_MESSAGE : EXIT_WELL;
}

static enum exit_status publish(const char *file, const char *lines,
                                struct sender_settings *settings)
{
    static const char *const sections[] = { "name", "amqp", NULL };
    struct config *config;
    struct config_faults faults = { 0 };
    struct status status = { .exit = EXIT_UNREACHABLE, .text = "no broker was reached" };
    if (!config_load_part(config_find(file), sections, &config, &faults)) {
        config_faults_write(&faults, stderr);
        config_faults_fini(&faults);
        return EXIT_CONFIG;
    }
    config_faults_fini(&faults);
    struct line_source source;
    struct sender_result result;
    enum exit_status exit;
    if (!line_source_open(&source, lines, &status)) {
        exit = command_fail(&status);
    } else {
        struct failures failures = { .source = source.name };
        settings->on_failed = on_failed;
        settings->owner = &failures;
        const bool is_well = sender_run(config, &source, settings, &result, &status);
        exit = conclude(&result, is_well, &status);
        line_source_close(&source);
    }
    config_free(config);
    return exit;
}

enum exit_status command_publish(int argc, char **argv)
{
    struct sender_settings settings = { 0 };
    const char *file = NULL, *lines = NULL;
    const struct flag flags[] = {
        { "--exchange", "E", "where to; \"\" is the default exchange (default: each line's own)",
          FLAG_TEXT, &settings.exchange },
        { "--key", "K", "the routing key (default: each line's own)", FLAG_TEXT, &settings.key },
        { "--ndjson", "FILE", "messages, one JSON object a line (default: standard input)",
          FLAG_TEXT, &lines },
        { "--rate", "N", "messages a second (default: as fast as it goes)", FLAG_COUNT,
          &settings.rate },
        { "--count", "N", "messages in all; a file with fewer is begun again", FLAG_COUNT,
          &settings.count },
        { 0 },
    };
    enum exit_status exit;
    if (!command_read_line(argc, argv, flags, &file, &exit)) return exit;
    standard_is_report();
    return publish(file, lines, &settings);
}
