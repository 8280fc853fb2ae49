/* SPDX-License-Identifier: Apache-2.0
 *
 * Cache entries and messages: what is kept, with which verdict, and what is refused. */
#include <string.h>

#include <criterion/criterion.h>

#include "unit/plugin/desk.h"

#define ACT(name) static enum wr_verdict name(struct wr_job *job, UNUSED const struct wr_message *m)

static enum wr_verdict verdict;

static struct wr_text text(const char *cstr)
{
    return (struct wr_text){ cstr, strlen(cstr) };
}

ACT(do_much)
{
    char word[] = "word";
    struct wr_pair headers[] = {
        { .name = text("a"), .text = text(word) },
        { .name = text("b"), .number = 7, .kind = WR_H_INT },
    };
    wr_cache_set(job, text(word), text("value"), 5, 60);
    wr_cache_drop(job, text("gone"), 6);
    wr_publish(job, (struct wr_outgoing){ .exchange = text("events"),
                                          .routing_key = text(word),
                                          .body = text(word),
                                          .headers = headers,
                                          .n_headers = 2,
                                          .priority = 3 });
    wr_publish(job, (struct wr_outgoing){ .routing_key = text("always-1"), .always = true });
    wr_reply(job, (struct wr_outgoing){ .exchange = text("ignored"), .body = text("answer") });
    wr_reply(job, (struct wr_outgoing){ .body = text("always-2"), .always = true });
    memset(word, 'x', sizeof word); /* copied */
    memset(headers, 0, sizeof headers);
    return verdict;
}

static void make(void)
{
    desk_open(do_much);
    desk.message.message.reply_to = text("asker");
    desk.message.message.correlation_id = text("c-1");
}

TestSuite(effects, .init = make, .fini = desk_close);

Test(effects, done_keeps_all)
{
    cr_assert_eq(desk_run(NULL), WR_DONE, "%.*s", TEXT_ARGS(desk.outcome.reason));
    const struct effects *const effects = &desk.outcome.effects;
    cr_expect_eq(effects->n_caches, 2);
    const struct effect_cache *cache = effects->caches;
    expect_text(cache->key, "word");
    expect_text(cache->value, "value");
    cr_expect(cache->version == 5 && cache->ttl_s == 60 && !cache->is_drop);
    cache = cache->next;
    expect_text(cache->key, "gone");
    cr_expect(cache->is_drop && cache->version == 6 && !cache->next);

    cr_expect_eq(effects->n_publishes, 4);
    const struct effect_publish *publish = effects->publishes;
    expect_text(publish->message.exchange, "events");
    expect_text(publish->message.routing_key, "word");
    expect_text(publish->message.body, "word");
    expect_text(publish->message.type, "");
    cr_expect_not_null(publish->message.type.at);
    cr_expect_eq(publish->message.size, sizeof(struct wr_outgoing));
    cr_expect_eq(publish->message.priority, 3);
    cr_expect_not(publish->is_reply);
    cr_assert_eq(publish->message.n_headers, 2);
    expect_text(publish->message.headers[0].name, "a");
    expect_text(publish->message.headers[0].text, "word");
    cr_expect_eq(publish->message.headers[1].number, 7);
    cr_expect_eq(publish->message.headers[1].kind, WR_H_INT);
    publish = publish->next->next;
    cr_expect(publish->is_reply);
    expect_text(publish->message.exchange, "");
    expect_text(publish->message.routing_key, "asker");
    expect_text(publish->message.correlation_id, "c-1");
    expect_text(publish->message.body, "answer");
    cr_expect_null(publish->next->next);
}

Test(effects, reject_keeps_what_is_always)
{
    verdict = WR_REJECT;
    cr_expect_eq(desk_run(NULL), WR_REJECT);
    const struct effects *const effects = &desk.outcome.effects;
    cr_expect_eq(effects->n_publishes, 2);
    expect_text(effects->publishes->message.routing_key, "always-1");
    expect_text(effects->publishes->next->message.body, "always-2");
    cr_expect_null(effects->publishes->next->next);
    cr_expect(effects->n_caches == 0 && !effects->caches);
    verdict = (enum wr_verdict)9;
    cr_expect_eq(desk_run(NULL), WR_REJECT);
    cr_expect_eq(desk.outcome.effects.n_publishes, 2);
}

Test(effects, others_keep_nothing)
{
    static const enum wr_verdict others[] = { WR_RETRY, WR_WAIT };
    for (int i = 0; i < 2; i++) {
        verdict = others[i];
        cr_expect_eq(desk_run(NULL), verdict);
        const struct effects *const effects = &desk.outcome.effects;
        cr_expect(!effects->publishes && !effects->caches && !effects->rows);
        cr_expect(effects->n_publishes == 0 && effects->n_caches == 0);
    }
}

/* ---- refused ------------------------------------------------------------------------------------ */

static char long_text[70000];

static struct wr_text of_length(size_t n)
{
    memset(long_text, 'x', sizeof long_text);
    return (struct wr_text){ long_text, n };
}

ACT(set_for_ever)
{
    wr_cache_set(job, text("k"), text("v"), 1, 0);
    return WR_DONE;
}

ACT(set_no_key)
{
    wr_cache_set(job, (struct wr_text){ NULL, 0 }, text("v"), 1, 1);
    return WR_DONE;
}

ACT(drop_long_key)
{
    wr_cache_drop(job, of_length(1025), 1);
    return WR_DONE;
}

ACT(publish_long_key)
{
    wr_publish(job, (struct wr_outgoing){ .routing_key = of_length(256) });
    return WR_DONE;
}

ACT(publish_longest)
{
    const struct wr_pair header = { .name = of_length(255), .text = of_length(60000) };
    wr_publish(job, (struct wr_outgoing){ .exchange = of_length(255),
                                          .routing_key = of_length(255),
                                          .headers = &header,
                                          .n_headers = 1,
                                          .body = of_length(70000) });
    return WR_DONE;
}

ACT(publish_large_headers)
{
    const struct wr_pair header = { .name = text("h"), .text = of_length(65536) };
    wr_publish(job, (struct wr_outgoing){ .headers = &header, .n_headers = 1 });
    return WR_DONE;
}

ACT(publish_no_name)
{
    const struct wr_pair header = { .text = text("v") };
    wr_publish(job, (struct wr_outgoing){ .headers = &header, .n_headers = 1 });
    return WR_DONE;
}

ACT(publish_odd_kind)
{
    const struct wr_pair header = { .name = text("h"), .kind = (enum wr_kind)7 };
    wr_publish(job, (struct wr_outgoing){ .headers = &header, .n_headers = 1 });
    return WR_DONE;
}

ACT(publish_short)
{
    const struct wr_outgoing message = { .size = 40 };
    job->api->publish(job, &message);
    return WR_DONE;
}

ACT(reply_to_nobody)
{
    wr_reply(job, (struct wr_outgoing){ .body = text("x") });
    return WR_DONE;
}

Test(effects, faults_are_named)
{
    static const struct {
        desk_act *act;
        const char *reason;
    } faults[] = {
        { set_for_ever,
          "wr_cache_set: a ttl of 0 seconds would keep the entry for ever; give one" },
        { set_no_key, "wr_cache_set: the key has 0 bytes, 1 to 1024 are allowed" },
        { drop_long_key, "wr_cache_drop: the key has 1025 bytes, 1 to 1024 are allowed" },
        { publish_long_key, "wr_publish: routing_key has 256 bytes, AMQP allows 255" },
        { publish_large_headers, "wr_publish: the headers have 65545 bytes, 65536 are allowed" },
        { publish_no_name, "wr_publish: a header's name has 0 bytes, 1 to 255 are allowed" },
        { publish_odd_kind, "wr_publish: the header \"h\" is of kind 7, which is none of wr_kind" },
        { publish_short, "wr_publish: the message says it has 40 bytes, ABI 1.0 has 160" },
        { reply_to_nobody, "wr_reply: the message has no reply_to" },
    };
    desk.message.message.reply_to = text("");
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        desk_run(faults[i].act);
        desk_expect_rejected(faults[i].reason);
        cr_expect(!desk.outcome.effects.publishes && !desk.outcome.effects.caches);
    }
    cr_expect_eq(desk_run(publish_longest), WR_DONE);
    cr_expect_eq(desk.outcome.effects.publishes->message.body.len, 70000);
}

ACT(publish_newer)
{
    struct {
        struct wr_outgoing message;
        char later[16];
    } newer = { .message = { .routing_key = text("k") }, .later = "not read" };
    newer.message.size = sizeof newer;
    job->api->publish(job, &newer.message);
    return WR_DONE;
}

Test(effects, a_larger_message_is_cut)
{
    cr_expect_eq(desk_run(publish_newer), WR_DONE);
    cr_expect_eq(desk.outcome.effects.publishes->message.size, sizeof(struct wr_outgoing));
    expect_text(desk.outcome.effects.publishes->message.routing_key, "k");
}
