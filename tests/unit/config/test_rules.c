/* SPDX-License-Identifier: Apache-2.0
 *
 * What keys mean together; each fault word for word. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "unit/config/config_test.h"

#define GOOD "consumers: [{queue: q, handler: h}]\n"
#define CONSUMER "consumers:\n  - queue: q\n    handler: h\n"

struct bad {
    const char *yaml, *told;
};

static void expect_told(const struct bad *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *told = faults_of(cases[i].yaml, NULL);
        cr_expect_str_eq(told, cases[i].told, "for:\n%s\ntold:\n%s", cases[i].yaml, told);
        free(told);
    }
}
#define EXPECT_TOLD(cases) expect_told(cases, sizeof(cases) / sizeof *(cases))

Test(rules, one_way_to_name_the_broker)
{
    static const struct bad cases[] = {
        { GOOD "amqp: {url: 'amqp://h', host: h}\n",
          "w.yaml:2:31: amqp.host: amqp.url on line 2 names the broker already; give one of: url, "
          "urls, or host with port, vhost, user and password\n" },
        { GOOD "amqp: {urls: ['amqp://h'], port: 7}\n",
          "w.yaml:2:34: amqp.port: goes with amqp.host, which is not given; give that, or put this "
          "into the URL\n" },
        { GOOD "amqp: {urls: ['amqp://h', 'http://h']}\n",
          "w.yaml:2:27: amqp.urls[1]: it does not begin with amqp:// or amqps://\n" },
        { GOOD "amqp: {url: 'amqp://h/a/b'}\n",
          "w.yaml:2:13: amqp.url: its virtual host holds a /; write that as %2F\n" },
        { GOOD "amqp: {url: 'amqp://h/?heartbeat=3'}\n",
          "w.yaml:2:13: amqp.url: it has a ?, and nothing is read from there; settings are keys of "
          "their own\n" },
        { GOOD "amqp: {url: 'amqp:///'}\n", "w.yaml:2:13: amqp.url: it names no host\n" },
        { GOOD "redis: {url: 'redis://h/x'}\npostgres: {url: 'mysql://h/x'}\n",
          "w.yaml:2:14: redis.url: what follows the host is not a database's number, as in /0\n"
          "w.yaml:3:17: postgres.url: it does not begin with postgresql:// or postgres://\n" },
    };
    EXPECT_TOLD(cases);
}

Test(rules, tls)
{
    static const struct bad cases[] = {
        { GOOD "amqp: {url: 'amqp://h', tls: {ca: nowhere.pem}}\n",
          "w.yaml:2:13: amqp.url: amqp.tls is given, but this is not amqps://; change one of "
          "them\n"
          "w.yaml:2:35: amqp.tls.ca: cannot read nowhere.pem: No such file or directory\n" },
        { GOOD "redis: {tls: {}}\n",
          "w.yaml:2:8: redis.url: redis.tls is given, but this is not rediss://; change one of "
          "them\n" },
        { GOOD "amqp: {host: h, tls: {}, auth: external}\n",
          "w.yaml:2:32: amqp.auth: external is a client certificate: it needs amqps:// and "
          "amqp.tls with cert and key\n" },
        { GOOD "amqp: {host: h, auth: external}\n",
          "w.yaml:2:23: amqp.auth: external is a client certificate: it needs amqps:// and "
          "amqp.tls with cert and key\n" },
    };
    EXPECT_TOLD(cases);
}

Test(rules, a_certificate_and_its_key_go_together)
{
    char *directory = make_directory();
    write_file(directory, "c.pem", "");
    char *told = faults_of(GOOD "amqp: {host: h, tls: {cert: c.pem}}\n"
                                "redis: {url: 'rediss://h', tls: {key: c.pem}}\n",
                           directory);
    cr_assert_not_null(
        strstr(told, "w.yaml:2:29: amqp.tls.cert: a certificate needs its private key: give key\n"),
        "%s", told);
    cr_assert_not_null(
        strstr(told,
               "w.yaml:3:39: redis.tls.key: a private key needs its certificate: give cert\n"),
        "%s", told);
    free(told);
    remove_directory(directory);
}

Test(rules, names_and_queues_are_one_consumers)
{
    static const struct bad cases[] = {
        { CONSUMER "  - {queue: q, handler: h}\n",
          "w.yaml:4:13: consumers[1].queue: \"q\" is taken by consumers[0].queue on line 2; a "
          "queue "
          "has one consumer in a host; use lanes for more threads\n" },
        { CONSUMER "  - {queue: r, name: q, handler: h}\n",
          "w.yaml:4:22: consumers[1].name: \"q\" is taken by consumers[0].name on line 2; a name "
          "is "
          "one consumer's identity\n" },
        { CONSUMER "  - {queue: a/b, handler: h}\n",
          "w.yaml:4:5: consumers[1].name: is not given, and the queue \"a/b\" cannot stand for it; "
          "give 1 to 190 of A-Z a-z 0-9 _ . -\n" },
        { CONSUMER "  - {queue: q, handler: h, enabled: false}\n", "" },
        { CONSUMER "    enabled: false\n  - {queue: q, handler: h}\n", "" },
        { CONSUMER "  - {queue: a/b, name: ab, handler: h}\n", "" },
    };
    EXPECT_TOLD(cases);
}

Test(rules, queues_that_are_made_beside_another_are_not_worked_on)
{
    static const struct bad cases[] = {
        { CONSUMER "  - {queue: q.dead, handler: h}\n",
          "w.yaml:4:13: consumers[1].queue: \"q.dead\" is the dead queue of consumers[0].queue on "
          "line 2; to consume its letters, say `declare: none`\n" },
        { CONSUMER "  - {queue: q.dead, handler: h, declare: none}\n", "" },
        { CONSUMER "    enabled: false\n  - {queue: q.dead, handler: h}\n", "" },
        { CONSUMER "  - {queue: q.retry.1s, handler: h, declare: none}\n",
          "w.yaml:4:13: consumers[1].queue: \"q.retry.1s\" is the retry queue of "
          "consumers[0].queue on line 2; messages wait in it, and nobody may take them from "
          "there\n" },
        { CONSUMER "  - {queue: q.retry.2s, handler: h}\n", "" },
        { CONSUMER "    order_by: routing_key\n    timeout: 1s\n"
                   "  - {queue: q.retry.1s, handler: h}\n",
          "" },
    };
    EXPECT_TOLD(cases);
}

Test(rules, names_that_brokers_keep_are_not_given)
{
    static const struct bad cases[] = {
        { "consumers: [{queue: amq.q, handler: h}]\n",
          "w.yaml:1:21: consumers[0].queue: \"amq.q\": brokers keep names that begin with amq. for "
          "themselves, so its dead queue could not be made; name the queue otherwise\n" },
        { CONSUMER "    bind: [{exchange: amq.e, type: topic}, {exchange: amq.topic, type: topic}, "
                   "{exchange: amq.e}]\n",
          "w.yaml:4:23: consumers[0].bind[0].exchange: \"amq.e\": brokers keep names that begin "
          "with amq. for themselves, so it could not be made; name the exchange otherwise, or "
          "leave `type` out\n" },
    };
    EXPECT_TOLD(cases);
}

Test(rules, a_queue_left_alone_is_not_bound)
{
    static const struct bad cases[] = {
        { CONSUMER "    declare: none\n    bind: [{exchange: e}]\n",
          "w.yaml:5:11: consumers[0].bind: declare is none, so the queue is left alone and nothing "
          "is bound; take one of the two away\n" },
    };
    EXPECT_TOLD(cases);
}

Test(rules, ordered_attempts_stay_under_the_brokers_patience)
{
    static const struct bad cases[] = {
        { CONSUMER "    order_by: header:x\n", "" }, /* the defaults: 13m41s */
        { CONSUMER "    order_by: header:x\n    timeout: 45s\n", "" },
        { CONSUMER "    order_by: header:x\n    timeout: 46s\n",
          "w.yaml:4:15: consumers[0].order_by: in order, a message is retried at the head of its "
          "key and keeps it for up to 15m1s (5 timeouts and the delays between them); allowed: "
          "15m; "
          "lower timeout, retry.delays or retry.attempts\n" },
        { CONSUMER "    order_by: routing_key\n    retry: {delays: [1m], attempts: 11}\n",
          "w.yaml:4:15: consumers[0].order_by: in order, a message is retried at the head of its "
          "key and keeps it for up to 15m30s (11 timeouts and the delays between them); allowed: "
          "15m; lower timeout, retry.delays or retry.attempts\n" },
        { CONSUMER "    timeout: 15m\n", "" },
    };
    EXPECT_TOLD(cases);
}

Test(rules, messages_in_hand_fit_into_memory)
{
    static const struct bad cases[] = {
        { CONSUMER "    prefetch: 2048\n", "" }, /* x 128KiB: all of it */
        { CONSUMER "    prefetch: 2049\n",
          "w.yaml:4:15: consumers[0].prefetch: 2049 x max_message 128KiB is 262272KiB, and all "
          "consumers together 262272KiB, but memory is 256MiB; raise memory, or lower prefetch or "
          "max_message\n" },
        { CONSUMER "    prefetch: 1000\n"
                   "  - {queue: r, handler: h, prefetch: 1500}\n"
                   "  - {queue: s, handler: h, prefetch: 5000, enabled: false}\n",
          "w.yaml:5:38: consumers[1].prefetch: 1500 x max_message 128KiB is 192000KiB, and all "
          "consumers together 320000KiB, but memory is 256MiB; raise memory, or lower prefetch or "
          "max_message\n" },
        { CONSUMER "    max_message: 257MiB\n",
          "w.yaml:4:18: consumers[0].max_message: 257MiB is more than this consumer's share of "
          "memory, 256MiB of 256MiB; raise memory, or lower max_message here or prefetch x "
          "max_message elsewhere\n" },
        { CONSUMER "    prefetch: 2048\n  - {queue: r, handler: h}\n",
          "w.yaml:5:5: consumers[1].max_message: 128KiB is more than this consumer's share of "
          "memory, 0B of 256MiB; raise memory, or lower max_message here or prefetch x max_message "
          "elsewhere\n" },
    };
    EXPECT_TOLD(cases);
}
