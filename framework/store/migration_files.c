/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading migrations; see migration_files.h. */
#include "store/migration_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "store/fault_list.h"

#define NO_TRANSACTION "no-transaction"
#define DIGITS_LEAST 4
#define DIGITS_MOST 18
#define NAME_BYTES_MOST 200
#define HOME_BYTES_MOST 63

/* ---- names ----------------------------------------------------------------------------------- */

static bool is_word_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* "0001_login.sql" is 1; 0 for what is no such name. */
static int64_t number_of(const char *name)
{
    const size_t n_digits = strspn(name, "0123456789"), len = strlen(name);
    int64_t number = 0;
    if (n_digits < DIGITS_LEAST || n_digits > DIGITS_MOST || len > NAME_BYTES_MOST) return 0;
    const char *at = name + n_digits, *dot = name + len - strlen(".sql");
    if (*at != '_' || at + 1 >= dot || strcmp(dot, ".sql") != 0) return 0;
    for (at++; at < dot; at++)
        if (!is_word_character(*at)) return 0;
    CHECK(text_to_int(text_from(name, n_digits), &number));
    return number;
}

/* Said of whatever looks like a migration and is none, so that none is passed over in silence. */
static bool claims_to_be_one(const char *name)
{
    const char *dot = strrchr(name, '.');
    return *name != '.' && dot && strcasecmp(dot, ".sql") == 0;
}

/* A word that stays the same wherever the directory is mounted: the last part of its name. */
static char *home_of(const char *directory, struct fault_list *faults)
{
    char real[4096];
    size_t end = strlen(directory);
    while (end > 1 && directory[end - 1] == '/') end--;
    size_t from = end;
    while (from > 0 && directory[from - 1] != '/') from--;
    char *home = text_copy(text_from(directory + from, end - from));
    if ((!strcmp(home, ".") || !strcmp(home, "..")) && realpath(directory, real)) {
        free(home);
        home = memory_copy_text(strrchr(real, '/') + 1);
    }
    size_t n = 0;
    while (is_word_character(home[n]) || home[n] == '.') n++;
    char shown[100];
    text_show(text_of(home), shown, sizeof shown);
    if (n == 0 || home[n] || n > HOME_BYTES_MOST)
        fault_list_add(faults,
                       "the home of its migrations would be \"%s\"; a directory of migrations is "
                       "named with 1 to %d of A-Z a-z 0-9 _ . -",
                       shown, HOME_BYTES_MOST);
    if (!strcmp(home, MIGRATION_OWN_HOME))
        fault_list_add(faults,
                       "%s: the home \"" MIGRATION_OWN_HOME
                       "\" is the host's own, whose migrations are built in; call yours otherwise",
                       directory);
    return home;
}

/* ---- contents -------------------------------------------------------------------------------- */

static const char *refuse_file(int file, size_t *bytes)
{
    struct stat info;
    if (fstat(file, &info) != 0) return strerror(errno);
    if (!S_ISREG(info.st_mode)) return "it is no regular file";
    if (info.st_size > MIGRATION_FILE_BYTES_MOST) return "it is above 64 MiB; load data otherwise";
    *bytes = (size_t)info.st_size;
    return NULL;
}

/* NULL, and *why in words. */
static char *read_whole(int directory, const char *name, size_t *bytes, const char **why)
{
    size_t room = 0;
    CHECK(directory >= 0);
    const int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *bytes = 0;
    *why = file < 0 ? strerror(errno) : refuse_file(file, &room);
    char *text = *why ? NULL : memory_new(room + 1, 1);
    for (ssize_t got = 1; text && got > 0 && *bytes < room; *bytes += (size_t)got) {
        got = read(file, text + *bytes, room - *bytes);
        if (got >= 0) continue;
        *why = strerror(errno);
        break;
    }
    if (file >= 0) close(file);
    if (!*why) return text;
    free(text);
    return NULL;
}

static struct wr_text first_line(struct wr_text text)
{
    size_t n = 0;
    while (n < text.len && text.at[n] != '\n') n++;
    while (n > 0 && (text.at[n - 1] == ' ' || text.at[n - 1] == '\r')) n--;
    return text_from(text.at, n);
}

static bool wants_transaction(struct wr_text text)
{
    struct wr_text line = first_line(text);
    if (!text_starts(line, "--")) return true;
    line = text_from(line.at + 2, line.len - 2);
    while (line.len > 0 && *line.at == ' ') line = text_from(line.at + 1, line.len - 1);
    return !text_is(line, NO_TRANSACTION);
}

static void check_text(const struct migration_file *file, struct fault_list *faults)
{
    if (memchr(file->text.at, '\0', file->text.len))
        fault_list_add(faults, "%s: it has NUL bytes; save it as UTF-8", file->path);
    else if (!text_is_utf8(file->text))
        fault_list_add(faults, "%s: it is not UTF-8", file->path);
    else if (text_starts(file->text, "\xEF\xBB\xBF"))
        fault_list_add(faults, "%s: it begins with a byte order mark; save it without", file->path);
}

/* ---- the list -------------------------------------------------------------------------------- */

/* Takes `text`. */
static void add(struct migration_files *files, const char *where, const char *name, char *text,
                size_t bytes, struct fault_list *faults)
{
    files->at = memory_grow(files->at, files->n + 1, sizeof *files->at);
    struct migration_file *file = &files->at[files->n++];
    *file = (struct migration_file){ .number = number_of(name),
                                     .name = memory_copy_text(name),
                                     .text = text_from(text, bytes) };
    CHECK(asprintf(&file->path, "%s/%s", where, name) > 0);
    file->has_transaction = wants_transaction(file->text);
    check_text(file, faults);
}

static int by_number(const void *left, const void *right)
{
    const struct migration_file *a = left, *b = right;
    if (a->number != b->number) return a->number < b->number ? -1 : 1;
    return strcmp(a->name, b->name);
}

static bool finish(struct migration_files *files, struct fault_list *faults)
{
    if (files->n > 0) qsort(files->at, files->n, sizeof *files->at, by_number);
    for (size_t i = 1; i < files->n; i++)
        if (files->at[i].number == files->at[i - 1].number)
            fault_list_add(faults, "%s: its number is that of %s, too; give it the next free one",
                           files->at[i].path, files->at[i - 1].name);
    return fault_list_end(faults);
}

static void add_entry(struct migration_files *files, DIR *opened, const char *directory,
                      const char *name, struct fault_list *faults)
{
    size_t bytes;
    const char *why;
    char shown[256];
    if (!claims_to_be_one(name)) return;
    if (number_of(name) == 0) {
        fault_list_add(faults,
                       "%s/%s: migrations are named NNNN_name.sql: a number from 1 in %d digits or "
                       "more, then A-Z a-z 0-9 _ -",
                       directory, text_show(text_of(name), shown, sizeof shown), DIGITS_LEAST);
        return;
    }
    char *text = read_whole(dirfd(opened), name, &bytes, &why);
    if (text)
        add(files, directory, name, text, bytes, faults);
    else
        fault_list_add(faults, "%s/%s: cannot be read: %s", directory, name, why);
}

bool migration_files_read(const char *directory, struct migration_files *out, struct status *status)
{
    struct fault_list faults = fault_list_open(status, EXIT_CONFIG);
    *out = (struct migration_files){ .home = home_of(directory, &faults) };
    DIR *opened = opendir(directory);
    if (!opened) {
        fault_list_add(&faults, "%s: cannot be read: %s; --dir names a directory of migrations",
                       directory, strerror(errno));
        return fault_list_end(&faults);
    }
    const size_t bytes = strlen(directory);
    char *where = text_copy(
        text_from(directory, bytes > 1 && directory[bytes - 1] == '/' ? bytes - 1 : bytes));
    for (const struct dirent *entry = readdir(opened); entry; entry = readdir(opened))
        add_entry(out, opened, where, entry->d_name, &faults);
    closedir(opened);
    free(where);
    return finish(out, &faults);
}

bool migration_files_from(const struct asset *assets, const char *home, struct migration_files *out,
                          struct status *status)
{
    struct fault_list faults = fault_list_open(status, EXIT_INTERNAL);
    *out = (struct migration_files){ .home = memory_copy_text(home) };
    for (; assets->name; assets++)
        add(out, home, assets->name, text_copy(assets->bytes), assets->bytes.len, &faults);
    return finish(out, &faults);
}

void migration_files_free(struct migration_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        free(files->at[i].name);
        free(files->at[i].path);
        free((void *)(uintptr_t)files->at[i].text.at);
    }
    free(files->at);
    free(files->home);
    *files = (struct migration_files){ 0 };
}
