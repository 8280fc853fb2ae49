/* SPDX-License-Identifier: Apache-2.0
 *
 * The bank; see bank.h. */
#include "integration/failure/bank.h"

#include <stdlib.h>

bool bank_open(struct bank *bank, const char *name, const char *consumer)
{
    char top[400], all[700], output[2000];
    *bank = (struct bank){ .out = "" };
    if (!getenv("DATABASE_URL")) {
        fputs("no DATABASE_URL: passed over\n", stderr);
        return false;
    }
    if (!play_open(&bank->play, name)) return false;
    struct play *play = &bank->play;
    play->may_die = true;
    postgres_make(&bank->db, play->queue);
    sql(bank->db.conn, "create table told (id text primary key, n bigint not null)");
    snprintf(bank->out, sizeof bank->out, "%s.out", play->queue);
    PROVE(play, rabbit_declare(play->rabbit, bank->out, "quorum", 1000000, false));
    snprintf(top, sizeof top, "postgres: {url: \"%s\"}", bank->db.url);
    snprintf(all, sizeof all,
             "prefetch: 300, lanes: 2, batch: {rows: 50, wait: 20ms}, delivery_limit: 100000, "
             "retry: {delays: [200ms, 400ms], attempts: 4}, options: {out: \"%s\"}, %s",
             bank->out, consumer);
    play_configure(play, &(struct setup){ .handler = "teller", .top = top, .consumer = all });
    PROVE(play, RUN(play, output, "migrate") == 0, "%s", output);
    return true;
}

void bank_close(struct bank *bank)
{
    rabbit_delete(bank->play.rabbit, bank->out);
    play_close(&bank->play);
    postgres_drop(&bank->db);
}

unsigned long bank_ask(const struct bank *bank, const char *text)
{
    return strtoul(sql(bank->db.conn, "%s", text), NULL, 10);
}
