/* SPDX-License-Identifier: Apache-2.0
 *
 * The stage of a dialogue: a loop, two connections to the broker at AMQP_URL, a queue that is this
 * test's alone, and ears that write down what the room says. WAIT runs the loop until something is
 * so, and fails the test where it does not come. */
#ifndef INTEGRATION_AMQP_STAGE_H
#define INTEGRATION_AMQP_STAGE_H

#include <criterion/criterion.h>

#include "amqp/channel.h"
#include "amqp/consumer.h"
#include "amqp/publisher.h"
#include "amqp/topology.h"

#define HEARD_MOST 256
#define PATIENCE_MS 20000

struct line { /* a connection and what it said */
    struct amqp_connection *connection;
    struct amqp_server server;
    int readies, losses, ends;
    bool is_refusal;
    char why[1200];
};

struct heard {
    uint64_t tag, epoch;
    char *body;
    size_t bytes;
    bool is_whole, redelivered;
    char id[80], exchange[80], key[80], shop[80];
    int64_t timestamp_ms;
    uint8_t priority, delivery_mode;
};

enum habit { KEEPS, ACKS, FREES_AT_MESSAGE, FREES_AT_BEGIN, PAUSES_AT_BEGIN, REFUSES };

struct ear { /* a consumer and what it said */
    struct stage *stage;
    struct consumer *consumer;
    enum habit habit;
    struct heard heard[HEARD_MOST];
    int begun, whole, torn, oversize, batches, subscribed, unsubscribed, warned;
    uint64_t epoch;
    char why[1200], warning[512];
};

struct stage {
    struct loop *loop;
    struct timer tick;
    struct line consume, publish;
    struct channel *admin; /* on `publish`, to make and drop things by hand */
    bool admin_answered;
    uint16_t admin_refusal;
    uint32_t admin_messages; /* in the queue that was looked at last */
    struct publisher *publisher;
    int outcomes[5]; /* by enum publish_outcome */
    int rooms, publisher_losses;
    char outcome_why[1200];
    void *last_token;
    char queue[100], dead[120];
    struct topology topology;
};

/* False (and a line on stderr) where there is no broker to talk to. */
bool stage_open(struct stage *stage, const char *name);
void stage_close(struct stage *stage);

void stage_turn(struct stage *stage); /* one round of the loop, 20 ms at most */
uint64_t stage_now_ms(void);

#define WAIT_ON(stage, condition)                                                                  \
    do {                                                                                           \
        const uint64_t until_ms = stage_now_ms() + PATIENCE_MS;                                    \
        while (!(condition)) {                                                                     \
            cr_assert(stage_now_ms() < until_ms, "%s:%d: never became so: %s", __FILE__, __LINE__, \
                      #condition);                                                                 \
            stage_turn(stage);                                                                     \
        }                                                                                          \
    } while (0)

/* Fills a server from the environment's URL `name`; false where it is unset. */
bool stage_server(const char *name, struct amqp_server *out);
void line_open(struct stage *stage, struct line *line, const char *name);
void line_close(struct stage *stage, struct line *line);

struct ear *ear_open(struct stage *stage, enum habit habit, uint16_t prefetch, uint64_t most_bytes);
void ear_close(struct ear *ear);

void stage_send(struct stage *stage, const char *id, struct wr_text body); /* and confirmed */
uint32_t stage_count(struct stage *stage, const char *queue);              /* ready messages */
bool stage_exists(struct stage *stage, const char *queue);
void stage_drop(struct stage *stage, const char *queue);
void stage_declare(struct stage *stage, amqp_queue_declare_t *declare);
void stage_drop_exchange(struct stage *stage, const char *exchange);
/* Runs the broker's own tool; false where the environment does not offer it. */
bool stage_broker_ctl(const char *command, const char *argument);

#endif
