/* SPDX-License-Identifier: Apache-2.0
 *
 * A shop for these tests: hosts with cart_keep, products, and carts as they should be, as the tables have
 * them and as the cache has them, which can be compared. */
#ifndef FAULTS_CART_SHOP_H
#define FAULTS_CART_SHOP_H

#include "pantry.h"

#define SHOP_PRODUCTS 40
#define SHOP_HOSTS_MOST 4

struct shop {
    struct pantry pantry;
    pid_t others[SHOP_HOSTS_MOST]; /* hosts beside the play's own */
    unsigned n_others;
    char at[40]; /* of all events: now */
};

/* Users are numbered from 0. */
struct cart {
    long seq;
    char touched_at[40], ver[24]; /* ver: of a table */
    unsigned quantity[SHOP_PRODUCTS];
};

bool shop_is_full(void); /* WARRENER_FAULTS=full */

/* With tables and products, and `hosts` of them ready. False: passed over. */
bool shop_open(struct shop *shop, const char *name, unsigned hosts, const char *consumer);
void shop_close(struct shop *shop);
void shop_kill_host(struct shop *shop, unsigned nth); /* of the others; a new one takes its place */
/* When all that was sent is settled; the hosts end. Nothing is left in the queue. */
void shop_end_hosts(struct shop *shop);

/* A message as a line; `sku` and `quantity` are for items. */
void shop_print(const struct shop *shop, FILE *file, const char *type, unsigned user, long seq,
                unsigned sku, unsigned quantity);
FILE *shop_begin(const struct shop *shop);   /* the file of messages */
pid_t shop_publish(const struct shop *shop); /* it, from another process */
void shop_await_published(struct shop *shop, pid_t publisher);

/* Carts as the tables have them, n of them: the test's to free. */
struct cart *shop_carts(struct shop *shop, unsigned n);
/* How many users' entries in the cache are not those carts, word for word. */
unsigned shop_compare_cache(struct shop *shop, const struct cart *carts, unsigned n);

#endif
