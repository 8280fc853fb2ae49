/* SPDX-License-Identifier: Apache-2.0
 *
 * What loaders find in a trial: a table of keys in place of cache and database. What a message is given is
 * a copy of its own, so that a handler that keeps it is seen. */
#include "base/check.h"
#include "plugin/trial_parts.h"

static struct trial_load **bucket_of(const struct wr_trial *trial, unsigned loader,
                                     struct wr_text key)
{
    return &trial->loads[(text_hash(key) + loader) % TRIAL_BUCKETS];
}

void wr_trial_load(struct wr_trial *trial, unsigned loader, struct wr_text key, uint64_t version,
                   struct wr_text value)
{
    if (loader >= trial->n_loaders)
        trial_refuse("wr_trial_load", "there is no loader %u, the handler declares %u", loader,
                     trial->n_loaders);
    if (!trial->loads) trial->loads = memory_new(TRIAL_BUCKETS, sizeof(struct trial_load *));
    struct trial_load *const load = arena_take(&trial->own, sizeof *load);
    key = trial_keep_text(&trial->own, text_from(key.at, key.len));
    struct trial_load **const bucket = bucket_of(trial, loader, key);
    value = trial_keep_text(&trial->own, text_from(value.at, value.len));
    *load = (struct trial_load){ *bucket, loader, key, { false, value, version } };
    *bucket = load;
}

static const struct trial_load *find(const struct wr_trial *trial, const struct wanted *wanted)
{
    const struct trial_load *load =
        trial->loads ? *bucket_of(trial, wanted->loader, wanted->key) : NULL;
    while (load && (load->loader != wanted->loader || !text_equal(load->key, wanted->key)))
        load = load->next;
    return load;
}

static void note(struct wr_trial *trial, const struct wanted *wanted, bool is_found)
{
    struct trial_wanted *const noted = arena_take(&trial->kept, sizeof *noted);
    const struct wr_text key = trial_keep_text(&trial->kept, wanted->key);
    *noted = (struct trial_wanted){ trial->wanted, wanted->loader, key, is_found };
    trial->wanted = noted; /* the job's list has the newest first, so this one has the oldest */
}

void trial_answer(struct wr_trial *trial, struct wanted *wanted, struct arena *arena)
{
    for (; wanted; wanted = wanted->next) {
        const struct trial_load *const load = find(trial, wanted);
        note(trial, wanted, load != NULL);
        if (!load) continue;
        struct loaded *const given = arena_take(arena, sizeof *given);
        *given = load->loaded;
        given->value = arena_copy(arena, given->value);
        wanted->loaded = given;
    }
}

const struct trial_wanted *trial_wants(const struct wr_trial *trial)
{
    return trial->wanted;
}
