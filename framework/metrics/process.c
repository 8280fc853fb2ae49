/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads /proc/self; see process.h. Never fails: what cannot be read is NaN. The number of open
 * descriptors leaves out the one that counts them. */
#include "metrics/process.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Fields of /proc/self/stat, numbered as proc(5) does. */
enum { STAT_STATE = 3, STAT_UTIME = 14, STAT_STIME = 15, STAT_START = 22, STAT_VSIZE, STAT_RSS };
#define STAT_FIELDS (STAT_RSS + 1)

#define OF(family) (METRIC_PROCESS_##family - METRIC_PROCESS_FIRST)

static bool read_text(const char *path, char *out, size_t bytes)
{
    FILE *file = fopen(path, "re");
    if (!file) return false;
    const size_t len = fread(out, 1, bytes - 1, file);
    fclose(file);
    out[len] = '\0';
    return len > 0;
}

/* The command's name stands in brackets and may hold anything: fields are counted behind it. */
static bool read_stat(double field[STAT_FIELDS])
{
    char text[2048];
    if (!read_text("/proc/self/stat", text, sizeof text)) return false;
    char *at = strrchr(text, ')');
    if (!at || strlen(at) < 4) return false;
    at += 3; /* past ") S" */
    for (int i = STAT_STATE + 1; i < STAT_FIELDS; i++) {
        char *end;
        field[i] = strtod(at, &end);
        if (end == at) return false;
        at = end;
    }
    return true;
}

/* Unix time at which the system started; /proc/stat has long lines before it on big machines. */
static double boot_time(void)
{
    FILE *file = fopen("/proc/stat", "re");
    if (!file) return NAN;
    char *line = NULL;
    size_t bytes = 0;
    double time = NAN;
    while (getline(&line, &bytes, file) > 0) {
        if (strncmp(line, "btime ", 6) == 0) time = strtod(line + 6, NULL);
    }
    free(line);
    fclose(file);
    return time;
}

static double count_open(void)
{
    DIR *directory = opendir("/proc/self/fd");
    if (!directory) return NAN;
    double count = 0;
    for (const struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count - 1;
}

void process_read(double values[METRIC_PROCESS_COUNT])
{
    for (unsigned i = 0; i < METRIC_PROCESS_COUNT; i++) values[i] = NAN;
    values[OF(OPEN_FDS)] = count_open();
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) values[OF(MAX_FDS)] = (double)files.rlim_cur;

    double field[STAT_FIELDS];
    if (!read_stat(field)) return;
    const double hertz = (double)sysconf(_SC_CLK_TCK);
    values[OF(CPU_SECONDS)] = (field[STAT_UTIME] + field[STAT_STIME]) / hertz;
    values[OF(VIRTUAL_BYTES)] = field[STAT_VSIZE];
    values[OF(RESIDENT_BYTES)] = field[STAT_RSS] * (double)sysconf(_SC_PAGESIZE);
    values[OF(START_TIME)] = boot_time() + field[STAT_START] / hertz;
}
