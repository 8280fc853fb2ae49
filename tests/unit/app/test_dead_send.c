/* SPDX-License-Identifier: Apache-2.0
 *
 * Letters on their way that the broker refuses, many at once with the same words: those are all that
 * were not confirmed yet. */
#include <criterion/criterion.h>

#include "app/dead_inside.h"
#include "base/check.h"

#define LETTERS 3
static const char other_user[] =
    "the broker closed the channel: 406 PRECONDITION_FAILED - user_id property set to 'token' but "
    "authenticated user was 'service'";
static const char no_right[] = "the broker closed the channel: 403 ACCESS_REFUSED - write access "
                               "to exchange 'amq.default' refused";

struct scene {
    struct dead_run run;
    struct dead_task task;
    struct dead_result result;
    struct status status;
    struct letter letters[LETTERS];
};

static void open_scene(struct scene *scene)
{
    struct dead_run *run = &scene->run;
    *scene = (struct scene){ .task = { .verb = DEAD_RETRY, .queue = "login" } };
    run->task = &scene->task;
    run->result = &scene->result;
    run->errand.status = &scene->status;
    run->errand.loop = loop_new();
    run->walk = (struct walk *)(void *)scene; /* there is one */
    run->is_marked = true;
    list_init(&run->waiting);
    list_init(&run->sent);
    for (int i = 0; i < LETTERS; i++) {
        list_init(&scene->letters[i].link);
        scene->letters[i].fate = FATE_SEND;
        list_append(&run->sent, &scene->letters[i].link);
    }
}

static void refuse_all(struct scene *scene, const char *why)
{
    for (int i = 0; i < LETTERS; i++)
        dead_publisher_events.on_outcome(&scene->run, &scene->letters[i], PUBLISH_REFUSED, why);
}

static unsigned count(const struct list *list)
{
    unsigned n = 0;
    LIST_EACH (link, list) n++;
    return n;
}

Test(dead_send, whom_the_broker_knows_by_another_name_sends_without_a_mark)
{
    struct scene scene;
    open_scene(&scene);
    refuse_all(&scene, other_user);
    cr_assert(!scene.run.is_marked && !scene.run.errand.is_over, "%s", scene.status.text);
    cr_assert_eq(count(&scene.run.waiting), LETTERS);
    loop_free(scene.run.errand.loop);
}

Test(dead_send, what_is_refused_for_good_is_not_tried_for_ever)
{
    struct scene scene;
    open_scene(&scene);
    refuse_all(&scene, no_right);
    cr_assert(scene.run.errand.is_over && !scene.run.errand.is_well);
    cr_assert(strstr(scene.status.text, "ACCESS_REFUSED"), "%s", scene.status.text);
    loop_free(scene.run.errand.loop);
}
