/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands: what they print, and what they end with. */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "support/play.h"

TestSuite(commands, .timeout = 300);

#define EXIT_RETURNED 1
#define EXIT_WRONG_USAGE 64
#define EXIT_NO_SERVER 69
#define EXIT_WRONG_CONFIG 78

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part)) n++;
    return n;
}

static void copy_sample(const struct play *play, const char *from, const char *to)
{
    char text[8192];
    FILE *file = fopen(from, "re");
    cr_assert(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    play_write(play, to, text);
}

/* Ten mistakes in a file are told in one go, and nothing is started. */
Test(commands, tell_every_fault_at_once)
{
    OPEN(play, "faults");
    char output[8192];
    const char *const commands[] = { "check", "run" };
    copy_sample(&play, TEST_SOURCE "/unit/config/broken.yaml", "warrener.yaml");
    for (int i = 0; i < 2; i++) {
        PROVE(&play, RUN(&play, output, commands[i]) == EXIT_WRONG_CONFIG);
        PROVE(&play, count(output, "warrener.yaml:") == 10, "%s", output);
        PROVE(&play, strstr(output, "did you mean \"memory\"?"), "%s", output);
        PROVE(&play, strstr(output, "warrener.yaml:14:15: consumers[0].prefetch: 0"), "%s", output);
    }
    play_close(&play);
}

/* A variable that is not set hides no handler's fault. */
Test(commands, tell_faults_of_handlers_with_the_others)
{
    OPEN(play, "faults-too");
    char output[8192];
    play_write(&play, "warrener.yaml",
               "plugins: /nowhere\namqp: {url: \"${WARRENER_NOT_SET}\"}\n"
               "consumers: [{queue: q, handler: h}]\n");
    PROVE(&play, RUN(&play, output, "check") == EXIT_WRONG_CONFIG);
    PROVE(&play, strstr(output, "warrener.yaml:2:13: amqp.url: the variable WARRENER_NOT_SET"),
          "%s", output);
    PROVE(&play, strstr(output, "warrener.yaml:3:33: consumers[0].handler: /nowhere"), "%s",
          output);
    PROVE(&play, count(output, "warrener.yaml:") == 2, "%s", output);
    play_close(&play);
}

static const struct {
    const char *handler, *options, *words;
} bad_handlers[] = {
    { "bad_major", NULL, "ABI 2" },         { "bad_size", NULL, "64 bytes" },
    { "silent", NULL, "warrener_handler" }, { "undefined", NULL, "undefined" },
    { "nowhere", NULL, "nowhere.so" },      { "probe", "sleep_su: 3", "sleep_us" },
};

Test(commands, refuse_bad_handlers_with_words)
{
    OPEN(play, "bad-handlers");
    char output[8192], consumer[100];
    for (size_t i = 0; i < sizeof bad_handlers / sizeof *bad_handlers; i++) {
        snprintf(consumer, sizeof consumer, "options: {%s}",
                 bad_handlers[i].options ? bad_handlers[i].options : "");
        play_configure(&play,
                       &(struct setup){ .handler = bad_handlers[i].handler,
                                        .consumer = bad_handlers[i].options ? consumer : NULL });
        PROVE(&play, RUN(&play, output, "check") == EXIT_WRONG_CONFIG, "%s: %s",
              bad_handlers[i].handler, output);
        PROVE(&play, strstr(output, bad_handlers[i].words), "%s: %s", bad_handlers[i].handler,
              output);
        PROVE(&play, strstr(output, "warrener.yaml:7:"), "%s", output);
        PROVE(&play, RUN(&play, output, "run") == EXIT_WRONG_CONFIG, "%s", output);
    }
    play_close(&play);
}

Test(commands, name_every_bad_handler_at_once)
{
    OPEN(play, "all-handlers");
    char output[8192];
    play_configure(&play, &(struct setup){ .handler = "bad_major",
                                           .more = "  - {queue: b, handler: bad_size}\n"
                                                   "  - {queue: c, handler: nowhere}\n" });
    PROVE(&play, RUN(&play, output, "check") == EXIT_WRONG_CONFIG);
    PROVE(&play, count(output, "warrener.yaml:") == 3, "%s", output);
    play_close(&play);
}

Test(commands, refuse_a_handler_that_does_not_open)
{
    OPEN(play, "no-open");
    char output[8192];
    play_configure(&play, &(struct setup){ .handler = "bad_open_words", .consumer = "lanes: 3" });
    PROVE(&play, RUN(&play, output, "run") == EXIT_WRONG_CONFIG, "%s", output);
    PROVE(&play, strstr(output, "the oracle is not at home") && strstr(output, "lane"), "%s",
          output);
    play_configure(&play, &(struct setup){ .handler = "bad_open", .consumer = "lanes: 3" });
    PROVE(&play, RUN(&play, output, "run") == EXIT_WRONG_CONFIG, "%s", output);
    PROVE(&play, strstr(output, "did not open"), "%s", output);
    play_close(&play);
}

Test(commands, refuse_what_they_do_not_know)
{
    OPEN(play, "unknown");
    char output[4096];
    PROVE(&play, RUN(&play, output, "rum") == EXIT_WRONG_USAGE);
    PROVE(&play, strstr(output, "did you mean \"run\"?"), "%s", output);
    PROVE(&play, RUN(&play, output, "publish", "--rat", "5") == EXIT_WRONG_USAGE);
    PROVE(&play, strstr(output, "--rate"), "%s", output);
    PROVE(&play, RUN(&play, output, "publish", "--rate", "0") == EXIT_WRONG_USAGE);
    PROVE(&play, RUN(&play, output, "publish", "--rate") == EXIT_WRONG_USAGE);
    PROVE(&play, RUN(&play, output, "version") == 0 && strstr(output, "handler ABI 1."));
    PROVE(&play, RUN(&play, output, "check", "-c", "/nowhere/at-all.yaml") == EXIT_WRONG_CONFIG);
    PROVE(&play, strstr(output, "/nowhere/at-all.yaml"), "%s", output);
    play_close(&play);
}

/* ---- publish --------------------------------------------------------------------------------- */

/* A queue to publish to, without a host. */
static void prepare(struct play *play)
{
    play_configure(play, &(struct setup){ .options = NULL });
    cr_assert(rabbit_declare(play->rabbit, play->queue, "quorum", 0, true));
}

Test(commands, publish_keeps_ids_and_makes_others)
{
    OPEN(play, "ids");
    struct letter letter;
    char output[4096];
    prepare(&play);
    play_write(&play, "lines", "{\"id\":\"mine\",\"body\":\"a\"}\n{\"body\":\"b\"}\n");
    PROVE(&play,
          RUN(&play, output, "publish", "--exchange", "", "--key", play.queue, "--ndjson",
              play_path(&play, "lines")) == 0,
          "%s", output);
    PROVE(&play, strstr(output, "2 confirmed, 0 returned, 0 not confirmed"), "%s", output);
    PROVE(&play, rabbit_get(play.rabbit, play.queue, &letter));
    PROVE(&play, strcmp(letter.id, "mine") == 0 && strcmp(letter.body, "a") == 0);
    PROVE(&play, rabbit_get(play.rabbit, play.queue, &letter));
    PROVE(&play, strlen(letter.id) == UUID_CHARS && letter.id[14] == '7', "%s", letter.id);
    PROVE(&play, !rabbit_get(play.rabbit, play.queue, &letter));
    play_close(&play);
}

Test(commands, publish_tells_what_came_back)
{
    OPEN(play, "returned");
    char output[4096];
    prepare(&play);
    play_write(&play, "lines",
               "{\"id\":\"lost-one\",\"key\":\"no.such.queue\",\"body\":1}\n"
               "{\"id\":\"m1\",\"body\":2}\n");
    PROVE(&play,
          RUN(&play, output, "publish", "--exchange", "", "--ndjson", play_path(&play, "lines")) ==
              EXIT_WRONG_USAGE,
          "%s", output); /* the second names neither exchange nor key */
    play_write(&play, "lines", "{\"id\":\"lost-one\",\"key\":\"no.such.queue\",\"body\":1}\n");
    PROVE(&play,
          RUN(&play, output, "publish", "--exchange", "", "--ndjson", play_path(&play, "lines")) ==
              EXIT_RETURNED,
          "%s", output);
    PROVE(&play, strstr(output, "0 confirmed, 1 returned") && strstr(output, "lost-one"), "%s",
          output);
    play_close(&play);
}

Test(commands, publish_at_a_rate_and_begins_its_file_again)
{
    OPEN(play, "rate");
    char output[4096];
    struct letter letter;
    unsigned a = 0;
    prepare(&play);
    play_write(&play, "lines",
               "{\"id\":\"a\",\"body\":1}\n{\"id\":\"b\",\"body\":2}\n"
               "{\"id\":\"c\",\"body\":3}\n");
    const uint64_t begun_ms = clock_now_ms();
    PROVE(&play,
          RUN(&play, output, "publish", "--exchange", "", "--key", play.queue, "--ndjson",
              play_path(&play, "lines"), "--rate", "100", "--count", "200") == 0,
          "%s", output);
    const uint64_t took_ms = clock_now_ms() - begun_ms;
    PROVE(&play, took_ms >= 1800 && took_ms < 20000, "%llu ms", (unsigned long long)took_ms);
    PROVE(&play, strstr(output, "200 confirmed"), "%s", output);
    PROVE(&play, rabbit_ready(play.rabbit, play.queue) == 200);
    while (rabbit_get(play.rabbit, play.queue, &letter)) a += letter.id[0] == 'a';
    PROVE(&play, a == 67);
    play_close(&play);
}

Test(commands, publish_names_the_bad_line)
{
    OPEN(play, "bad-line");
    char output[4096];
    prepare(&play);
    play_write(&play, "lines", "{\"id\":\"a\",\"body\":1}\n\n{\"id\":\"b\",\"boddy\":2}\n");
    PROVE(&play,
          RUN(&play, output, "publish", "--exchange", "", "--key", play.queue, "--ndjson",
              play_path(&play, "lines")) == EXIT_WRONG_USAGE,
          "%s", output);
    PROVE(&play, strstr(output, "/lines:3: \"boddy\"") && strstr(output, "\"body\"?"), "%s",
          output);
    PROVE(&play, strstr(output, "1 confirmed, 0 returned, 0 not confirmed"), "%s", output);
    play_close(&play);
}

Test(commands, publish_of_nothing_that_was_counted_is_told)
{
    OPEN(play, "nothing");
    char output[4096];
    prepare(&play);
    play_write(&play, "lines", "\n\n");
    PROVE(&play,
          RUN(&play, output, "publish", "--exchange", "", "--key", play.queue, "--ndjson",
              play_path(&play, "lines")) == 0,
          "%s", output); /* an empty export is no mistake */
    PROVE(&play,
          RUN(&play, output, "publish", "--exchange", "", "--key", play.queue, "--count", "3",
              "--ndjson", play_path(&play, "lines")) == EXIT_WRONG_USAGE,
          "%s", output);
    PROVE(&play, strstr(output, "/lines holds no message, and --count asks for 3"), "%s", output);
    play_close(&play);
}

Test(commands, publish_tells_who_is_out_of_reach)
{
    OPEN(play, "out-of-reach");
    char output[4096], amqp[200];
    snprintf(amqp, sizeof amqp, "url: \"amqp://guest:geheim-17@127.0.0.1:%u/\"",
             play_broker_port());
    play_configure(&play, &(struct setup){ .amqp = amqp });
    play_write(&play, "lines", "{\"id\":\"a\",\"body\":1}\n");
    PROVE(&play,
          RUN(&play, output, "publish", "--exchange", "", "--key", play.queue, "--ndjson",
              play_path(&play, "lines")) == EXIT_NO_SERVER,
          "%s", output);
    PROVE(&play, strstr(output, "'guest'") && !strstr(output, "geheim"), "%s", output);
    play_configure(&play,
                   &(struct setup){ .amqp = "url: \"amqp://guest:geheim-17@127.0.0.1:1/\"" });
    PROVE(&play, RUN(&play, output, "check", "--connect") == EXIT_NO_SERVER, "%s", output);
    PROVE(&play, strstr(output, "127.0.0.1:1") && !strstr(output, "geheim"), "%s", output);
    const uint64_t begun_ms = clock_now_ms();
    PROVE(&play,
          RUN(&play, output, "publish", "--exchange", "", "--key", play.queue, "--ndjson",
              play_path(&play, "lines")) == EXIT_NO_SERVER,
          "%s", output);
    PROVE(&play, clock_now_ms() - begun_ms < 50000);
    PROVE(&play, strstr(output, "127.0.0.1:1: connection refused; trying again for 30 s\n"), "%s",
          output);
    PROVE(&play, strstr(output, "127.0.0.1:1") && !strstr(output, "geheim"), "%s", output);
    play_close(&play);
}
