/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads; see load.h. Deletes wipe what came before them only where it is known that they will happen:
 * under `once` they may be repeats. */
#include "store/load.h"

#include "store/fold.h"

/* A group: the ops of one key, in arrival order. */
struct group {
    struct load *load;
    const struct key *keys;
    size_t n;
};

static struct load_op *op_at(const struct group *group, size_t i)
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
        struct load_op *const op = op_at(group, i);
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
    for (size_t i = first + 1; i < group->n; i++) op_at(group, i)->wave = LOAD_NOT_SENT;
}

/* The last delete wipes what came before it and goes first. */
static void settle_wiping(const struct group *group, struct arena *arena)
{
    size_t first = group->n;
    while (first > 0 && !op_at(group, first - 1)->row->is_delete) first--;
    for (size_t i = 0; i + 1 < first; i++) op_at(group, i)->wave = LOAD_NOT_SENT;
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

void load_sort(struct load *load, struct arena *arena)
{
    load->waves = load->n > 0;
    if (load->sink->n_key == 0 || load->n == 0) return;
    load->keys = arena_take(arena, 2 * load->n * sizeof *load->keys);
    for (size_t i = 0; i < load->n; i++)
        load->keys[i] = key_of_row(load->sink, load->ops[i].row, (uint32_t)i, arena);
    keys_sort(load->keys, load->keys + load->n, load->n);
    settle(load, arena);
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

bool load_meets(const struct load *a, const struct load *b)
{
    if (a->n == 0 || b->n == 0 || strcmp(a->sink->table, b->sink->table) != 0) return false;
    if (may_touch_any(a->sink) || may_touch_any(b->sink)) return true;
    if (!a->keys || !b->keys) return false; /* plain inserts are in nobody's way */
    return !has_same_key(a->sink, b->sink) || keys_meet(a->keys, a->n, b->keys, b->n);
}
