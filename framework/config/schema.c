/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of keys; see schema.h. Keys stand in the order of the documentation, each section right
 * before its keys. Defaults are written as in a file and read by the same code. */
#include "config/schema.h"

#include <stdio.h>

#include "base/check.h"
#include "base/units.h"
#include "config/config.h"

#define MS INT64_C(1)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define TIB (1024 * 1024 * MIB)

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TOP(member) .offset = offsetof(struct config, member)
#define CONSUMER(member) .offset = offsetof(struct config_consumer, member)
#define BIND(member) .offset = offsetof(struct config_bind, member)
#define NOWHERE .offset = SCHEMA_NO_FIELD

#define TLS_FILE_HELP ", a PEM file; read again at each connect"

/* clang-format off */
const struct schema_key schema_keys[] = {
    { "name", SCHEMA_NAME, TOP(name), .least = 1, .most = 64, .fallback_note = "the host name",
      .help = "The host's name: connections and consumer tags begin with it, so it is what the RabbitMQ admin UI shows." },
    { "state", SCHEMA_PATH, TOP(state), .least = 1, .most = 4000, .fallback_note = "none",
      .help = "A directory for the crash record and the like. Without one nothing is remembered across containers." },
    { "drain", SCHEMA_DURATION, TOP(drain_ms), "25s", 0, HOUR,
      .help = "How long SIGTERM waits for what is in flight to be finished and acknowledged. Keep it below the pod's grace period." },
    { "memory", SCHEMA_SIZE, TOP(memory_bytes), "256MiB", MIB, TIB,
      .help = "Hard bound on the bytes of messages in hand. The sum of prefetch x max_message over all enabled consumers stays within it." },

    { "amqp", SCHEMA_SECTION, NOWHERE,
      .help = "The broker. One host is one virtual host. Give `url`, or `urls`, or `host` with what belongs to it." },
    { "amqp.url", SCHEMA_SECRET, TOP(amqp.url), "${AMQP_URL:-amqp://guest:guest@127.0.0.1:5672/}", 1, 8192,
      .help = "amqp:// or amqps://USER:PASSWORD@HOST:PORT/VHOST; no path, or a slash alone, is the virtual host `/`." },
    { "amqp.urls", SCHEMA_SECRETS, TOP(amqp.urls), NULL, 1, 8192, .entries_most = 64, .fallback_note = "none",
      .help = "Several of them, of one cluster: tried in random order." },
    { "amqp.host", SCHEMA_TEXT, TOP(amqp.host), NULL, 1, 253, .fallback_note = "none",
      .help = "The broker's name or address, in place of a URL. With `tls` the connection is encrypted." },
    { "amqp.port", SCHEMA_INT, TOP(amqp.port), NULL, 1, 65535, .fallback_note = "5672, with tls 5671",
      .help = "Goes with `host`." },
    { "amqp.vhost", SCHEMA_TEXT, TOP(amqp.vhost), NULL, 1, 255, .fallback_note = "/",
      .help = "Goes with `host`." },
    { "amqp.user", SCHEMA_SECRET, TOP(amqp.user), NULL, 1, 255, .fallback_note = "guest",
      .help = "Goes with `host`." },
    { "amqp.password", SCHEMA_SECRET, TOP(amqp.password), NULL, 0, 8191, .fallback_note = "guest",
      .help = "Goes with `host`; `${file:/run/secrets/amqp}` follows a mounted secret." },
    { "amqp.auth", SCHEMA_CHOICE, TOP(amqp.auth), "plain", .words = WORDS("plain", "external"),
      .help = "How to log in: with user and password, or with the client certificate of `tls`." },
    { "amqp.heartbeat", SCHEMA_DURATION, TOP(amqp.heartbeat_ms), "20s", SECOND, 10 * MINUTE, .flags = SCHEMA_WHOLE_SECONDS,
      .help = "A broker silent for two of these is given up. The broker may ask for less." },
    { "amqp.tls", SCHEMA_SECTION, TOP(amqp.tls.is_given),
      .help = "For amqps:// or `host`: TLS 1.2 or newer." },
    { "amqp.tls.ca", SCHEMA_PATH, TOP(amqp.tls.ca), NULL, 1, 4000, .fallback_note = "the system's",
      .help = "Who may sign the broker's certificate" TLS_FILE_HELP "." },
    { "amqp.tls.cert", SCHEMA_PATH, TOP(amqp.tls.cert), NULL, 1, 4000, .fallback_note = "none",
      .help = "Our own certificate" TLS_FILE_HELP ". Goes with `key`." },
    { "amqp.tls.key", SCHEMA_PATH, TOP(amqp.tls.key), NULL, 1, 4000, .fallback_note = "none",
      .help = "Its private key" TLS_FILE_HELP "." },
    { "amqp.tls.verify", SCHEMA_BOOL, TOP(amqp.tls.verify), "true",
      .help = "Check the certificate and the host name in it. `false` is for trying things out." },

    { "postgres", SCHEMA_SECTION, TOP(postgres.is_given),
      .help = "PostgreSQL; only where a handler needs it. One host is one database." },
    { "postgres.url", SCHEMA_SECRET, TOP(postgres.url), "${DATABASE_URL:-postgresql://127.0.0.1/warrener}", 1, 8192,
      .help = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE." },
    { "postgres.migrate_url", SCHEMA_SECRET, TOP(postgres.migrate_url), NULL, 1, 8192, .fallback_note = "`url`",
      .help = "For `migrate`: a direct connection (no pooler between) that may change tables." },
    { "postgres.connections", SCHEMA_INT, TOP(postgres.connections), "1", 1, 64,
      .help = "How many batches may be committed at a time." },
    { "postgres.timeout", SCHEMA_DURATION, TOP(postgres.timeout_ms), "30s", 100 * MS, 10 * MINUTE,
      .help = "Deadline of one batch." },

    { "redis", SCHEMA_SECTION, TOP(redis.is_given),
      .help = "The cache. Without this section there is none, and loaders read PostgreSQL." },
    { "redis.url", SCHEMA_SECRET, TOP(redis.url), "${REDIS_URL:-redis://127.0.0.1:6379/0}", 1, 8192,
      .help = "redis:// or, for TLS, rediss://USER:PASSWORD@HOST:PORT/DATABASE. Cluster is refused." },
    { "redis.tls", SCHEMA_SECTION, TOP(redis.tls.is_given), .help = "For rediss://: TLS 1.2 or newer." },
    { "redis.tls.ca", SCHEMA_PATH, TOP(redis.tls.ca), NULL, 1, 4000, .fallback_note = "the system's",
      .help = "Who may sign the server's certificate" TLS_FILE_HELP "." },
    { "redis.tls.cert", SCHEMA_PATH, TOP(redis.tls.cert), NULL, 1, 4000, .fallback_note = "none",
      .help = "Our own certificate" TLS_FILE_HELP ". Goes with `key`." },
    { "redis.tls.key", SCHEMA_PATH, TOP(redis.tls.key), NULL, 1, 4000, .fallback_note = "none",
      .help = "Its private key" TLS_FILE_HELP "." },
    { "redis.tls.verify", SCHEMA_BOOL, TOP(redis.tls.verify), "true",
      .help = "Check the certificate and the host name in it." },
    { "redis.timeout", SCHEMA_DURATION, TOP(redis.timeout_ms), "2s", 10 * MS, MINUTE,
      .help = "Deadline of one command." },
    { "redis.on_failure", SCHEMA_CHOICE, TOP(redis.on_failure), "degrade", .words = WORDS("degrade", "hold"),
      .help = "While Redis is away: go on and repair the cache later, or acknowledge nothing until the cache is written." },

    { "http", SCHEMA_SECTION, NOWHERE, .help = "Health, metrics and the status page." },
    { "http.listen", SCHEMA_ADDRESS, TOP(http.listen), "127.0.0.1:9187",
      .help = "Where to listen; in pods `0.0.0.0:9187`. Port 0 takes a free one and logs it." },

    { "log", SCHEMA_SECTION, NOWHERE, .help = "The log, on stderr." },
    { "log.level", SCHEMA_CHOICE, TOP(log.level), "info", .words = WORDS("debug", "info", "warn", "error"),
      .help = "The least level that is written." },
    { "log.format", SCHEMA_CHOICE, TOP(log.format), "text", .words = WORDS("text", "json"),
      .help = "For people, or for machines." },

    { "inbox", SCHEMA_SECTION, NOWHERE, .help = "The table of message ids that `once` sinks have seen." },
    { "inbox.keep", SCHEMA_DURATION, TOP(inbox.keep_ms), "7d", HOUR, 366 * DAY,
      .help = "How long a repeated message is still known for one." },

    { "plugins", SCHEMA_PATH, TOP(plugins), "./build/workers", 1, 4000,
      .help = "The directory where handler names are looked up." },

    { "consumers", SCHEMA_SECTIONS, TOP(consumers), .flags = SCHEMA_REQUIRED, .entries_most = 500,
      .entry_bytes = sizeof(struct config_consumer), .fallback_note = "required",
      .help = "The queues to work on; at least one." },
    { "consumers[].queue", SCHEMA_TEXT, CONSUMER(queue), NULL, 1, 190, .flags = SCHEMA_REQUIRED,
      .help = "The queue to consume." },
    { "consumers[].name", SCHEMA_NAME, CONSUMER(name), NULL, 1, 190, .fallback_note = "the queue",
      .help = "Its identity in the inbox and in metrics: keep it when the queue is renamed." },
    { "consumers[].enabled", SCHEMA_BOOL, CONSUMER(enabled), "true",
      .help = "`false` leaves it out, but still checks it." },
    { "consumers[].handler", SCHEMA_HANDLER, CONSUMER(handler), NULL, 1, 64, .flags = SCHEMA_REQUIRED,
      .help = "The handler: `login_collect` is `login_collect.so` in `plugins`." },
    { "consumers[].declare", SCHEMA_CHOICE, CONSUMER(declare), "quorum", .words = WORDS("quorum", "classic", "none"),
      .help = "Make the queue as this type, or use what is there. Classic queues count no deliveries and lose their dead letters more easily." },
    { "consumers[].bind", SCHEMA_SECTIONS, CONSUMER(bind), .entries_most = 100,
      .entry_bytes = sizeof(struct config_bind), .fallback_note = "none",
      .help = "Exchanges to bind the queue to." },
    { "consumers[].bind[].exchange", SCHEMA_TEXT, BIND(exchange), NULL, 1, 255, .flags = SCHEMA_REQUIRED,
      .help = "The exchange." },
    { "consumers[].bind[].type", SCHEMA_EXCHANGE, BIND(type), NULL, 1, 255, .words = WORDS("direct", "fanout", "topic", "headers"), .fallback_note = "use what is there",
      .help = "Declare the exchange, durable, as this type." },
    { "consumers[].bind[].key", SCHEMA_TEXT, BIND(key), "\"\"", 0, 255, .help = "The routing key." },
    { "consumers[].lanes", SCHEMA_INT, CONSUMER(lanes), "1", 1, 256,
      .help = "Threads that run the handler, each with a state of its own." },
    { "consumers[].max_message", SCHEMA_SIZE, CONSUMER(max_message_bytes), "128KiB", KIB, 512 * MIB,
      .help = "Larger messages go to the dead queue unread." },
    { "consumers[].prefetch", SCHEMA_INT, CONSUMER(prefetch), "auto", 1, CONFIG_PREFETCH_MAX, .words = WORDS("auto"),
      .help = "Messages in hand. `auto`: with sinks rows x (2 x connections + 2) within 1000 to 5000, else 50 x lanes; never more than this consumer's share of `memory` / max_message. A batch never holds more rows than this." },
    { "consumers[].batch", SCHEMA_SECTION, NOWHERE, .help = "What is committed together." },
    { "consumers[].batch.rows", SCHEMA_INT, CONSUMER(batch.rows), "500", 1, CONFIG_PREFETCH_MAX,
      .help = "A batch is committed when it holds this many rows." },
    { "consumers[].batch.wait", SCHEMA_DURATION, CONSUMER(batch.wait_ms), "20ms", 0, 4 * SECOND,
      .help = "Or when its first message has waited this long; `0ms` commits whenever a connection is free." },
    { "consumers[].order_by", SCHEMA_ORDER, CONSUMER(order_by), "none", .words = WORDS("none", "routing_key", "header:", "json:"),
      .help = "Messages with the same routing key, header or JSON field go through one lane, in order." },
    { "consumers[].timeout", SCHEMA_DURATION, CONSUMER(timeout_ms), "30s", 100 * MS, 15 * MINUTE,
      .help = "Deadline of one handler call; past it the host counts as stuck." },
    { "consumers[].retry", SCHEMA_SECTION, NOWHERE, .help = "What happens after a failure that may pass." },
    { "consumers[].retry.delays", SCHEMA_DURATIONS, CONSUMER(retry.delays), "[1s, 10s, 1m, 10m]", 100 * MS, 7 * DAY, .entries_most = 20,
      .help = "The wait before the second attempt, the third, ...; the last one repeats." },
    { "consumers[].retry.attempts", SCHEMA_INT, CONSUMER(retry.attempts), "5", 1, 1000,
      .help = "Then the message goes to the dead queue." },
    { "consumers[].delivery_limit", SCHEMA_INT, CONSUMER(delivery_limit), "100", 1, 1000000,
      .help = "The broker's own bound on deliveries of one message (quorum queues)." },
    { "consumers[].breaker", SCHEMA_SECTION, CONSUMER(breaker.is_on), .words = WORDS("off"),
      .help = "Pauses the consumer when nearly everything fails, so that no backlog is poured into the dead queue. Or `off`." },
    { "consumers[].breaker.share", SCHEMA_PERCENT, CONSUMER(breaker.share_percent), "90%", 1, 100,
      .help = "Failures among the last `of` messages that open it." },
    { "consumers[].breaker.of", SCHEMA_INT, CONSUMER(breaker.of), "200", 10, 10000, .help = "How many are looked at." },
    { "consumers[].breaker.rest", SCHEMA_DURATION, CONSUMER(breaker.rest_ms), "30s", SECOND, HOUR,
      .help = "How long it stays open before a few are tried." },
    { "consumers[].options", SCHEMA_OPTIONS, CONSUMER(options), NULL, 0, 65536, .flags = SCHEMA_PRIVATE, .entries_most = 200,
      .fallback_note = "none",
      .help = "The handler's own, checked against what it declares." },
};
/* clang-format on */
const size_t schema_keys_n = sizeof schema_keys / sizeof *schema_keys;

/* ---- finding ------------------------------------------------------------------------------- */

const struct schema_key *schema_find(struct wr_text path)
{
    for (size_t i = 0; i < schema_keys_n; i++)
        if (text_is(path, schema_keys[i].path)) return &schema_keys[i];
    return NULL;
}

const char *schema_child_name(const struct schema_key *key, const char *section)
{
    size_t len = strlen(section);
    const char *name = key->path;
    if (len) {
        if (strncmp(key->path, section, len) != 0 || key->path[len] != '.') return NULL;
        name += len + 1;
    }
    return strchr(name, '.') ? NULL : name;
}

static const char *last_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

const char *schema_suggest(const char *section, const char *name)
{
    const char *names[sizeof schema_keys / sizeof *schema_keys + 1];
    size_t n = 0;
    for (size_t i = 0; i < schema_keys_n; i++) {
        const char *child = schema_child_name(&schema_keys[i], section);
        if (child) names[n++] = child;
    }
    names[n] = NULL;
    const char *nearest = text_nearest(name, names);
    if (nearest) return nearest;
    for (size_t i = 0; i < schema_keys_n; i++)
        if (strcmp(last_name(schema_keys[i].path), name) == 0) return schema_keys[i].path;
    return NULL;
}

/* ---- words --------------------------------------------------------------------------------- */

const char *schema_type_name(enum schema_type type)
{
    static const char *const names[SCHEMA_TYPES] = {
        [SCHEMA_TEXT] = "text",
        [SCHEMA_NAME] = "a name",
        [SCHEMA_HANDLER] = "a handler's name",
        [SCHEMA_PATH] = "a path",
        [SCHEMA_SECRET] = "text",
        [SCHEMA_EXCHANGE] = "an exchange type",
        [SCHEMA_BOOL] = "a boolean",
        [SCHEMA_INT] = "a whole number",
        [SCHEMA_DURATION] = "a duration like 20ms, 25s, 1m30s, 1h or 7d",
        [SCHEMA_SIZE] = "a size like 64kB, 128KiB or 1GiB",
        [SCHEMA_PERCENT] = "a percentage like 90%",
        [SCHEMA_CHOICE] = "a word",
        [SCHEMA_ORDER] = "an order",
        [SCHEMA_ADDRESS] = "an address and port",
        [SCHEMA_SECRETS] = "a list of texts",
        [SCHEMA_DURATIONS] = "a list of durations like [1s, 10s, 1m]",
        [SCHEMA_OPTIONS] = "a map of names and values",
        [SCHEMA_SECTION] = "a map",
        [SCHEMA_SECTIONS] = "a list of maps",
    };
    return names[type];
}

static const char *show_words(const char *const *words, char *out, size_t out_bytes)
{
    size_t at = 0;
    out[0] = '\0';
    for (; *words && at < out_bytes; words++) {
        int n = snprintf(out + at, out_bytes - at, "%s%s", at ? ", " : "", *words);
        at += (size_t)n;
    }
    return out;
}

/* One end of a range, in the unit of its type. */
static const char *show_limit(const struct schema_key *key, int64_t limit,
                              char out[UNITS_CHARS + 1])
{
    switch (key->type) {
    case SCHEMA_DURATION:
    case SCHEMA_DURATIONS: return limit ? duration_show(limit, out) : "0s";
    case SCHEMA_SIZE: return size_show(limit, out);
    default:
        snprintf(out, UNITS_CHARS + 1, "%lld%s", (long long)limit,
                 key->type == SCHEMA_PERCENT ? "%" : "");
        return out;
    }
}

static const char *show_range(const struct schema_key *key, char *out, size_t out_bytes)
{
    char least[UNITS_CHARS + 1], most[UNITS_CHARS + 1], words[80] = "";
    if (key->words) show_words(key->words, words, sizeof words);
    snprintf(out, out_bytes, "%s%s%s to %s%s", words, *words ? ", or " : "",
             show_limit(key, key->least, least), show_limit(key, key->most, most),
             key->flags & SCHEMA_WHOLE_SECONDS ? ", whole seconds" : "");
    return out;
}

const char *schema_show_allowed(const struct schema_key *key, char *out, size_t out_bytes)
{
    const long long most = (long long)key->most, entries = (long long)key->entries_most;
    char range[120];
    switch (key->type) {
    case SCHEMA_TEXT:
    case SCHEMA_SECRET:
    case SCHEMA_PATH:
        snprintf(out, out_bytes, "%s%lld bytes", key->least ? "1 to " : "at most ", most);
        break;
    case SCHEMA_NAME: snprintf(out, out_bytes, "1 to %lld of A-Z a-z 0-9 _ . -", most); break;
    case SCHEMA_HANDLER:
        snprintf(out, out_bytes, "1 to %lld of A-Z a-z 0-9 _ -, without path or .so", most);
        break;
    case SCHEMA_EXCHANGE:
        snprintf(out, out_bytes, "direct, fanout, topic, headers, or a plugin's x-...");
        break;
    case SCHEMA_BOOL: snprintf(out, out_bytes, "true, false"); break;
    case SCHEMA_INT:
    case SCHEMA_DURATION:
    case SCHEMA_SIZE:
    case SCHEMA_PERCENT: show_range(key, out, out_bytes); break;
    case SCHEMA_CHOICE: show_words(key->words, out, out_bytes); break;
    case SCHEMA_ORDER:
        snprintf(out, out_bytes, "none, routing_key, header:NAME, json:FIELD");
        break;
    case SCHEMA_ADDRESS:
        snprintf(out, out_bytes, "ADDRESS:PORT, as in 0.0.0.0:9187 or [::1]:9187");
        break;
    case SCHEMA_DURATIONS:
        snprintf(out, out_bytes, "1 to %lld of them, each %s", entries,
                 show_range(key, range, sizeof range));
        break;
    case SCHEMA_SECRETS:
    case SCHEMA_SECTIONS: snprintf(out, out_bytes, "1 to %lld of them", entries); break;
    case SCHEMA_OPTIONS: snprintf(out, out_bytes, "at most %lld of them", entries); break;
    case SCHEMA_SECTION:
    case SCHEMA_TYPES:
        if (key->words)
            snprintf(out, out_bytes, "%s, or a map", key->words[0]);
        else
            snprintf(out, out_bytes, "a map");
        break;
    }
    return out;
}
