/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler for tests of failures: what it says depends on its mood, not on the message. The mood is
 * the first word of the file named by the option `mood`: reject, retry, wait, or else (and without a
 * file) done. In a good mood it says retry to `fail_percent` of all calls, at random.
 *
 * The file named by the option `record` gets a line for each call, in one write each: "ID VERDICT
 * ATTEMPT MS", with the verdict as its number and the time of the call on a monotonic clock. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <warrener/handler.h>

static const struct wr_option options[] = {
    { "record", NULL, "the file that calls are written to" },
    { "mood", "", "the file that has the mood; none where empty" },
    { "fail_percent", "0", "of all calls that say retry" },
    { 0 },
};

struct moody {
    int fd;
    const char *mood;
    long fail_percent;
    unsigned short dice[3];
};

static bool moody_open(struct wr_host *host, void **self)
{
    struct moody *moody = calloc(1, sizeof *moody);
    if (!moody) return false;
    moody->mood = wr_option(host, "mood");
    moody->fail_percent = strtol(wr_option(host, "fail_percent"), NULL, 10);
    const uintptr_t seed = (uintptr_t)moody ^ (uintptr_t)time(NULL) ^ (uintptr_t)getpid() << 16;
    memcpy(moody->dice, &seed, sizeof moody->dice);
    moody->fd = open(wr_option(host, "record"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    *self = moody;
    return moody->fd >= 0;
}

static void moody_close(void *self)
{
    struct moody *moody = self;
    close(moody->fd);
    free(moody);
}

static enum wr_verdict feel(struct moody *moody)
{
    char mood[16] = "";
    FILE *file = *moody->mood ? fopen(moody->mood, "re") : NULL;
    if (file) {
        if (fscanf(file, "%15s", mood) != 1) *mood = '\0';
        fclose(file);
    }
    if (strcmp(mood, "reject") == 0) return WR_REJECT;
    if (strcmp(mood, "retry") == 0) return WR_RETRY;
    if (strcmp(mood, "wait") == 0) return WR_WAIT;
    return nrand48(moody->dice) % 100 < moody->fail_percent ? WR_RETRY : WR_DONE;
}

static enum wr_verdict moody_handle(void *self, struct wr_job *job,
                                    const struct wr_message *message)
{
    struct moody *moody = self;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const enum wr_verdict verdict = feel(moody);
    const struct wr_text line = wr_format(job, "%.*s %d %" PRIu32 " %lld\n", (int)message->id.len,
                                          message->id.at, (int)verdict, message->attempt,
                                          (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    if (write(moody->fd, line.at, line.len) != (ssize_t)line.len) wr_fail(job, "no record");
    wr_because(job, "it is in a bad mood");
    return verdict;
}

WR_HANDLER(.name = "moody", .version = "1.0", .about = "says what its mood is, for tests",
           .options = options, .open = moody_open, .handle = moody_handle, .close = moody_close);
