/* SPDX-License-Identifier: Apache-2.0
 *
 * Control groups of either version, as a container or a machine shows them; see oom.h. */
#include "app/oom.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number after "oom_kill " in a file of such lines. */
static bool read_kills(const char *path, uint64_t *kills)
{
    char line[256];
    bool is_found = false;
    FILE *file = fopen(path, "re");
    while (file && !is_found && fgets(line, sizeof line, file)) {
        is_found = !strncmp(line, "oom_kill ", 9);
        if (is_found) *kills = strtoull(line + 9, NULL, 10);
    }
    if (file) fclose(file);
    return is_found;
}

/* Lines are "0::/path" and "7:memory:/path". */
static bool read_group(uint64_t *kills)
{
    char line[4096], path[4600];
    bool is_found = false;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && !is_found && fgets(line, sizeof line, file)) {
        const char *at = strrchr(line, ':');
        line[strcspn(line, "\n")] = '\0';
        if (!at) continue;
        if (!strncmp(line, "0::", 3))
            snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.events", at + 1);
        else if (strstr(line, ":memory:"))
            snprintf(path, sizeof path, "/sys/fs/cgroup/memory%s/memory.oom_control", at + 1);
        else
            continue;
        is_found = read_kills(path, kills);
    }
    if (file) fclose(file);
    return is_found || read_kills("/sys/fs/cgroup/memory.events", kills) ||
           read_kills("/sys/fs/cgroup/memory/memory.oom_control", kills);
}

uint64_t oom_kills_of_machine(void)
{
    uint64_t kills = 0;
    (void)read_kills("/proc/vmstat", &kills);
    return kills;
}

uint64_t oom_kills(void)
{
    uint64_t kills = 0;
    return read_group(&kills) ? kills : oom_kills_of_machine();
}

void oom_boot_id(char *id, size_t bytes)
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!file || !fgets(id, (int)bytes, file)) id[0] = '\0';
    if (file) fclose(file);
}
