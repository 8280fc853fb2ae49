/* SPDX-License-Identifier: Apache-2.0
 *
 * Single keys: types, limits, what is missing or unknown; each fault word for word. */
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

Test(reader, unknown_keys_and_what_was_meant)
{
    static const struct bad cases[] = {
        { GOOD "memroy: 1GiB\n", "w.yaml:2:1: memroy: unknown key; did you mean \"memory\"?\n" },
        { GOOD "heartbeat: 20s\n",
          "w.yaml:2:1: heartbeat: unknown key; did you mean \"amqp.heartbeat\"?\n" },
        { GOOD "xyzzy: {a: 1}\n", "w.yaml:2:1: xyzzy: unknown key\n" },
        { GOOD "\"a\\nb\": 1\n", "w.yaml:2:1: a\\x0ab: unknown key\n" },
        { CONSUMER "    batch: {rowz: 1}\n",
          "w.yaml:4:13: consumers[0].batch.rowz: unknown key; did you mean \"rows\"?\n" },
        { CONSUMER "    bind: [{exchange: e, keys: k}]\n",
          "w.yaml:4:26: consumers[0].bind[0].keys: unknown key; did you mean \"key\"?\n" },
    };
    EXPECT_TOLD(cases);
}

Test(reader, required_keys)
{
    static const struct bad cases[] = {
        { "consumers: []\n", "w.yaml:1:12: consumers: 0 entries; allowed: 1 to 500 of them\n" },
        { "consumers:\n", "w.yaml:1:11: consumers: nothing where a list of maps is expected; "
                          "allowed: 1 to 500 of them\n" },
        { "consumers: x\n", "w.yaml:1:12: consumers: text where a list of maps is expected; "
                            "allowed: 1 to 500 of them\n" },
        { "consumers: [x]\n", "w.yaml:1:13: consumers[0]: text where a map is expected\n" },
        { "consumers:\n  - lanes: 2\n",
          "w.yaml:2:5: consumers[0].queue: is missing; give text: 1 to 190 bytes\n"
          "w.yaml:2:5: consumers[0].handler: is missing; give a handler's name: 1 to 64 of A-Z a-z "
          "0-9 _ -, without path or .so\n" },
        { CONSUMER "    bind: [{key: k}]\n",
          "w.yaml:4:12: consumers[0].bind[0].exchange: is missing; give text: 1 to 255 bytes\n" },
    };
    EXPECT_TOLD(cases);
}

Test(reader, wrong_types)
{
    static const struct bad cases[] = {
        { GOOD "drain:\n", "w.yaml:2:7: drain: has no value; give one or leave the key out; "
                           "allowed: 0s to 1h\n" },
        { GOOD "drain: [1]\n", "w.yaml:2:8: drain: a list where a duration like 20ms, 25s, 1m30s, "
                               "1h or 7d is expected; allowed: 0s to 1h\n" },
        { GOOD "drain: 25\n", "w.yaml:2:8: drain: 25 is not a duration like 20ms, 25s, 1m30s, 1h "
                              "or 7d; allowed: 0s to 1h\n" },
        { GOOD "memory: lots\n", "w.yaml:2:9: memory: \"lots\" is not a size like 64kB, 128KiB or "
                                 "1GiB; allowed: 1MiB to 1TiB\n" },
        { GOOD "log: verbose\n",
          "w.yaml:2:6: log: text where a map is expected; allowed: a map\n" },
        { CONSUMER "    enabled: yes\n", "w.yaml:4:14: consumers[0].enabled: \"yes\" is not a "
                                         "boolean; allowed: true, false\n" },
        { CONSUMER "    lanes: two\n", "w.yaml:4:12: consumers[0].lanes: \"two\" is not a whole "
                                       "number; allowed: 1 to 256\n" },
        { CONSUMER "    prefetch: atuo\n",
          "w.yaml:4:15: consumers[0].prefetch: \"atuo\" is not a whole number; allowed: auto, or 1 "
          "to 5000; did you mean \"auto\"?\n" },
        { CONSUMER "    breaker: {share: 0.9}\n",
          "w.yaml:4:22: consumers[0].breaker.share: \"0.9\" is not a percentage like 90%; allowed: "
          "1% to 100%\n" },
        { CONSUMER "    breaker: maybe\n", "w.yaml:4:14: consumers[0].breaker: text where a map is "
                                           "expected; allowed: off, or a map\n" },
        { CONSUMER "    retry: {delays: 1s}\n",
          "w.yaml:4:21: consumers[0].retry.delays: text where a list of durations like [1s, 10s, "
          "1m] is expected; allowed: 1 to 20 of them, each 100ms to 7d\n" },
        { CONSUMER "    retry: {delays: [1s, x]}\n",
          "w.yaml:4:26: consumers[0].retry.delays[1]: \"x\" is not a duration like 20ms, 25s, "
          "1m30s, 1h or 7d; allowed: 100ms to 7d\n" },
        { CONSUMER "    options: [a]\n",
          "w.yaml:4:14: consumers[0].options: a list where a map of names and values is expected; "
          "allowed: at most 200 of them\n" },
        { CONSUMER "    options: {a: [b], c: , d: 1}\n",
          "w.yaml:4:18: consumers[0].options.a: a list where text is expected; allowed: at most "
          "65536 bytes\n"
          "w.yaml:4:26: consumers[0].options.c: has no value; give one or leave the key out; "
          "allowed: at most 65536 bytes\n" },
        { GOOD "http: {listen: localhost:9187}\n",
          "w.yaml:2:16: http.listen: \"localhost:9187\" is not an address and port; allowed: "
          "ADDRESS:PORT, as in 0.0.0.0:9187 or [::1]:9187\n" },
        { GOOD "http: {listen: \"::1:9187\"}\n",
          "w.yaml:2:16: http.listen: \"::1:9187\" is not an address and port; allowed: "
          "ADDRESS:PORT, as in 0.0.0.0:9187 or [::1]:9187\n" },
    };
    EXPECT_TOLD(cases);
}

Test(reader, limits)
{
    static const struct bad cases[] = {
        { CONSUMER "    prefetch: 0\n", "w.yaml:4:15: consumers[0].prefetch: 0 is out of range; "
                                        "allowed: auto, or 1 to 5000\n" },
        { CONSUMER "    prefetch: 5001\n", "w.yaml:4:15: consumers[0].prefetch: 5001 is out of "
                                           "range; allowed: auto, or 1 to 5000\n" },
        { CONSUMER "    lanes: 256\n    batch: {wait: 4s}\n", "" },
        { CONSUMER "    lanes: 99999999999999999999\n",
          "w.yaml:4:12: consumers[0].lanes: \"99999999999999999999\" is out of range; allowed: 1 "
          "to 256\n" },
        { GOOD "drain: 2h\n", "w.yaml:2:8: drain: \"2h\" is out of range; allowed: 0s to 1h\n" },
        { GOOD "amqp: {heartbeat: 1500ms}\n",
          "w.yaml:2:19: amqp.heartbeat: \"1500ms\" is not "
          "whole seconds; allowed: 1s to 10m, whole seconds\n" },
        { CONSUMER "    retry: {delays: [], attempts: 0}\n",
          "w.yaml:4:21: consumers[0].retry.delays: 0 entries; allowed: 1 to 20 of them, each 100ms "
          "to 7d\n"
          "w.yaml:4:35: consumers[0].retry.attempts: 0 is out of range; allowed: 1 to 1000\n" },
        { GOOD "http: {listen: 1.2.3.4:99999}\n",
          "w.yaml:2:16: http.listen: \"1.2.3.4:99999\" is out of range; allowed: ADDRESS:PORT, as "
          "in 0.0.0.0:9187 or [::1]:9187\n" },
        { GOOD "name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
          "w.yaml:2:7: name: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" "
          "is too long (65 bytes); allowed: 1 to 64 of A-Z a-z 0-9 _ . -\n" },
        { CONSUMER "    bind: [{exchange: \"\"}]\n",
          "w.yaml:4:23: consumers[0].bind[0].exchange: \"\" is empty; allowed: 1 to 255 bytes\n" },
    };
    EXPECT_TOLD(cases);
}

Test(reader, words)
{
    static const struct bad cases[] = {
        { CONSUMER "    declare: quorom\n",
          "w.yaml:4:14: consumers[0].declare: \"quorom\" is not known; allowed: quorum, classic, "
          "none; did you mean \"quorum\"?\n" },
        { GOOD "log: {level: noisy, format: jsno}\n",
          "w.yaml:2:14: log.level: \"noisy\" is not known; allowed: debug, info, warn, error\n"
          "w.yaml:2:29: log.format: \"jsno\" is not known; allowed: text, json; did you mean "
          "\"json\"?\n" },
        { CONSUMER "    order_by: heder:x\n",
          "w.yaml:4:15: consumers[0].order_by: \"heder:x\" is not known; allowed: none, "
          "routing_key, header:NAME, json:FIELD; did you mean \"header:\"?\n" },
        { CONSUMER "    order_by: 'json:'\n",
          "w.yaml:4:15: consumers[0].order_by: \"json:\" is empty; allowed: none, routing_key, "
          "header:NAME, json:FIELD\n" },
        { CONSUMER "    bind: [{exchange: e, type: topik}]\n",
          "w.yaml:4:32: consumers[0].bind[0].type: \"topik\" is not known; allowed: direct, "
          "fanout, "
          "topic, headers, or a plugin's x-...; did you mean \"topic\"?\n" },
        { "consumers: [{queue: q, handler: ../h}]\n",
          "w.yaml:1:33: consumers[0].handler: \"../h\" has a character that cannot stand here; "
          "allowed: 1 to 64 of A-Z a-z 0-9 _ -, without path or .so\n" },
        { "consumers: [{queue: q, handler: h.so}]\n",
          "w.yaml:1:33: consumers[0].handler: \"h.so\" has a character that cannot stand here; "
          "allowed: 1 to 64 of A-Z a-z 0-9 _ -, without path or .so\n" },
    };
    EXPECT_TOLD(cases);
}

Test(reader, faults_are_sorted_and_capped)
{
    char *yaml = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&yaml, &len);
    fputs(GOOD, out);
    for (int i = 0; i < CONFIG_FAULTS_MAX + 7; i++) fprintf(out, "xyzzy_%d: 1\n", i);
    fclose(out);
    char *told = faults_of(yaml, NULL);
    cr_assert_not_null(strstr(told, "w.yaml:101:1: xyzzy_99: unknown key\n"));
    cr_assert_null(strstr(told, "xyzzy_100"));
    cr_assert_not_null(strstr(told, "\nw.yaml: and 7 more\n"));
    free(told);
    free(yaml);
}
