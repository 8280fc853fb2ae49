/* SPDX-License-Identifier: Apache-2.0
 *
 * What handlers read: keys are wanted in prepare and got in handle. What was not loaded in between,
 * because nobody does that here, is absent. */
#include <string.h>

#include "plugin/api.h"
#include "plugin/job_parts.h"

static bool is_declared(struct job *job, const char *function, unsigned loader)
{
    if (loader < job->n_loaders) return true;
    job_fail(job, "%s: there is no loader %u, the handler declares %u", function, loader,
             job->n_loaders);
    return false;
}

static struct wanted *find(const struct job *job, unsigned loader, struct wr_text key)
{
    struct wanted *wanted = job->wanted;
    while (wanted && (wanted->loader != loader || !text_equal(wanted->key, key)))
        wanted = wanted->next;
    return wanted;
}

/* As PostgreSQL takes it for text. */
static bool is_key_good(struct job *job, unsigned loader, struct wr_text key)
{
    if (!memchr(key.at, '\0', key.len) && text_is_utf8(key)) return true;
    char shown[128];
    job_fail(job, "wr_want: the key \"%s\" of the loader %s is not UTF-8, or holds a zero byte",
             text_show(key, shown, sizeof shown), job->settings.handler->loaders[loader].name);
    return false;
}

void api_want(struct wr_job *face, unsigned loader, struct wr_text key)
{
    struct job *const job = job_of(face);
    if (!is_declared(job, "wr_want", loader)) return;
    if (!job->is_preparing) {
        job_fail(job, "wr_want: keys are wanted in prepare, and nowhere else");
        return;
    }
    key = given_text(key);
    if (find(job, loader, key) || !is_key_good(job, loader, key)) return;
    struct wanted *const wanted = job_take(job, 1, sizeof *wanted);
    if (!wanted) return;
    *wanted = (struct wanted){ .next = job->wanted, .loader = loader, .key = key };
    job_copy(job, &wanted->key);
    job->wanted = wanted;
}

enum wr_found api_got(struct wr_job *face, unsigned loader, struct wr_text key,
                      struct wr_text *value, uint64_t *version)
{
    struct job *const job = job_of(face);
    if (value) *value = text_of("");
    if (version) *version = 0;
    if (!is_declared(job, "wr_got", loader)) return WR_ABSENT;
    key = given_text(key);
    const struct wanted *const wanted = find(job, loader, key);
    if (!wanted) {
        char shown[128];
        job_fail(job, "wr_got: the key \"%s\" of the loader %s was not wanted in prepare",
                 text_show(key, shown, sizeof shown), job->settings.handler->loaders[loader].name);
        return WR_ABSENT;
    }
    const struct loaded *const loaded = wanted->loaded;
    if (!loaded || loaded->is_absent) return WR_ABSENT;
    if (value) *value = loaded->value;
    if (version) *version = loaded->version;
    return WR_FOUND;
}
