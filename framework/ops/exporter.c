/* SPDX-License-Identifier: Apache-2.0
 *
 * See exporter.h. It sleeps until a quarter of the ring is full, or half a second is over: what wakes a
 * thread costs as much as some hundred spans. One request is out at a time. A receiver that is away or busy is asked again with the
 * same spans, later and later, a few times; one that refuses them is not. It is told in the log once a
 * minute at most. */
#include "ops/exporter.h"

#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread_signals.h"
#include "net/loop.h"
#include "ops/http_post.h"
#include "ops/otlp.h"

enum {
    TICK_MS = 500,
    SPANS_AT_ONCE = 1024,
    TRIES = 5,     /* of one request */
    REST_MS = 500, /* before the second; doubled each time */
    REST_MOST_MS = 60000,
    COMPLAINT_MS = 60000,
};

struct exporter {
    struct exporter_plan plan;
    struct loop *loop;
    struct http_post *post;
    struct otlp *otlp;
    struct timer tick;
    struct loop_call stop, quarter;
    _Atomic bool is_rung; /* `quarter` is on its way */
    pthread_t thread;
    struct metrics_text body;
    struct wr_text request; /* in it */
    size_t n;               /* spans in it; 0: there is none */
    unsigned tries;
    uint64_t due_ms; /* of the next try */
    uint64_t complained_ms;
    uint64_t unsaid; /* spans dropped since then */
    uint64_t end_ms; /* when it stops, whatever is left; 0: not yet */
    uint32_t patience_ms;
};

static void complain(struct exporter *exporter, const struct http_answer *answer, size_t dropped)
{
    const uint64_t now_ms = loop_now_ms(exporter->loop);
    char words[480];
    exporter->unsaid += dropped;
    if (exporter->complained_ms && now_ms - exporter->complained_ms < COMPLAINT_MS) return;
    if (answer->status)
        snprintf(words, sizeof words, "it answered with status %d", answer->status);
    else
        snprintf(words, sizeof words, "%s", answer->why);
    log_warn("ops", dropped ? "spans are dropped" : "spans are not taken; trying again",
             LOG_TEXT(SERVER, exporter->plan.settings->host), LOG_TEXT(REASON, words),
             LOG_INT(COUNT, exporter->unsaid));
    exporter->complained_ms = now_ms;
    exporter->unsaid = 0;
}

static bool may_be_tried_again(int status)
{
    return !status || status == 429 || status == 502 || status == 503 || status == 504;
}

static uint64_t rest_ms(const struct exporter *exporter, uint32_t retry_after)
{
    const uint64_t own_ms = (uint64_t)REST_MS << (exporter->tries - 1);
    const uint64_t told_ms = (uint64_t)retry_after * 1000;
    const uint64_t ms = own_ms > told_ms ? own_ms : told_ms;
    return ms < REST_MOST_MS ? ms : REST_MOST_MS;
}

static void work(struct exporter *exporter);

static void on_answer(void *own, const struct http_answer *answer)
{
    struct exporter *const exporter = own;
    exporter->tries++;
    if (answer->status / 100 == 2) {
        counter_add_shared(exporter->plan.exported, exporter->n);
        exporter->n = 0;
    } else if (may_be_tried_again(answer->status) && exporter->tries < TRIES) {
        exporter->due_ms = loop_now_ms(exporter->loop) + rest_ms(exporter, answer->retry_after);
        complain(exporter, answer, 0);
    } else {
        counter_add_shared(exporter->plan.dropped, exporter->n);
        complain(exporter, answer, exporter->n);
        exporter->n = 0;
    }
    work(exporter);
}

static void gather(struct exporter *exporter)
{
    const int64_t unix_ns = clock_unix_us() * 1000 - (int64_t)clock_now_ns();
    struct span *span;
    exporter->tries = 0;
    exporter->due_ms = 0;
    if (!spans_first(exporter->plan.spans)) return;
    otlp_begin(exporter->otlp, &exporter->body);
    while (exporter->n < SPANS_AT_ONCE && (span = spans_first(exporter->plan.spans))) {
        otlp_add(exporter->otlp, &exporter->body, span, unix_ns);
        spans_drop(exporter->plan.spans);
        exporter->n++;
    }
    exporter->request = otlp_end(exporter->otlp, &exporter->body);
}

static bool is_over(const struct exporter *exporter)
{
    if (!exporter->end_ms) return false;
    if (exporter->n && exporter->tries) return true; /* it was not taken: nobody waits for that */
    return (!exporter->n && !spans_count(exporter->plan.spans)) ||
           loop_now_ms(exporter->loop) >= exporter->end_ms;
}

static void work(struct exporter *exporter)
{
    if (http_post_is_out(exporter->post)) {
        if (is_over(exporter)) loop_stop(exporter->loop);
        return;
    }
    if (!exporter->n) gather(exporter);
    if (exporter->n && loop_now_ms(exporter->loop) >= exporter->due_ms)
        http_post_send(exporter->post, exporter->request.at, exporter->request.len);
    else if (is_over(exporter))
        loop_stop(exporter->loop);
}

static void on_tick(void *own)
{
    struct exporter *const exporter = own;
    timer_arm_ms(&exporter->tick, TICK_MS);
    work(exporter);
}

static void on_quarter(struct loop_call *call)
{
    struct exporter *const exporter = OWNER_OF(call, struct exporter, quarter);
    atomic_store(&exporter->is_rung, false);
    timer_arm_ms(&exporter->tick, TICK_MS);
    work(exporter);
}

static void ring(void *listener)
{
    struct exporter *const exporter = listener;
    if (!atomic_exchange(&exporter->is_rung, true)) loop_post(exporter->loop, &exporter->quarter);
}

static void on_stop(struct loop_call *call)
{
    struct exporter *const exporter = OWNER_OF(call, struct exporter, stop);
    exporter->end_ms = loop_now_ms(exporter->loop) + exporter->patience_ms;
    work(exporter);
}

/* Numbers are written for machines here, whatever locale a handler has set. */
static void *run(void *own)
{
    struct exporter *const exporter = own;
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain) uselocale(plain);
    timer_arm_ms(&exporter->tick, TICK_MS);
    loop_run(exporter->loop);
    uselocale(LC_GLOBAL_LOCALE);
    if (plain) freelocale(plain);
    return NULL;
}

static bool start_thread(struct exporter *exporter)
{
    sigset_t all, before;
    thread_signals_fill(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool is_started = pthread_create(&exporter->thread, NULL, run, exporter) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (is_started) pthread_setname_np(exporter->thread, "exporter");
    return is_started;
}

static void free_all(struct exporter *exporter)
{
    timer_fini(&exporter->tick);
    http_post_free(exporter->post);
    otlp_free(exporter->otlp);
    metrics_text_fini(&exporter->body);
    if (exporter->loop) loop_free(exporter->loop);
    free(exporter);
}

static struct http_post *open_post(struct exporter *exporter)
{
    const struct otlp_settings *const otlp = exporter->plan.settings;
    char agent[160];
    snprintf(agent, sizeof agent,
             "Content-Type: %s\r\nUser-Agent: OTel-OTLP-Exporter-Warrener/%s\r\n",
             otlp_content_type(otlp->format), exporter->plan.version);
    const size_t bytes = strlen(agent) + strlen(otlp->headers) + 1;
    char *const headers = memory_new(bytes, 1);
    snprintf(headers, bytes, "%s%s", agent, otlp->headers);
    const struct http_post_settings settings = {
        .host = otlp->host,
        .path = otlp->path,
        .port = otlp->port,
        .use_tls = otlp->use_tls,
        .tls = { .ca_file = otlp->ca_file, .verify = true },
        .headers = headers,
        .timeout_ms = otlp->timeout_ms,
    };
    struct http_post *const post = http_post_new(exporter->loop, &settings, on_answer, exporter);
    explicit_bzero(headers, bytes);
    free(headers);
    return post;
}

struct exporter *exporter_open(const struct exporter_plan *plan, struct status *status)
{
    struct exporter *const exporter = NEW(struct exporter);
    exporter->plan = *plan;
    exporter->stop.run = on_stop;
    exporter->quarter.run = on_quarter;
    exporter->loop = loop_new();
    if (exporter->loop) {
        exporter->otlp = otlp_new(plan->settings->format, plan->settings->about,
                                  plan->settings->n_about, plan->version);
        exporter->post = open_post(exporter);
        timer_init(&exporter->tick, exporter->loop, on_tick, exporter);
        spans_on_quarter(plan->spans, ring, exporter);
        if (start_thread(exporter)) return exporter;
        spans_on_quarter(plan->spans, NULL, NULL);
    }
    free_all(exporter);
    status_fail(status, EXIT_INTERNAL,
                "the system gives no thread or descriptors for the exporter of spans; see ulimit "
                "-n and -u");
    return NULL;
}

void exporter_close(struct exporter *exporter, uint32_t patience_ms)
{
    if (!exporter) return;
    exporter->patience_ms = patience_ms;
    spans_on_quarter(exporter->plan.spans, NULL, NULL);
    loop_post(exporter->loop, &exporter->stop);
    pthread_join(exporter->thread, NULL);
    counter_add_shared(exporter->plan.dropped, exporter->n + spans_count(exporter->plan.spans));
    free_all(exporter);
}
