/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler for tests of the whole host: it does what the message says, and writes down what it was
 * given before it does so. The body is {"do": ACTION, "ms": N, "key": ANY, "until": N}, all of them
 * optional:
 *
 *     done, retry, reject, wait   that verdict
 *     sleep                       sleeps for ms, then done; spin the same, but busily
 *     fail                        wr_fail
 *     crash, exit                 ends the process by SIGSEGV, or by exit(0)
 *
 * With "until": N it does so in attempts before the N-th, and is done from then on.
 *
 * "code": TEXT goes with the reason. Before all that, whatever follows, it publishes what it is told:
 * {"publish": {"exchange": E, "key": K, "n": COUNT, "always": true}}, each message with what was seen
 * of the source in its headers; and {"reply": TEXT}.
 *
 * The file named by the option `record` gets a line for each call, in one write each:
 * "ID LANE ATTEMPT KEY"; lanes are numbered in the order they opened, and "-" stands for nothing. The
 * option `sleep_us` slows every message down. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <warrener/handler.h>

static const struct wr_option options[] = {
    { "record", "", "the file that calls are written to; none where empty" },
    { "sleep_us", "0", "what every message takes, in microseconds" },
    { 0 },
};

static const struct wr_counter counters[] = { { "probed", "calls" }, { 0 } };

struct probe {
    int fd; /* -1: nothing is recorded */
    unsigned lane;
    long sleep_us;
};

static bool probe_open(struct wr_host *host, void **self)
{
    static _Atomic unsigned opened;
    const char *const record = wr_option(host, "record");
    struct probe *probe = malloc(sizeof *probe);
    if (!probe) return false;
    probe->fd = -1;
    probe->lane = atomic_fetch_add(&opened, 1);
    probe->sleep_us = strtol(wr_option(host, "sleep_us"), NULL, 10);
    if (*record) {
        probe->fd = open(record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (probe->fd < 0) {
            wr_open_because(host, "%s: %s", record, strerror(errno));
            free(probe);
            return false;
        }
    }
    *self = probe;
    return true;
}

static void probe_close(void *self)
{
    struct probe *probe = self;
    if (probe->fd >= 0) close(probe->fd);
    free(probe);
}

static bool write_down(const struct probe *probe, struct wr_job *job,
                       const struct wr_message *message)
{
    const struct wr_text none = WR_TEXT_OF("-");
    const struct wr_text id = message->id.len > 0 ? message->id : none;
    const struct wr_text key = wr_json_has(job, "key") ? wr_json_raw(job, "key") : none;
    const struct wr_text line = wr_format(job, "%.*s %u %" PRIu32 " %.*s\n", (int)id.len, id.at,
                                          probe->lane, message->attempt, (int)key.len, key.at);
    return probe->fd < 0 || write(probe->fd, line.at, line.len) == (ssize_t)line.len;
}

static void sleep_for(int64_t us)
{
    struct timespec left = { us / 1000000, us % 1000000 * 1000 };
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void spin_for(int64_t ms)
{
    const int64_t end_ms = clock_ms() + ms;
    while (clock_ms() < end_ms) continue;
}

static bool is(struct wr_text text, const char *word)
{
    return strlen(word) == text.len && memcmp(text.at, word, text.len) == 0;
}

static struct wr_text text_or_nothing(struct wr_job *job, const char *field)
{
    const struct wr_text nothing = WR_TEXT_OF("");
    return wr_json_has(job, field) ? wr_json_text(job, field) : nothing;
}

static void publish(struct wr_job *job, const struct wr_message *message)
{
    const struct wr_pair seen[] = {
        { .name = WR_TEXT_OF("seen-exchange"), .text = message->exchange },
        { .name = WR_TEXT_OF("seen-key"), .text = message->routing_key },
        { .name = WR_TEXT_OF("seen-user"), .text = message->user_id },
        { .name = WR_TEXT_OF("seen-id"), .text = message->id },
        { .name = WR_TEXT_OF("seen-attempt"), .number = message->attempt, .kind = WR_H_INT },
    };
    const struct wr_outgoing outgoing = {
        .size = sizeof outgoing,
        .exchange = text_or_nothing(job, "publish.exchange"),
        .routing_key = wr_json_text(job, "publish.key"),
        .body = message->body,
        .headers = seen,
        .n_headers = sizeof seen / sizeof *seen,
        .always = wr_json_has(job, "publish.always") && wr_json_bool(job, "publish.always"),
    };
    const int64_t n = wr_json_has(job, "publish.n") ? wr_json_int(job, "publish.n") : 1;
    for (int64_t i = 0; i < n; i++) wr_publish(job, outgoing);
}

static void reply(struct wr_job *job)
{
    const struct wr_outgoing outgoing = { .size = sizeof outgoing,
                                          .body = wr_json_text(job, "reply") };
    wr_reply(job, outgoing);
}

static enum wr_verdict act(struct wr_job *job, struct wr_text what, int64_t ms)
{
    if (is(what, "done")) return WR_DONE;
    wr_because(job, "the message says %.*s", (int)what.len, what.at);
    if (is(what, "retry")) return WR_RETRY;
    if (is(what, "reject")) return WR_REJECT;
    if (is(what, "wait")) return WR_WAIT;
    if (is(what, "crash")) raise(SIGSEGV);
    if (is(what, "exit")) exit(0);
    if (is(what, "sleep"))
        sleep_for(ms * 1000);
    else if (is(what, "spin"))
        spin_for(ms);
    else
        wr_fail(job, "the message says %.*s", (int)what.len, what.at);
    return WR_DONE;
}

static enum wr_verdict probe_handle(void *self, struct wr_job *job,
                                    const struct wr_message *message)
{
    const struct probe *probe = self;
    wr_count(job, 0, 1);
    if (!write_down(probe, job, message)) {
        wr_because(job, "the record cannot be written: %s", strerror(errno));
        return WR_WAIT;
    }
    if (probe->sleep_us > 0) sleep_for(probe->sleep_us);
    if (wr_json_has(job, "publish")) publish(job, message);
    if (wr_json_has(job, "reply")) reply(job);
    if (wr_json_has(job, "code")) wr_code(job, wr_cstr(job, wr_json_text(job, "code")));
    if (!wr_json_has(job, "do")) return WR_DONE;
    if (wr_json_has(job, "until") && message->attempt >= wr_json_int(job, "until")) return WR_DONE;
    return act(job, wr_json_text(job, "do"), wr_json_has(job, "ms") ? wr_json_int(job, "ms") : 0);
}

WR_HANDLER(.name = "probe", .version = "1.0", .about = "does what a message says, for tests",
           .options = options, .counters = counters, .open = probe_open, .handle = probe_handle,
           .close = probe_close);
