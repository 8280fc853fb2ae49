/* SPDX-License-Identifier: Apache-2.0
 *
 * The configurations that compose.yml and k8s/ ship are well, with the variables and files those give. */
#include <stdlib.h>
#include <string.h>

#include "support/play.h"

TestSuite(shipped, .timeout = 120);

/* The file as it would be read there: plugins and secrets are elsewhere here. */
static void copy_in(const struct play *play, const char *from)
{
    const char *const moved[][2] = { { "/usr/lib/warrener/workers", play_workers_dir() },
                                     { "/run/secrets/warrener", play->dir } };
    char text[8192], out[16384];
    FILE *file = fopen(from, "re");
    cr_assert(file, "%s", from);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    size_t n = 0;
    for (const char *at = text; *at;) {
        size_t i = 0;
        while (i < 2 && strncmp(at, moved[i][0], strlen(moved[i][0])) != 0) i++;
        if (i == 2)
            out[n++] = *at++;
        else {
            n += (size_t)snprintf(out + n, sizeof out - n, "%s", moved[i][1]);
            at += strlen(moved[i][0]);
        }
        cr_assert(n + 400 < sizeof out);
    }
    out[n] = '\0';
    play_write(play, "warrener.yaml", out);
}

Test(shipped, configurations_are_well)
{
    OPEN(play, "shipped");
    char output[8192];
    setenv("POD_NAME", "warrener-5d9c7b-x2v4q", 1);
    setenv("REDIS_URL", "redis://redis:6379/0", 1);
    setenv("AMQP_URL", "amqp://warrener:warrener@rabbitmq:5672/", 1);
    setenv("DATABASE_URL", "postgresql://warrener:warrener@postgres:5432/warrener", 1);
    play_write(&play, "amqp-user", "warrener\n");
    play_write(&play, "amqp-password", "secret\n");
    play_write(&play, "database-url", "postgresql://warrener:warrener@postgres:5432/warrener\n");
    copy_in(&play, TEST_SOURCE "/../docs/examples/compose.yaml");
    PROVE(&play, RUN(&play, output, "check") == 0, "%s", output);
    copy_in(&play, TEST_SOURCE "/../k8s/base/warrener.yaml");
    PROVE(&play, RUN(&play, output, "check") == 0, "%s", output);
    PROVE(&play, strstr(output, "login.collect: handler login_collect"), "%s", output);
    play_close(&play);
}
