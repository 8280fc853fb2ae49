/* SPDX-License-Identifier: Apache-2.0
 *
 * How a host begins and ends, and what it never says. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/play.h"

TestSuite(ends, .timeout = 300);

Test(ends, at_once_where_the_http_port_is_taken)
{
    OPEN(play, "taken");
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof at;
    char output[4096], text[1000], address[40];
    const int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(taken, (struct sockaddr *)&at, bytes) == 0 && listen(taken, 1) == 0);
    cr_assert(getsockname(taken, (struct sockaddr *)&at, &bytes) == 0);
    snprintf(address, sizeof address, "127.0.0.1:%u", ntohs(at.sin_port));
    snprintf(text, sizeof text,
             "http: {listen: \"%s\"}\nplugins: %s\nconsumers: [{queue: %s, handler: tally}]\n",
             address, play_workers_dir(), play.queue);
    play_write(&play, "warrener.yaml", text);
    const int end = RUN(&play, output, "run");
    PROVE(&play, end == 78, "%d: %s", end, output);
    PROVE(&play, strstr(output, address) && strstr(output, "is taken"), "%d: %s", end, output);
    close(taken);
    play_close(&play);
}

Test(ends, well_when_told_to)
{
    OPEN(play, "told");
    play_configure(&play, &(struct setup){ .consumer = "lanes: 2", .options = "sleep_us: 10000" });
    play_start_ready(&play);
    play_send_many(&play, 0, 2000, "{}"); /* ten seconds of work, of which less is awaited by far */
    WAIT(&play, record_lines(play.record) > 50);
    PROVE(&play, play_end(&play) == 0);
    PROVE(&play, play_log_has(&play, "draining") && play_log_has(&play, "warrener ends"));
    const uint32_t handled = play_handled(&play, 2000), left = play_left(&play);
    PROVE(&play, handled + left == 2000 && record_lines(play.record) == handled, "%u + %u", handled,
          left);
    PROVE(&play, left > 0);
    play_close(&play);
}

Test(ends, well_where_no_broker_was_ever_reached)
{
    OPEN(play, "never");
    play_configure(&play, &(struct setup){ .amqp = "url: \"amqp://guest:guest@127.0.0.1:1/\"" });
    play_start(&play);
    WAIT(&play, play_unready_says(&play, "127.0.0.1:1"));
    const uint64_t begun_ms = clock_now_ms();
    PROVE(&play, play_end(&play) == 0);
    PROVE(&play, clock_now_ms() - begun_ms < 20000);
    play_close(&play);
}

/* A handler is asleep: the first signal waits for it, the second does not. */
Test(ends, at_once_when_told_twice)
{
    OPEN(play, "twice");
    play_configure(&play, &(struct setup){ .consumer = "timeout: 1m" });
    play_start_ready(&play);
    play_send_many(&play, 0, 1, "{\"do\":\"sleep\",\"ms\":30000}");
    WAIT(&play, record_lines(play.record) == 1);
    play_signal(&play, SIGTERM);
    WAIT(&play, play_unready_says(&play, "drain"));
    PROVE(&play, fetch_status(play.port, "/livez") == 200);
    play_pause_ms(600); /* sooner it would be the same one, said twice */
    const uint64_t begun_ms = clock_now_ms();
    PROVE(&play, play_end(&play) == 0);
    PROVE(&play, clock_now_ms() - begun_ms < 20000);
    PROVE(&play, play_left(&play) == 1);
    play_close(&play);
}

/* The same, but what was begun is finished and acked. */
static void end_in_good_order(const char *name, int also)
{
    OPEN(play, name);
    play_configure(&play, &(struct setup){ .options = NULL });
    play_start_ready(&play);
    play_send_many(&play, 0, 1, "{\"do\":\"sleep\",\"ms\":2000}");
    WAIT(&play, record_lines(play.record) == 1);
    if (also) {
        play_signal(&play, SIGSTOP); /* so that both are there when it looks */
        play_signal(&play, also);
        play_signal(&play, SIGTERM);
        play_signal(&play, SIGCONT);
        PROVE(&play, play_wait(&play) == 0);
    } else {
        PROVE(&play, play_end(&play) == 0);
    }
    PROVE(&play, play_left(&play) == 0);
    play_close(&play);
}

Test(ends, after_what_it_has_begun)
{
    end_in_good_order("begun", 0);
}

/* As timeout(1) does, which tells its child and then the group that this is in. Two of one number might
 * arrive as one. */
Test(ends, in_good_order_when_told_twice_at_one_moment)
{
    end_in_good_order("moment", SIGINT);
}

Test(ends, when_the_drain_is_over)
{
    OPEN(play, "overdue");
    play_configure(&play, &(struct setup){ .top = "drain: 1s" });
    play_start_ready(&play);
    play_send_many(&play, 0, 1, "{\"do\":\"sleep\",\"ms\":30000}");
    WAIT(&play, record_lines(play.record) == 1);
    const uint64_t begun_ms = clock_now_ms();
    PROVE(&play, play_end(&play) == 0);
    PROVE(&play, clock_now_ms() - begun_ms < 20000);
    PROVE(&play, play_left(&play) == 1);
    play_close(&play);
}

static void prove_silence(const struct play *play, const char *text, const char *where)
{
    PROVE(play, !strstr(text, "guest:guest") && !strstr(text, "hush-"), "%s: %s", where, text);
}

/* Passwords and options, in all that can be read from outside. */
Test(ends, without_having_told_a_secret)
{
    OPEN(play, "secrets");
    static const char *const paths[] = { "/", "/status", "/readyz", "/metrics", "/livez" };
    struct fetched *page = malloc(sizeof *page);
    char output[8192];
    play_configure(&play, &(struct setup){ .top = "log: {level: debug}",
                                           .options = "sleep_us: \"${HUSH:-0}\"" });
    play_start_ready(&play);
    play_send(&play, "{\"id\":\"m0\",\"body\":{\"do\":\"fail\",\"key\":\"hush-body\"}}\n");
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 1);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        fetch(play.port, paths[i], page);
        PROVE(&play, page->status == 200, "%s", paths[i]);
        prove_silence(&play, page->body, paths[i]);
    }
    PROVE(&play, RUN(&play, output, "check", "--connect") == 0, "%s", output);
    prove_silence(&play, output, "check --connect");
    PROVE(&play, play_end(&play) == 0);
    PROVE(&play, !play_log_has(&play, "guest:guest") && !play_log_has(&play, "hush-"));
    free(page);
    play_close(&play);
}
