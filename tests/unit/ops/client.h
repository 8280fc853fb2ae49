/* SPDX-License-Identifier: Apache-2.0
 *
 * A client over a real loopback socket, for dialogues with the server. All waiting has a deadline. */
#ifndef UNIT_OPS_CLIENT_H
#define UNIT_OPS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_DEADLINE_MS 10000
#define CLIENT_BYTES (1 << 20)

struct client {
    int fd;
    bool was_reset;        /* the end was no orderly one */
    size_t n;              /* bytes in `in` */
    char in[CLIENT_BYTES]; /* what has come, NUL-terminated */
};

struct client *client_open(uint16_t port); /* ends the test where it cannot */
void client_close(struct client *client);
void client_send(struct client *client, const char *text);
void client_send_bytes(struct client *client, const char *at, size_t n);
void client_half_close(struct client *client);

bool client_wait_for(struct client *client,
                     const char *part);          /* false at the deadline or the end */
bool client_wait_for_end(struct client *client); /* true: the server has closed */
unsigned client_count(const struct client *client, const char *part);

/* One request on a connection of its own; the whole answer. */
struct client *client_get(uint16_t port, const char *path);

#endif
