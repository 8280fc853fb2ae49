/* SPDX-License-Identifier: Apache-2.0
 *
 * The morgue; see morgue.h. */
#include "integration/dead/morgue.h"

char morgue_output[MORGUE_OUTPUT];

bool morgue_open(struct play *play, const char *name, int limit)
{
    if (!play_open(play, name)) return false;
    play_configure(play, &(struct setup){ .options = NULL });
    cr_assert(rabbit_declare(play->rabbit, play->queue, "quorum", 0, true));
    cr_assert(rabbit_declare(play->rabbit, play->dead, "quorum", limit, false));
    return true;
}

void morgue_close(struct play *play)
{
    play_pause_ms(500); /* a quorum queue that young is not deleted well */
    rabbit_delete(play->rabbit, play->dead);
    play_close(play);
}

void morgue_bury(const struct play *play, uint32_t first, uint32_t n)
{
    char output[4096];
    FILE *file = fopen(play_path(play, "letters"), "we");
    cr_assert(file);
    for (uint32_t i = first; i < first + n; i++)
        fprintf(file,
                "{\"id\":\"m%u\",\"type\":\"t%u\",\"headers\":{\"x-warrener-attempt\":5,"
                "\"x-warrener-reason\":\"%s\",\"x-warrener-handler\":\"probe/1.0\","
                "\"x-warrener-host\":\"pod\",\"x-warrener-exchange\":\"events\","
                "\"x-warrener-routing-key\":\"a.b\"},\"body\":\"{\\\"n\\\":%u}\"}\n",
                i, i % 2, i % 3 ? "rejected" : "row", i);
    fclose(file);
    PROVE(play,
          RUN(play, output, "publish", "--exchange", "", "--key", play->dead, "--ndjson",
              play_path(play, "letters")) == 0,
          "%s", output);
}
