/* SPDX-License-Identifier: Apache-2.0
 *
 * What the host's own files share: host.c (boot and end), link.c (its connections), report.c (what it
 * tells the board), drain.c (how it stops). */
#ifndef APP_HOST_INSIDE_H
#define APP_HOST_INSIDE_H

#include "app/brokers.h"
#include "app/caretaker.h"
#include "app/depths.h"
#include "app/host.h"
#include "app/standing.h"
#include "app/telemetry.h"
#include "app/topologies.h"
#include "flow/crew.h"
#include "flow/outbox.h"
#include "metrics/metrics.h"
#include "net/loop.h"
#include "ops/board.h"
#include "ops/site.h"

/* One connection to the broker, by role. */
struct link {
    struct host *host;
    const char *role; /* "consume", "publish" */
    struct brokers brokers;
    struct amqp_connection *connection;
    struct standing standing;
    void (*on_closed)(struct host *host);
};

/* The database, where a handler needs one. */
struct depot {
    struct host *host;
    struct store *store; /* NULL: none is needed */
    char conninfo[2048]; /* of the last try; wiped when it is over */
    struct standing standing;
    struct standing_metrics metrics;
    struct query pulse; /* asked now and then: a server that stands still is not ready */
    struct timer pulse_timer;
};

/* The cache, where one is configured. */
struct larder {
    struct host *host;
    struct cache *cache;        /* NULL: there is none */
    struct repairer *repairer;  /* NULL: messages are held */
    struct config_redis server; /* of the last try; wiped when it is over */
    char shown[320];
    struct standing standing;
    struct standing_metrics metrics;
};

struct post {
    const struct config_consumer *consumer;
    const struct plugin *plugin;
    struct topology_lists lists;
    struct topology topology; /* of `lists` */
    char *tag;                /* "NAME.Q" */
    char *handler;            /* "name/version" */
    struct pulse **pulses;
    struct crash_note **notes;
    struct crew *crew;
};

/* HASTY: told twice, nothing is waited for. */
enum drain_step { DRAIN_NOT, DRAIN_FINISHING, DRAIN_CLOSING, DRAIN_OVER, DRAIN_HASTY };

struct host {
    const struct config *config;
    struct supervised *self;
    struct loop *loop;
    struct metrics *metrics;
    struct board *board;
    struct site *site;
    char listen[320]; /* "127.0.0.1:9187" */
    struct link consume, publish;
    struct outbox *outbox;
    struct alone *alone;
    struct telemetry *telemetry; /* NULL: none */
    struct depot depot;
    struct caretaker caretaker;
    struct larder larder;
    struct cache_reader *reader; /* of all consumers, with or without a cache */
    bool needs_store;            /* a handler does, not only what repairs the cache */
    struct post *posts;
    size_t n_posts;
    struct depths depths;
    struct signal_watch on_term, on_int, on_hup;
    struct timer tick, report, drain;
    uint64_t tick_due_ns; /* when the next tick should come */
    struct histogram *loop_lag;
    struct standing_metrics broker; /* of both its connections */
    enum drain_step drain_step;
    bool has_stuck;  /* a lane: the drain is for that, and the host starts anew */
    bool is_told;    /* to end, during such a drain */
    unsigned closed; /* connections that have said goodbye */
    uint64_t drain_deadline_ms;
};

void link_init(struct link *link, struct host *host, const char *role);
void link_open(struct link *link);
void link_fini(struct link *link);

void depot_open(struct depot *depot, struct host *host);
void depot_close(struct depot *depot);

bool larder_needs_store(const struct config *config);
void larder_open(struct larder *larder, struct host *host); /* after the depot */
void larder_close(struct larder *larder);                   /* after the crews */

void report_start(struct host *host);
void report_stop(struct host *host);

void reload_start(struct host *host);
void reload_stop(struct host *host);

void drain_start(struct host *host);
void drain_stop(struct host *host);
void drain_begin(struct host *host); /* nothing is begun any more */

void watchdog_look(struct host *host); /* now and then */
_Noreturn void watchdog_end(void);     /* where has_stuck, after the drain */

#endif
