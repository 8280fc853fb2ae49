/* SPDX-License-Identifier: Apache-2.0
 *
 * Mapping the record; see record_file.h. The host keeps the file locked while it lives: two hosts of
 * one name would write over each other's notes. */
#include "app/record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/oom.h"

#define LOCK_TRIES 50 /* a host whose supervisor was killed dies a moment later */
#define LOCK_PAUSE_NS 100000000L

void record_file_stamp(struct crash_record *record)
{
    record->oom_kills = oom_kills();
    record->machine_oom_kills = oom_kills_of_machine();
    oom_boot_id(record->boot, sizeof record->boot);
}

bool record_file_oom_rose(const struct crash_record *record)
{
    return oom_kills() > record->oom_kills;
}

static bool map(struct crash_record *record, int fd)
{
    return mmap(record, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) !=
           MAP_FAILED;
}

static bool lock(int fd)
{
    const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

static bool make_room(int fd, const char *path, struct status *status)
{
    const int error = posix_fallocate(fd, 0, sizeof(struct crash_record));
    if (!error) return true;
    return status_fail(status, EXIT_CONFIG, "state: %s: no room for the crash record: %s", path,
                       strerror(error));
}

/* The supervisor of that life is gone as well. In another container the group's count began anew: the
 * machine's says whether it may have been memory. */
static void judge_the_last(struct crash_record *record)
{
    const uint32_t life = atomic_load(&record->life);
    char boot[sizeof record->boot];
    if (life != CRASH_LIFE_BOOTING && life != CRASH_LIFE_UP) return;
    oom_boot_id(boot, sizeof boot);
    const struct crash_end end = {
        .is_signal = true,
        .number = SIGKILL,
        .oom_rose = !strncmp(boot, record->boot, sizeof boot) &&
                    oom_kills_of_machine() > record->machine_oom_kills,
    };
    (void)crash_record_judge(record, &end, (int64_t)time(NULL));
}

static void take_up(struct crash_record *record)
{
    if (!crash_record_is_well(record)) crash_record_init(record);
    judge_the_last(record);
    crash_record_begin(record);
    record_file_stamp(record);
    record->pid = (int32_t)getpid();
}

/* "STATE/NAME.crash", of a name that may hold anything. */
static bool find_path(struct supervised *self, const char *state, const char *name,
                      struct status *status)
{
    char *const path = self->record_path;
    const size_t bytes = sizeof self->record_path;
    const int length = snprintf(path, bytes, "%s/%s.crash", state, name);
    if (length < 0 || (size_t)length >= bytes) {
        *path = '\0';
        return status_fail(status, EXIT_CONFIG, "state: the path is longer than %zu bytes: %.100s…",
                           bytes - 1, state);
    }
    for (char *at = path + strlen(state) + 1; *at; at++)
        if (*at == '/') *at = '_';
    return true;
}

/* Locked, with room in it; the descriptor stays open, for it is the lock. */
static int open_locked(const char *path, struct status *status)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        status_fail(status, EXIT_CONFIG,
                    "state: %s cannot be opened: %s; name a directory that this user may write in, "
                    "or leave `state` out",
                    path, strerror(errno));
        return -1;
    }
    const bool is_ours =
        lock(fd) ||
        status_fail(status, EXIT_CONFIG,
                    "state: %s is in use by another host; give each host a `name` or a `state` of "
                    "its own",
                    path);
    if (is_ours && make_room(fd, path, status)) return fd;
    close(fd);
    return -1;
}

bool record_file_open(struct supervised *self, const char *state, const char *name,
                      struct status *status)
{
    const bool is_ours =
        *self->record_path; /* a host before this one has opened it: it was judged */
    if (!find_path(self, state, name, status)) return false;
    (void)mkdir(state, 0700); /* where that fails, so does opening */
    const int fd = open_locked(self->record_path, status);
    if (fd >= 0 && map(self->record, fd)) {
        if (!is_ours) take_up(self->record);
        return true;
    }
    if (fd >= 0) {
        status_fail(status, EXIT_INTERNAL, "state: %s cannot be mapped: %s", self->record_path,
                    strerror(errno));
        close(fd);
    }
    self->record_path[0] = '\0'; /* the supervisor has nothing to follow */
    return false;
}

void record_file_follow(struct supervised *self)
{
    if (!*self->record_path || self->is_followed) return;
    const int fd = open(self->record_path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    struct stat found;
    if (fd >= 0 && fstat(fd, &found) == 0 && (size_t)found.st_size >= sizeof *self->record)
        self->is_followed = map(self->record, fd);
    if (fd >= 0) close(fd);
}
