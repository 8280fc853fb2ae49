/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate; see gate.h. Every check is made on a descriptor that is already open, and what was checked
 * is what is loaded, through /proc/self/fd. A library that was mapped stays in the list below with
 * its descriptor even where its declaration is refused: unmapping cannot be relied on, and a number
 * used again would give the old library under the new name. */
#include "plugin/gate.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"
#include "plugin/declaration.h"
#include "plugin/whole.h"

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
#define SYMBOL "warrener_handler"

enum { NAME_CHARS_MOST = 64, FILE_NAME_BYTES = NAME_CHARS_MOST + sizeof ".so", NAMES_MOST = 256 };

/* One file, mapped; for life. */
struct library {
    struct library *next;
    dev_t device;
    ino_t inode;
    int fd;
    void *handle;
};

static struct library *libraries;

struct plugin {
    char *path;
    struct declaration *declaration;
};

/* What the checks tell of, and where to. */
struct visit {
    const char *directory, *name;
    char file[FILE_NAME_BYTES]; /* NAME.so */
    char path[1024];            /* DIRECTORY/NAME.so, for people */
    struct status *status;
};

#define REFUSE(visit, format, ...)                                                                 \
    status_fail((visit)->status, EXIT_CONFIG, "%s: " format, (visit)->path, __VA_ARGS__)

/* ---- who may write ------------------------------------------------------------------------------ */

/* Root's or ours, and nobody else's to write; `what` is "the file" or "the directory". */
static bool is_trusted(const struct visit *visit, const struct stat *found, const char *path,
                       const char *what)
{
    const uid_t owner = found->st_uid, ourselves = geteuid();
    if (owner != 0 && owner != ourselves)
        return status_fail(
            visit->status, EXIT_CONFIG,
            "%s: %s belongs to user %u, where root or user %u (ourselves) is expected", path, what,
            (unsigned)owner, (unsigned)ourselves);
    if ((found->st_mode & (S_IWGRP | S_IWOTH)) == 0) return true;
    const bool is_world = found->st_mode & S_IWOTH;
    return status_fail(
        visit->status, EXIT_CONFIG,
        "%s: %s is writable by %s (mode %04o), so that others could change what runs "
        "here: chmod %s%s",
        path, what, is_world ? "everybody" : "its group", (unsigned)found->st_mode & 07777, "go-w",
        S_ISDIR(found->st_mode) ? "; a Kubernetes emptyDir or ConfigMap mount cannot "
                                  "hold handlers, an image can"
                                : "");
}

/* The directory's descriptor, or -1. */
static int open_directory(const struct visit *visit)
{
    const int fd = open(visit->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat found;
    if (fd < 0 || fstat(fd, &found) != 0) {
        status_fail(visit->status, EXIT_CONFIG, "%s: the directory of the handlers: %s",
                    visit->directory, strerror(errno));
        if (fd >= 0) close(fd);
        return -1;
    }
    if (is_trusted(visit, &found, visit->directory, "the directory")) return fd;
    close(fd);
    return -1;
}

/* ---- the file ----------------------------------------------------------------------------------- */

/* The handlers' names in the directory, as an array that ends with NULL. */
static size_t read_names(int directory, char *names[NAMES_MOST + 1])
{
    size_t n = 0;
    const int again = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *const listing = again >= 0 ? fdopendir(again) : NULL;
    for (struct dirent *entry; listing && n < NAMES_MOST && (entry = readdir(listing)) != NULL;) {
        const size_t len = strlen(entry->d_name);
        if (len <= 3 || strcmp(entry->d_name + len - 3, ".so") != 0) continue;
        names[n++] = text_copy(text_from(entry->d_name, len - 3));
    }
    names[n] = NULL;
    if (listing)
        closedir(listing);
    else if (again >= 0)
        close(again);
    return n;
}

static void refuse_missing(const struct visit *visit, int directory)
{
    char *names[NAMES_MOST + 1];
    const size_t n = read_names(directory, names);
    const char *nearest = text_nearest(visit->name, (const char *const *)names);
    if (nearest)
        (void)REFUSE(visit, "there is no such file; did you mean \"%s\"?", nearest);
    else if (n == 0)
        (void)REFUSE(visit, "there is no such file; the directory holds no handlers (%s)", "*.so");
    else
        (void)REFUSE(visit, "there is no such file; the directory holds %s.so%s", names[0],
                     n > 1 ? " and others" : "");
    for (size_t i = 0; i < n; i++) free(names[i]);
}

static void refuse_unopened(const struct visit *visit, int directory, int error)
{
    if (error == ENOENT)
        refuse_missing(visit, directory);
    else if (error == ELOOP)
        (void)REFUSE(
            visit, "%s",
            "it is a symbolic link, where a regular file is expected; Kubernetes mounts "
            "ConfigMaps as links: mount the file itself by subPath, or copy it into the image");
    else
        (void)REFUSE(visit, "it cannot be opened: %s", strerror(error));
}

static bool is_whole(const struct visit *visit, int fd, const struct stat *found)
{
    const uint64_t wanted = whole_wanted_bytes(fd), there = (uint64_t)found->st_size;
    return there >= wanted ||
           REFUSE(visit, "it is cut off: %llu bytes of %llu are there; copy it again",
                  (unsigned long long)there, (unsigned long long)wanted);
}

/* The file's descriptor, checked, or -1. Without blocking, for it may yet be a pipe. */
static int open_file(const struct visit *visit, int directory, struct stat *found)
{
    const int fd =
        openat(directory, visit->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        refuse_unopened(visit, directory, errno);
        return -1;
    }
    bool is_good = false;
    if (fstat(fd, found) != 0)
        (void)REFUSE(visit, "it cannot be examined: %s", strerror(errno));
    else if (!S_ISREG(found->st_mode))
        (void)REFUSE(visit, "it is a %s, where a regular file is expected",
                     S_ISDIR(found->st_mode) ? "directory" : "device, pipe or socket");
    else
        is_good = is_trusted(visit, found, visit->path, "the file") && is_whole(visit, fd, found);
    if (is_good) return fd;
    close(fd);
    return -1;
}

/* ---- loading ------------------------------------------------------------------------------------ */

/* The linker's words, with the plugin's name for the descriptor's, and with the way out. */
static void refuse_unloaded(const struct visit *visit, const char *descriptor, const char *words)
{
    const size_t len = strlen(descriptor);
    if (strncmp(words, descriptor, len) == 0 && strncmp(words + len, ": ", 2) == 0) {
        (void)REFUSE(visit, "it cannot be loaded: %s", words + len + 2);
        return;
    }
    const char *const end = strstr(words, ": cannot open shared object file");
    if (end)
        (void)REFUSE(
            visit,
            "it needs the library %.*s, which was not found: install it, or name its directory "
            "in LD_LIBRARY_PATH or the plugin's run path",
            (int)(end - words), words);
    else
        (void)REFUSE(visit, "it cannot be loaded: %s", words);
}

static struct library *find_library(const struct stat *found)
{
    struct library *library = libraries;
    while (library && (library->device != found->st_dev || library->inode != found->st_ino))
        library = library->next;
    return library;
}

/* Takes the descriptor, whatever happens. */
static struct library *load_library(const struct visit *visit, int fd, const struct stat *found)
{
    char descriptor[sizeof "/proc/self/fd/" + 3 * sizeof fd];
    snprintf(descriptor, sizeof descriptor, "/proc/self/fd/%d", fd);
    void *handle = NULL;
    if (access(descriptor, F_OK) != 0)
        (void)REFUSE(
            visit, "%s",
            "plugins are loaded through /proc/self/fd, and /proc is not mounted here: mount it");
    else if (!(handle = dlopen(descriptor, RTLD_NOW | RTLD_LOCAL)))
        refuse_unloaded(visit, descriptor, dlerror());
    if (!handle) {
        close(fd);
        return NULL;
    }
    struct library *const library = NEW(struct library);
    *library = (struct library){ libraries, found->st_dev, found->st_ino, fd, handle };
    libraries = library;
    return library;
}

static struct library *find_or_load(const struct visit *visit)
{
    const int directory = open_directory(visit);
    if (directory < 0) return NULL;
    struct stat found;
    const int fd = open_file(visit, directory, &found);
    close(directory);
    if (fd < 0) return NULL;
    struct library *const library = find_library(&found);
    if (!library) return load_library(visit, fd, &found);
    close(fd);
    return library;
}

static struct declaration *read_declaration(const struct visit *visit,
                                            const struct library *library)
{
    const void *const symbol = dlsym(library->handle, SYMBOL);
    if (!symbol) {
        (void)REFUSE(visit,
                     "it exports no data symbol %s: declare the handler with WR_HANDLER(...)",
                     SYMBOL);
        return NULL;
    }
    Dl_info info;
    const ElfW(Sym) *entry = NULL;
    const bool is_known = dladdr1(symbol, &info, (void **)&entry, RTLD_DL_SYMENT) != 0 && entry;
    return declaration_read(symbol, is_known ? (size_t)entry->st_size : 0, visit->path,
                            visit->status);
}

/* ---- the door ----------------------------------------------------------------------------------- */

static bool is_name_good(const struct visit *visit)
{
    const size_t len = strnlen(visit->name, NAME_CHARS_MOST + 1);
    if (len > 0 && len <= NAME_CHARS_MOST && strspn(visit->name, NAME_CHARS) == len) return true;
    char shown[128];
    const bool has_suffix =
        len > 3 && len <= NAME_CHARS_MOST && strcmp(visit->name + len - 3, ".so") == 0;
    return status_fail(
        visit->status, EXIT_CONFIG,
        "the handler's name is \"%s\", where 1 to %d of A-Z a-z 0-9 _ - are expected: "
        "NAME stands for the file NAME.so in %s%s",
        text_show(text_of(visit->name), shown, sizeof shown), NAME_CHARS_MOST, visit->directory,
        has_suffix ? "; leave out the .so" : "");
}

struct plugin *plugin_load(const char *directory, const char *name, struct status *status)
{
    struct visit visit = { .directory = directory, .name = name, .status = status };
    if (!is_name_good(&visit)) return NULL;
    const size_t len = strlen(directory);
    const char *const slash = len > 0 && directory[len - 1] == '/' ? "" : "/";
    snprintf(visit.file, sizeof visit.file, "%s.so", name);
    snprintf(visit.path, sizeof visit.path, "%s%s%s", directory, slash, visit.file);

    struct library *const library = find_or_load(&visit);
    if (!library) return NULL;
    struct declaration *const declaration = read_declaration(&visit, library);
    if (!declaration) return NULL;
    struct plugin *const plugin = NEW(struct plugin);
    plugin->path = memory_copy_text(visit.path);
    plugin->declaration = declaration;
    return plugin;
}

void plugin_free(struct plugin *plugin)
{
    if (!plugin) return;
    declaration_free(plugin->declaration);
    free(plugin->path);
    free(plugin);
}

const struct wr_handler *plugin_handler(const struct plugin *plugin)
{
    return declaration_handler(plugin->declaration);
}

const char *plugin_path(const struct plugin *plugin)
{
    return plugin->path;
}
