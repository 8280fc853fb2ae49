/* SPDX-License-Identifier: Apache-2.0
 *
 * warrener migrate: brings the database to what this release, and a directory of one's own, expect. */
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "config/config.h"
#include "store/migrate.h"

#define MS_PER_DAY INT64_C(86400000)
#define CONNINFO_BYTES 8192
#define NAME_BYTES 64 /* PostgreSQL shows no more of it */

static enum exit_status migrate(const struct config *config, const char *directory, bool is_listing)
{
    char conninfo[CONNINFO_BYTES], name[NAME_BYTES];
    struct status status;
    if (!config_resolve_postgres(config, true, conninfo, sizeof conninfo, &status))
        return command_fail(&status);
    snprintf(name, sizeof name, "%s/migrate", config->name);
    const struct migrate_settings settings = {
        .conninfo = conninfo,
        .directory = directory,
        .name = name,
        .keep_days = (config->inbox.keep_ms + MS_PER_DAY - 1) / MS_PER_DAY,
        .out = stdout,
        .words = stderr,
    };
    const bool is_done = (is_listing ? migrate_list : migrate_apply)(&settings, &status);
    explicit_bzero(conninfo, sizeof conninfo);
    return is_done ? EXIT_WELL : command_fail(&status);
}

enum exit_status command_migrate(int argc, char **argv)
{
    const char *file = NULL, *directory = NULL;
    bool is_listing = false;
    const struct flag flags[] = {
        { "--dir", "DIR", "also DIR's NNNN_name.sql, after the host's own", FLAG_TEXT, &directory },
        { "--status", NULL, "only list what is applied and what is not", FLAG_YES, &is_listing },
        { 0 },
    };
    static const char *const sections[] = { "name", "postgres", "inbox", NULL };
    enum exit_status exit;
    if (!command_read_line(argc, argv, flags, &file, &exit)) return exit;
    struct config *config;
    struct config_faults faults = { 0 };
    if (!config_load_part(config_find(file), sections, &config, &faults)) {
        config_faults_write(&faults, stderr);
        config_faults_fini(&faults);
        return EXIT_CONFIG;
    }
    config_faults_fini(&faults);
    exit = migrate(config, directory, is_listing);
    config_free(config);
    return exit;
}
