/* SPDX-License-Identifier: Apache-2.0
 *
 * See dial.h. An answer frees the dial before it is given, so nothing touches `dial` after the
 * calls that may end it: start_next, give_up and win come last. */
#include "net/dial.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "net/stream.h"

#define DIAL_MAGIC 0x6469616cu
#define SILENT_MOST_MS 2000u

struct attempt {
    struct dial *dial;
    struct event *event; /* NULL: over, or not begun */
    int fd;
    int error; /* errno of a failed one; 0: no answer yet */
};

struct dial {
    uint32_t magic;
    uint32_t patience_ms; /* 0: for ever */
    struct loop *loop;
    struct resolve *question; /* NULL once answered */
    struct timer timer;
    uint64_t started_ms;
    char *host;
    struct address_list found;
    struct attempt attempts[ADDRESS_MOST]; /* one an address */
    unsigned n_started, n_pending;
    dial_answer *on_answer;
    void *owner;
};

uint64_t dial_share_ms(uint64_t left_ms, unsigned addresses_after_it)
{
    if (addresses_after_it == 0) return left_ms;
    if (left_ms == 0) return SILENT_MOST_MS;
    const uint64_t share_ms = left_ms / (addresses_after_it + 1);
    if (share_ms == 0) return 1;
    return share_ms < SILENT_MOST_MS ? share_ms : SILENT_MOST_MS;
}

const char *dial_show_ms(uint64_t ms, char *out, size_t out_bytes)
{
    const bool is_whole = ms % 1000 == 0;
    snprintf(out, out_bytes, "%llu %s", (unsigned long long)(is_whole ? ms / 1000 : ms),
             is_whole ? "s" : "ms");
    return out;
}

static void end_attempt(struct attempt *attempt, int error)
{
    if (!attempt->event) return;
    event_free(attempt->event);
    attempt->event = NULL;
    close(attempt->fd);
    attempt->error = error;
    attempt->dial->n_pending--;
}

static void drop(struct dial *dial)
{
    if (dial->question) resolve_cancel(dial->question);
    for (unsigned i = 0; i < dial->n_started; i++) end_attempt(&dial->attempts[i], 0);
    timer_fini(&dial->timer);
    dial->magic = 0;
    free(dial->host);
    free(dial);
}

static void give_up(struct dial *dial, const char *why_not)
{
    dial_answer *on_answer = dial->on_answer;
    void *owner = dial->owner;
    drop(dial);
    on_answer(owner, -1, NULL, why_not);
}

static void win(struct dial *dial, struct attempt *attempt)
{
    dial_answer *on_answer = dial->on_answer;
    void *owner = dial->owner;
    const int fd = attempt->fd;
    const struct address peer = dial->found.at[attempt - dial->attempts];
    event_free(attempt->event);
    attempt->event = NULL;
    drop(dial);
    on_answer(owner, fd, &peer, NULL);
}

static bool have_one_error(const struct dial *dial)
{
    for (unsigned i = 1; i < dial->n_started; i++)
        if (dial->attempts[i].error != dial->attempts[0].error) return false;
    return true;
}

/* "10.0.0.1:5672: connection refused; …", for those that failed; returns whether there were any. */
static bool show_errors(const struct dial *dial, char *out, size_t out_bytes)
{
    size_t at = 0;
    for (unsigned i = 0; i < dial->n_started && at < out_bytes; i++) {
        if (!dial->attempts[i].error) continue;
        char address[80], words[96];
        address_show(&dial->found.at[i], address, sizeof address);
        stream_show_errno(dial->attempts[i].error, words, sizeof words);
        const int n =
            snprintf(out + at, out_bytes - at, "%s%s: %s", at ? "; " : "", address, words);
        at += (size_t)n;
    }
    return at > 0;
}

static void give_up_refused(struct dial *dial)
{
    char why[600];
    if (have_one_error(dial))
        stream_show_errno(dial->attempts[0].error, why, sizeof why);
    else
        show_errors(dial, why, sizeof why);
    give_up(dial, why);
}

static void give_up_late(struct dial *dial)
{
    char why[800], errors[500], patience[24];
    dial_show_ms(dial->patience_ms, patience, sizeof patience);
    if (dial->question)
        snprintf(why, sizeof why, "cannot resolve \"%s\": no answer within %s", dial->host,
                 patience);
    else if (show_errors(dial, errors, sizeof errors))
        snprintf(why, sizeof why, "no answer within %s (%s)", patience, errors);
    else
        snprintf(why, sizeof why, "no answer within %s", patience);
    give_up(dial, why);
}

/* 0 when patience has no end. */
static uint64_t left_ms(const struct dial *dial)
{
    if (!dial->patience_ms) return 0;
    const uint64_t spent_ms = loop_now_ms(dial->loop) - dial->started_ms;
    return spent_ms < dial->patience_ms ? dial->patience_ms - spent_ms : 1;
}

static void arm(struct dial *dial)
{
    const uint64_t wait_ms = dial_share_ms(left_ms(dial), dial->found.n - dial->n_started);
    if (wait_ms)
        timer_arm_ms(&dial->timer, wait_ms);
    else
        timer_disarm(&dial->timer);
}

static void on_writable(evutil_socket_t fd, short what, void *arg);

static bool begin_attempt(struct dial *dial)
{
    struct attempt *attempt = &dial->attempts[dial->n_started];
    attempt->dial = dial;
    attempt->fd = stream_connect(&dial->found.at[dial->n_started]);
    attempt->error = attempt->fd < 0 ? errno : 0;
    dial->n_started++;
    if (attempt->error) return false;
    attempt->event = event_new(loop_base(dial->loop), attempt->fd, EV_WRITE, on_writable, attempt);
    CHECK(attempt->event && event_add(attempt->event, NULL) == 0);
    dial->n_pending++;
    return true;
}

static void start_next(struct dial *dial)
{
    while (dial->n_started < dial->found.n && !begin_attempt(dial)) {
    }
    if (dial->n_pending == 0)
        give_up_refused(dial);
    else
        arm(dial);
}

static void on_writable(evutil_socket_t fd, short what UNUSED, void *arg)
{
    struct attempt *attempt = arg;
    struct dial *dial = attempt->dial;
    CHECK_MAGIC(dial, DIAL_MAGIC);
    const int error = stream_connect_error(fd);
    if (!error) {
        win(dial, attempt);
        return;
    }
    end_attempt(attempt, error);
    start_next(dial);
}

static void on_time(void *owner)
{
    struct dial *dial = owner;
    CHECK_MAGIC(dial, DIAL_MAGIC);
    if (dial->question || dial->n_started == dial->found.n)
        give_up_late(dial);
    else
        start_next(dial);
}

static void on_resolved(void *owner, const struct address_list *found, const struct status *why_not)
{
    struct dial *dial = owner;
    CHECK_MAGIC(dial, DIAL_MAGIC);
    dial->question = NULL;
    if (!found) {
        give_up(dial, why_not->text);
        return;
    }
    dial->found = *found;
    start_next(dial);
}

struct dial *dial_start(struct loop *loop, const char *host, uint16_t port, uint32_t patience_ms,
                        dial_answer *on_answer, void *owner)
{
    struct dial *dial = NEW(struct dial);
    dial->magic = DIAL_MAGIC;
    dial->patience_ms = patience_ms;
    dial->loop = loop;
    dial->started_ms = loop_now_ms(loop);
    dial->host = memory_copy_text(host);
    dial->on_answer = on_answer;
    dial->owner = owner;
    timer_init(&dial->timer, loop, on_time, dial);
    if (patience_ms) timer_arm_ms(&dial->timer, patience_ms);
    dial->question = resolve_start(loop, host, port, on_resolved, dial);
    return dial;
}

void dial_cancel(struct dial *dial)
{
    CHECK_MAGIC(dial, DIAL_MAGIC);
    drop(dial);
}
