/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler for tests of guards: each message takes one from an account that holds so many, or is told
 * that none is left. The body is {"account": N}, or {"account": N, "to": M}: one goes from N to M. What
 * an account has given is written as a number, not as a sum: a decision on old state would lose some. */
#include <stdlib.h>

#include <warrener/handler.h>

enum { ACCOUNT, ENTRY };

static const struct wr_option options[] = { { "limit", "100", "how many an account gives" },
                                            { 0 } };

static const struct wr_column account[] = { WR_COLUMN("id", WR_INT8),
                                            WR_COLUMN("given", WR_INT8),
                                            { 0 } };
static const struct wr_column entry[] = {
    WR_COLUMN("id", WR_TEXT), WR_COLUMN("account", WR_INT8), WR_COLUMN("taken", WR_BOOL), { 0 }
};
static const struct wr_sink sinks[] = {
    [ACCOUNT] = { .table = "account",
                  .columns = account,
                  .key = "id",
                  .on_conflict = WR_MERGE,
                  .cache_key = "account:{id}",
                  .cache_ttl_s = 600 },
    [ENTRY] = { .table = "entry", .columns = entry, .key = "id", .on_conflict = WR_KEEP },
    { 0 },
};
static const struct wr_loader loaders[] = {
    { .name = "account",
      .sql = "select id::text, ver, given::text from account where id = any($1::text[]::bigint[])",
      .guards = "account" },
    { 0 },
};

static bool banker_open(struct wr_host *host, void **self)
{
    long *limit = malloc(sizeof *limit);
    if (!limit) return false;
    *limit = strtol(wr_option(host, "limit"), NULL, 10);
    *self = limit;
    return true;
}

static struct wr_text key_of(struct wr_job *job, const char *field)
{
    return wr_format(job, "%lld", (long long)wr_json_int(job, field));
}

static void banker_prepare(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    (void)message;
    wr_want(job, 0, key_of(job, "account"));
    if (wr_json_has(job, "to")) wr_want(job, 0, key_of(job, "to"));
}

static void change(struct wr_job *job, const char *field, long by)
{
    struct wr_text value;
    (void)wr_got(job, 0, key_of(job, field), &value, NULL);
    wr_row(job, ACCOUNT);
    wr_put_int(job, wr_json_int(job, field));
    wr_put_int(job, strtol(wr_cstr(job, value), NULL, 10) + by);
}

static enum wr_verdict banker_handle(void *self, struct wr_job *job,
                                     const struct wr_message *message)
{
    struct wr_text value;
    (void)wr_got(job, 0, key_of(job, "account"), &value, NULL);
    const bool is_taken = strtol(wr_cstr(job, value), NULL, 10) < *(const long *)self;
    if (is_taken) change(job, "account", 1);
    if (is_taken && wr_json_has(job, "to")) change(job, "to", -1);
    wr_row(job, ENTRY);
    wr_put_text(job, message->id);
    wr_put_int(job, wr_json_int(job, "account"));
    wr_put_bool(job, is_taken);
    return WR_DONE;
}

WR_HANDLER(.name = "banker", .version = "1.0", .about = "decides on what it reads, for tests",
           .sinks = sinks, .loaders = loaders, .options = options, .open = banker_open,
           .prepare = banker_prepare, .handle = banker_handle, .close = free);
