/* SPDX-License-Identifier: Apache-2.0
 *
 * Decisions on what was read hold when they are committed: within a host one after another, and between
 * hosts by the version under a lock. */
#include <stdlib.h>
#include <string.h>

#include "library.h"

TestSuite(guards, .timeout = 300);

static bool open_bank(struct library *library, const char *name, const char *more,
                      const char *consumer)
{
    if (!library_open(library, name, false)) return false;
    char *at = strstr(library->top, "\"}\n");
    cr_assert(at);
    snprintf(at, sizeof library->top - (size_t)(at - library->top), "\"%s}\n", more);
    sql(library->db.conn,
        "create table account (id bigint primary key, given bigint, ver bigint not null);"
        "create table entry (id text primary key, account bigint, taken bool, nth bigserial)");
    library_configure(library, "banker", consumer);
    return true;
}

/* What was taken is what accounts say they gave: nothing was decided on old state. */
static void prove_sums(struct library *library, const char *limit)
{
    struct play *play = &library->play;
    PROVE(play, IS(library, "0",
                   "select count(*) from (select account, count(*) filter (where taken) as n"
                   " from entry group by account) e full join account a on a.id = e.account"
                   " where coalesce(given, 0) <> coalesce(n, 0)"));
    PROVE(play, IS(library, "0", "select count(*) from account where given > %s", limit));
    PROVE(play, play_metric(play, "warrener_messages_settled_total@,outcome=\"retry\"}") == 0);
    PROVE(play, play_metric(play, "warrener_messages_settled_total@,outcome=\"dead\"}") == 0);
}

Test(guards, one_after_another_within_a_host)
{
    struct library library;
    if (!open_bank(&library, "guards-one", ", connections: 3", "lanes: 4")) return;
    struct play *play = &library.play;
    play_start_ready(play);
    play_send_many(play, 0, 150, "{\"account\":1,\"n\":%u}");
    play_send_many(play, 150, 350, "{\"account\":%u}");
    WAIT(play, DONE(&library) == 500);
    PROVE(play, IS(&library, "100", "select given from account where id = 1"));
    PROVE(play, IS(&library, "50", "select count(*) from entry where not taken"));
    PROVE(play, play_metric(play, "warrener_batches_total@,outcome=\"retried\"}") == 0,
          "nothing moves by our own hand");
    prove_sums(&library, "100");
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}

/* Its batch is sent without it, and it is handled again on what is so now. */
Test(guards, what_moved_is_decided_again)
{
    struct library library;
    if (!open_bank(&library, "guards-moved", "", "batch: {wait: 300ms}")) return;
    struct play *play = &library.play;
    ASK(&library, "insert into account values (1, 10, 5), (2, 20, 5)");
    play_start_ready(play);
    ASK(&library, "begin; update account set given = 99, ver = 6 where id = 1");
    play_send(play, "{\"id\":\"a\",\"body\":{\"account\":1}}\n"
                    "{\"id\":\"b\",\"body\":{\"account\":2}}\n"
                    "{\"id\":\"c\",\"body\":{\"account\":1}}\n"
                    "{\"id\":\"d\",\"body\":{\"account\":3}}\n");
    WAIT(play, postgres_blocked(&library.db) == 1);
    ASK(&library, "commit");
    WAIT(play, DONE(&library) == 4);
    PROVE(play,
          IS(&library, "100 21 1", "select string_agg(given::text, ' ' order by id) from account"));
    PROVE(play, IS(&library, "a t, b t, c f, d t",
                   "select string_agg(concat_ws(' ', id, taken), ', ' order by id) from entry"));
    PROVE(play, play_metric(play, "warrener_batches_total@,outcome=\"retried\"}") == 1);
    PROVE(play, play_metric(play, "warrener_messages_settled_total@,outcome=\"retry\"}") == 0);
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}

/* Where there is no row to lock, its key is claimed: nobody makes the row between look and write. */
Test(guards, what_is_absent_is_guarded_too)
{
    struct library library;
    if (!open_bank(&library, "guards-absent", "", "")) return;
    struct play *play = &library.play;
    play_start_ready(play);
    ASK(&library, "select pg_advisory_lock(hashtextextended('\"account\":7', 7163))");
    play_send(play, "{\"id\":\"a\",\"body\":{\"account\":7}}\n");
    WAIT(play, postgres_blocked(&library.db) == 1);
    ASK(&library, "insert into account values (7, 100, 1)");
    ASK(&library, "select pg_advisory_unlock_all()");
    WAIT(play, DONE(&library) == 1);
    PROVE(play, IS(&library, "f", "select taken from entry"));
    PROVE(play, IS(&library, "100", "select given from account"));
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}

/* The first to come are the ones that are given, although everything moves all the time. */
Test(guards, order_is_kept_while_things_move)
{
    struct library library;
    if (!open_bank(&library, "guards-order", ", connections: 2",
                   "lanes: 3, order_by: \"json:account\", options: {limit: 60}"))
        return;
    struct play *play = &library.play;
    ASK(&library, "insert into account values (0, 0, 1)");
    play_start_ready(play);
    ASK(&library,
        "begin; update account set ver = ver + 1 where id = 0"); /* one that surely moves */
    for (unsigned i = 0; i < 3; i++) {
        char body[40];
        snprintf(body, sizeof body, "{\"account\":%u,\"n\":%%u}", i);
        play_send_many(play, i * 100, 100, body);
    }
    WAIT(play, postgres_blocked(&library.db) > 0);
    ASK(&library, "commit");
    for (unsigned i = 0; DONE(&library) < 300; i++)
        ASK(&library, "update account set ver = ver + 1 where id = %u", i % 3);
    prove_sums(&library, "60");
    PROVE(play, IS(&library, "180",
                   "select count(*) from entry"
                   " where taken and substr(id, 2)::int - account * 100 < 60"));
    PROVE(play, play_metric(play, "warrener_batches_total@,outcome=\"retried\"}") > 0);
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}

/* Nor is it overtaken by those of its order that want other keys. */
Test(guards, what_moved_keeps_its_place)
{
    struct library library;
    if (!open_bank(&library, "guards-place", "", "batch: {wait: 300ms}, order_by: \"json:user\""))
        return;
    struct play *play = &library.play;
    ASK(&library, "insert into account values (1, 10, 5), (2, 20, 5)");
    play_start_ready(play);
    ASK(&library, "begin; update account set given = 99, ver = 6 where id = 1");
    play_send(play, "{\"id\":\"a\",\"body\":{\"user\":1,\"account\":1}}\n"
                    "{\"id\":\"b\",\"body\":{\"user\":1,\"account\":2}}\n");
    WAIT(play, postgres_blocked(&library.db) == 1);
    ASK(&library, "commit");
    WAIT(play, DONE(&library) == 2);
    PROVE(play, IS(&library, "a b", "select string_agg(id, ' ' order by nth) from entry"));
    PROVE(play, play_metric(play, "warrener_batches_total@,outcome=\"retried\"}") == 1);
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}

#define BATCH_MS 2000
#define IN_A_ROW 15

/* A batch is filled for as long as it may be, unless somebody waits for what is in it. */
Test(guards, a_batch_that_is_waited_for_goes_at_once)
{
    struct library library;
    if (!open_bank(&library, "guards-waited", "", "batch: {wait: 2s}")) return;
    struct play *play = &library.play;
    play_start_ready(play);
    const uint64_t sent_ms = clock_now_ms();
    play_send_many(play, 0, IN_A_ROW, "{\"account\":1,\"n\":%u}");
    WAIT_UP_TO(play, IN_A_ROW / 2 * BATCH_MS, DONE(&library) == IN_A_ROW);
    PROVE(play, clock_now_ms() - sent_ms >= BATCH_MS, "nobody waits for the last one");
    PROVE(play, IS(&library, "15", "select given from account"));
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}

/* What waits for one key holds up no other. */
Test(guards, others_are_not_held_up)
{
    struct library library;
    if (!open_bank(&library, "guards-others", ", connections: 2", "prefetch: 300")) return;
    struct play *play = &library.play;
    ASK(&library, "insert into account values (1, 0, 5)");
    play_start_ready(play);
    ASK(&library, "begin; select * from account for update");
    play_send_many(play, 0, 50, "{\"account\":1,\"n\":%u}");
    WAIT(play, postgres_blocked(&library.db) == 1);
    play_send_many(play, 50, 200, "{\"account\":%u}");
    WAIT_UP_TO(play, 4000, DONE(&library) == 200);
    WAIT(play, play_status_says(play, "\"handling\":0,\"held\":0,\"staged\":0,\"storing\":1,"));
    ASK(&library, "commit");
    WAIT(play, DONE(&library) == 250);
    prove_sums(&library, "100");
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}

/* Two keys each, in both directions: nobody waits in a circle, and nothing is made or lost. */
Test(guards, two_keys_at_once)
{
    struct library library;
    if (!open_bank(&library, "guards-two", ", connections: 2", "lanes: 2, options: {limit: 1000}"))
        return;
    struct play *play = &library.play;
    play_start_ready(play);
    for (unsigned i = 0; i < 400; i += 100) {
        play_send_many(play, i, 50, "{\"account\":1,\"to\":2,\"n\":%u}");
        play_send_many(play, i + 50, 50, "{\"account\":2,\"to\":1,\"n\":%u}");
    }
    WAIT(play, DONE(&library) == 400);
    PROVE(play, IS(&library, "0 0", "select string_agg(given::text, ' ') from account"));
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}

#define HOSTS 4

Test(guards, four_hosts_at_twenty_keys)
{
    struct library library;
    const char *full = getenv("WARRENER_FAULTS");
    const unsigned n = full && strcmp(full, "full") == 0 ? 20000 : 2000;
    char consumer[80], limit[20], all[20];
    snprintf(limit, sizeof limit, "%u", n / 20 * 3 / 5);
    snprintf(all, sizeof all, "%u", n * 3 / 5);
    snprintf(consumer, sizeof consumer, "lanes: 2, options: {limit: %s}, prefetch: 200", limit);
    if (!open_bank(&library, "guards-four", ", connections: 2", consumer)) return;
    struct play *play = &library.play;
    pid_t others[HOSTS - 1];
    play_start_ready(play);
    for (unsigned i = 0; i < HOSTS - 1; i++)
        others[i] = play_spawn(
            play, (const char *const[]){ "run", "-c", play_path(play, "warrener.yaml"), NULL });
    uint32_t ready = 0, consumers = 0;
    WAIT(play, rabbit_look(play->rabbit, play->queue, &ready, &consumers) && consumers == HOSTS);
    const uint64_t began_ms = clock_now_ms();
    char *lines = malloc(n * 60), *at = lines;
    for (unsigned i = 0; i < n; i++)
        at += sprintf(at, "{\"id\":\"m%u\",\"body\":{\"account\":%u}}\n", i, i * 7 % 20);
    play_send(play, lines);
    free(lines);
    char expected[20];
    snprintf(expected, sizeof expected, "%u", n);
    WAIT_UP_TO(play, 240000, IS(&library, expected, "select count(*) from entry"));
    const double retried = play_metric(play, "warrener_batches_total@,outcome=\"retried\"}");
    fprintf(stderr,
            "%u decisions by %d hosts on 20 accounts in %llu ms; one of them: %.0f, with %.0f "
            "batches again\n",
            n, HOSTS, (unsigned long long)(clock_now_ms() - began_ms), DONE(&library), retried);
    PROVE(play, DONE(&library) < n, "the others had none");
    WAIT(play, play_is_still(play));
    prove_sums(&library, limit);
    PROVE(play, IS(&library, all, "select sum(given) from account"));
    for (unsigned i = 0; i < HOSTS - 1; i++) {
        kill(others[i], SIGTERM);
        PROVE(play, play_reap(others[i]) == 0);
    }
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}
