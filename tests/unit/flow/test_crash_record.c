/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is to blame for the end of a host: certain deaths, suspicions, and what is nobody's fault. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "flow/crash_record.h"

static struct crash_record *record;
static struct crash_note *lanes[3];

static void begin_life(void)
{
    crash_record_begin(record);
    for (int i = 0; i < 3; i++) {
        const uint32_t consumer = crash_record_consumer(record, i < 2 ? "orders" : "mails");
        lanes[i] = crash_record_note(record, consumer);
    }
}

static void open_record(void)
{
    record = malloc(sizeof *record);
    crash_record_init(record);
    begin_life();
}

static void close_record(void)
{
    free(record);
}

TestSuite(crash, .init = open_record, .fini = close_record);

static struct wr_message message_of(const char *id, const char *body)
{
    return (struct wr_message){ .id = text_of(id), .body = text_of(body) };
}

static void handle(int lane, const char *id)
{
    const struct wr_message message = message_of(id, "{}");
    crash_note_begin(lanes[lane], &message);
}

static const struct crash_suspect *find(const char *consumer, const char *id)
{
    const struct wr_message message = message_of(id, "{}");
    return crash_record_find(record, consumer, &message);
}

static const struct crash_end segfault = { .is_signal = true, .number = SIGSEGV };
static const struct crash_end kill_9 = { .is_signal = true, .number = SIGKILL };
static const struct crash_end oom = { .is_signal = true, .number = SIGKILL, .oom_rose = true };
static const struct crash_end exit_0 = { .number = 0 };

/* A thread that died itself says so: its lane, or -1. */
static void mark(enum crash_mark_kind kind, int lane)
{
    record->mark.signal = kind == CRASH_MARK_SIGNAL ? SIGSEGV : 0;
    record->mark.note = lane < 0 ? -1 : crash_record_number(record, lanes[lane]);
    atomic_store(&record->mark.kind, kind);
}

static enum crash_why judge(const struct crash_end *end)
{
    const enum crash_why why = crash_record_judge(record, end, 1000);
    begin_life();
    return why;
}

Test(crash, of_a_lane_that_said_so_is_its_message_alone)
{
    handle(0, "innocent");
    handle(1, "guilty");
    mark(CRASH_MARK_SIGNAL, 1);
    cr_assert(judge(&segfault) == CRASH_BY_SIGNAL);
    cr_assert(find("orders", "guilty")->deaths == 1);
    cr_assert(strstr(find("orders", "guilty")->detail, "SIGSEGV"));
    cr_assert(!find("orders", "innocent") && !find("mails", "guilty"));
    cr_assert(record->consumers[0].crashes == 1 && record->consumers[1].crashes == 0);
    cr_assert(record->restarts[CRASH_BY_SIGNAL] == 1 && record->last_why == CRASH_BY_SIGNAL);
    cr_assert_str_eq(record->last_consumer, "orders");
    cr_assert_str_eq(record->last_id, "guilty");
}

Test(crash, of_nobody_knows_whom_suspects_all_and_charges_none)
{
    handle(0, "a");
    handle(2, "b");
    cr_assert(judge(&oom) == CRASH_BY_MEMORY && !*record->last_consumer && !*record->last_id);
    for (int i = 0; i < 5; i++) {
        handle(0, "a");
        handle(2, "b");
        mark(CRASH_MARK_SIGNAL, -1);
        cr_assert(judge(&segfault) == CRASH_BY_SIGNAL);
        cr_assert(find("orders", "a")->deaths == 1 && find("mails", "b")->deaths == 1);
    }
}

Test(crash, while_alone_is_certain_whoever_died)
{
    const struct wr_message message = message_of("a", "{}");
    handle(0, "a");
    handle(1, "b");
    (void)judge(&oom);
    record->alone.consumer = crash_record_consumer(record, "orders");
    crash_note_begin(&record->alone, &message);
    cr_assert(judge(&oom) == CRASH_BY_MEMORY);
    cr_assert(find("orders", "a")->deaths == CRASH_DEATHS);
    cr_assert(find("orders", "b")->deaths == 1);
    cr_assert(!atomic_load(&record->alone.is_busy));
}

Test(crash, by_a_kill_from_outside_is_nobodys)
{
    handle(0, "a");
    cr_assert(judge(&kill_9) == CRASH_BY_KILL);
    handle(0, "a");
    mark(CRASH_MARK_SIGNAL, 0);
    record->mark.is_foreign = 1;
    cr_assert(judge(&segfault) == CRASH_BY_KILL);
    cr_assert(!crash_record_has_suspects(record) && !*record->last_id);
    cr_assert(record->restarts[CRASH_BY_KILL] == 2 && record->consumers[0].crashes == 0);
}

Test(crash, by_exit_is_one_whatever_its_status)
{
    handle(0, "a");
    mark(CRASH_MARK_EXIT, 0);
    cr_assert(judge(&exit_0) == CRASH_BY_EXIT);
    cr_assert(find("orders", "a")->deaths == 1);
    handle(1, "b"); /* _exit: nobody was asked */
    cr_assert(judge(&exit_0) == CRASH_BY_EXIT);
    cr_assert(find("orders", "b")->deaths == 1);
}

Test(crash, of_a_stuck_lane_accuses_it_only_while_it_is_stuck)
{
    handle(0, "slow");
    handle(1, "busy");
    mark(CRASH_MARK_STUCK, 0);
    cr_assert(judge(&exit_0) == CRASH_BY_STUCK);
    cr_assert(find("orders", "slow")->why == CRASH_BY_STUCK && !find("orders", "busy"));
    handle(1, "late");
    mark(CRASH_MARK_STUCK, -1); /* it came back while all else was settled */
    cr_assert(judge(&exit_0) == CRASH_BY_STUCK);
    cr_assert(!find("orders", "late"));
}

Test(crash, of_a_lane_between_messages_suspects_what_others_have)
{
    handle(0, "a");
    mark(CRASH_MARK_SIGNAL, 1);
    cr_assert(judge(&segfault) == CRASH_BY_SIGNAL);
    cr_assert(find("orders", "a")->deaths == 1);
}

Test(crash, of_a_message_without_an_id_is_known_by_its_body)
{
    const struct wr_message one = message_of("", "{\"n\":1}"), other = message_of("", "{\"n\":2}");
    crash_note_begin(lanes[0], &one);
    mark(CRASH_MARK_SIGNAL, 0);
    (void)judge(&segfault);
    cr_assert(crash_record_find(record, "orders", &one)->deaths == 1);
    cr_assert(!crash_record_find(record, "orders", &other));
}

Test(crash, hash_of_a_body_sees_both_ends_and_the_length)
{
    enum { BYTES = 200000 };
    char *body = calloc(BYTES, 1);
    const struct wr_text text = text_from(body, BYTES);
    const uint64_t hash = crash_body_hash(text);
    cr_assert(hash != crash_body_hash(text_from(body, BYTES - 1)));
    body[BYTES - 1] = 1;
    cr_assert(hash != crash_body_hash(text));
    body[BYTES - 1] = 0;
    body[0] = 1;
    cr_assert(hash != crash_body_hash(text));
    free(body);
}

Test(crash, suspect_that_turned_out_well_is_forgotten)
{
    handle(0, "a");
    (void)judge(&segfault);
    const struct wr_message message = message_of("a", "{}");
    crash_record_acquit(crash_record_find(record, "orders", &message));
    cr_assert(!find("orders", "a") && !crash_record_has_suspects(record));
}

Test(crash, suspects_are_bounded_and_age)
{
    char id[32];
    for (int i = 0; i < CRASH_SUSPECTS + 10; i++) {
        snprintf(id, sizeof id, "m%d", i);
        handle(0, id);
        (void)crash_record_judge(record, &segfault, 1000 + i);
        begin_life();
    }
    cr_assert(!find("orders", "m9") && find("orders", "m10") && find("orders", id));
    handle(0, "new");
    (void)crash_record_judge(record, &segfault, 1000 + CRASH_SUSPECTS + CRASH_FORGET_S);
    cr_assert(find("orders", "new") && find("orders", id) && !find("orders", "m100"));
}

Test(crash, record_that_is_garbage_is_not_trusted)
{
    cr_assert(crash_record_is_well(record));
    record->n_notes = CRASH_NOTES + 1;
    cr_assert(!crash_record_is_well(record));
    crash_record_init(record);
    record->bytes--;
    cr_assert(!crash_record_is_well(record));
    memset(record, 0xff, sizeof *record);
    cr_assert(!crash_record_is_well(record));
}

Test(crash, names_of_the_past_make_room_for_those_of_today)
{
    char name[24];
    for (int i = 0; i < CRASH_CONSUMERS; i++) {
        snprintf(name, sizeof name, "past %d", i);
        crash_record_begin(record);
        (void)crash_record_consumer(record, name);
    }
    crash_record_begin(record);
    lanes[0] = crash_record_note(record, crash_record_consumer(record, "bills"));
    lanes[1] = crash_record_note(record, crash_record_consumer(record, "letters"));
    handle(0, "killer");
    mark(CRASH_MARK_SIGNAL, 0);
    crash_record_judge(record, &segfault, 1000);
    cr_expect(find("bills", "killer"), "whose it was is still known");
    cr_expect_null(find("letters", "killer"));
}

/* Nobody died of it, but it can never be acknowledged in time. */
Test(crash, a_message_that_can_never_be_done_is_blamed_each_time)
{
    const struct wr_message message = message_of("slow", "{}"), nameless = message_of("", "{1}");
    crash_record_blame(record, "orders", &message, CRASH_BY_STUCK, "took 6000 ms", 1000);
    const struct crash_suspect *suspect = find("orders", "slow");
    cr_assert(suspect && suspect->deaths == 1 && suspect->why == CRASH_BY_STUCK);
    crash_record_blame(record, "orders", &message, CRASH_BY_STUCK, "took 7000 ms", 1001);
    cr_assert(suspect->deaths == CRASH_DEATHS && !strcmp(suspect->detail, "took 7000 ms"));
    cr_assert(!find("mails", "slow"));
    crash_record_blame(record, "mails", &nameless, CRASH_BY_STUCK, "took 6000 ms", 1001);
    cr_assert(crash_record_find(record, "mails", &nameless));
    cr_assert(record->restarts[CRASH_BY_STUCK] == 0);
}
