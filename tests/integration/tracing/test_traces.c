/* SPDX-License-Identifier: Apache-2.0
 *
 * Traces through a whole host: from the header of what arrives, to the log, to the spans that a receiver
 * gets, to the header of what leaves. */
#include <stdlib.h>
#include <string.h>

#include "integration/outbox/office.h"
#include "support/receiver.h"

TestSuite(traces, .timeout = 120);

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

static const char *sink_of(const struct play *play)
{
    static char name[120];
    snprintf(name, sizeof name, "%s.sink", play->queue);
    return name;
}

/* The host is told by its environment, which is the test's. */
static struct receiver *begin(struct play *play, const char *consumer)
{
    struct receiver *const receiver = receiver_open();
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", receiver_port(receiver));
    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url, 1);
    setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-token=a%20b", 1);
    setenv("OTEL_SERVICE_NAME", "shop", 1);
    PROVE(play, rabbit_declare(play->rabbit, sink_of(play), "classic", 0, false));
    play_configure(play, &(struct setup){ .consumer = consumer });
    play_start_ready(play);
    return receiver;
}

static void end(struct play *play, struct receiver *receiver)
{
    if (play->host) PROVE(play, play_end(play) == 0 && play_left(play) == 0);
    rabbit_delete(play->rabbit, sink_of(play));
    receiver_close(receiver);
    play_close(play);
}

static double spans(const struct play *play, const char *outcome)
{
    return play_metric(play, "warrener_trace_spans_total{outcome=\"%s\"}", outcome);
}

static double done(const struct play *play)
{
    return play_metric(play, "warrener_messages_settled_total@,outcome=\"done\"}");
}

static void send_traced(struct play *play, const char *id, const char *flags, const char *more)
{
    char line[600];
    snprintf(line, sizeof line,
             "{\"id\":\"%s\",\"headers\":{\"traceparent\":\"00-" TRACE "-" PARENT
             "-%s\",\"tracestate\":\"rojo=1\"},\"body\":{\"publish\":{\"key\":\"%s\"}%s}}\n",
             id, flags, sink_of(play), more);
    play_send(play, line);
}

Test(traces, go_from_header_to_span_to_header)
{
    OPEN(play, "traced");
    struct receiver *const receiver = begin(&play, "batch: {wait: 20ms}");
    struct office *const office = office_open(NULL);
    struct received_span span;
    amqp_message_t message;
    char parent[80];
    send_traced(&play, "t1", "01", "");
    WAIT(&play, receiver_find(receiver, "messaging.message.id", "t1", &span));
    PROVE(&play, strcmp(span.trace, TRACE) == 0 && strcmp(span.parent, PARENT) == 0);
    PROVE(&play, strcmp(span.state, "rojo=1") == 0, "%s", span.state);
    PROVE(&play, strstr(span.name, "process test.host.traced") && span.kind == 5, "%s", span.name);
    PROVE(&play, !*span.outcome && span.attempt == 0 && span.bytes > 10);
    PROVE(&play, strcmp(span.key, play.queue) == 0 && !*span.error);
    const int64_t now_ns = clock_unix_us() * 1000, took_ns = span.end_ns - span.start_ns;
    PROVE(&play, took_ns >= 15000000 && took_ns < 10000000000, "%lld", (long long)took_ns);
    PROVE(&play, span.end_ns <= now_ns && now_ns - span.end_ns < 60000000000);
    WAIT(&play, receiver_has_link(receiver, &span));
    PROVE(&play, office_get(office, sink_of(&play), &message));
    snprintf(parent, sizeof parent, "00-" TRACE "-%s-01", span.span);
    PROVE(&play, strcmp(office_header(&message, "traceparent"), parent) == 0, "%s is not %s",
          office_header(&message, "traceparent"), parent);
    PROVE(&play, strcmp(office_header(&message, "tracestate"), "rojo=1") == 0);
    office_drop(&message);
    PROVE(&play, receiver_head_has(receiver, "POST /v1/traces HTTP/1.1\r\n"));
    PROVE(&play, receiver_head_has(receiver, "\r\nx-token: a b\r\n"));
    PROVE(&play, receiver_head_has(receiver, "\r\nContent-Type: application/x-protobuf\r\n"));
    PROVE(&play, receiver_is_about(receiver, "service.name", "shop"));
    WAIT(&play, spans(&play, "exported") == 2);
    PROVE(&play, spans(&play, "dropped") == 0);
    office_close(office);
    end(&play, receiver);
}

Test(traces, tell_of_failures_and_begin_where_there_are_none)
{
    OPEN(play, "untraced");
    struct receiver *const receiver = begin(&play, "retry: {delays: [100ms], attempts: 2}");
    struct received_span span;
    play_send(&play, "{\"id\":\"n1\",\"body\":{}}\n"
                     "{\"id\":\"n2\",\"body\":{\"do\":\"reject\"}}\n");
    send_traced(&play, "off", "00", "");
    send_traced(&play, "bad", "01", ",\"do\":\"retry\"");
    WAIT(&play, receiver_find(receiver, "messaging.message.id", "n1", &span));
    PROVE(&play, strlen(span.trace) == 32 && !*span.parent);
    WAIT(&play, receiver_find(receiver, "messaging.message.id", "n2", &span));
    PROVE(&play, strcmp(span.outcome, "dead") == 0 && strcmp(span.error, "rejected") == 0);
    PROVE(&play, strstr(span.status, "the message says reject"), "%s", span.status);
    WAIT(&play, receiver_find(receiver, "error.type", "retry", &span));
    PROVE(&play, strcmp(span.trace, TRACE) == 0 && span.attempt == 0);
    WAIT(&play, receiver_find(receiver, "error.type", "attempts", &span));
    PROVE(&play, strcmp(span.trace, TRACE) == 0 && span.attempt == 2);
    PROVE(&play, strcmp(span.parent, PARENT) == 0, "of the copy, too");
    PROVE(&play, play_log_has(&play, "trace_id=" TRACE " span_id="));
    PROVE(&play, !receiver_find(receiver, "messaging.message.id", "off", &span),
          "its parent is not sampled");
    end(&play, receiver);
}

/* Without a receiver, and so without spans, a trace is carried on as it came. */
Test(traces, are_carried_on_where_nobody_listens)
{
    OPEN(play, "carried");
    struct office *const office = office_open(NULL);
    amqp_message_t message;
    PROVE(&play, rabbit_declare(play.rabbit, sink_of(&play), "classic", 0, false));
    play_configure(&play, &(struct setup){ .options = NULL });
    play_start_ready(&play);
    send_traced(&play, "c1", "01", ",\"do\":\"done\"");
    send_traced(&play, "c2", "01", ",\"do\":\"reject\"");
    WAIT(&play, done(&play) == 1 && rabbit_ready(play.rabbit, play.dead) == 1);
    PROVE(&play, office_get(office, sink_of(&play), &message));
    PROVE(&play, strcmp(office_header(&message, "traceparent"), "00-" TRACE "-" PARENT "-01") == 0,
          "%s", office_header(&message, "traceparent"));
    PROVE(&play, strcmp(office_header(&message, "tracestate"), "rojo=1") == 0);
    office_drop(&message);
    PROVE(&play, play_log_has(&play, "trace_id=" TRACE));
    PROVE(&play, !play_log_has(&play, "span_id="));
    PROVE(&play, play_end(&play) == 0);
    rabbit_delete(play.rabbit, sink_of(&play));
    office_close(office);
    play_close(&play);
}

Test(traces, are_json_where_that_is_asked_for)
{
    OPEN(play, "json");
    setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", 1);
    struct receiver *const receiver = begin(&play, "lanes: 1");
    send_traced(&play, "j1", "01", "");
    WAIT(&play, receiver_has(receiver, "\"traceId\":\"" TRACE "\",\"spanId\":\""));
    PROVE(&play, receiver_head_has(receiver, "\r\nContent-Type: application/json\r\n"));
    PROVE(&play, receiver_has(receiver, "{\"key\":\"service.name\",\"value\":{\"stringValue\":"
                                        "\"shop\"}}"));
    end(&play, receiver);
}

/* Work does not wait for it; what is refused once comes again; what is left at the end is sent. */
Test(traces, a_receiver_that_is_busy_holds_up_nobody)
{
    OPEN(play, "busy");
    struct receiver *const receiver = begin(&play, "lanes: 2");
    receiver_answer(receiver, 503, "Connection: close\r\n");
    play_send_many(&play, 0, 500, "{}");
    WAIT(&play, done(&play) == 500);
    WAIT(&play, receiver_requests(receiver) >= 2);
    PROVE(&play, spans(&play, "exported") == 0 && spans(&play, "dropped") == 0);
    PROVE(&play, play_log_has(&play, "spans are not taken; trying again"));
    receiver_answer(receiver, 200, "");
    WAIT(&play, spans(&play, "exported") > 500);
    receiver_answer(receiver, 400, "");
    play_send_many(&play, 500, 5, "{}");
    WAIT(&play, spans(&play, "dropped") >= 6);
    receiver_answer(receiver, 0, ""); /* it never answers again */
    play_send_many(&play, 505, 5, "{}");
    WAIT(&play, done(&play) == 510);
    const uint64_t start_ms = clock_now_ms();
    PROVE(&play, play_end(&play) == 0 && play_left(&play) == 0);
    PROVE(&play, clock_now_ms() - start_ms < 20000); /* a drain may take 25 s */
    end(&play, receiver);
}

Test(traces, that_cannot_be_sent_are_told_and_do_no_harm)
{
    OPEN(play, "nowhere");
    struct receiver *const receiver = receiver_open();
    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", 1);
    play_configure(&play, &(struct setup){ .options = NULL });
    play_start_ready(&play);
    play_send_many(&play, 0, 5, "{}");
    WAIT(&play, done(&play) == 5);
    PROVE(&play, play_log_has(&play, "no spans are made") &&
                     play_log_has(&play, "OTEL_EXPORTER_OTLP_ENDPOINT"));
    end(&play, receiver);
}
