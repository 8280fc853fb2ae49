/* SPDX-License-Identifier: Apache-2.0
 *
 * warrener try, run as a program in a pipe: its lines and its exit status. The bundled workers' samples
 * go through their workers here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

static char output[16384];

/* Both outputs into `output`; the exit status. */
static int sh(const char *words)
{
    char line[2048];
    snprintf(line, sizeof line,
             "exec 2>&1; W=" TEST_WORKERS " S=" TEST_SOURCES " P=" TEST_PLUGINS " E=" TEST_SOURCES
             "/../docs/examples; %s",
             words);
    FILE *const pipe = popen(line, "re");
    cr_assert(pipe);
    output[fread(output, 1, sizeof output - 1, pipe)] = '\0';
    const int status = pclose(pipe);
    cr_assert(WIFEXITED(status), "%s", output);
    return WEXITSTATUS(status);
}

#define TRY TEST_WARRENER " try "

/* "microseconds" is of the day. */
static void cut_times(void)
{
    for (char *at; (at = strstr(output, ",\"microseconds\":"));) {
        char *const end = strchr(at, '}');
        memmove(at, end, strlen(end) + 1);
    }
}

static void expect(const char *words, int exit, const char *expected)
{
    const int ended = sh(words);
    cut_times();
    cr_expect_eq(ended, exit, "%s: %d: %s", words, ended, output);
    cr_expect_str_eq(output, expected);
}

static void expect_part(const char *words, int exit, const char *part)
{
    const int ended = sh(words);
    cr_expect_eq(ended, exit, "%s: %d: %s", words, ended, output);
    cr_expect(strstr(output, part), "%s: no \"%s\" in: %s", words, part, output);
}

#define NOTHING "\"rows\":[],\"cache\":[],\"publishes\":[],"
#define NTH(n) "\"line\":" #n ",\"id\":\"0194f0c8-7c1e-7a3b-9d2e-00000000000" #n "\","

/* As docs/cloudevents.md shows it. */
Test(try, reads_cloudevents)
{
    expect(TRY "$P/placed.so --option to=told --ndjson $E/cloudevents/messages.ndjson", 1,
           "{\"line\":1,\"verdict\":\"done\",\"rows\":[],\"cache\":[],\"publishes\":[{\"key\":"
           "\"told\",\"body\":\"order.placed e-1 from /shop: o-7 costs 1210 at "
           "1767323045000\"}],\"counters\":{}}\n"
           "{\"line\":2,\"verdict\":\"done\",\"rows\":[],\"cache\":[],\"publishes\":[{\"key\":"
           "\"told\",\"body\":\"order.placed e-2 from /shop: o-8 costs 990 at "
           "1767323045000\"}],\"counters\":{}}\n"
           "{\"line\":3,\"verdict\":\"reject\",\"reason\":\"a CloudEvent needs a \\\"type\\\" that "
           "is text, and not empty\"," NOTHING "\"counters\":{}}\n");
}

Test(try, tells_a_line_a_message)
{
    expect(
        TRY "$W/tally.so --ndjson $S/tally/samples/messages.json", 1,
        "{" NTH(
            1) "\"verdict\":\"done\"," NOTHING "\"counters\":{\"login_ok\":1}}\n"
               "{" NTH(
                   2) "\"verdict\":\"done\"," NOTHING "\"counters\":{\"login_failed\":1}}\n"
                      "{" NTH(
                          3) "\"verdict\":\"done\"," NOTHING "\"counters\":{\"logout\":1}}\n"
                             "{" NTH(
                                 4) "\"verdict\":\"done\"," NOTHING "\"counters\":{\"other\":1}}\n"
                                    "{" NTH(5) "\"verdict\":\"reject\",\"reason\":\"field "
                                               "\\\"kind\\\" is missing\"," NOTHING
                                               "\"counters\":{}}\n"
                                               "{" NTH(6) "\"verdict\":\"reject\",\"reason\":\"the "
                                                          "body is not JSON: at byte 0: a value "
                                                          "was expected\"," NOTHING
                                                          "\"counters\":{}}\n");
}

Test(try, tells_rows_with_their_columns)
{
    expect(
        "head -n 1 $S/login_collect/samples/messages.json | " TRY
        "$W/login_collect --option table=sales.Events",
        0,
        "{\"line\":1,\"id\":\"01976f00-0000-7000-8000-000000000001\",\"verdict\":\"done\","
        "\"rows\":[{\"sink\":0,\"table\":\"sales.Events\",\"columns\":{"
        "\"event_id\":\"01976f00-0000-7000-8000-000000000001\",\"user_id\":42,\"kind\":\"login_"
        "ok\","
        "\"at\":\"2026-01-02 03:04:05.678+00\",\"ip\":\"10.1.2.3\",\"session_ms\":null,"
        "\"ua\":\"Mozilla/5.0\",\"details\":null}}],\"cache\":[],\"publishes\":[],\"counters\":{}}"
        "\n");
    expect_part(TRY "$W/login_collect.so --ndjson $S/login_collect/samples/messages.json", 0,
                "\"details\":{\"why\":\"password\"}}}]");
    expect_part(TRY "$W/login_stats.so --ndjson $S/login_stats/samples/messages.json", 0,
                "\"day\":\"2026-01-02\",\"logins\":0,\"failures\":0,\"logouts\":1,"
                "\"session_ms\":3354322,");
}

Test(try, takes_a_body_and_properties)
{
    expect_part("F=$(mktemp); echo '{\"kind\":\"logout\"}' >$F; " TRY
                "$W/tally.so --message $F --property id=x; E=$?; rm $F; exit $E",
                0, "\"line\":1,\"id\":\"x\",\"verdict\":\"done\"");
    expect_part("F=$(mktemp); printf '{\\n\"body\":{\"kind\":\"logout\"}}' >$F; " TRY
                "$W/tally.so --message $F; E=$?; rm $F; exit $E",
                0, "\"logout\":1");
    expect_part("echo '{\"body\":{}}' | " TRY "$W/login_stats.so --property attempt=0", 64,
                "--property attempt=0: a whole number above 0 was expected");
    expect_part("echo '{\"body\":{}}' | " TRY "$W/login_stats.so --property tipe=0", 64,
                "--property: \"tipe\" is no key of a message; did you mean \"type\"?");
    expect_part("echo '{\"body\":{}}' | " TRY "$W/login_stats.so --property tipe", 64,
                "--property \"tipe\": NAME=VALUE was expected");
}

Test(try, counts_and_shows_one_call_of_many)
{
    expect_part("echo '{\"body\":{\"kind\":\"logout\"}}' | " TRY "$W/tally.so --repeat 50", 0,
                "\"counters\":{\"logout\":1},");
}

Test(try, says_what_is_wrong)
{
    expect_part(TEST_WARRENER " help try", 0, "warrener try HANDLER.so");
    expect_part(TEST_WARRENER " help tyr", 64, "did you mean \"try\"?");
    expect_part(TRY, 64, "HANDLER.so is missing");
    expect_part(TRY "$W/tally.so $W/tally.so", 64, "is not known here");
    expect_part(TRY "$W/tall.so", 78, "tall.so: there is no such file; did you mean \"tally\"?");
    expect_part(TRY "$W/tally.so --option feild=x", 78, "did you mean \"field\"?");
    expect_part(TRY "$P/bad_open_words.so", 78, "the oracle is not at home");
    expect_part("echo '{\"bodi\":{}}' | " TRY "$W/tally.so", 64,
                "standard input:1: \"bodi\" is no key of a message; did you mean \"body\"?");
    expect_part("echo '{\"expiration\":\"soon\",\"body\":{}}' | " TRY "$W/tally.so", 64,
                "standard input:1: \"expiration\" is \"soon\"; allowed: milliseconds as text");
    expect_part("echo '{\"body\":{}}' | " TRY "$W/tally.so --property expiration=-1", 64,
                "\"expiration\" is \"-1\"; allowed: milliseconds");
    expect_part("printf '\\n\\n' | " TRY "$W/tally.so", 64,
                "standard input holds no message, so nothing was tried");
    expect_part(TRY "$W/tally.so --ndjson /dev/null", 64, "/dev/null holds no message");
    expect_part(TRY "$W/tally.so --ndjson /nonexistent", 64, "/nonexistent: No such file");
    expect_part(TRY "$W/tally.so --message /nonexistent", 64, "/nonexistent: No such file");
}

#define LIMIT(loads)                                                                               \
    "F=$(mktemp); printf '%s\\n' " loads " >$F; "                                                  \
    "printf '{\"body\":{\"user\":\"%s\",\"cents\":50}}\\n' 7 8 9 | " TRY                           \
    "$P/limit.so --loads $F; E=$?; rm $F; exit $E"

Test(try, answers_loaders_from_a_file)
{
    expect(LIMIT("'{\"loader\":\"users\",\"key\":\"7\",\"version\":3,\"value\":{\"limit\":50}}' "
                 "'{\"loader\":0,\"key\":\"8\",\"value\":\"{\\\"limit\\\":49}\"}'"),
           1,
           "{\"line\":1,\"verdict\":\"done\",\"reason\":\"the limit is 50, version 3\",\"loads\":"
           "[{\"loader\":\"users\",\"key\":\"7\",\"found\":true}]," NOTHING "\"counters\":{}}\n"
           "{\"line\":2,\"verdict\":\"reject\",\"reason\":\"the limit is 49, version 1\",\"loads\":"
           "[{\"loader\":\"users\",\"key\":\"8\",\"found\":true}]," NOTHING "\"counters\":{}}\n"
           "{\"line\":3,\"verdict\":\"retry\",\"reason\":\"nobody\",\"loads\":"
           "[{\"loader\":\"users\",\"key\":\"9\",\"found\":false}]," NOTHING "\"counters\":{}}\n");
    expect_part(LIMIT("'' '{\"loader\":\"user\"}'"), 64,
                ":2: the handler has no loader \"user\"; it has \"users\"");
    expect_part(LIMIT("'{\"loader\":\"users\",\"key\":\"7\"}'"), 64, ":1: \"value\" is missing");
    expect_part(LIMIT("'{\"loader\":1,\"key\":\"7\"}'"), 64, "the handler has 1");
}

#define CARELESS(...)                                                                              \
    "printf '{\"id\":\"m-1\",\"body\":\"%s\"}\\n' " __VA_ARGS__ " | " TRY "$P/careless.so"
#define ABORTED 134

Test(try, names_what_careless_handlers_do)
{
    expect_part(
        CARELESS("fine"), 0,
        "wr_option: the handler asks for the option \"undeclared\", which it does not declare");
    expect_part(
        CARELESS("'kept host'"), ABORTED,
        "the handler careless calls with a host that is not its own now: it kept the pointer "
        "beyond the call");
    expect_part(CARELESS("keep"), ABORTED,
                "the handler careless calls with a job that is not its own now");
    expect_part(CARELESS("fine crash"), ABORTED,
                "warrener: SIGABRT in the handler, with the message of standard input:2 (m-1)\n");
    cr_expect(strstr(output, "{\"line\":1,"), "what was told before is lost: %s", output);
}

Test(try, tells_what_handlers_log)
{
    static const char who[] = "  handler=careless queue=trial lane=0 message_id=m-1\n";
    static const char *const lines[] = { " warn  handler   it is late",
                                         " error handler   of no level" };
    sh(CARELESS("log"));
    for (int i = 0; i < 2; i++) {
        const char *const at = strstr(output, lines[i]);
        const char *const end = at ? strstr(at, who) : NULL;
        cr_expect(end && !memchr(at, '\n', (size_t)(end - at)), "no \"%s\" in: %s", lines[i],
                  output);
    }
    cr_expect(strstr(output, "it is late\\nby 7"), "not one line: %s", output);
    cr_expect(!strstr(output, "nobody asked"), "%s", output);
}

/* AddressSanitizer ends it; without, it reads what is nobody's text. */
Test(try, frees_what_was_lent)
{
    sh(CARELESS("keep 'kept text'"));
    cr_expect(!strstr(output, "kept: m-1"), "%s", output);
}
