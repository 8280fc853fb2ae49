/* SPDX-License-Identifier: Apache-2.0
 *
 * Parcels; see parcel.h. Each sink's rows are sorted by key; then those of one key settle among
 * themselves what is sent: folded, or in waves. A wave is a delete step and a row step; nearly always
 * there is one. Deletes wipe what came before them only where it is known that they will happen: under
 * `once` they may be repeats. */
#include "store/parcel.h"

#include <stdlib.h>

#include "base/check.h"
#include "store/fold.h"
#include "store/guard.h"
#include "store/keys.h"
#include "store/pack.h"
#include "store/statement.h"

#define NOT_SENT UINT32_MAX

/* A row or delete on its way. */
struct op {
    const struct row *row;
    const struct row_value *folded; /* NULL: as it was put */
    uint32_t message;
    uint32_t wave; /* NOT_SENT: another row stands for it, or a delete wiped it */
};

/* What goes to one sink. */
struct load {
    const struct sink *sink;
    struct op *ops; /* in arrival order */
    size_t n;
    struct key *keys; /* sorted; NULL: the sink has no key */
    uint32_t waves;
    bool has_deletes;
    unsigned repeats;
};

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
            load->ops[load->n++] = (struct op){ .row = row, .message = (uint32_t)i };
            load->has_deletes |= row->is_delete;
        }
}

/* ---- what becomes of one key ------------------------------------------------------------------- */

/* A group: the ops of one key, in arrival order. */
struct group {
    struct load *load;
    const struct key *keys;
    size_t n;
};

static struct op *op_at(const struct group *group, size_t i)
{
    return &group->load->ops[group->keys[i].nth];
}

/* Everything one after another: rows of one wave, then a delete in the next. */
static void settle_in_order(const struct group *group)
{
    const bool is_single = group->load->sink->fold == SINK_WAVES;
    uint32_t wave = 0;
    bool has_row = false;
    for (size_t i = 0; i < group->n; i++) {
        struct op *const op = op_at(group, i);
        if (has_row && (op->row->is_delete || is_single)) {
            wave++;
            has_row = false;
        }
        has_row |= !op->row->is_delete;
        op->wave = wave;
    }
    if (wave >= group->load->waves) group->load->waves = wave + 1;
}

/* One row for all; they stay apart where the server is to refuse their sum. */
static void fold(const struct group *group, size_t first, struct arena *arena)
{
    const size_t n = group->n - first;
    const struct sink *const sink = group->load->sink;
    if (n < 2) return;
    if (sink->on_conflict == WR_MERGE) {
        struct folding folding;
        fold_begin(&folding, sink, op_at(group, first)->row);
        for (size_t i = 1; i < n; i++) fold_add(&folding, op_at(group, first + i)->row);
        op_at(group, first)->folded = fold_end(&folding, arena);
        if (!op_at(group, first)->folded) return;
    } else {
        group->load->repeats += (unsigned)(n - 1);
    }
    for (size_t i = first + 1; i < group->n; i++) op_at(group, i)->wave = NOT_SENT;
}

/* The last delete wipes what came before it and goes first. */
static void settle_wiping(const struct group *group, struct arena *arena)
{
    size_t first = group->n;
    while (first > 0 && !op_at(group, first - 1)->row->is_delete) first--;
    for (size_t i = 0; i + 1 < first; i++) op_at(group, i)->wave = NOT_SENT;
    if (group->load->sink->fold == SINK_FOLDS) {
        fold(group, first, arena);
    } else if (group->load->sink->fold == SINK_WAVES) {
        for (size_t i = first; i < group->n; i++) op_at(group, i)->wave = (uint32_t)(i - first);
        if (group->n - first > group->load->waves)
            group->load->waves = (uint32_t)(group->n - first);
    }
}

static void settle(struct load *load, struct arena *arena)
{
    const struct key *const keys = load->keys;
    const bool is_in_order = load->sink->is_once || load->sink->has_own_sql;
    for (size_t i = 0, n; i < load->n; i += n) {
        n = 1;
        while (i + n < load->n && keys_equal(&keys[i], &keys[i + n])) n++;
        if (n == 1) continue;
        const struct group group = { load, keys + i, n };
        if (is_in_order)
            settle_in_order(&group);
        else
            settle_wiping(&group, arena);
    }
}

static void sort(struct load *load, struct arena *arena)
{
    load->waves = load->n > 0;
    if (load->sink->n_key == 0 || load->n == 0) return;
    load->keys = arena_take(arena, 2 * load->n * sizeof *load->keys);
    for (size_t i = 0; i < load->n; i++)
        load->keys[i] = key_of_row(load->sink, load->ops[i].row, (uint32_t)i, arena);
    keys_sort(load->keys, load->keys + load->n, load->n);
    settle(load, arena);
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
static const struct op *op_in_turn(const struct load *load, bool is_delete, size_t i)
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
        const struct op *const op = op_in_turn(load, is_delete, i);
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
    for (unsigned i = 0; i < n_sinks; i++) sort(&parcel->loads[i], &parcel->arena);
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

static bool has_same_key(const struct sink *a, const struct sink *b)
{
    if (a->n_key != b->n_key) return false;
    for (unsigned i = 0; i < a->n_key; i++) {
        const struct wr_column *const x = &a->columns[a->key[i]], *const y = &b->columns[b->key[i]];
        if (x->type != y->type || strcmp(x->name, y->name) != 0) return false;
    }
    return true;
}

static bool may_touch_any(const struct sink *sink)
{
    return sink->has_own_sql && sink->n_key == 0;
}

static bool loads_meet(const struct load *a, const struct load *b)
{
    if (a->n == 0 || b->n == 0 || strcmp(a->sink->table, b->sink->table) != 0) return false;
    if (may_touch_any(a->sink) || may_touch_any(b->sink)) return true;
    if (!a->keys || !b->keys) return false; /* plain inserts are in nobody's way */
    return !has_same_key(a->sink, b->sink) || keys_meet(a->keys, a->n, b->keys, b->n);
}

bool parcel_meets(const struct parcel *a, const struct parcel *b)
{
    if (text_equal(a->consumer, b->consumer) && keys_meet(a->ids, a->n_ids, b->ids, b->n_ids))
        return true;
    for (unsigned i = 0; i < a->n_loads; i++)
        for (unsigned k = 0; k < b->n_loads; k++)
            if (loads_meet(&a->loads[i], &b->loads[k])) return true;
    return false;
}
