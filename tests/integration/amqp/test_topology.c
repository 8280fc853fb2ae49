/* SPDX-License-Identifier: Apache-2.0
 *
 * Queues that are made, compared and refused. */
#include <unistd.h>

#include "amqp/arguments.h"
#include "integration/amqp/stage.h"

#define OPEN(name)                                                                                 \
    struct stage stage;                                                                            \
    if (!stage_open(&stage, name)) return

static struct topology_report report;
static int answers;

static void on_answer(void *owner, const struct topology_report *said)
{
    (void)owner;
    report = *said;
    answers++;
}

static void run(struct stage *stage, enum topology_aim aim)
{
    answers = 0;
    cr_assert(topology_start(stage->consume.connection, &stage->topology, aim, on_answer, NULL));
    cr_assert(answers == 0, "never from inside");
    WAIT_ON(stage, answers > 0);
    cr_assert(report.done == (report.fault.text[0] == '\0'));
}

static void make(struct stage *stage, const char *queue, enum queue_role role, int64_t limit)
{
    struct arguments arguments;
    arguments_make(&arguments, role, stage->dead, limit);
    amqp_queue_declare_t declare = { .queue = codec_cstr(queue),
                                     .durable = 1,
                                     .arguments = arguments.table };
    stage_declare(stage, &declare);
    cr_assert(stage->admin_refusal == 0);
}

Test(topology, makes_the_queue_its_dead_queue_and_bindings_and_is_content_with_them)
{
    OPEN("make");
    char exchange[120];
    snprintf(exchange, sizeof exchange, "%s.x", stage.queue);
    const struct topology_binding bindings[] = { { exchange, "topic", "a.*" },
                                                 { exchange, NULL, "b.#" } };
    stage.topology.bindings = bindings;
    stage.topology.n_bindings = 2;
    for (int i = 0; i < 2; i++) {
        run(&stage, TOPOLOGY_MAKE);
        cr_assert(report.done && !report.warning[0], "%s%s", report.fault.text, report.warning);
    }
    cr_assert(stage_exists(&stage, stage.queue) && stage_exists(&stage, stage.dead));

    static const char *const keys[] = { "a.1", "b.2.3", "c" };
    for (int i = 0; i < 3; i++) {
        struct amqp_outgoing message = { .exchange = text_of(exchange),
                                         .routing_key = text_of(keys[i]),
                                         .mandatory = true };
        struct status status = { 0 };
        WAIT_ON(&stage, publisher_has_room(stage.publisher));
        cr_assert(publisher_send(stage.publisher, &message, NULL, &status));
    }
    WAIT_ON(&stage, publisher_pending(stage.publisher) == 0);
    cr_assert(stage.outcomes[PUBLISH_CONFIRMED] == 2 && stage.outcomes[PUBLISH_RETURNED] == 1);
    stage_drop_exchange(&stage, exchange);
    stage_close(&stage);
}

Test(topology, another_delivery_limit_is_a_warning)
{
    OPEN("limit");
    make(&stage, stage.queue, QUEUE_QUORUM, 20);
    run(&stage, TOPOLOGY_MAKE);
    cr_assert(report.done, "%s", report.fault.text);
    cr_assert(strstr(report.warning, "x-delivery-limit 20, not 100"), "%s", report.warning);
    cr_assert(strstr(report.warning, "rabbitmqctl set_policy"), "%s", report.warning);
    cr_assert(strstr(report.warning, stage.queue), "%s", report.warning);
    stage_close(&stage);
}

Test(topology, a_queue_without_a_delivery_limit_is_a_warning_too)
{
    OPEN("nolimit");
    make(&stage, stage.queue, QUEUE_QUORUM, DELIVERY_LIMIT_NONE);
    make(&stage, stage.dead, QUEUE_DEAD, 7);
    run(&stage, TOPOLOGY_MAKE);
    cr_assert(report.done, "%s", report.fault.text);
    cr_assert(strstr(report.warning, "x-delivery-limit none, not 100"), "%s", report.warning);
    stage_close(&stage);
}

Test(topology, another_type_is_a_fault_that_names_both)
{
    OPEN("type");
    make(&stage, stage.queue, QUEUE_CLASSIC, DELIVERY_LIMIT_NONE);
    run(&stage, TOPOLOGY_MAKE);
    cr_assert(!report.done && !report.is_unmade);
    cr_assert(strstr(report.fault.text, stage.queue), "%s", report.fault.text);
    cr_assert(strstr(report.fault.text, "x-queue-type 'classic' on the broker, not 'quorum'"), "%s",
              report.fault.text);
    cr_assert(strstr(report.fault.text, "declare: none"), "%s", report.fault.text);
    cr_assert(stage.consume.losses == 0);
    stage_close(&stage);
}

Test(topology, other_dead_lettering_is_a_fault_that_names_both)
{
    OPEN("dlx");
    struct arguments arguments;
    arguments_make(&arguments, QUEUE_CLASSIC, "elsewhere", DELIVERY_LIMIT_NONE);
    amqp_queue_declare_t declare = { .queue = codec_cstr(stage.queue),
                                     .durable = 1,
                                     .arguments = arguments.table };
    stage_declare(&stage, &declare);
    stage.topology.declare = TOPOLOGY_CLASSIC;
    run(&stage, TOPOLOGY_MAKE);
    cr_assert(!report.done);
    cr_assert(strstr(report.fault.text, "x-dead-letter-routing-key 'elsewhere'"), "%s",
              report.fault.text);
    cr_assert(strstr(report.fault.text, stage.dead), "%s", report.fault.text);
    stage_close(&stage);
}

Test(topology, a_classic_queue_is_made_where_that_is_asked)
{
    OPEN("classic");
    stage.topology.declare = TOPOLOGY_CLASSIC;
    for (int i = 0; i < 2; i++) {
        run(&stage, TOPOLOGY_MAKE);
        cr_assert(report.done && !report.warning[0], "%s%s", report.fault.text, report.warning);
    }
    stage_close(&stage);
}

Test(topology, exchanges_are_compared_and_missed)
{
    OPEN("exchange");
    const struct topology_binding bindings[] = { { "amq.topic", "direct", "k" } };
    stage.topology.bindings = bindings;
    stage.topology.n_bindings = 1;
    run(&stage, TOPOLOGY_MAKE);
    cr_assert(strstr(report.fault.text, "exchange 'amq.topic' has type 'topic' on the broker, not "
                                        "'direct'"),
              "%s", report.fault.text);

    const struct topology_binding missing[] = { { "not.there", NULL, "k" } };
    stage.topology.bindings = missing;
    run(&stage, TOPOLOGY_MAKE);
    cr_assert(strstr(report.fault.text, "exchange 'not.there' does not exist"), "%s",
              report.fault.text);
    run(&stage, TOPOLOGY_CHECK); /* nobody would make it */
    cr_assert(!report.is_unmade && strstr(report.fault.text, "exchange 'not.there' does not exist"),
              "%s", report.fault.text);

    const struct topology_binding reserved[] = { { "amq.nope", "topic", "k" } };
    stage.topology.bindings = reserved;
    run(&stage, TOPOLOGY_MAKE);
    cr_assert(strstr(report.fault.text, "ACCESS_REFUSED"), "%s", report.fault.text);
    stage_close(&stage);
}

Test(topology, a_queue_of_others_is_left_alone_but_gets_its_dead_queue)
{
    OPEN("none");
    stage.topology.declare = TOPOLOGY_NONE;
    run(&stage, TOPOLOGY_MAKE);
    cr_assert(strstr(report.fault.text, stage.queue), "%s", report.fault.text);
    cr_assert(!stage_exists(&stage, stage.queue));
    make(&stage, stage.queue, QUEUE_CLASSIC, DELIVERY_LIMIT_NONE);
    run(&stage, TOPOLOGY_MAKE);
    cr_assert(report.done, "%s", report.fault.text);
    cr_assert(stage_exists(&stage, stage.dead));
    stage_close(&stage);
}

Test(topology, an_exclusive_queue_is_told_as_such)
{
    OPEN("exclusive");
    amqp_queue_declare_t declare = { .queue = codec_cstr(stage.queue), .exclusive = 1 };
    stage_declare(&stage, &declare);
    stage.topology.declare = TOPOLOGY_NONE;
    run(&stage, TOPOLOGY_MAKE);
    cr_assert(!report.done && strstr(report.fault.text, "exclusive to another connection"), "%s",
              report.fault.text);
    stage_close(&stage);
}

Test(topology, checking_makes_nothing_and_compares_what_is_there)
{
    OPEN("check");
    run(&stage, TOPOLOGY_CHECK);
    cr_assert(report.is_unmade && !report.done);
    cr_assert(!stage_exists(&stage, stage.queue) && !stage_exists(&stage, stage.dead));
    run(&stage, TOPOLOGY_MAKE);
    run(&stage, TOPOLOGY_CHECK);
    cr_assert(report.done && !report.warning[0], "%s%s", report.fault.text, report.warning);
    stage.topology.delivery_limit = 55;
    run(&stage, TOPOLOGY_CHECK);
    cr_assert(report.done && strstr(report.warning, "x-delivery-limit 100, not 55"), "%s",
              report.warning);
    stage.topology.declare = TOPOLOGY_CLASSIC;
    run(&stage, TOPOLOGY_CHECK);
    cr_assert(!report.done && strstr(report.fault.text, "on the broker, not"), "%s",
              report.fault.text);
    stage_close(&stage);
}

Test(topology, checking_looks_behind_what_is_missing)
{
    OPEN("check-all");
    static const uint32_t delays_ms[] = { 1000 };
    char retry[160], exchange[120], expected[600];
    snprintf(exchange, sizeof exchange, "%s.x", stage.queue);
    const struct topology_binding bindings[] = { { exchange, "topic", "k" } };
    topology_retry_name(stage.queue, delays_ms[0], retry, sizeof retry);
    stage.topology.bindings = bindings;
    stage.topology.n_bindings = 1;
    stage.topology.delays_ms = delays_ms;
    stage.topology.n_delays = 1;
    run(&stage, TOPOLOGY_CHECK);
    snprintf(expected, sizeof expected, "%s, %s, %s, %s", exchange, stage.dead, retry, stage.queue);
    cr_assert_str_eq(report.fault.text, expected);
    make(&stage, stage.queue, QUEUE_CLASSIC, DELIVERY_LIMIT_NONE);
    run(&stage, TOPOLOGY_CHECK);
    cr_assert(!report.is_unmade &&
                  strstr(report.fault.text, "x-queue-type 'classic' on the broker"),
              "%s", report.fault.text);
    stage_drop(&stage, stage.queue);
    make(&stage, retry, QUEUE_DEAD, 7);
    run(&stage, TOPOLOGY_CHECK);
    cr_assert(!report.is_unmade && strstr(report.fault.text, retry), "%s", report.fault.text);
    stage_drop(&stage, retry);
    stage_close(&stage);
}

Test(topology, a_fault_keeps_the_consumer_waiting_and_is_mended_by_itself)
{
    OPEN("mend");
    make(&stage, stage.queue, QUEUE_CLASSIC, DELIVERY_LIMIT_NONE);
    struct ear *ear = ear_open(&stage, ACKS, 10, 1000);
    WAIT_ON(&stage, strstr(consumer_fault(ear->consumer), "x-queue-type"));
    cr_assert(ear->subscribed == 0 && ear->unsubscribed == 0);
    stage_drop(&stage, stage.queue);
    WAIT_ON(&stage, ear->subscribed == 1);
    cr_assert(consumer_fault(ear->consumer)[0] == '\0');
    ear_close(ear);
    stage_close(&stage);
}

Test(topology, makes_retry_queues_that_give_back_what_expires)
{
    OPEN("retry");
    static const uint32_t delays_ms[] = { 300, 60000 };
    char brief[160], minute[160];
    topology_retry_name(stage.queue, delays_ms[0], brief, sizeof brief);
    topology_retry_name(stage.queue, delays_ms[1], minute, sizeof minute);
    stage.topology.delays_ms = delays_ms;
    stage.topology.n_delays = 2;
    run(&stage, TOPOLOGY_CHECK);
    cr_assert(!report.done && report.is_unmade && !stage_exists(&stage, brief));
    run(&stage, TOPOLOGY_MAKE);
    cr_assert(report.done, "%s", report.fault.text);
    cr_assert(stage_exists(&stage, brief) && stage_exists(&stage, minute));
    run(&stage, TOPOLOGY_CHECK);
    cr_assert(report.done, "%s", report.fault.text);

    struct amqp_outgoing message = { .routing_key = text_of(brief), .mandatory = true };
    struct status status = { 0 };
    WAIT_ON(&stage, publisher_has_room(stage.publisher));
    cr_assert(publisher_send(stage.publisher, &message, NULL, &status));
    WAIT_ON(&stage, stage.outcomes[PUBLISH_CONFIRMED] == 1);
    WAIT_ON(&stage, stage_count(&stage, stage.queue) == 1);
    stage_drop(&stage, brief);
    stage_drop(&stage, minute);
    stage_close(&stage);
}

Test(topology, mends_what_is_beside_the_queue_and_nothing_else)
{
    OPEN("mend");
    static const uint32_t delays_ms[] = { 1500 };
    char retry[160];
    topology_retry_name(stage.queue, delays_ms[0], retry, sizeof retry);
    stage.topology.delays_ms = delays_ms;
    stage.topology.n_delays = 1;
    run(&stage, TOPOLOGY_MEND);
    cr_assert(report.done, "%s", report.fault.text);
    cr_assert(stage_exists(&stage, stage.dead) && stage_exists(&stage, retry));
    cr_assert(!stage_exists(&stage, stage.queue));
    stage_drop(&stage, retry);
    stage_close(&stage);
}

Test(topology, a_retry_queue_of_another_make_is_a_fault)
{
    OPEN("retry-other");
    static const uint32_t delays_ms[] = { 1000 };
    char retry[160];
    topology_retry_name(stage.queue, delays_ms[0], retry, sizeof retry);
    make(&stage, retry, QUEUE_DEAD, 7);
    stage.topology.delays_ms = delays_ms;
    stage.topology.n_delays = 1;
    run(&stage, TOPOLOGY_MAKE);
    cr_assert(!report.done && strstr(report.fault.text, retry), "%s", report.fault.text);
    cr_assert(!strstr(report.fault.text, "declare: none"), "%s", report.fault.text);
    stage_drop(&stage, retry);
    stage_close(&stage);
}

Test(topology, may_be_given_up_at_any_moment)
{
    OPEN("cancel");
    for (int turns = 0; turns < 15; turns++) {
        answers = 0;
        struct topology_work *work = topology_start(stage.consume.connection, &stage.topology,
                                                    TOPOLOGY_MAKE, on_answer, NULL);
        for (int i = 0; i < turns && answers == 0; i++) stage_turn(&stage);
        if (answers == 0) topology_cancel(work);
    }
    run(&stage, TOPOLOGY_MAKE);
    cr_assert(report.done && stage.consume.losses == 0);
    stage_close(&stage);
}
