/* SPDX-License-Identifier: Apache-2.0
 *
 * A call of one of our scripts, embedded in its owner: it waits for room, is sent with a deadline in
 * Redis' own time, loads the script where Redis has forgotten it, and goes again where Redis' clock was
 * not what we thought. Internal to the room; cache.c does it. */
#ifndef CACHE_CALL_H
#define CACHE_CALL_H

#include "base/list.h"
#include "cache/cache.h"

enum call_state {
    CALL_IDLE,
    CALL_WAITING, /* for room, or to be told that it fails */
    CALL_OUT,     /* sent */
};

struct call;

struct call_kind {
    enum cache_script script;
    /* How many words follow the script's name, and these words: "numkeys key… arg…". */
    size_t (*count_words)(const struct call *call);
    void (*add_words)(const struct call *call, struct resp_command *command, int64_t deadline_ms);
    /* Never from inside call_send. `answer` is the script's own, borrowed; NULL: not done, or nobody
     * knows, as `why` says. Returns whether Redis does what it is there for: the breaker wants to
     * know. The call may be sent again or freed from here. */
    bool (*on_answer)(struct call *call, const struct resp_value *answer, const char *why);
};

struct call {
    struct list link; /* WAITING */
    const struct call_kind *kind;
    enum call_state state;
    struct cache *cache;
    struct ticket *ticket; /* OUT */
    unsigned tries;
};

void call_init(struct call *call, const struct call_kind *kind);
void call_send(struct cache *cache, struct call *call);
/* No answer will come. Harmless on one that is idle. */
void call_cancel(struct call *call);

/* An error that a script met and went on: what it says of the server is followed. True: it is the
 * key's own fault. */
bool call_blame(struct cache *cache, struct wr_text error);

/* The second of both scripts' answers: the deadline had passed. */
bool call_is_late(const struct resp_value *answer);

struct loop *cache_loop(struct cache *cache);
/* What the locks of this host's fills hold. */
struct wr_text cache_token(const struct cache *cache);

#endif
