/* SPDX-License-Identifier: Apache-2.0
 *
 * What the net tests share: a small blocking server on a thread, a client that notes all that a wire
 * tells it and runs the loop until a condition holds, and names that resolve as a test wants. */
#ifndef UNIT_NET_SUPPORT_H
#define UNIT_NET_SUPPORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/wire.h"

/* -- servers: `serve` gets each accepted connection in turn; it is closed afterwards -- */

struct server {
    uint16_t port;
    int fd;
    void (*serve)(struct server *server, int fd);
    void *data;
    pthread_t thread;
};

void server_start(struct server *server, void (*serve)(struct server *, int), void *data);
void server_stop(struct server *server); /* once its clients have gone */

void send_all(int fd, const void *from, size_t bytes); /* stops where the peer has gone */
bool receive_all(int fd, void *into, size_t bytes);    /* false: the peer has gone */
void receive_to_end(int fd);

void serve_echo(struct server *server, int fd);
void serve_silence(struct server *server, int fd); /* reads and says nothing */

uint16_t port_without_server(void); /* of 127.0.0.1; kept from others until the test ends */

/* A port of 127.0.0.2 that answers no connect: its queue is full. */
struct silent_port {
    int fds[8];
    uint16_t port;
};
void silent_port_open(struct silent_port *silent, uint16_t port);
void silent_port_close(struct silent_port *silent);

/* -- clients -- */

enum moment { NEVER, ON_OPEN, ON_DATA, ON_RELIEF, ON_CLOSE };

struct client {
    struct loop *loop;
    struct wire *wire;
    struct timer guard;
    bool (*until)(struct client *client);
    bool is_late; /* the condition did not hold in time */

    enum moment frees_in; /* the callback that frees the wire */
    bool keeps;           /* leaves what came in the wire's buffer */
    unsigned opens, pieces, reliefs, closes;
    struct evbuffer *got;
    char why[1300];
    size_t wanted_bytes; /* for until_wanted */
};

/* Zeroed connect_ms is 10 s, host NULL is 127.0.0.1. */
void client_start(struct client *client, struct wire_settings settings);
/* Fails the test where the condition does not hold within 20 s. */
void client_run(struct client *client, bool (*until)(struct client *));
void client_stop(struct client *client);

bool until_open(struct client *client);
bool until_closed(struct client *client);
bool until_freed(struct client *client);
bool until_wanted(struct client *client);
bool until_relief(struct client *client);

/* -- names; others go to the system's resolver --
 * two.test:  127.0.0.2, then 127.0.0.1
 * both.test: ::1, then 127.0.0.1
 * one.test:  127.0.0.1
 * slow.test: 127.0.0.1, once names_let_go() was called */

void names_let_go(void);
bool names_saw_signals_blocked(void); /* in the thread that asked last */
unsigned names_answered(void);        /* questions the resolver is done with */

/* Byte n of a stream that shows every shift and loss. */
unsigned char pattern(size_t n);

#endif
