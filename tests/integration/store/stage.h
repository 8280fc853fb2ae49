/* SPDX-License-Identifier: Apache-2.0
 *
 * The stage of a dialogue with PostgreSQL: a loop, a schema that is this test's alone, an admin who asks
 * the server directly, and ears that write down what the room says. WAIT_ON runs the loop until
 * something is so, and fails the test where it does not come. */
#ifndef INTEGRATION_STORE_STAGE_H
#define INTEGRATION_STORE_STAGE_H

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <sys/types.h>

#include "base/arena.h"
#include "store/connection.h"
#include "store/store.h"
#include "store/transaction.h"
#include "support/scratch.h"

#define PATIENCE_MS 20000
#define HEARD_MOST 64
#define CONNECT_MS 15000 /* not to be met by a server that is only slow */

struct stage {
    struct loop *loop;
    struct timer tick;
    char url[500]; /* with a schema of its own */
    char schema[40];
    char cluster[SCRATCH_BYTES]; /* directory; "" where the server is not ours */
    int port;
    uint32_t connect_ms; /* of its lines; 0: CONNECT_MS */
    PGconn *admin;       /* superuser, blocking */
};

/* False, and a word on stderr, where there is no DATABASE_URL. */
bool stage_open(struct stage *stage);
/* A server of its own, that may be killed. */
void stage_open_cluster(struct stage *stage);
void stage_close(struct stage *stage);
void stage_turn(struct stage *stage); /* one round of the loop, 20 ms at most */
uint64_t stage_now_ms(void);
/* Runs the cluster's tool: "restart", "kill"; its first line of output as a number. */
int stage_cluster(struct stage *stage, const char *verb, const char *argument);
void stage_admin_again(struct stage *stage);

/* As the admin. The answer of stage_ask lives until the next one. */
void stage_do(struct stage *stage, const char *format, ...) PRINTF_LIKE(2, 3);
const char *stage_ask(struct stage *stage, const char *format, ...) PRINTF_LIKE(2, 3);

#define WAIT_ON(stage, condition)                                                                  \
    do {                                                                                           \
        const uint64_t until_ms_ = stage_now_ms() + PATIENCE_MS;                                   \
        while (!(condition)) {                                                                     \
            cr_assert(stage_now_ms() < until_ms_, "%s:%d: never became so: %s", __FILE__,          \
                      __LINE__, #condition);                                                       \
            stage_turn(stage);                                                                     \
        }                                                                                          \
    } while (0)

/* ---- a connection of its own, and transactions by hand ----------------------------------------- */

struct line {
    struct stage *stage;
    struct store_connection *connection;
    char conninfo[700];
    int readies, losses;
    bool is_deployment;
    char why[1200];
    /* Of the transaction made last: */
    int answers;
    struct store_answer answer;
    struct fence fence;
};

void line_open(struct line *line, struct stage *stage, const char *conninfo);
void line_close(struct line *line);
/* Statements without values, ended by NULL, as one transaction; waits for its answer. */
const struct store_answer *line_run(struct line *line, uint32_t timeout_ms, ...);
void line_start(struct line *line, uint32_t timeout_ms, const char *sql); /* does not wait */
void line_start_steps(struct line *line, uint32_t timeout_ms, const struct parcel_step *steps,
                      size_t n);

/* ---- a store, and parcels of rows (key text, value bigint) -------------------------------------- */

struct crate { /* a parcel and what became of it */
    struct shop *shop;
    struct arena arena;
    struct parcel *parcel;
    bool is_answered;
    int place; /* in the order of answers */
    struct store_answer answer;
};

struct shop {
    struct stage *stage;
    struct store *store;
    char conninfo[700];
    struct sink *sinks[1];
    struct store_target *target;
    int readies, losses, rooms, answers;
    bool is_ready, is_deployment;
    char why[1200];
    struct crate crates[HEARD_MOST];
    unsigned n_crates;
};

/* Table "pair (key text primary key, value bigint not null)", made by shop_make_table. */
void shop_make_table(struct stage *stage);
void shop_open(struct shop *shop, struct stage *stage, const char *conninfo, unsigned connections,
               uint32_t timeout_ms);
void shop_close(struct shop *shop);
/* Keys ended by NULL; each row has `value`. */
struct crate *shop_send(struct shop *shop, int64_t value, ...);

#endif
