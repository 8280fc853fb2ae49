/* SPDX-License-Identifier: Apache-2.0
 *
 * The crash record: memory that supervisor and host share, and that outlives both where it is a file.
 * In it lanes note what they handle, a dying host says what it dies of, and the messages that hosts
 * died of are remembered as suspects. Everything here is policy on that memory; it may have come from
 * a file, so nothing read from it is used as an index unchecked. Written by the host's lanes (each its
 * note) and loop while the host lives, by the supervisor when it is dead. */
#ifndef FLOW_CRASH_RECORD_H
#define FLOW_CRASH_RECORD_H

#include <stdbool.h>

#include "flow/crash_note.h"

#define CRASH_NOTES 1024    /* lanes; those beyond are not noted */
#define CRASH_CONSUMERS 512 /* the configuration allows 500 */
#define CRASH_SUSPECTS 128  /* the oldest is forgotten */
#define CRASH_NAME_BYTES 256
#define CRASH_DETAIL_BYTES 768
#define CRASH_DEATHS 2             /* so many, and a message is dead */
#define CRASH_FORGET_S (24 * 3600) /* a suspect that is not seen again */

enum crash_life {
    CRASH_LIFE_NONE,
    CRASH_LIFE_BOOTING,
    CRASH_LIFE_UP,     /* all handlers are open, the loop runs */
    CRASH_LIFE_LEFT,   /* ended by itself, in good order */
    CRASH_LIFE_JUDGED, /* ended otherwise, and was looked into */
};

/* Why a host had to be started again. */
enum crash_why {
    CRASH_BY_SIGNAL, /* a fault of its own */
    CRASH_BY_EXIT,   /* a handler exited */
    CRASH_BY_MEMORY, /* the system killed it for want of memory */
    CRASH_BY_STUCK,  /* a handler did not come back */
    CRASH_BY_KILL,   /* from outside: nobody's fault */
    CRASH_WHY_COUNT
};
const char *crash_why_name(enum crash_why why);

/* What a dying host says itself. */
enum crash_mark_kind { CRASH_MARK_NONE, CRASH_MARK_SIGNAL, CRASH_MARK_EXIT, CRASH_MARK_STUCK };

struct crash_mark {
    _Atomic uint32_t kind;
    int32_t signal;
    int32_t note;        /* of the thread that died; -1: it is no lane */
    uint32_t is_foreign; /* the signal was sent by another process */
    char detail[CRASH_DETAIL_BYTES];
};

struct crash_suspect {
    uint64_t key; /* 0: a free place */
    uint32_t deaths;
    uint32_t why;   /* of the last */
    int64_t seen_s; /* Unix time */
    uint32_t id_bytes;
    char id[CRASH_ID_BYTES];
    char detail[CRASH_DETAIL_BYTES]; /* of the last death, in words */
};

struct crash_consumer {
    char name[CRASH_NAME_BYTES];
    uint64_t crashes;
    uint64_t is_here; /* in this life; the others may make room */
};

struct crash_record {
    char magic[16];
    uint64_t bytes; /* of this struct, as its writer knew it */
    _Atomic uint32_t life;
    int32_t pid;                           /* of the host */
    uint64_t oom_kills, machine_oom_kills; /* when this life began */
    char boot[40];                         /* of the machine, when this life began */
    struct crash_mark mark;                /* of this life */
    struct crash_note alone; /* the message that is handled alone, until it is settled */
    uint64_t restarts[CRASH_WHY_COUNT];
    char last_words[CRASH_DETAIL_BYTES]; /* what the last host died of; "": none did */
    int64_t last_s;                      /* and when: Unix time */
    uint32_t last_why;
    char last_consumer[CRASH_NAME_BYTES]; /* whose message did it; "": nobody knows */
    char last_id[CRASH_ID_BYTES + 1];     /* the message; "": it has no id */
    uint32_t n_consumers, n_notes;
    struct crash_consumer consumers[CRASH_CONSUMERS];
    struct crash_note notes[CRASH_NOTES];
    struct crash_suspect suspects[CRASH_SUSPECTS];
};

void crash_record_init(struct crash_record *record);
bool crash_record_is_well(const struct crash_record *record);

/* A host is about to live: notes and mark are cleared, suspects stay. */
void crash_record_begin(struct crash_record *record);

/* Where it counts the consumer's crashes. */
uint32_t crash_record_consumer(struct crash_record *record, const char *name);
/* A lane's note; NULL when there are too many. */
struct crash_note *crash_record_note(struct crash_record *record, uint32_t consumer);
int32_t crash_record_number(const struct crash_record *record, const struct crash_note *note);

/* How a host ended that did not say it was leaving. */
struct crash_end {
    bool is_signal;
    int number;    /* the signal, or the exit status */
    bool oom_rose; /* the system has killed for want of memory meanwhile */
};

/* Names the suspects, and counts. A lane that said itself that it died, and a message that was handled
 * alone, are certain: that is a death. Otherwise whatever was being handled is suspected. */
enum crash_why crash_record_judge(struct crash_record *record, const struct crash_end *end,
                                  int64_t now_s);
/* What the last judged death was, in words. */
void crash_record_words(const struct crash_record *record, const struct crash_end *end,
                        enum crash_why why, char *words, size_t bytes);

bool crash_record_has_suspects(const struct crash_record *record);
/* NULL: it is none. Valid until the next call that changes suspects. */
struct crash_suspect *crash_record_find(struct crash_record *record, const char *consumer,
                                        const struct wr_message *message);
/* It was the death of nobody, but can never be done: counts as one death of it, by `why`. */
void crash_record_blame(struct crash_record *record, const char *consumer,
                        const struct wr_message *message, enum crash_why why, const char *words,
                        int64_t now_s);
void crash_record_acquit(struct crash_suspect *suspect);

#endif
