/* SPDX-License-Identifier: Apache-2.0
 *
 * Two hosts at one queue with a single active consumer: one works, the other stands by, and where the
 * first is told to end no key's messages change their order, nor is any handled twice. */
#include <string.h>

#include "support/play.h"

#define KEYS 50
#define NUMBERS 40
#define MESSAGES (KEYS * NUMBERS)

/* Number n of key k is m<n x KEYS + k>: they are sent number by number. */
static void prove_order(const struct play *play)
{
    struct record record;
    unsigned next[KEYS] = { 0 };
    record_read(&record, play->record, MESSAGES);
    PROVE(play, record.handled == MESSAGES && record.strange == 0 && record.repeated == 0,
          "%u handled, %u of them twice", record.handled, record.repeated);
    for (size_t i = 0; i < record.n; i++) {
        const unsigned key = record.lines[i].id % KEYS, number = record.lines[i].id / KEYS;
        PROVE(play, number == next[key], "key %u: number %u where %u was next", key, number,
              next[key]);
        next[key]++;
    }
    record_free(&record);
}

/* It stands by: the broker counts only the consumer that is given messages. */
static bool other_consumes(const struct play *play)
{
    char text[4096] = "";
    FILE *said = fopen(play_path(play, "quiet"), "re");
    if (!said) return false;
    text[fread(text, 1, sizeof text - 1, said)] = '\0';
    (void)fclose(said);
    return strstr(text, "consuming") != NULL;
}

Test(single_active, queues_keep_the_order_of_keys_across_hosts, .timeout = 300)
{
    OPEN(play, "single-active");
    cr_assert(rabbit_declare_single_active(play.rabbit, play.queue));
    play_configure(&play, &(struct setup){ .options = "sleep_us: 1000",
                                           .consumer = "declare: none, lanes: 4, prefetch: 100, "
                                                       "order_by: header:k" });
    play_start_ready(&play);
    const pid_t other = play_spawn(&play, (const char *const[]){ "run", NULL });
    WAIT(&play, other_consumes(&play));
    FILE *file = fopen(play_path(&play, "sequences"), "we");
    cr_assert(file);
    for (unsigned i = 0; i < MESSAGES; i++)
        fprintf(file, "{\"id\":\"m%u\",\"headers\":{\"k\":%u},\"body\":{}}\n", i, i % KEYS);
    cr_assert(fclose(file) == 0);
    char output[1024];
    PROVE(&play,
          RUN(&play, output, "publish", "--exchange", "", "--key", play.queue, "--ndjson",
              play_path(&play, "sequences")) == 0,
          "%s", output);
    WAIT(&play, play_handled(&play, MESSAGES) > MESSAGES / 10);
    PROVE(&play, play_end(&play) == 0);
    PROVE(&play, play_handled(&play, MESSAGES) < MESSAGES,
          "all were done before it was told to end");
    WAIT(&play, play_handled(&play, MESSAGES) == MESSAGES);
    WAIT(&play, rabbit_ready(play.rabbit, play.queue) == 0);
    kill(other, SIGTERM);
    PROVE(&play, play_reap(other) == 0);
    PROVE(&play, play_left(&play) == 0);
    prove_order(&play);
    play_close(&play);
}
