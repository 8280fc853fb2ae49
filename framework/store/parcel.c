/* SPDX-License-Identifier: Apache-2.0
 *
 * Parcels; see parcel.h. What each sink is sent is its load's to say (load.h); here it becomes steps, in
 * the one order in which every host locks: guards, the inbox, the sinks, and what is read back. */
#include "store/parcel.h"

#include <stdlib.h>

#include "base/check.h"
#include "store/guard.h"
#include "store/load.h"
#include "store/pack.h"
#include "store/statement.h"

struct parcel {
    const struct parcel_message *messages;
    size_t n_messages;
    struct wr_text consumer;
    struct load *loads;
    unsigned n_loads;
    struct key *ids; /* of messages that `once` asks about, sorted, each once */
    size_t n_ids;
    unsigned id_repeats;
    bool *is_repeat; /* by message: an earlier one has its id; NULL: nothing is `once` */
    struct guard_item *guards;
    size_t n_guards;
    struct parcel_step *steps;
    size_t n_steps, room;
    struct arena arena;
    char first[2048];
};

/* ---- message ids ------------------------------------------------------------------------------- */

static bool is_once(const struct parcel *parcel, const struct parcel_message *message)
{
    for (const struct row *row = message->rows; row; row = row->next)
        if (parcel->loads[row->sink].sink->is_once) return true;
    return false;
}

static void take_ids(struct parcel *parcel)
{
    const struct parcel_message *const messages = parcel->messages;
    struct key *const ids = arena_take(&parcel->arena, parcel->n_messages * 2 * sizeof *ids);
    size_t n = 0;
    for (size_t i = 0; i < parcel->n_messages; i++) {
        if (!is_once(parcel, &messages[i])) continue;
        CHECK(messages[i].id.len > 0); /* refused where the row was begun */
        ids[n++] = key_of_text(messages[i].id, (uint32_t)i);
    }
    if (n == 0) return;
    keys_sort(ids, ids + n, n);
    parcel->is_repeat = arena_take(&parcel->arena, parcel->n_messages * sizeof(bool));
    memset(parcel->is_repeat, 0, parcel->n_messages * sizeof(bool));
    for (size_t i = 0; i < n; i++) {
        const bool is_repeat = i > 0 && keys_equal(&ids[parcel->n_ids - 1], &ids[i]);
        if (is_repeat)
            parcel->is_repeat[ids[i].nth] = true;
        else
            ids[parcel->n_ids++] = ids[i];
    }
    parcel->ids = ids;
    parcel->id_repeats = (unsigned)(n - parcel->n_ids);
}

/* The day (UTC) of the message's own time, so that a redelivery after midnight is still a repeat. What
 * has none, or one beyond reason, goes to the inbox's default partition. */
static int32_t day_of(const struct parcel_message *message)
{
    const int64_t day = message->timestamp_ms / 86400000;
    const int64_t first = 10957 /* 2000-01-01 */, end = 47482 /* 2100-01-01 */;
    return day >= first && day < end ? (int32_t)day : 0;
}

/* ---- rows -------------------------------------------------------------------------------------- */

static void count_ops(struct parcel *parcel)
{
    for (size_t i = 0; i < parcel->n_messages; i++)
        for (const struct row *row = parcel->messages[i].rows; row; row = row->next) {
            CHECK(row->sink < parcel->n_loads);
            struct load *const load = &parcel->loads[row->sink];
            CHECK(row->n == (row->is_delete ? load->sink->n_key : load->sink->n));
            load->n++;
        }
}

static void take_ops(struct parcel *parcel)
{
    for (unsigned k = 0; k < parcel->n_loads; k++) {
        struct load *const load = &parcel->loads[k];
        load->ops = arena_take(&parcel->arena, load->n * sizeof *load->ops);
        load->n = 0;
    }
    for (size_t i = 0; i < parcel->n_messages; i++)
        for (const struct row *row = parcel->messages[i].rows; row; row = row->next) {
            struct load *const load = &parcel->loads[row->sink];
            if (load->sink->is_once && parcel->is_repeat[i]) continue;
            load->ops[load->n++] = (struct load_op){ .row = row, .message = (uint32_t)i };
            load->has_deletes |= row->is_delete;
        }
}

/* ---- steps ------------------------------------------------------------------------------------- */

static struct parcel_step *new_step(struct parcel *parcel)
{
    if (parcel->n_steps == parcel->room) {
        parcel->room = parcel->room * 2 + 8;
        parcel->steps = memory_grow(parcel->steps, parcel->room, sizeof *parcel->steps);
    }
    return &parcel->steps[parcel->n_steps++];
}

static struct parcel_step *add_step(struct parcel *parcel, const struct sink_statement *statement)
{
    struct parcel_step *const step = new_step(parcel);
    *step = (struct parcel_step){ .name = statement->name,
                                  .sql = statement->sql,
                                  .n_values = (int)statement->n_values,
                                  .types = statement->types };
    return step;
}

/* What both sides of `once` end with. `nth` are messages. */
static void pack_ids(struct parcel *parcel, const uint32_t *nth, size_t n, const char **values,
                     int *lengths)
{
    struct wr_text *const ids = arena_take(&parcel->arena, n * sizeof *ids);
    int32_t *const days = arena_take(&parcel->arena, n * sizeof *days);
    for (size_t i = 0; i < n; i++) {
        ids[i] = parcel->messages[nth[i]].id;
        days[i] = day_of(&parcel->messages[nth[i]]);
    }
    pack_texts(ids, n, &parcel->arena, &values[0], &lengths[0]);
    pack_days(days, n, &parcel->arena, &values[1], &lengths[1]);
    values[2] = parcel->consumer.at;
    lengths[2] = (int)parcel->consumer.len;
}

static void add_inbox_step(struct parcel *parcel)
{
    const char **const values = arena_take(&parcel->arena, 3 * sizeof *values);
    int *const lengths = arena_take(&parcel->arena, 3 * sizeof *lengths);
    uint32_t *const nth = arena_take(&parcel->arena, parcel->n_ids * sizeof *nth);
    for (size_t i = 0; i < parcel->n_ids; i++) nth[i] = parcel->ids[i].nth;
    pack_ids(parcel, nth, parcel->n_ids, values, lengths);
    struct parcel_step *const step = add_step(parcel, statement_inbox());
    step->values = values;
    step->lengths = lengths;
    step->is_inbox = true;
    step->rows = step->n_ids = (unsigned)parcel->n_ids;
    step->repeats = parcel->id_repeats;
}

/* Own SQL and plain inserts see rows as they came, all else by key. */
static const struct load_op *op_in_turn(const struct load *load, bool is_delete, size_t i)
{
    const bool is_by_arrival = !load->keys || (!is_delete && load->sink->fold == SINK_KEEPS_ALL);
    return &load->ops[is_by_arrival ? i : load->keys[i].nth];
}

static void add_step_of(struct parcel *parcel, const struct load *load, bool is_delete,
                        uint32_t wave)
{
    struct arena *const arena = &parcel->arena;
    const struct sink *const sink = load->sink;
    const struct sink_statement *const statement = is_delete ? &sink->erase : &sink->upsert;
    struct pack_row *const rows = arena_take(arena, load->n * sizeof *rows);
    uint32_t *const nth = sink->is_once ? arena_take(arena, load->n * sizeof *nth) : NULL;
    size_t n = 0;
    for (size_t i = 0; i < load->n; i++) {
        const struct load_op *const op = op_in_turn(load, is_delete, i);
        if (op->wave != wave || op->row->is_delete != is_delete) continue;
        if (nth) nth[n] = op->message;
        rows[n++] = (struct pack_row){ op->row, op->folded };
    }
    if (n == 0) return;
    const char **const values = arena_take(arena, statement->n_values * sizeof *values);
    int *const lengths = arena_take(arena, statement->n_values * sizeof *lengths);
    pack_rows(sink, is_delete, rows, n, arena, values, lengths);
    if (nth)
        pack_ids(parcel, nth, n, values + statement->n_values - 3,
                 lengths + statement->n_values - 3);
    struct parcel_step *const step = add_step(parcel, statement);
    step->values = values;
    step->lengths = lengths;
    step->rows = (unsigned)n;
    step->recalls = is_delete && sink->recall.sql ? sink : NULL;
    step->is_keep = !is_delete && sink->n_key > 0 && sink->on_conflict == WR_KEEP &&
                    !sink->is_once && !sink->has_own_sql;
    if (step->is_keep) step->repeats = load->repeats;
}

/* ---- reading back -------------------------------------------------------------------------------- */

static const struct row_value *key_values(const struct sink *sink, const struct row *row,
                                          struct arena *arena)
{
    struct row_value *const values = arena_take(arena, sink->n_key * sizeof *values);
    struct row_value all[SINK_COLUMNS_MOST];
    uint32_t at = 0;
    for (unsigned i = 0; i < row->n; i++) all[i] = row_next_value(row, &at);
    for (unsigned i = 0; i < sink->n_key; i++) values[i] = all[row->is_delete ? i : sink->key[i]];
    return values;
}

/* Every key that was touched, once: also where nothing is changed, so that a repeat repairs the cache.
 * NULL: none. */
static struct parcel_step *add_key_step(struct parcel *parcel, const struct load *load,
                                        const struct sink_statement *statement)
{
    struct arena *const arena = &parcel->arena;
    const struct sink *const sink = load->sink;
    const struct key *const keys = load->keys;
    struct pack_row *const rows = arena_take(arena, load->n * sizeof *rows);
    size_t n = 0;
    for (size_t i = 0; i < load->n; i++) {
        if (!keys[i].at || (i > 0 && keys_equal(&keys[i - 1], &keys[i]))) continue;
        const struct row *const row = load->ops[keys[i].nth].row;
        rows[n++] = (struct pack_row){ row, key_values(sink, row, arena) };
    }
    if (n == 0) return NULL;
    const char **const values = arena_take(arena, sink->n_key * sizeof *values);
    int *const lengths = arena_take(arena, sink->n_key * sizeof *lengths);
    pack_rows(sink, true, rows, n, arena, values, lengths);
    struct parcel_step *const step = add_step(parcel, statement);
    step->values = values;
    step->lengths = lengths;
    return step;
}

static void add_recall_step(struct parcel *parcel, const struct load *load)
{
    struct parcel_step *const step = add_key_step(parcel, load, &load->sink->recall);
    if (step) step->recalls = load->sink;
}

/* ---- guards ------------------------------------------------------------------------------------ */

static void take_guards(struct parcel *parcel)
{
    size_t n = 0;
    for (size_t i = 0; i < parcel->n_messages; i++) n += parcel->messages[i].n_guards;
    parcel->guards = arena_take(&parcel->arena, n * sizeof *parcel->guards);
    for (size_t i = 0; i < parcel->n_messages; i++)
        for (size_t k = 0; k < parcel->messages[i].n_guards; k++)
            parcel->guards[parcel->n_guards++] =
                (struct guard_item){ &parcel->messages[i].guards[k], (uint32_t)i };
}

static bool is_checked(const struct parcel *parcel, size_t before, const struct loader *loader)
{
    for (size_t i = 0; i < before; i++)
        if (parcel->guards[i].guard->loader == loader) return true;
    return false;
}

/* First of all: keys are claimed in one order, before any row is locked. */
static void add_guard_steps(struct parcel *parcel)
{
    struct arena *const arena = &parcel->arena;
    *new_step(parcel) = guard_claim_step(parcel->guards, parcel->n_guards, arena);
    for (unsigned i = 0; i < parcel->n_loads; i++)
        if (parcel->loads[i].n > 0 && parcel->loads[i].sink->hold.sql)
            (void)add_key_step(parcel, &parcel->loads[i], &parcel->loads[i].sink->hold);
    for (size_t i = 0; i < parcel->n_guards; i++) {
        const struct loader *const loader = parcel->guards[i].guard->loader;
        if (is_checked(parcel, i, loader)) continue;
        *new_step(parcel) = guard_check_step(loader, parcel->guards, parcel->n_guards, arena);
    }
}

/* ---- made -------------------------------------------------------------------------------------- */

static struct parcel *begin(const char *consumer, const struct parcel_message *messages, size_t n)
{
    struct parcel *const parcel = memory_grow(NULL, 1, sizeof *parcel);
    memset(parcel, 0, offsetof(struct parcel, first));
    arena_init(&parcel->arena, parcel->first, sizeof parcel->first);
    struct parcel_message *const kept = arena_take(&parcel->arena, n * sizeof *kept);
    if (n > 0) memcpy(kept, messages, n * sizeof *kept);
    parcel->messages = kept;
    parcel->n_messages = n;
    parcel->consumer = arena_copy(&parcel->arena, text_of(consumer));
    return parcel;
}

static bool is_recalled(const struct load *load)
{
    return load->n > 0 && load->sink->recall.sql;
}

/* Whether a statement of it finds rows by a join. */
static bool looks_up(const struct parcel *parcel)
{
    for (unsigned i = 0; i < parcel->n_loads; i++)
        if (parcel->loads[i].has_deletes || is_recalled(&parcel->loads[i])) return true;
    return parcel->n_ids > 0 || parcel->n_guards > 0;
}

static void add_steps(struct parcel *parcel, const struct load *load)
{
    for (uint32_t wave = 0; wave < load->waves; wave++) {
        if (load->has_deletes) add_step_of(parcel, load, true, wave);
        add_step_of(parcel, load, false, wave);
    }
}

struct parcel *parcel_new(struct sink *const *sinks, unsigned n_sinks, const char *consumer,
                          const struct parcel_message *messages, size_t n)
{
    struct parcel *const parcel = begin(consumer, messages, n);
    bool has_once = false;
    parcel->n_loads = n_sinks;
    parcel->loads = arena_take(&parcel->arena, n_sinks * sizeof *parcel->loads);
    for (unsigned i = 0; i < n_sinks; i++) {
        parcel->loads[i] = (struct load){ .sink = sinks[i] };
        has_once |= sinks[i]->is_once;
    }
    count_ops(parcel);
    if (has_once) take_ids(parcel);
    take_ops(parcel);
    for (unsigned i = 0; i < n_sinks; i++) load_sort(&parcel->loads[i], &parcel->arena);
    take_guards(parcel);
    if (looks_up(parcel)) (void)add_step(parcel, statement_seek());
    if (parcel->n_guards > 0) add_guard_steps(parcel);
    if (parcel->n_ids > 0) add_inbox_step(parcel);
    for (unsigned i = 0; i < n_sinks; i++) add_steps(parcel, &parcel->loads[i]);
    for (unsigned i = 0; i < n_sinks; i++) /* once every lock is held */
        if (is_recalled(&parcel->loads[i])) add_recall_step(parcel, &parcel->loads[i]);
    return parcel;
}

void parcel_free(struct parcel *parcel)
{
    if (!parcel) return;
    free(parcel->steps);
    arena_reset(&parcel->arena);
    free(parcel);
}

size_t parcel_steps(const struct parcel *parcel, const struct parcel_step **steps)
{
    *steps = parcel->steps;
    return parcel->n_steps;
}

/* ---- meeting ----------------------------------------------------------------------------------- */

bool parcel_meets(const struct parcel *a, const struct parcel *b)
{
    if (text_equal(a->consumer, b->consumer) && keys_meet(a->ids, a->n_ids, b->ids, b->n_ids))
        return true;
    for (unsigned i = 0; i < a->n_loads; i++)
        for (unsigned k = 0; k < b->n_loads; k++)
            if (load_meets(&a->loads[i], &b->loads[k])) return true;
    return false;
}
