/* SPDX-License-Identifier: Apache-2.0
 *
 * The client of the net tests; see support.h. */
#include <criterion/criterion.h>
#include <event2/buffer.h>
#include <stdio.h>

#include "unit/net/support.h"

/* Test processes end without the sanitizer's own look at leaks. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
static void expect_no_leaks(void)
{
    cr_assert_eq(__lsan_do_recoverable_leak_check(), 0);
}
#else
static void expect_no_leaks(void)
{
}
#endif

static void passed(struct client *client, enum moment moment)
{
    if (moment == client->frees_in) {
        wire_free(client->wire);
        client->wire = NULL;
    }
    if (client->until && client->until(client)) loop_stop(client->loop);
}

static void on_open(void *owner)
{
    struct client *client = owner;
    client->opens++;
    passed(client, ON_OPEN);
}

static void on_data(void *owner, struct evbuffer *in)
{
    struct client *client = owner;
    client->pieces++;
    if (!client->keeps) evbuffer_add_buffer(client->got, in);
    passed(client, ON_DATA);
}

static void on_relief(void *owner)
{
    struct client *client = owner;
    client->reliefs++;
    passed(client, ON_RELIEF);
}

static void on_close(void *owner, const char *why)
{
    struct client *client = owner;
    client->closes++;
    snprintf(client->why, sizeof client->why, "%s", why);
    passed(client, ON_CLOSE);
}

static void on_late(void *owner)
{
    struct client *client = owner;
    client->is_late = true;
    loop_stop(client->loop);
}

void client_start(struct client *client, struct wire_settings settings)
{
    static const struct wire_events events = {
        .on_open = on_open, .on_data = on_data, .on_relief = on_relief, .on_close = on_close
    };
    if (!settings.host) settings.host = "127.0.0.1";
    if (!settings.connect_ms) settings.connect_ms = 10000;
    *client = (struct client){ .loop = loop_new(), .got = evbuffer_new() };
    timer_init(&client->guard, client->loop, on_late, client);
    client->wire = wire_new(client->loop, &settings, &events, client);
}

void client_run(struct client *client, bool (*until)(struct client *))
{
    client->until = until;
    timer_arm_ms(&client->guard, 20000);
    if (!until(client)) loop_run(client->loop);
    cr_assert_not(client->is_late, "opens %u, pieces %u, got %zu, reliefs %u, closes %u: %s",
                  client->opens, client->pieces, evbuffer_get_length(client->got), client->reliefs,
                  client->closes, client->why);
}

void client_stop(struct client *client)
{
    wire_free(client->wire);
    timer_fini(&client->guard);
    loop_free(client->loop);
    evbuffer_free(client->got);
    expect_no_leaks();
}

bool until_open(struct client *client)
{
    return client->opens > 0;
}

bool until_closed(struct client *client)
{
    return client->closes > 0;
}

bool until_freed(struct client *client)
{
    return !client->wire;
}

bool until_wanted(struct client *client)
{
    return evbuffer_get_length(client->got) >= client->wanted_bytes;
}

bool until_relief(struct client *client)
{
    return client->reliefs > 0;
}
