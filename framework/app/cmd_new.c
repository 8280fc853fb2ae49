/* SPDX-License-Identifier: Apache-2.0
 *
 * warrener new: a handler project that builds, passes its test and runs as it is. Its files are templates
 * built into the program; a project finds the Warrener that made it, wherever that is installed or
 * built. Nothing that is there already is touched, and one that cannot be made whole is taken away. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <warrener/version.h>

#include "app/command.h"
#include "base/asset.h"
#include "base/check.h"

enum { NAME_CHARS_MOST = 64 };

extern const struct asset new_templates[];

/* Where each template goes, below the project's directory. */
static const struct new_file {
    const char *template, *path;
} new_files[] = {
    { "CMakeLists.txt.tmpl", "CMakeLists.txt" },
    { "CMakePresets.json.tmpl", "CMakePresets.json" },
    { "README.md.tmpl", "README.md" },
    { "gitignore.tmpl", ".gitignore" },
    { "handler.c.tmpl", "@NAME@.c" },
    { "messages.json.tmpl", "samples/messages.json" },
    { "test.c.tmpl", "test_@NAME@.c" },
    { "warrener.yaml.tmpl", "warrener.yaml" },
};
#define NEW_FILES (sizeof new_files / sizeof *new_files)

static const char *const new_directories[] = { "", "/samples" };
#define NEW_DIRECTORIES (sizeof new_directories / sizeof *new_directories)

struct project {
    const char *name, *directory;
    char hints[PATH_MAX + 16]; /* where CMake would not look by itself; "" where it would */
    char program[PATH_MAX];    /* this one, as the user may call it */
    struct status *status;
    char *made[NEW_FILES + NEW_DIRECTORIES]; /* paths, in the order they came to be */
    size_t n_made;
};

/* ---- filling in ------------------------------------------------------------------------------------- */

static const char *value_of(const struct project *project, struct wr_text word)
{
    if (text_is(word, "@NAME@")) return project->name;
    if (text_is(word, "@HINTS@")) return project->hints;
    if (text_is(word, "@VERSION@")) return WARRENER_VERSION;
    return NULL;
}

/* The @WORD@ that begins at `at`; empty where none does. */
static struct wr_text word_at(struct wr_text text, size_t at)
{
    const char *const end = text.at[at] == '@' && at + 1 < text.len
                                ? memchr(text.at + at + 1, '@', text.len - at - 1)
                                : NULL;
    return text_from(text.at + at, end ? (size_t)(end - text.at) - at + 1 : 0);
}

static void fill_in(FILE *to, const struct project *project, struct wr_text template)
{
    for (size_t i = 0; i < template.len;) {
        const struct wr_text word = word_at(template, i);
        const char *const value = word.len ? value_of(project, word) : NULL;
        if (value)
            fputs(value, to);
        else
            putc(template.at[i], to);
        i += value ? word.len : 1;
    }
}

/* ---- files ------------------------------------------------------------------------------------------ */

static char *path_of(const struct project *project, const struct new_file *file)
{
    char *path = NULL;
    size_t bytes;
    FILE *const to = open_memstream(&path, &bytes);
    CHECK(to);
    fprintf(to, "%s/", project->directory);
    fill_in(to, project, text_of(file->path));
    fclose(to);
    return path;
}

static bool is_there(const struct project *project, const struct new_file *file)
{
    struct stat found;
    char *const path = path_of(project, file);
    const bool is_there = lstat(path, &found) == 0;
    if (is_there)
        status_fail(
            project->status, EXIT_USAGE,
            "%s is there already, and nothing was written: name another directory with --dir",
            path);
    free(path);
    return is_there;
}

static void note_made(struct project *project, const char *path)
{
    project->made[project->n_made++] = memory_copy_text(path);
}

/* The last first. A directory that somebody else uses by now stays. */
static void take_away(struct project *project)
{
    for (size_t i = project->n_made; i-- > 0;) (void)remove(project->made[i]);
}

static void forget_made(struct project *project)
{
    while (project->n_made) free(project->made[--project->n_made]);
}

static bool make_directory(struct project *project, const char *below)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", project->directory, below);
    if (mkdir(path, 0755) == 0) {
        note_made(project, path);
        return true;
    }
    if (errno == EEXIST) return true;
    return status_fail(project->status, EXIT_USAGE, "%s: %s", path, strerror(errno));
}

static struct wr_text template_of(const struct new_file *file)
{
    const struct asset *asset = new_templates;
    while (asset->name && strcmp(asset->name, file->template) != 0) asset++;
    CHECK(asset->name);
    return asset->bytes;
}

static bool write_file(struct project *project, const struct new_file *file)
{
    char *const path = path_of(project, file);
    FILE *const to = fopen(path, "wxe");
    bool is_written = to != NULL;
    if (to) {
        note_made(project, path);
        fill_in(to, project, template_of(file));
        is_written = !ferror(to);
        if (fclose(to) != 0) is_written = false;
    }
    if (!is_written) status_fail(project->status, EXIT_USAGE, "%s: %s", path, strerror(errno));
    free(path);
    return is_written;
}

static bool write_project(struct project *project)
{
    for (size_t i = 0; i < NEW_FILES; i++)
        if (is_there(project, &new_files[i])) return false;
    for (size_t i = 0; i < NEW_DIRECTORIES; i++)
        if (!make_directory(project, new_directories[i])) return false;
    for (size_t i = 0; i < NEW_FILES; i++)
        if (!write_file(project, &new_files[i])) return false;
    return true;
}

/* ---- where we are ----------------------------------------------------------------------------------- */

static bool is_on_path(const char *program)
{
    char *const path = memory_copy_text(getenv("PATH") ? getenv("PATH") : "");
    char *rest = path, candidate[PATH_MAX], found[PATH_MAX];
    bool is_found = false;
    for (char *directory; !is_found && (directory = strsep(&rest, ":"));) {
        snprintf(candidate, sizeof candidate, "%s/warrener", directory);
        if (!realpath(candidate, found)) continue;
        is_found = strcmp(found, program) == 0;
        break; /* the first is the one that is called */
    }
    free(path);
    return is_found;
}

/* PREFIX/bin/warrener is installed, BUILD/warrener was built; CMake looks below /usr by itself. */
static void find_ourselves(struct project *project)
{
    static const char bin[] = "/bin";
    char prefix[PATH_MAX];
    if (!realpath("/proc/self/exe", project->program)) return;
    snprintf(prefix, sizeof prefix, "%s", project->program);
    *strrchr(prefix, '/') = '\0';
    const size_t len = strlen(prefix), tail = sizeof bin - 1;
    if (len >= tail && strcmp(prefix + len - tail, bin) == 0) prefix[len - tail] = '\0';
    if (strcmp(prefix, "/usr") != 0 && strcmp(prefix, "/usr/local") != 0)
        snprintf(project->hints, sizeof project->hints, " HINTS \"%s\"", prefix);
    if (is_on_path(project->program)) strcpy(project->program, "warrener");
}

/* ---- the command ------------------------------------------------------------------------------------ */

/* As the gate takes names. */
static bool is_name_good(const struct project *project)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                      more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    const size_t len = strlen(project->name);
    char shown[128];
    if (len > 0 && len <= NAME_CHARS_MOST && strspn(project->name, more) == len &&
        strspn(project->name, first) > 0 && strcmp(project->name, "test") != 0)
        return true;
    return status_fail(project->status, EXIT_USAGE,
                       "a handler named \"%s\": 1 to %d of A-Z a-z 0-9 _ - are expected, a letter "
                       "first, and not \"test\", which is CMake's",
                       text_show(text_of(project->name), shown, sizeof shown), NAME_CHARS_MOST);
}

enum exit_status command_new(int argc, char **argv)
{
    struct status status = { 0 };
    struct project project = { 0 };
    const struct flag flags[] = {
        { "NAME", NULL, "the handler's name", FLAG_WORD, &project.name },
        { "--dir", "DIR", "the project's directory (default: NAME)", FLAG_TEXT,
          &project.directory },
        { 0 },
    };
    enum exit_status exit;
    if (!command_read_line(argc, argv, flags, NULL, &exit)) return exit;
    project.status = &status;
    if (!is_name_good(&project)) return command_fail(&status);
    if (!project.directory) project.directory = project.name;
    find_ourselves(&project);
    const bool is_written = write_project(&project);
    if (!is_written) take_away(&project);
    forget_made(&project);
    if (!is_written) return command_fail(&status);
    printf("%s is made. From nothing to a message handled:\n\n"
           "  cd %s\n"
           "  cmake --preset dev && cmake --build --preset dev && ctest --preset dev\n"
           "  %s try build/dev/%s.so --ndjson samples/messages.json\n\n"
           "README.md tells the rest.\n",
           project.directory, project.directory, project.program, project.name);
    return EXIT_WELL;
}
