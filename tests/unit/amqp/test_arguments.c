/* SPDX-License-Identifier: Apache-2.0
 *
 * Queue arguments as the contract lists them, and the broker's words about others. */
#include <criterion/criterion.h>

#include "amqp/arguments.h"
#include "amqp/refusal.h"
#include "amqp/topology.h"

static bool has(const struct arguments *arguments, const char *name, const char *text,
                int64_t number)
{
    for (int i = 0; i < arguments->table.num_entries; i++) {
        const amqp_table_entry_t *entry = &arguments->table.entries[i];
        if (!text_is(codec_text(entry->key), name)) continue;
        return text ? entry->value.kind == AMQP_FIELD_KIND_UTF8 &&
                          text_is(codec_text(entry->value.value.bytes), text)
                    : entry->value.kind == AMQP_FIELD_KIND_I64 && entry->value.value.i64 == number;
    }
    return false;
}

Test(arguments, a_quorum_queue_has_all_of_the_contract)
{
    struct arguments made;
    arguments_make(&made, QUEUE_QUORUM, "q.dead", 100);
    cr_assert(made.table.num_entries == 6);
    cr_assert(has(&made, "x-queue-type", "quorum", 0));
    cr_assert(has(&made, "x-delivery-limit", NULL, 100));
    cr_assert(has(&made, "x-dead-letter-exchange", "", 0));
    cr_assert(has(&made, "x-dead-letter-routing-key", "q.dead", 0));
    cr_assert(has(&made, "x-dead-letter-strategy", "at-least-once", 0));
    cr_assert(has(&made, "x-overflow", "reject-publish", 0));
    arguments_make(&made, QUEUE_QUORUM, "q.dead", DELIVERY_LIMIT_NONE);
    cr_assert(made.table.num_entries == 5 && !has(&made, "x-delivery-limit", NULL, 100));
}

Test(arguments, a_dead_queue_and_a_classic_one_have_theirs)
{
    struct arguments made;
    arguments_make(&made, QUEUE_DEAD, "q.dead", DELIVERY_LIMIT_DEAD);
    cr_assert(made.table.num_entries == 2);
    cr_assert(has(&made, "x-queue-type", "quorum", 0));
    cr_assert(has(&made, "x-delivery-limit", NULL, 1000000));
    arguments_make(&made, QUEUE_CLASSIC, "q.dead", DELIVERY_LIMIT_NONE);
    cr_assert(made.table.num_entries == 4);
    cr_assert(has(&made, "x-queue-type", "classic", 0));
    cr_assert(has(&made, "x-dead-letter-exchange", "", 0));
    cr_assert(has(&made, "x-dead-letter-routing-key", "q.dead", 0));
    cr_assert(has(&made, "x-overflow", "reject-publish", 0));
    char name[16];
    cr_assert(strcmp(topology_dead_name("q", name, sizeof name), "q.dead") == 0);
}

Test(arguments, a_retry_queue_gives_back_what_is_due)
{
    struct arguments made;
    arguments_make(&made, QUEUE_RETRY, "q", 1500);
    cr_assert(made.table.num_entries == 6);
    cr_assert(has(&made, "x-queue-type", "quorum", 0));
    cr_assert(has(&made, "x-message-ttl", NULL, 1500));
    cr_assert(has(&made, "x-dead-letter-exchange", "", 0));
    cr_assert(has(&made, "x-dead-letter-routing-key", "q", 0));
    cr_assert(has(&made, "x-dead-letter-strategy", "at-least-once", 0));
    cr_assert(has(&made, "x-overflow", "reject-publish", 0));
}

Test(arguments, retry_queues_are_named_as_people_say_their_delay)
{
    static const struct {
        uint32_t ms;
        const char *name;
    } cases[] = { { 1000, "q.retry.1s" },    { 10000, "q.retry.10s" },   { 60000, "q.retry.1m" },
                  { 600000, "q.retry.10m" }, { 1500, "q.retry.1500ms" }, { 90000, "q.retry.90s" },
                  { 7200000, "q.retry.2h" }, { 86400000, "q.retry.1d" }, { 1, "q.retry.1ms" },
                  { 5400000, "q.retry.90m" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[40];
        topology_retry_name("q", cases[i].ms, name, sizeof name);
        cr_assert(strcmp(name, cases[i].name) == 0, "%s", name);
    }
}

#define BEGIN "PRECONDITION_FAILED - inequivalent arg "

Test(arguments, a_difference_is_read_however_it_is_worded)
{
    static const struct {
        const char *words, *argument, *wanted, *current;
    } cases[] = {
        { BEGIN "'x-delivery-limit' for queue 'Q' in vhost '/': received '100' but current is '20'",
          "x-delivery-limit", "100", "20" },
        { BEGIN "'x-delivery-limit' for queue 'Q' in vhost '/': received the value '100' of type "
                "'long' but current is none",
          "x-delivery-limit", "100", "none" },
        { BEGIN "'x-queue-type' for queue 'it's' in vhost 'a b': received none but current is the "
                "value 'classic' of type 'longstr'",
          "x-queue-type", "none", "classic" },
        { BEGIN
          "'x-dead-letter-routing-key' for queue 'Q' in vhost '/': received 'it's' but current "
          "is ''",
          "x-dead-letter-routing-key", "it's", "" },
        { BEGIN "'type' for exchange 'E' in vhost '/': received 'topic' but current is 'direct'",
          "type", "topic", "direct" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct difference got;
        cr_assert(difference_read(text_of(cases[i].words), &got), "%s", cases[i].words);
        cr_assert(strcmp(got.argument, cases[i].argument) == 0, "%s", got.argument);
        cr_assert(strcmp(got.wanted, cases[i].wanted) == 0, "%s", got.wanted);
        cr_assert(strcmp(got.current, cases[i].current) == 0, "%s", got.current);
    }
}

Test(arguments, other_words_are_no_difference)
{
    static const char *const others[] = {
        "",
        "PRECONDITION_FAILED - unknown delivery tag 3",
        "inequivalent arg '",
        BEGIN "'x",
        BEGIN "'x' for queue 'Q' in vhost '/': received",
        BEGIN "'x' received '1' but current is",
    };
    struct difference got;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_assert(!difference_read(text_of(others[i]), &got), "%s", others[i]);
}

static const struct refusal limit = {
    .code = 406,
    .queue = "login.events",
    .vhost = "/",
    .words = BEGIN "'x-delivery-limit' for queue 'login.events' in vhost '/': received '100' but "
                   "current is '20'",
};

Test(refusal, another_delivery_limit_gives_the_policy_that_mends_it)
{
    char warning[512];
    int64_t current;
    cr_assert(refusal_is_limit(&limit, 100, &current, warning, sizeof warning));
    cr_assert(current == 20);
    cr_assert(strstr(warning, "queue 'login.events' was made with x-delivery-limit 20, not 100"),
              "%s", warning);
    cr_assert(strstr(warning, "rabbitmqctl set_policy -p / delivery-limit '^login\\.events$' "
                              "'{\"delivery-limit\":100}' --apply-to queues"),
              "%s", warning);

    struct refusal other = limit;
    other.words =
        BEGIN "'x-delivery-limit' for queue 'q' in vhost '/': received '100' but current is none";
    cr_assert(refusal_is_limit(&other, 100, &current, warning, sizeof warning));
    cr_assert(current == DELIVERY_LIMIT_NONE);
    other.words = BEGIN "'x-overflow' for queue 'q' in vhost '/': received '1' but current is '2'";
    cr_assert(!refusal_is_limit(&other, 100, &current, warning, sizeof warning));
    other = limit;
    other.code = 404;
    cr_assert(!refusal_is_limit(&other, 100, &current, warning, sizeof warning));
}

Test(refusal, each_kind_names_the_thing_and_the_way_out)
{
    static const struct {
        struct refusal refusal;
        const char *says[3];
    } cases[] = {
        { { 406,
            BEGIN
            "'x-queue-type' for queue 'Q' in vhost '/': received 'quorum' but current is 'classic'",
            NULL, "Q", "/", false },
          { "queue 'Q' has x-queue-type 'classic' on the broker, not 'quorum'", "delete_queue Q",
            "declare: none" } },
        { { 406,
            BEGIN "'x-queue-type' for queue 'Q.dead' in vhost '/': received 'quorum' but current "
                  "is 'classic'",
            NULL, "Q.dead", "/", true },
          { "queue 'Q.dead'", "delete_queue Q.dead", "" } },
        { { 406,
            BEGIN "'type' for exchange 'E' in vhost '/': received 'topic' but current is 'direct'",
            "E", NULL, "/", false },
          { "exchange 'E' has type 'direct' on the broker, not 'topic'", "bind", "" } },
        { { 406, "PRECONDITION_FAILED - something new", NULL, "Q", "/", false },
          { "something new", "'Q'", "" } },
        { { 404, "NOT_FOUND - no queue 'Q' in vhost '/'", NULL, "Q", "/", false },
          { "queue 'Q' does not exist in vhost '/'", "declare: quorum", "" } },
        { { 404, "NOT_FOUND - no exchange 'E' in vhost '/'", "E", "Q", "/", false },
          { "exchange 'E' does not exist", "`type`", "" } },
        { { 403, "ACCESS_REFUSED - access to queue 'Q' in vhost '/' refused for user 'u'", NULL,
            "Q", "/", false },
          { "refused for user 'u'", "rabbitmqctl set_permissions -p /", "" } },
        { { 403, "ACCESS_REFUSED - exchange name 'amq.e' contains reserved prefix 'amq.*'", "amq.e",
            NULL, "/", false },
          { "exchange name 'amq.e'", "name it otherwise", "" } },
        { { 405, "RESOURCE_LOCKED - …", NULL, "Q", "/", false },
          { "queue 'Q' is exclusive to another connection", "", "" } },
        { { 541, "INTERNAL_ERROR", NULL, "Q", "/", false }, { "541 INTERNAL_ERROR", "", "" } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct status status = { 0 };
        refusal_explain(&cases[i].refusal, &status);
        for (int j = 0; j < 3; j++)
            cr_assert(strstr(status.text, cases[i].says[j]), "%zu, %d: %s", i, j, status.text);
    }
}
