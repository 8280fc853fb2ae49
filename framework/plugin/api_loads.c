/* SPDX-License-Identifier: Apache-2.0
 *
 * What handlers read: keys are wanted in prepare and got in handle. This host has nothing to load
 * from, and refuses handlers that declare loaders before they come here; so every key that was
 * wanted is absent. */
#include "plugin/api.h"
#include "plugin/job_parts.h"

static bool is_declared(struct job *job, const char *function, unsigned loader)
{
    if (loader < job->n_loaders) return true;
    job_fail(job, "%s: there is no loader %u, the handler declares %u", function, loader,
             job->n_loaders);
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
    struct wanted *const wanted = job_take(job, 1, sizeof *wanted);
    if (!wanted) return;
    *wanted = (struct wanted){ job->wanted, loader, key };
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
    const struct wanted *wanted = job->wanted;
    while (wanted && (wanted->loader != loader || !text_equal(wanted->key, key)))
        wanted = wanted->next;
    char shown[128];
    if (!wanted)
        job_fail(job, "wr_got: the key \"%s\" of the loader %s was not wanted in prepare",
                 text_show(key, shown, sizeof shown), job->settings.handler->loaders[loader].name);
    return WR_ABSENT;
}
