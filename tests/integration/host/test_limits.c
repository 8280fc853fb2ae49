/* SPDX-License-Identifier: Apache-2.0
 *
 * Few descriptors: what is open already works on, whoever takes the rest, and the page comes back. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/play.h"

#define FEW 28
#define GREEDY 40

TestSuite(limits, .timeout = 120);

/* Connected as far as this side knows: the host may have no descriptor to take it with. */
static int dial(uint16_t port)
{
    const struct sockaddr_in at = { .sin_family = AF_INET,
                                    .sin_port = htons(port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) == 0);
    return fd;
}

Test(limits, of_descriptors_stop_no_messages)
{
    OPEN(play, "descriptors");
    struct rlimit before, few;
    int greedy[GREEDY];
    play_configure(&play, &(struct setup){ .consumer = "lanes: 2" });
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){ .rlim_cur = FEW, .rlim_max = before.rlim_max };
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0); /* which the host inherits */
    play_start_ready(&play);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (int i = 0; i < GREEDY; i++) greedy[i] = dial(play.port);
    play_send_many(&play, 0, 500, "{}");
    WAIT(&play, play_handled(&play, 500) == 500);
    for (int i = 0; i < GREEDY; i++) close(greedy[i]);
    WAIT(&play, play_is_ready(&play));
    PROVE(&play, play_end(&play) == 0 && play_left(&play) == 0);
    play_close(&play);
}

Test(limits, of_too_few_descriptors_are_told_at_once)
{
    OPEN(play, "too-few");
    const char *const bin = getenv("WARRENER_BIN");
    char line[600], said[200] = "";
    play_configure(&play, &(struct setup){ .consumer = "lanes: 1" });
    snprintf(line, sizeof line, "(ulimit -n 8; exec '%s' check --connect -c '%s') 2>'%s'",
             bin ? bin : TEST_WARRENER, play_path(&play, "warrener.yaml"),
             play_path(&play, "said"));
    const int end = system(line); /* NOLINT(cert-env33-c): our own words */
    FILE *file = fopen(play_path(&play, "said"), "re");
    cr_assert(file);
    said[fread(said, 1, sizeof said - 1, file)] = '\0';
    fclose(file);
    PROVE(&play, WIFEXITED(end) && WEXITSTATUS(end) == 70, "%d", end);
    PROVE(&play, strstr(said, "8 open files are allowed, at least 24"), "%s", said);
    play_close(&play);
}
