/* SPDX-License-Identifier: Apache-2.0
 *
 * A release whose handler is content with itself, but whose rows PostgreSQL refuses, all of them. */
#include "integration/failure/bank.h"
#include "integration/failure/moods.h"

#define MESSAGES 1000
#define REJECTED 20 /* each 50th, by the handler */
#define OF 20
#define FEW 5
#define AT_ONCE                                                                                    \
    (OF + FEW + REJECTED) /* failures: a window, and what was in hand, or failed before */

TestSuite(rows, .timeout = 300);

Test(rows, that_are_all_refused_pour_no_backlog_into_the_dead_queue)
{
    struct bank bank;
    if (!bank_open(&bank, "rows", "breaker: {share: 90%, of: 20, rest: 1s}")) return;
    struct play *play = &bank.play;
    (void)bank_ask(&bank, "alter table told add constraint never check (n < 0)");
    PROVE(play, rabbit_declare(play->rabbit, play->dead, "quorum", 1000000, false));
    PROVE(play, rabbit_declare(play->rabbit, play->queue, "quorum", 100000, true));
    play_send_many(play, 0, MESSAGES, "{}");
    const uint64_t since_ms = clock_now_ms();
    play_start(play);
    WAIT(play, paused(play, "breaker") == 1 && play_unready_says(play, "violates check"));
    const uint64_t begun_ms = clock_now_ms();
    WAIT(play, clock_now_ms() - begun_ms > 1500); /* a rest and more */
    const double letters = settled(play, "dead");
    fprintf(stderr, "refused rows: %.0f letters of a backlog of %d\n", letters, MESSAGES);
    const double most = moods_failures_most(AT_ONCE, since_ms);
    PROVE(play, letters >= OF * 0.9 && letters <= most, "%.0f letters", letters);
    PROVE(play, settled(play, "done") == 0);
    (void)bank_ask(&bank, "alter table told drop constraint never");
    const double by_then = settled(play, "dead");
    WAIT(play, settled(play, "done") + settled(play, "dead") == MESSAGES);
    WAIT(play, play_is_still(play) && play_is_ready(play));
    PROVE(play, settled(play, "done") == (double)bank_ask(&bank, "select count(*) from told"));
    PROVE(play, bank_ask(&bank, "select count(*) from told where n <> 1") == 0);
    PROVE(play, settled(play, "dead") <= by_then + FEW + REJECTED);
    PROVE(play, play_end(play) == 0 && play_left(play) == 0);
    bank_close(&bank);
}

/* What is refused is the whole of any statement that has m12 in it, and m12 alone the first time: as for a
 * row whose parent comes a little later. */
Test(rows, that_wait_for_another_keep_their_keys_order)
{
    struct bank bank;
    if (!bank_open(&bank, "parents", "order_by: routing_key")) return;
    struct play *play = &bank.play;
    (void)bank_ask(&bank, "alter table told add column x xid8 default pg_current_xact_id()");
    (void)bank_ask(&bank, "create sequence alone");
    (void)bank_ask(&bank,
                   "create function come_later() returns trigger language plpgsql as $$ begin"
                   " if exists (select from came where id = 'm12')"
                   " and ((select count(*) from came) > 1 or nextval('alone') = 1) then"
                   " raise 'no parent yet' using errcode = '23503'; end if; return null; end $$");
    (void)bank_ask(&bank,
                   "create trigger parents after insert on told referencing new table as came"
                   " for each statement execute function come_later()");
    PROVE(play, rabbit_declare(play->rabbit, play->dead, "quorum", 1000000, false));
    PROVE(play, rabbit_declare(play->rabbit, play->queue, "quorum", 100000, true));
    play_send_many(play, 12, 8, "{}");
    play_start(play);
    WAIT(play, settled(play, "done") == 8);
    PROVE(play, settled(play, "retry") == 1);
    PROVE(play, bank_ask(&bank, "select count(*) from told") == 8);
    PROVE(play, bank_ask(&bank, "select count(*) from told a join told b on"
                                " substr(a.id, 2)::int < substr(b.id, 2)::int and a.x > b.x") == 0);
    PROVE(play, play_end(play) == 0 && play_left(play) == 0);
    bank_close(&bank);
}
