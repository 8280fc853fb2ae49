/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is to blame for the end of a host; see crash_record.h. */
#include "flow/crash_record.h"

#include <signal.h>
#include <stdio.h>

#include "base/check.h"
#include "base/text.h"

#define MAGIC "warrener crash3"

static const char *const why_names[CRASH_WHY_COUNT] = {
    [CRASH_BY_SIGNAL] = "crash", [CRASH_BY_EXIT] = "exit",   [CRASH_BY_MEMORY] = "oom",
    [CRASH_BY_STUCK] = "stuck",  [CRASH_BY_KILL] = "killed",
};

const char *crash_why_name(enum crash_why why)
{
    return why_names[why];
}

/* ---- names ----------------------------------------------------------------------------------- */

#define HASH_WHOLE (64u << 10)
#define HASH_END (HASH_WHOLE / 2)

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t hash_bytes(uint64_t hash, const char *at, size_t bytes)
{
    uint64_t word;
    for (; bytes >= sizeof word; at += sizeof word, bytes -= sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = mix(hash, word);
    }
    word = 0;
    memcpy(&word, at, bytes);
    return mix(mix(hash, word), bytes);
}

uint64_t crash_body_hash(struct wr_text body)
{
    if (body.len <= HASH_WHOLE) return hash_bytes(body.len, body.at, body.len);
    const uint64_t hash = hash_bytes(body.len, body.at, HASH_END);
    return hash_bytes(hash, body.at + body.len - HASH_END, HASH_END);
}

/* Never 0. A body and an id never have the same. */
static uint64_t key_of(const char *consumer, const char *id, size_t id_bytes, uint64_t body_hash)
{
    const uint64_t hash = hash_bytes(id_bytes, consumer, strlen(consumer));
    return (id_bytes ? hash_bytes(hash, id, id_bytes) : mix(hash, body_hash)) | 1;
}

/* ---- a life ---------------------------------------------------------------------------------- */

void crash_record_init(struct crash_record *record)
{
    memset(record, 0, sizeof *record);
    memcpy(record->magic, MAGIC, sizeof MAGIC);
    record->bytes = sizeof *record;
}

static bool is_ended(const char *text, size_t bytes)
{
    return memchr(text, '\0', bytes) != NULL;
}

bool crash_record_is_well(const struct crash_record *record)
{
    bool is_well = !memcmp(record->magic, MAGIC, sizeof MAGIC) && record->bytes == sizeof *record &&
                   record->n_consumers <= CRASH_CONSUMERS && record->n_notes <= CRASH_NOTES &&
                   is_ended(record->last_words, sizeof record->last_words) &&
                   is_ended(record->last_consumer, sizeof record->last_consumer) &&
                   is_ended(record->last_id, sizeof record->last_id);
    for (uint32_t i = 0; is_well && i < record->n_consumers; i++)
        is_well = is_ended(record->consumers[i].name, sizeof record->consumers[i].name);
    return is_well;
}

void crash_record_begin(struct crash_record *record)
{
    for (uint32_t i = 0; i < record->n_notes; i++) crash_note_end(&record->notes[i]);
    crash_note_end(&record->alone);
    for (uint32_t i = 0; i < record->n_consumers; i++) record->consumers[i].is_here = false;
    record->n_notes = 0;
    record->mark = (struct crash_mark){ .note = -1 };
    atomic_store(&record->life, CRASH_LIFE_BOOTING);
}

static const char *consumer_name(const struct crash_record *record, uint32_t consumer)
{
    return consumer < record->n_consumers ? record->consumers[consumer].name : "";
}

uint32_t crash_record_consumer(struct crash_record *record, const char *name)
{
    const uint32_t n = record->n_consumers;
    uint32_t i = 0;
    while (i < n && strcmp(record->consumers[i].name, name) != 0) i++;
    if (i == n) {
        for (i = n < CRASH_CONSUMERS ? n : 0; i < n && record->consumers[i].is_here;) i++;
        CHECK(i < CRASH_CONSUMERS); /* more than the configuration allows */
        if (i == n) record->n_consumers++;
        record->consumers[i].crashes = 0;
        snprintf(record->consumers[i].name, CRASH_NAME_BYTES, "%s", name);
    }
    record->consumers[i].is_here = true;
    return i;
}

struct crash_note *crash_record_note(struct crash_record *record, uint32_t consumer)
{
    if (record->n_notes == CRASH_NOTES) return NULL;
    struct crash_note *note = &record->notes[record->n_notes++];
    crash_note_end(note);
    note->consumer = consumer;
    return note;
}

int32_t crash_record_number(const struct crash_record *record, const struct crash_note *note)
{
    return note >= record->notes && note < record->notes + CRASH_NOTES
               ? (int32_t)(note - record->notes)
               : -1;
}

/* ---- suspects -------------------------------------------------------------------------------- */

static struct crash_suspect *find(struct crash_record *record, uint64_t key)
{
    for (size_t i = 0; i < CRASH_SUSPECTS; i++)
        if (record->suspects[i].key == key) return &record->suspects[i];
    return NULL;
}

static struct crash_suspect *place_for(struct crash_record *record, uint64_t key)
{
    struct crash_suspect *place = find(record, key);
    if (place) return place;
    place = &record->suspects[0];
    for (size_t i = 0; i < CRASH_SUSPECTS && place->key; i++) {
        struct crash_suspect *other = &record->suspects[i];
        if (!other->key || other->seen_s < place->seen_s) place = other;
    }
    *place = (struct crash_suspect){ .key = key };
    return place;
}

bool crash_record_has_suspects(const struct crash_record *record)
{
    for (size_t i = 0; i < CRASH_SUSPECTS; i++)
        if (record->suspects[i].key) return true;
    return false;
}

static struct wr_text known_by(const struct wr_message *message)
{
    const size_t bytes = message->id.len < CRASH_ID_BYTES ? message->id.len : CRASH_ID_BYTES;
    return text_from(message->id.at, bytes);
}

struct crash_suspect *crash_record_find(struct crash_record *record, const char *consumer,
                                        const struct wr_message *message)
{
    const struct wr_text id = known_by(message);
    return find(record,
                key_of(consumer, id.at, id.len, id.len ? 0 : crash_body_hash(message->body)));
}

void crash_record_acquit(struct crash_suspect *suspect)
{
    *suspect = (struct crash_suspect){ .key = 0 };
}

static void forget_old(struct crash_record *record, int64_t now_s)
{
    for (size_t i = 0; i < CRASH_SUSPECTS; i++) {
        struct crash_suspect *suspect = &record->suspects[i];
        if (suspect->key && now_s - suspect->seen_s > CRASH_FORGET_S) crash_record_acquit(suspect);
    }
}

/* ---- judging --------------------------------------------------------------------------------- */

static const struct {
    int number;
    const char *name;
} signals[] = {
    { SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" },   { SIGILL, "SIGILL" },   { SIGFPE, "SIGFPE" },
    { SIGABRT, "SIGABRT" }, { SIGSYS, "SIGSYS" },   { SIGKILL, "SIGKILL" }, { SIGTERM, "SIGTERM" },
    { SIGALRM, "SIGALRM" }, { SIGTRAP, "SIGTRAP" }, { SIGINT, "SIGINT" },
};

static void name_signal(int number, char *name, size_t bytes)
{
    snprintf(name, bytes, "signal %d", number);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (signals[i].number == number) snprintf(name, bytes, "%s", signals[i].name);
}

static bool is_asked_for(int signal)
{
    return signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT ||
           signal == SIGUSR1 || signal == SIGUSR2;
}

static enum crash_why why_of(const struct crash_record *record, const struct crash_end *end)
{
    switch ((enum crash_mark_kind)atomic_load(&record->mark.kind)) {
    case CRASH_MARK_STUCK: return CRASH_BY_STUCK;
    case CRASH_MARK_EXIT: return CRASH_BY_EXIT;
    case CRASH_MARK_SIGNAL: return record->mark.is_foreign ? CRASH_BY_KILL : CRASH_BY_SIGNAL;
    case CRASH_MARK_NONE: break;
    }
    if (!end->is_signal) return CRASH_BY_EXIT;
    if (end->number == SIGKILL) return end->oom_rose ? CRASH_BY_MEMORY : CRASH_BY_KILL;
    return is_asked_for(end->number) ? CRASH_BY_KILL : CRASH_BY_SIGNAL;
}

void crash_record_words(const struct crash_record *record, const struct crash_end *end,
                        enum crash_why why, char *words, size_t bytes)
{
    const struct crash_mark *mark = &record->mark;
    const bool is_marked = atomic_load(&mark->kind) != CRASH_MARK_NONE;
    const int length = (int)strnlen(mark->detail, sizeof mark->detail);
    char name[24] = "";
    if (is_marked && mark->signal)
        name_signal(mark->signal, name, sizeof name);
    else if (end->is_signal)
        name_signal(end->number, name, sizeof name);
    if (why == CRASH_BY_STUCK)
        snprintf(words, bytes, "%.*s", length, mark->detail);
    else if (why == CRASH_BY_MEMORY)
        snprintf(words, bytes, "%s: the system had no memory left", name);
    else if (why == CRASH_BY_EXIT && !is_marked)
        snprintf(words, bytes, "the process was ended by somebody else than its main, status %d",
                 end->number);
    else
        snprintf(words, bytes, "%s%s%.*s", name, *name && length ? ": " : "", length, mark->detail);
}

struct verdict {
    struct crash_record *record;
    enum crash_why why;
    int64_t now_s;
    const char *words;
};

static void accuse_named(const struct verdict *verdict, const char *consumer, struct wr_text id,
                         uint64_t body_hash, bool is_certain)
{
    struct crash_suspect *suspect =
        place_for(verdict->record, key_of(consumer, id.at, id.len, body_hash));
    if (is_certain || !suspect->deaths) suspect->deaths++;
    suspect->why = verdict->why;
    suspect->seen_s = verdict->now_s;
    suspect->id_bytes = (uint32_t)id.len;
    memcpy(suspect->id, id.at, id.len);
    snprintf(suspect->detail, sizeof suspect->detail, "%s", verdict->words);
}

static void accuse(const struct verdict *verdict, const struct crash_note *note, bool is_certain)
{
    const size_t bytes = note->id_bytes < CRASH_ID_BYTES ? note->id_bytes : CRASH_ID_BYTES;
    accuse_named(verdict, consumer_name(verdict->record, note->consumer),
                 text_from(note->id, bytes), note->body_hash, is_certain);
}

void crash_record_blame(struct crash_record *record, const char *consumer,
                        const struct wr_message *message, enum crash_why why, const char *words,
                        int64_t now_s)
{
    const struct verdict verdict = { record, why, now_s, words };
    accuse_named(&verdict, consumer, known_by(message),
                 message->id.len ? 0 : crash_body_hash(message->body), true);
}

static bool is_busy(const struct crash_note *note)
{
    return atomic_load(&note->is_busy) != 0;
}

static void count_crash(struct crash_record *record, uint32_t consumer)
{
    if (consumer < record->n_consumers) record->consumers[consumer].crashes++;
}

static void accuse_all(const struct verdict *verdict)
{
    struct crash_record *record = verdict->record;
    bool is_counted[CRASH_CONSUMERS] = { false };
    for (uint32_t i = 0; i < record->n_notes && i < CRASH_NOTES; i++) {
        const struct crash_note *note = &record->notes[i];
        if (!is_busy(note)) continue;
        accuse(verdict, note, false);
        if (note->consumer >= CRASH_CONSUMERS || is_counted[note->consumer]) continue;
        is_counted[note->consumer] = true;
        count_crash(record, note->consumer);
    }
}

/* The one that certainly did it; NULL where nobody knows. */
static const struct crash_note *culprit(const struct crash_record *record)
{
    const int32_t number = record->mark.note;
    if (is_busy(&record->alone)) return &record->alone;
    if (atomic_load(&record->mark.kind) == CRASH_MARK_NONE) return NULL;
    if (number < 0 || (uint32_t)number >= record->n_notes || number >= CRASH_NOTES) return NULL;
    return is_busy(&record->notes[number]) ? &record->notes[number] : NULL;
}

static void remember(struct crash_record *record, const struct verdict *verdict,
                     const struct crash_note *note)
{
    const size_t bytes = !note                             ? 0
                         : note->id_bytes < CRASH_ID_BYTES ? note->id_bytes
                                                           : CRASH_ID_BYTES;
    record->restarts[verdict->why]++;
    record->last_why = verdict->why;
    record->last_s = verdict->now_s;
    snprintf(record->last_words, sizeof record->last_words, "%s", verdict->words);
    snprintf(record->last_consumer, sizeof record->last_consumer, "%s",
             note ? consumer_name(record, note->consumer) : "");
    if (bytes) memcpy(record->last_id, note->id, bytes);
    record->last_id[bytes] = '\0';
}

enum crash_why crash_record_judge(struct crash_record *record, const struct crash_end *end,
                                  int64_t now_s)
{
    const enum crash_why why = why_of(record, end);
    char words[CRASH_DETAIL_BYTES];
    crash_record_words(record, end, why, words, sizeof words);
    const struct verdict verdict = { record, why, now_s, words };
    const struct crash_note *note = culprit(record);
    remember(record, &verdict, why != CRASH_BY_KILL ? note : NULL);
    forget_old(record, now_s);
    if (why != CRASH_BY_KILL && note) {
        accuse(&verdict, note, true);
        count_crash(record, note->consumer);
    } else if (why != CRASH_BY_KILL && why != CRASH_BY_STUCK) {
        accuse_all(&verdict);
    }
    atomic_store(&record->life, CRASH_LIFE_JUDGED);
    return why;
}
