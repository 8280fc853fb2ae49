/* SPDX-License-Identifier: Apache-2.0
 *
 * CloudEvents through a real broker, read by the handler that docs/cloudevents.md shows. */
#include <string.h>

#include "integration/outbox/office.h"

#define EXAMPLES TEST_SOURCE "/../docs/examples/cloudevents"

TestSuite(events, .timeout = 120);

static const char *told(const struct play *play)
{
    static char name[120];
    snprintf(name, sizeof name, "%s.told", play->queue);
    return name;
}

static void begin(struct play *play)
{
    char more[300];
    PROVE(play, rabbit_declare(play->rabbit, told(play), "classic", 0, false));
    snprintf(more, sizeof more, "retry: {delays: [100ms], attempts: 2}, options: {to: \"%s\"}",
             told(play));
    play_configure(play, &(struct setup){ .handler = "placed", .consumer = more });
    play_start_ready(play);
}

static void end(struct play *play)
{
    PROVE(play, play_end(play) == 0 && play_left(play) == 0);
    rabbit_delete(play->rabbit, told(play));
    play_close(play);
}

static double settled(const struct play *play, const char *outcome)
{
    return play_metric(play, "warrener_messages_settled_total@,outcome=\"%s\"}", outcome);
}

static void expect_told(struct play *play, const char *words)
{
    struct letter letter;
    PROVE(play, rabbit_get(play->rabbit, told(play), &letter));
    PROVE(play, strcmp(letter.body, words) == 0, "\"%s\" is not \"%s\"", letter.body, words);
}

Test(events, are_read_in_both_forms_and_refused_where_they_are_none)
{
    OPEN(play, "events");
    char output[1024];
    struct letter letter;
    begin(&play);
    const int sent = RUN(&play, output, "publish", "--exchange", "", "--key", play.queue,
                         "--ndjson", EXAMPLES "/messages.ndjson");
    PROVE(&play, sent == 0, "%s", output);
    WAIT(&play, settled(&play, "done") == 2 && settled(&play, "dead") == 1);
    PROVE(&play, play_metric(&play, "warrener_dead_total@,reason=\"undecodable\"}") == 1);
    /* `warrener publish` gives each a message id and a time of its own, which win. */
    PROVE(&play, rabbit_get(play.rabbit, told(&play), &letter));
    PROVE(&play, strstr(letter.body, " from /shop: o-7 costs 1210 at 17"), "%s", letter.body);
    PROVE(&play, rabbit_get(play.rabbit, told(&play), &letter));
    PROVE(&play, strstr(letter.body, " from /shop: o-8 costs 990 at 17"), "%s", letter.body);
    PROVE(&play, rabbit_get(play.rabbit, play.dead, &letter));
    PROVE(&play, strcmp(letter.reason, "undecodable") == 0, "%s", letter.reason);
    PROVE(&play, strstr(letter.detail, "a CloudEvent needs a \"type\""), "%s", letter.detail);
    PROVE(&play, strstr(letter.body, "\"specversion\""), "the letter is the whole event: %s",
          letter.body);
    end(&play);
}

/* Without a message id the event's is the message's, in the copy that a retry makes as well: what is
 * published twice has one id, and the copy is the event as it came. */
Test(events, keep_their_id_over_retries)
{
    OPEN(play, "eventid");
    struct office *office = office_open(NULL);
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG,
        .content_type = amqp_cstring_bytes("application/cloudevents+json"),
    };
    const char *const body = "{\"specversion\":\"1.0\",\"id\":\"e-9\",\"source\":\"/shop\","
                             "\"type\":\"order.placed\",\"subject\":\"o-9\","
                             "\"data\":{\"cents\":0}}";
    begin(&play);
    office_send(office, "", play.queue, &properties, body);
    WAIT(&play, settled(&play, "done") == 1);
    PROVE(&play, settled(&play, "retry") == 1);
    expect_told(&play, "order.placed e-9 from /shop: o-9 costs 0 at 0");
    office_close(office);
    end(&play);
}
