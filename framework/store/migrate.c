/* SPDX-License-Identifier: Apache-2.0
 *
 * Migrating; see migrate.h. All homes are judged before the first file is applied. */
#include "store/migrate.h"

#include <stdlib.h>

#include "base/check.h"
#include "store/migrate_link.h"
#include "store/migration_plan.h"
#include "store/migration_run.h"

#define HOMES_MOST 2

struct home {
    struct migration_files files;
    struct migration_applied *applied;
    size_t n_applied;
    char **checksums; /* of the files */
    struct migration_plan plan;
};

struct migrate {
    const struct migrate_settings *settings;
    struct migrate_link *link;
    struct home homes[HOMES_MOST];
    size_t n_homes;
    bool has_books;
    struct status *status;
};

/* ---- files ----------------------------------------------------------------------------------- */

static bool read_files(struct migrate *migrate)
{
    migrate->n_homes = 1;
    if (!migration_files_from(own_migrations, MIGRATION_OWN_HOME, &migrate->homes[0].files,
                              migrate->status))
        return false;
    if (!migrate->settings->directory) return true;
    migrate->n_homes = 2;
    struct migration_files *const files = &migrate->homes[1].files;
    if (!migration_files_read(migrate->settings->directory, files, migrate->status)) return false;
    if (files->n == 0) /* the wrong directory, most likely; but nobody has to have any */
        fprintf(migrate->settings->words, "%s: there are no migrations in it (NNNN_name.sql)\n",
                migrate->settings->directory);
    return true;
}

static void free_home(struct home *home)
{
    for (size_t i = 0; home->checksums && i < home->files.n; i++) free(home->checksums[i]);
    for (size_t i = 0; i < home->n_applied; i++) {
        free(home->applied[i].name);
        free(home->applied[i].checksum);
        free(home->applied[i].at);
    }
    free(home->checksums);
    free(home->applied);
    migration_plan_free(&home->plan);
    migration_files_free(&home->files);
}

/* ---- the books ------------------------------------------------------------------------------- */

static bool look_for_books(struct migrate *migrate)
{
    PGresult *result = migrate_link_ask(migrate->link, "look for warrener.migration",
                                        "select to_regclass('warrener.migration') is not null",
                                        NULL, 0, migrate->status);
    if (!result) return false;
    migrate->has_books = *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    return true;
}

static bool make_books(struct migrate *migrate)
{
    if (migrate->has_books) return true;
    migrate->has_books = migrate_link_do(
        migrate->link, "make warrener.migration, which takes a role that may create schemas",
        "begin;"
        "create schema if not exists warrener;"
        "create table warrener.migration ("
        " home text not null, number bigint not null, name text not null, checksum text not null,"
        " applied_at timestamptz not null default clock_timestamp(), took_ms bigint not null,"
        " primary key (home, number));"
        "comment on table warrener.migration is"
        " 'What warrener migrate has applied; checksum is the SHA-256 of the file.';"
        "commit",
        migrate->status);
    return migrate->has_books;
}

static struct migration_applied read_row(const PGresult *result, int row)
{
    struct migration_applied applied = { .name = memory_copy_text(PQgetvalue(result, row, 1)),
                                         .checksum = memory_copy_text(PQgetvalue(result, row, 2)),
                                         .at = memory_copy_text(PQgetvalue(result, row, 3)) };
    CHECK(text_to_int(text_of(PQgetvalue(result, row, 0)), &applied.number));
    CHECK(text_to_int(text_of(PQgetvalue(result, row, 4)), &applied.took_ms));
    return applied;
}

static bool read_books(struct migrate *migrate, struct home *home)
{
    if (!migrate->has_books) return true;
    const struct migrate_parameter parameter = { text_of(home->files.home), false };
    PGresult *result = migrate_link_ask(
        migrate->link, "read warrener.migration",
        "select number, name, checksum,"
        " to_char(applied_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS\"Z\"'), took_ms"
        " from warrener.migration where home = $1 order by number",
        &parameter, 1, migrate->status);
    if (!result) return false;
    home->n_applied = (size_t)PQntuples(result);
    home->applied = memory_new(home->n_applied + 1, sizeof *home->applied);
    for (size_t i = 0; i < home->n_applied; i++) home->applied[i] = read_row(result, (int)i);
    PQclear(result);
    return true;
}

static bool sum_files(struct migrate *migrate, struct home *home)
{
    home->checksums = memory_new(home->files.n + 1, sizeof *home->checksums);
    for (size_t i = 0; i < home->files.n; i++) {
        const struct migrate_parameter parameter = { home->files.at[i].text, true };
        PGresult *result = migrate_link_ask(migrate->link, "sum up a file",
                                            "select encode(sha256($1::bytea), 'hex')", &parameter,
                                            1, migrate->status);
        if (!result) return false;
        home->checksums[i] = memory_copy_text(PQgetvalue(result, 0, 0));
        PQclear(result);
    }
    return true;
}

static bool plan(struct migrate *migrate)
{
    for (size_t i = 0; i < migrate->n_homes; i++) {
        struct home *home = &migrate->homes[i];
        if (!read_books(migrate, home) || !sum_files(migrate, home)) return false;
        home->plan =
            migration_plan_make(&home->files, home->checksums, home->applied, home->n_applied);
    }
    return true;
}

static bool judge(struct migrate *migrate)
{
    struct fault_list faults = fault_list_open(migrate->status, EXIT_CONFIG);
    for (size_t i = 0; i < migrate->n_homes; i++)
        migration_plan_judge(&migrate->homes[i].plan, &faults);
    return fault_list_end(&faults);
}

/* ---- applying -------------------------------------------------------------------------------- */

static bool apply_home(struct migrate *migrate, const struct home *home, unsigned *n_done)
{
    for (size_t i = 0; i < home->plan.n; i++) {
        const struct migration_step *step = &home->plan.at[i];
        uint64_t took_ms;
        if (step->state != MIGRATION_PENDING) continue;
        if (!migration_run(migrate->link, home->files.home, step->file, &took_ms, migrate->status))
            return false;
        fprintf(migrate->settings->out, "%s: applied in %llu ms\n", step->file->path,
                (unsigned long long)took_ms);
        fflush(migrate->settings->out);
        ++*n_done;
    }
    return true;
}

static bool tend_inbox(struct migrate *migrate)
{
    char days[24];
    snprintf(days, sizeof days, "%lld", (long long)migrate->settings->keep_days);
    const struct migrate_parameter parameter = { text_of(days), false };
    migrate_link_about(migrate->link, "warrener.tend_inbox");
    PGresult *result =
        migrate_link_ask(migrate->link, "tend the inbox", "select warrener.tend_inbox($1::integer)",
                         &parameter, 1, migrate->status);
    PQclear(result);
    return result != NULL;
}

static bool apply(struct migrate *migrate)
{
    unsigned n_done = 0;
    if (!migrate_link_lock(migrate->link, migrate->status) || !look_for_books(migrate) ||
        !make_books(migrate) || !plan(migrate) || !judge(migrate))
        return false;
    for (size_t i = 0; i < migrate->n_homes; i++)
        if (!apply_home(migrate, &migrate->homes[i], &n_done)) return false;
    if (!tend_inbox(migrate)) return false;
    if (n_done == 0)
        fprintf(migrate->settings->out, "%s: nothing to do\n", migrate_link_server(migrate->link));
    return true;
}

/* ---- listing --------------------------------------------------------------------------------- */

static void list_home(const struct home *home, FILE *out)
{
    for (size_t i = 0; i < home->plan.n; i++) {
        const struct migration_step *step = &home->plan.at[i];
        const struct migration_applied *applied = step->applied;
        fprintf(out, "%-12s %6lld  %-36s %-8s", home->files.home,
                (long long)(step->file ? step->file->number : applied->number),
                step->file ? step->file->name : applied->name, migration_state_name(step->state));
        if (applied) fprintf(out, " %s, took %lld ms", applied->at, (long long)applied->took_ms);
        fputc('\n', out);
    }
}

static bool list(struct migrate *migrate)
{
    if (!look_for_books(migrate) || !plan(migrate)) return false;
    fprintf(migrate->settings->out, "%-12s %6s  %-36s %-8s %s\n", "home", "number", "name", "state",
            "applied");
    for (size_t i = 0; i < migrate->n_homes; i++)
        list_home(&migrate->homes[i], migrate->settings->out);
    fflush(migrate->settings->out);
    return judge(migrate);
}

/* ---- both ------------------------------------------------------------------------------------ */

static bool with_link(const struct migrate_settings *settings, bool (*act)(struct migrate *migrate),
                      struct status *status)
{
    struct migrate migrate = { .settings = settings, .status = status };
    const bool is_done = read_files(&migrate) &&
                         migrate_link_open(settings->conninfo, settings->name, settings->words,
                                           &migrate.link, status) &&
                         act(&migrate);
    migrate_link_close(migrate.link);
    for (size_t i = 0; i < HOMES_MOST; i++) free_home(&migrate.homes[i]);
    return is_done;
}

bool migrate_apply(const struct migrate_settings *settings, struct status *status)
{
    return with_link(settings, apply, status);
}

bool migrate_list(const struct migrate_settings *settings, struct status *status)
{
    return with_link(settings, list, status);
}
