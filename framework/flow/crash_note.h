/* SPDX-License-Identifier: Apache-2.0
 *
 * A lane's note of the message it handles, in memory that outlives the host: what a dead host was
 * doing. Writing one costs a few stores and no system call; the last of them makes it valid. */
#ifndef FLOW_CRASH_NOTE_H
#define FLOW_CRASH_NOTE_H

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <warrener/handler.h>

#define CRASH_ID_BYTES 256 /* of a message id: the protocol's own limit is below */

struct crash_note {
    _Alignas(64) _Atomic uint32_t is_busy;
    uint32_t consumer; /* its number in the record; set before the lane starts */
    uint32_t id_bytes; /* 0: known by body_hash */
    uint64_t body_hash;
    char id[CRASH_ID_BYTES];
};

/* Of bodies whose message has no id: long ones by both of their ends. */
uint64_t crash_body_hash(struct wr_text body);

/* As memcpy, but for the call: in steps of sixteen bytes, of which the last two may overlap. */
static inline void crash_note_copy(char *to, const char *from, size_t bytes)
{
    if (bytes < 16) {
        for (size_t i = 0; i < bytes; i++) to[i] = from[i];
        return;
    }
    for (size_t at = 0; at + 16 <= bytes; at += 16) memcpy(to + at, from + at, 16);
    memcpy(to + bytes - 16, from + bytes - 16, 16);
}

static inline void crash_note_begin(struct crash_note *note, const struct wr_message *message)
{
    const size_t bytes = message->id.len < CRASH_ID_BYTES ? message->id.len : CRASH_ID_BYTES;
    note->id_bytes = (uint32_t)bytes;
    if (bytes)
        crash_note_copy(note->id, message->id.at, bytes);
    else
        note->body_hash = crash_body_hash(message->body);
    atomic_store_explicit(&note->is_busy, 1, memory_order_release);
}

static inline void crash_note_end(struct crash_note *note)
{
    atomic_store_explicit(&note->is_busy, 0, memory_order_release);
}

#endif
