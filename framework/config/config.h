/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration as the host uses it: read once, whole, and never changed. Texts point into the
 * configuration. What may be secret (URLs, users, passwords) is kept as it stands in the file, with
 * its ${...} unfilled, and is filled in afresh by config_resolve_amqp() at each connect, so that
 * mounted secrets rotate and none of them stays in memory.
 *
 * How consumers share `memory`: each enabled consumer with a prefetch of its own takes
 * prefetch x max_message; what is left is cut into equal parts for those on `auto`, and a part
 * divided by max_message bounds that consumer's prefetch. So the sum never passes `memory`. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "config/faults.h"

#define CONFIG_PREFETCH_MAX 5000
#define CONFIG_ORDERED_MAX_MS (15 * 60 * 1000) /* the broker's own consumer timeout is 30 minutes */

enum config_auth { CONFIG_AUTH_PLAIN, CONFIG_AUTH_EXTERNAL };
enum config_on_failure { CONFIG_DEGRADE, CONFIG_HOLD };
enum config_declare { CONFIG_DECLARE_QUORUM, CONFIG_DECLARE_CLASSIC, CONFIG_DECLARE_NONE };
enum config_order {
    CONFIG_ORDER_NONE,
    CONFIG_ORDER_ROUTING_KEY,
    CONFIG_ORDER_HEADER,
    CONFIG_ORDER_JSON
};

/* Lists: a pointer to the entries, then their number. */
struct config_templates {
    const char **at;
    size_t n;
};

struct config_durations {
    int64_t *at_ms;
    size_t n;
};

struct config_order_by {
    enum config_order kind;
    const char *field; /* of header and json; else NULL */
};

struct config_address {
    const char *host; /* an IP address */
    uint16_t port;    /* 0: any free one */
};

struct config_tls {
    bool is_given;
    bool verify;
    const char *ca, *cert, *key; /* paths, from the file's directory; NULL: none */
};

struct config_option {
    const char *name, *value;
    int line, column; /* of the value */
    int name_line, name_column;
};

struct config_options {
    struct config_option *at;
    size_t n;
};

struct config_bind {
    const char *exchange, *key;
    const char *type; /* declared as this; NULL: what is there is used */
};

struct config_binds {
    struct config_bind *at;
    size_t n;
};

struct config_consumer {
    const char *queue, *name, *handler;
    bool enabled;
    enum config_declare declare;
    struct config_binds bind;
    int64_t lanes;
    int64_t max_message_bytes;
    int64_t prefetch; /* as configured; 0: auto. See config_prefetch() */
    struct {
        int64_t rows, wait_ms;
    } batch;
    struct config_order_by order_by;
    int64_t timeout_ms;
    struct {
        struct config_durations delays;
        int64_t attempts;
    } retry;
    int64_t delivery_limit;
    struct {
        bool is_on;
        int64_t share_percent, of, rest_ms;
    } breaker;
    struct config_options options;
};

struct config_consumers {
    struct config_consumer *at;
    size_t n;
};

struct config {
    const char *file, *directory; /* as named to us, and where relative paths start */
    const char *name;
    const char *state; /* NULL: none kept */
    int64_t drain_ms;
    int64_t memory_bytes;
    struct {
        const char *url; /* a template; NULL where urls or host are given */
        struct config_templates urls;
        const char *host, *vhost;    /* NULL host: url or urls are given */
        int64_t port;                /* 0: the scheme's */
        const char *user, *password; /* templates */
        enum config_auth auth;
        int64_t heartbeat_ms; /* whole seconds */
        struct config_tls tls;
    } amqp;
    struct {
        bool is_given;
        const char *url, *migrate_url; /* templates; migrate_url NULL: url */
        int64_t connections, timeout_ms;
    } postgres;
    struct {
        bool is_given;
        const char *url; /* a template */
        struct config_tls tls;
        int64_t timeout_ms;
        enum config_on_failure on_failure;
    } redis;
    struct {
        struct config_address listen;
    } http;
    struct {
        enum wr_level level;
        enum log_format format;
    } log;
    struct {
        int64_t keep_ms;
    } inbox;
    const char *plugins;
    struct config_consumers consumers;
};

/* FILE of -c, else $WARRENER_CONFIG, else warrener.yaml. */
const char *config_find(const char *argument);

/* Reads and checks everything. False where there is any fault: all of them are then in `faults`
 * (zeroed by the caller, who gives it to config_faults_fini), sorted. */
bool config_load(const char *path, struct config **out, struct config_faults *faults) MUST_USE;
/* The same for who needs no more than some top keys (ends with NULL; NULL: all): what is wrong
 * elsewhere is passed over, and has its defaults. `sections` outlives the faults. */
bool config_load_part(const char *path, const char *const *sections, struct config **out,
                      struct config_faults *faults) MUST_USE;
/* All of a text that is in memory already. */
bool config_parse(struct wr_text text, const char *path, struct config **out,
                  struct config_faults *faults) MUST_USE;
void config_free(struct config *config); /* NULL is fine */

/* A fault found later (a handler that cannot be loaded, an option it does not know), told like the
 * others: `field` points to a member inside `config`, such as &consumer->handler. Sort and write the
 * faults afterwards. */
void config_blame(const struct config *config, struct config_faults *faults, const void *field,
                  const char *format, ...) PRINTF_LIKE(4, 5);

/* Where a field stands: "consumers[0].handler", from 1; where it is not given, its section's place. */
struct config_place {
    const void *field;
    const char *path;
    int line, column;
    bool is_given;
};
const struct config_place *config_place_of(const struct config *config, const void *field);

/* How many messages this enabled consumer may have in hand, 1 to 5000: its own prefetch, or for
 * `auto` rows x (2 x connections + 2) within 1000..5000 where the handler has sinks, else
 * 50 x lanes; never more than its share of `memory` divided by max_message. */
uint32_t config_prefetch(const struct config *config, const struct config_consumer *consumer,
                         bool has_sinks);

/* A broker to connect to, with its secrets: wipe it (explicit_bzero) after use. */
struct config_server {
    char host[256];
    uint16_t port;
    char vhost[256];
    char user[256];
    char password[8192]; /* tokens are long */
    bool is_tls;
    bool is_external; /* SASL EXTERNAL: user and password are not used */
};

/* How many brokers there are to choose from; then one of them, with variables and files read now.
 * The fault names file, line and key, and no secret. */
size_t config_amqp_servers(const struct config *config);
bool config_resolve_amqp(const struct config *config, size_t nth, struct config_server *out,
                         struct status *status) MUST_USE;

/* Where Redis is, with variables and files read now. Wipe it after use. */
struct config_redis {
    char host[256];
    uint16_t port;
    char user[256], password[8192]; /* "": none */
    unsigned database;
    bool is_tls;
};
bool config_resolve_redis(const struct config *config, struct config_redis *out,
                          struct status *status) MUST_USE;

/* The database's URL, with variables and files read now; of `migrate`, the direct one. Wipe it after
 * use. */
bool config_resolve_postgres(const struct config *config, bool migrate, char *out, size_t bytes,
                             struct status *status) MUST_USE;

#endif
