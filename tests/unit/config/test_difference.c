/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs between two configurations. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "config/difference.h"

static char said[2000];

static void tell(void *owner, const char *path)
{
    (void)owner;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s ", path);
}

static struct config *read_text(const char *text)
{
    struct config *config = NULL;
    struct config_faults faults = { 0 };
    cr_assert(config_parse(text_of(text), "w.yaml", &config, &faults), "%s",
              faults.n ? faults.items[0].text : "");
    config_faults_fini(&faults);
    return config;
}

static void expect(const char *a, const char *b, const char *paths)
{
    struct config *one = read_text(a), *other = read_text(b);
    said[0] = '\0';
    config_differ(one, other, tell, NULL);
    cr_assert_str_eq(said, paths);
    config_free(one);
    config_free(other);
}

#define CONSUMER "consumers: [{queue: a, handler: h}]\n"

Test(difference, none_of_what_is_written_otherwise)
{
    expect(CONSUMER, CONSUMER, "");
    expect(CONSUMER, "drain: 25000ms\n" CONSUMER, "");
    expect("log: {level: warn}\n" CONSUMER, "# words\nlog:\n  level: warn\n" CONSUMER, "");
}

Test(difference, of_each_kind_of_value)
{
    expect(CONSUMER, "log: {level: debug}\n" CONSUMER, "log.level ");
    expect(CONSUMER, "memory: 1GiB\n" CONSUMER, "memory ");
    expect(CONSUMER, "http: {listen: \"127.0.0.1:1\"}\n" CONSUMER, "http.listen ");
    expect("amqp: {url: \"amqp://a/\"}\n" CONSUMER, "amqp: {url: \"amqp://b/\"}\n" CONSUMER,
           "amqp.url ");
    expect("amqp: {urls: [\"amqp://a/\"]}\n" CONSUMER, "amqp: {urls: [\"amqp://b/\"]}\n" CONSUMER,
           "amqp.urls ");
    expect(CONSUMER, "consumers: [{queue: a, handler: h, enabled: false}]\n",
           "consumers[0].enabled ");
    expect(CONSUMER, "consumers: [{queue: a, handler: h, options: {x: 1}}]\n",
           "consumers[0].options ");
    expect(CONSUMER, "consumers: [{queue: a, handler: h, retry: {delays: [1s]}}]\n",
           "consumers[0].retry.delays ");
    expect(CONSUMER, "consumers: [{queue: a, handler: h, order_by: routing_key}]\n",
           "consumers[0].order_by ");
}

Test(difference, of_consumers_that_come_and_go)
{
    static const char two[] = "consumers: [{queue: a, handler: h}, {queue: b, handler: h}]\n";
    struct config *one = read_text(CONSUMER), *other = read_text(two);
    said[0] = '\0';
    cr_assert_gt(config_differ(one, other, tell, NULL), 0);
    cr_assert(strstr(said, "consumers[1].queue ") && !strstr(said, "consumers[0]"), "%s", said);
    cr_assert_gt(config_differ(other, one, tell, NULL), 0);
    config_free(one);
    config_free(other);
}

/* The loop stands still meanwhile. */
Test(difference, of_as_many_consumers_as_there_may_be_is_told_at_once)
{
    static char text[64 * 1024];
    size_t n = (size_t)snprintf(text, sizeof text, "memory: 64GiB\nconsumers:\n");
    for (int i = 0; i < 500; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "  - {queue: q%d, handler: h}\n", i);
    struct config *one = read_text(text), *other = read_text(text);
    const uint64_t since_ns = clock_cpu_ns();
    cr_assert_eq(config_differ(one, other, tell, NULL), 0);
    cr_assert_lt(clock_cpu_ns() - since_ns, UINT64_C(500000000));
    config_free(one);
    config_free(other);
}
