/* SPDX-License-Identifier: Apache-2.0
 *
 * The gate: each refusal, in its exact words, and what is let in. */
#include "plugin/gate.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "unit/plugin/folder.h"

static struct folder folder;
static struct status status;

static void make(void)
{
    folder_make(&folder);
}

static void drop(void)
{
    folder_remove(&folder);
}

TestSuite(gate, .init = make, .fini = drop);

/* Replaces each DIR by the folder's path. */
static const char *expand(const char *words)
{
    static char out[2048];
    size_t at = 0;
    for (const char *p = words; *p; p++) {
        if (strncmp(p, "DIR", 3) != 0) {
            out[at++] = *p;
            continue;
        }
        at += (size_t)snprintf(out + at, sizeof out - at, "%s", folder.path);
        p += 2;
    }
    out[at] = '\0';
    return out;
}

static void expect_refusal(const char *name, const char *words)
{
    struct plugin *const plugin = plugin_load(folder.path, name, &status);
    cr_expect_null(plugin, "%s was let in", name);
    cr_expect_eq(status.exit, EXIT_CONFIG);
    cr_expect_str_eq(status.text, expand(words));
    plugin_free(plugin);
}

static struct plugin *expect_plugin(const char *name)
{
    struct plugin *const plugin = plugin_load(folder.path, name, &status);
    cr_assert_not_null(plugin, "%s", status.text);
    return plugin;
}

static int count_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* ---- let in ------------------------------------------------------------------------------------- */

Test(gate, a_good_plugin_is_let_in)
{
    folder_add(&folder, TEST_PLUGINS, "probe", "probe");
    struct plugin *const plugin = expect_plugin("probe");
    const struct wr_handler *const handler = plugin_handler(plugin);
    cr_expect_str_eq(plugin_path(plugin), folder_path(&folder, "probe.so"));
    cr_expect_str_eq(handler->name, "probe");
    cr_expect_str_eq(handler->options[1].name, "sleep_us");
    cr_expect_null(handler->options[2].name);
    cr_expect_null(handler->sinks[0].table);
    cr_expect_null(handler->loaders[0].name);
    plugin_free(plugin);
    plugin_free(NULL);
}

Test(gate, a_directory_may_end_with_a_slash)
{
    folder_add(&folder, TEST_PLUGINS, "probe", "probe");
    struct plugin *const plugin = plugin_load(folder_path(&folder, ""), "probe", &status);
    cr_assert_not_null(plugin);
    cr_expect_null(strstr(plugin_path(plugin), "//"));
    plugin_free(plugin);
}

Test(gate, a_file_is_mapped_once)
{
    folder_add(&folder, TEST_PLUGINS, "probe", "probe");
    struct plugin *const first = expect_plugin("probe");
    const int before = count_descriptors();
    struct plugin *const second = expect_plugin("probe");
    cr_expect_eq(plugin_handler(first)->handle, plugin_handler(second)->handle);
    cr_expect_eq(count_descriptors(), before);
    plugin_free(first);
    plugin_free(second);
}

/* A number that was used for one plugin would give that plugin again. */
Test(gate, descriptors_stay_open_even_of_what_was_refused)
{
    folder_add(&folder, TEST_PLUGINS, "bad_no_handle", "bad");
    folder_add(&folder, TEST_PLUGINS, "probe", "probe");
    folder_add(&folder, TEST_PLUGINS, "grown", "grown");
    const int before = count_descriptors();
    cr_expect_null(plugin_load(folder.path, "bad", &status));
    struct plugin *const probe = expect_plugin("probe"), *const grown = expect_plugin("grown");
    cr_expect_str_eq(plugin_handler(probe)->name, "probe");
    cr_expect_str_eq(plugin_handler(grown)->name, "grown");
    cr_expect_eq(count_descriptors(), before + 3);
    plugin_free(probe);
    plugin_free(grown);
}

Test(gate, descriptors_are_not_inherited)
{
    folder_add(&folder, TEST_PLUGINS, "probe", "probe");
    bool was_open[256];
    for (int fd = 0; fd < 256; fd++) was_open[fd] = fcntl(fd, F_GETFD) >= 0;
    plugin_free(expect_plugin("probe"));
    int new_ones = 0;
    for (int fd = 0; fd < 256; fd++) {
        const int flags = fcntl(fd, F_GETFD);
        if (flags < 0 || was_open[fd]) continue;
        cr_expect(flags & FD_CLOEXEC);
        new_ones++;
    }
    cr_expect_eq(new_ones, 1);
}

#ifdef TEST_HAS_CXX
Test(gate, a_handler_in_cxx_is_let_in)
{
    folder_add(&folder, TEST_PLUGINS, "minimal", "minimal");
    struct plugin *const plugin = expect_plugin("minimal");
    const struct wr_handler *const handler = plugin_handler(plugin);
    cr_expect_str_eq(handler->sinks[0].columns[1].name, "n");
    cr_expect_eq(handler->sinks[0].columns[1].merge, WR_SUM);
    cr_expect_str_eq(handler->options[0].fallback, "hello");
    plugin_free(plugin);
}
#endif

/* ---- names ---------------------------------------------------------------------------------------- */

Test(gate, names_lead_nowhere_else)
{
#define EXPECTED                                                                                   \
    ", where 1 to 64 of A-Z a-z 0-9 _ - are expected: NAME stands for the file NAME.so in DIR"
    folder_add(&folder, TEST_PLUGINS, "probe", "probe");
    expect_refusal("../probe", "the handler's name is \"../probe\"" EXPECTED);
    expect_refusal("/etc/passwd", "the handler's name is \"/etc/passwd\"" EXPECTED);
    expect_refusal("", "the handler's name is \"\"" EXPECTED);
    expect_refusal("a\nb", "the handler's name is \"a\\x0ab\"" EXPECTED);
    expect_refusal("probe.so", "the handler's name is \"probe.so\"" EXPECTED "; leave out the .so");
    char name[66];
    memset(name, 'a', 65);
    name[65] = '\0';
    cr_expect_null(plugin_load(folder.path, name, &status));
    cr_expect(strstr(status.text, "1 to 64 of"));
    name[64] = '\0';
    cr_expect_null(plugin_load(folder.path, name, &status));
    cr_expect(strstr(status.text, "there is no such file"), "%s", status.text);
}

Test(gate, a_missing_file_names_the_nearest)
{
    expect_refusal("tally", "DIR/tally.so: there is no such file; the directory holds no handlers "
                            "(*.so)");
    folder_add(&folder, TEST_PLUGINS, "probe", "tally");
    expect_refusal("taly", "DIR/taly.so: there is no such file; did you mean \"tally\"?");
    expect_refusal("shopping_cart",
                   "DIR/shopping_cart.so: there is no such file; the directory holds "
                   "tally.so");
}

/* ---- who may write ---------------------------------------------------------------------------------- */

Test(gate, what_others_may_write_is_refused)
{
#define CHANGE ", so that others could change what runs here: chmod go-w"
    const char *const path = folder_add(&folder, TEST_PLUGINS, "probe", "probe");
    cr_assert_eq(chmod(path, 0646), 0);
    expect_refusal("probe", "DIR/probe.so: the file is writable by everybody (mode 0646)" CHANGE);
    cr_assert_eq(chmod(path, 0664), 0);
    expect_refusal("probe", "DIR/probe.so: the file is writable by its group (mode 0664)" CHANGE);
    cr_assert_eq(chmod(path, 0644), 0);
#define MOUNTS "; a Kubernetes emptyDir or ConfigMap mount cannot hold handlers, an image can"
    cr_assert_eq(chmod(folder.path, 0777), 0);
    expect_refusal("probe",
                   "DIR: the directory is writable by everybody (mode 0777)" CHANGE MOUNTS);
    cr_assert_eq(chmod(folder.path, 01777), 0);
    expect_refusal("probe",
                   "DIR: the directory is writable by everybody (mode 1777)" CHANGE MOUNTS);
    cr_assert_eq(chmod(folder.path, 0770), 0);
    expect_refusal("probe",
                   "DIR: the directory is writable by its group (mode 0770)" CHANGE MOUNTS);
    cr_assert_eq(chmod(folder.path, 0700), 0);
    plugin_free(expect_plugin("probe"));
}

Test(gate, what_belongs_to_others_is_refused)
{
    if (geteuid() != 0) cr_skip_test("only root can give files away");
    const char *const path = folder_add(&folder, TEST_PLUGINS, "probe", "probe");
    cr_assert_eq(chown(path, 65534, 0), 0);
    expect_refusal("probe", "DIR/probe.so: the file belongs to user 65534, where root or user 0 "
                            "(ourselves) is expected");
    cr_assert_eq(chown(path, 0, 0), 0);
    cr_assert_eq(chown(folder.path, 65534, 0), 0);
    expect_refusal("probe", "DIR: the directory belongs to user 65534, where root or user 0 "
                            "(ourselves) is expected");
    cr_assert_eq(chown(folder.path, 0, 0), 0);
    plugin_free(expect_plugin("probe"));
}

Test(gate, ourselves_is_the_effective_user)
{
    if (geteuid() != 0) cr_skip_test("only root can be somebody else");
    const char *const path = folder_add(&folder, TEST_PLUGINS, "probe", "probe");
    cr_assert_eq(chown(path, 65534, 0), 0);
    cr_assert_eq(chown(folder.path, 65534, 0), 0);
    cr_assert_eq(seteuid(65534), 0);
    plugin_free(expect_plugin("probe"));
    cr_assert_eq(seteuid(0), 0);
}

/* ---- what is no file -------------------------------------------------------------------------------- */

Test(gate, only_regular_files_are_loaded)
{
    folder_add(&folder, TEST_PLUGINS, "probe", "real");
    cr_assert_eq(symlink("real.so", folder_path(&folder, "link.so")), 0);
    expect_refusal("link",
                   "DIR/link.so: it is a symbolic link, where a regular file is expected; "
                   "Kubernetes mounts ConfigMaps as links: mount the file itself by subPath, "
                   "or copy it into the image");
    cr_assert_eq(mkdir(folder_path(&folder, "folder.so"), 0755), 0);
    expect_refusal("folder", "DIR/folder.so: it is a directory, where a regular file is expected");
    cr_assert_eq(mkfifo(folder_path(&folder, "pipe.so"), 0644), 0);
    expect_refusal("pipe",
                   "DIR/pipe.so: it is a device, pipe or socket, where a regular file is expected");
}

Test(gate, the_directory_must_be_one)
{
    folder_add(&folder, TEST_PLUGINS, "probe", "probe");
    char path[128];
    snprintf(path, sizeof path, "%s", folder_path(&folder, "probe.so"));
    cr_expect_null(plugin_load(path, "probe", &status));
    cr_expect_str_eq(status.text,
                     expand("DIR/probe.so: the directory of the handlers: Not a directory"));
    cr_expect_null(plugin_load("/nowhere", "probe", &status));
    cr_expect_str_eq(status.text,
                     "/nowhere: the directory of the handlers: No such file or directory");
}

/* ---- loading ---------------------------------------------------------------------------------------- */

Test(gate, what_the_linker_misses_is_named)
{
    folder_add(&folder, TEST_PLUGINS, "needy", "needy");
    expect_refusal(
        "needy",
        "DIR/needy.so: it needs the library libabsent.so, which was not found: install it, "
        "or name its directory in LD_LIBRARY_PATH or the plugin's run path");
    folder_add(&folder, TEST_PLUGINS, "undefined", "undefined");
    expect_refusal("undefined", "DIR/undefined.so: it cannot be loaded: undefined symbol: absent");
    FILE *const text = fopen(folder_path(&folder, "text.so"), "we");
    for (int i = 0; i < 100; i++) fputs("this is no library\n", text);
    fclose(text);
    cr_assert_eq(chmod(folder_path(&folder, "text.so"), 0644), 0);
    expect_refusal("text", "DIR/text.so: it cannot be loaded: invalid ELF header");
}

/* The linker would map what is not there, and the first touch would end the process. */
Test(gate, a_file_that_was_cut_while_it_was_copied)
{
    const char *const path = folder_add(&folder, TEST_PLUGINS, "minimal", "minimal");
    struct stat whole;
    cr_assert_eq(stat(path, &whole), 0);
    unsigned cut = 0;
    for (off_t bytes = 0; bytes < whole.st_size; bytes += 509) {
        const char *const copy = folder_add(&folder, TEST_PLUGINS, "minimal", "cut");
        cr_assert_eq(truncate(copy, bytes), 0);
        struct plugin *const plugin = plugin_load(folder.path, "cut", &status);
        if (!plugin && strstr(status.text, "it is cut off: ")) cut++;
        plugin_free(plugin); /* the end of a file holds names for debuggers */
        cr_assert_eq(unlink(folder_path(&folder, "cut.so")), 0);
    }
    cr_expect_geq(cut, 5);
    folder_add(&folder, TEST_PLUGINS, "minimal", "cut");
    cr_assert_eq(truncate(folder_path(&folder, "cut.so"), 4096), 0);
    (void)!plugin_load(folder.path, "cut", &status);
    cr_expect(strstr(status.text, "cut.so: it is cut off: 4096 bytes of "), "%s", status.text);
    cr_expect(strstr(status.text, "; copy it again"), "%s", status.text);
}

Test(gate, what_could_not_be_loaded_leaves_nothing_open)
{
    folder_add(&folder, TEST_PLUGINS, "needy", "needy");
    const int before = count_descriptors();
    cr_expect_null(plugin_load(folder.path, "needy", &status));
    cr_expect_null(plugin_load(folder.path, "nothing", &status));
    cr_expect_eq(count_descriptors(), before);
}

Test(gate, without_proc_it_says_so)
{
    folder_add(&folder, TEST_PLUGINS, "probe", "probe");
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/proc", "tmpfs", 0, NULL) != 0)
        cr_skip_test("no right to hide /proc");
    expect_refusal("probe",
                   "DIR/probe.so: plugins are loaded through /proc/self/fd, and /proc is not "
                   "mounted here: mount it");
    cr_expect_eq(umount("/proc"), 0); /* leak checkers look there at the end */
}

Test(gate, names_of_a_plugin_stay_its_own)
{
    folder_add(&folder, TEST_PLUGINS, "probe", "probe");
    plugin_free(expect_plugin("probe"));
    cr_expect_null(dlsym(RTLD_DEFAULT, "warrener_handler"));
}
