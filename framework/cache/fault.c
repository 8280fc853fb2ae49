/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of errors; see fault.h. What no line names is passed on in Redis' own words, as something
 * that may mend itself. */
#include "cache/fault.h"

#include <stdio.h>
#include <string.h>

#define ENDS true
#define STAYS false

/* The first prefix that fits counts. */
static const struct cache_fault_about table[] = {
    { "OOM", CACHE_FAULT_FULL, STAYS,
      "its maxmemory is reached: raise it, or set maxmemory-policy allkeys-lru" },
    { "MISCONF", CACHE_FAULT_FULL, STAYS,
      "it cannot save to its disk and takes no writes: mend the disk, or switch saving off" },
    { "NOREPLICAS", CACHE_FAULT_FULL, STAYS,
      "too few of its replicas are there (min-replicas-to-write)" },
    { "READONLY", CACHE_FAULT_DEPLOYMENT, ENDS,
      "it is a read-only replica: redis.url has to name the primary" },
    { "LOADING", CACHE_FAULT_AWAY, ENDS, "it is loading its data from disk; it is asked again" },
    { "MASTERDOWN", CACHE_FAULT_DEPLOYMENT, ENDS,
      "it is a replica that has lost its primary: redis.url has to name the primary" },
    { "BUSY", CACHE_FAULT_AWAY, STAYS, "a script keeps it busy; SCRIPT KILL ends it" },
    { "TRYAGAIN", CACHE_FAULT_AWAY, STAYS, "" },
    { "NOSCRIPT", CACHE_FAULT_SCRIPT, STAYS, "" },
    { "WRONGTYPE", CACHE_FAULT_ENTRY, STAYS,
      "the key holds something that is no entry of ours (a hash with ver and value): delete it, or "
      "use another key" },
    { "MOVED", CACHE_FAULT_DEPLOYMENT, ENDS,
      "it is part of a Redis Cluster, which is refused: name a single Redis" },
    { "ASK", CACHE_FAULT_DEPLOYMENT, ENDS,
      "it is part of a Redis Cluster, which is refused: name a single Redis" },
    { "CROSSSLOT", CACHE_FAULT_DEPLOYMENT, ENDS,
      "it is part of a Redis Cluster, which is refused: name a single Redis" },
    { "CLUSTERDOWN", CACHE_FAULT_DEPLOYMENT, ENDS,
      "it is part of a Redis Cluster, which is refused: name a single Redis" },
    { "WRONGPASS", CACHE_FAULT_DEPLOYMENT, ENDS, "check user and password in redis.url" },
    { "NOAUTH", CACHE_FAULT_DEPLOYMENT, ENDS,
      "it wants a password: redis://USER:PASSWORD@HOST in redis.url" },
    { "NOPERM", CACHE_FAULT_DEPLOYMENT, STAYS,
      "its user needs +hget +hmget +hset +hdel +pexpire +pttl +set +get +del +time +select +info "
      "+evalsha +script|load and the keys (ACL SETUSER)" },
    { "DENIED", CACHE_FAULT_DEPLOYMENT, ENDS,
      "it is in protected mode: give it a password, or let it listen on this network" },
    { "ERR invalid password", CACHE_FAULT_DEPLOYMENT, ENDS, "check the password in redis.url" },
    { "ERR AUTH", CACHE_FAULT_DEPLOYMENT, ENDS,
      "it has no password set: take user and password out of redis.url, or set requirepass" },
    { "ERR Client sent AUTH", CACHE_FAULT_DEPLOYMENT, ENDS,
      "it has no password set: take user and password out of redis.url, or set requirepass" },
    { "ERR DB index", CACHE_FAULT_DEPLOYMENT, ENDS,
      "it has no such database: change the number at the end of redis.url" },
    { "ERR invalid DB index", CACHE_FAULT_DEPLOYMENT, ENDS,
      "it has no such database: change the number at the end of redis.url" },
    { "ERR SELECT is not allowed", CACHE_FAULT_DEPLOYMENT, ENDS,
      "it is part of a Redis Cluster, which is refused: name a single Redis" },
    { "ERR max number of clients", CACHE_FAULT_AWAY, ENDS, "raise its maxclients" },
    { "ERR unknown command", CACHE_FAULT_DEPLOYMENT, STAYS,
      "Redis 5 or newer is needed, with no command renamed" },
    { "", CACHE_FAULT_AWAY, STAYS, "" },
};

/* "ERR Error running script (…): @user_script:3: -OOM command …", "-OOM …" (up to Redis 6). */
static struct wr_text unwrap(struct wr_text error)
{
    const char *const at = memmem(error.at, error.len, ": -", 3);
    if (at) return text_from(at + 3, error.len - (size_t)(at + 3 - error.at));
    if (error.len && *error.at == '-') return text_from(error.at + 1, error.len - 1);
    return error;
}

const struct cache_fault_about *cache_fault_of(struct wr_text error)
{
    const struct wr_text bare = unwrap(error);
    const struct cache_fault_about *about = table;
    while (!text_starts(bare, about->prefix)) about++;
    return about;
}

const char *cache_fault_show(struct wr_text error, char *out, size_t out_bytes)
{
    const struct cache_fault_about *about = cache_fault_of(error);
    char shown[160];
    text_show(unwrap(error), shown, sizeof shown);
    snprintf(out, out_bytes, "%s%s%s", shown, *about->words ? "; " : "", about->words);
    return out;
}
