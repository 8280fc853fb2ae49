/* SPDX-License-Identifier: Apache-2.0
 *
 * `warrener health`: what a container's health check hears. */
#include <string.h>

#include "support/play.h"

TestSuite(health, .timeout = 120);

#define EXIT_WRONG_USAGE 64
#define EXIT_NO_SERVER 69

Test(health, is_told_by_a_host_and_by_its_absence)
{
    OPEN(play, "health");
    char output[4096], url[64], ready[80], listen[200];
    play_configure(&play, &(struct setup){ 0 });
    PROVE(&play, RUN(&play, output, "health") == EXIT_WRONG_USAGE, "%s", output);
    PROVE(&play, strstr(output, "give --url"), "%s", output);

    play_start_ready(&play);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", play.port);
    snprintf(ready, sizeof ready, "%s/readyz", url);
    PROVE(&play, RUN(&play, output, "health", "--url", url) == 0, "%s", output);
    PROVE(&play, RUN(&play, output, "health", "--url", ready) == 0, "%s", output);
    snprintf(listen, sizeof listen,
             "http: {listen: \"0.0.0.0:%u\"}\nconsumers: [{queue: q, handler: probe}]\n",
             play.port);
    play_write(&play, "warrener.yaml", listen);
    PROVE(&play, RUN(&play, output, "health") == 0, "%s", output);

    play_signal(&play, SIGSTOP);
    PROVE(&play, RUN(&play, output, "health", "--url", url) == EXIT_NO_SERVER, "%s", output);
    play_signal(&play, SIGCONT);
    play_kill(&play);
    PROVE(&play, RUN(&play, output, "health", "--url", url) == EXIT_NO_SERVER, "%s", output);
    PROVE(&play, strstr(output, "127.0.0.1 port"), "%s", output);
    play_close(&play);
}

Test(health, of_a_host_that_is_not_ready_is_well)
{
    OPEN(play, "health-away");
    char output[4096], url[64], ready[80];
    play_configure(&play, &(struct setup){ .amqp = "url: \"amqp://guest:guest@127.0.0.1:1/\"" });
    play_start(&play);
    snprintf(url, sizeof url, "http://localhost:%u", play.port);
    snprintf(ready, sizeof ready, "%s/readyz", url);
    PROVE(&play, RUN(&play, output, "health", "--url", url) == 0, "%s", output);
    PROVE(&play, RUN(&play, output, "health", "--url", ready) == EXIT_NO_SERVER, "%s", output);
    PROVE(&play, strstr(output, "amqp"), "%s", output);
    play_close(&play);
}
