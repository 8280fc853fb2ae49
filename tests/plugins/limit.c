/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler that reads: an order is taken where its user's limit allows it. */
#include <warrener/handler.h>

enum { USERS };
static const struct wr_loader loaders[] = {
    [USERS] = { .name = "users",
                .sql = "select id::text, 1::bigint, limit_cents::text from users "
                       "where id::text = any($1::text[])" },
    { 0 },
};

static void prepare(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    (void)message;
    wr_want(job, USERS, wr_json_text(job, "user"));
}

static enum wr_verdict handle(void *self, struct wr_job *job, const struct wr_message *message)
{
    struct wr_text value;
    uint64_t version;
    (void)self;
    (void)message;
    const int64_t cents = wr_json_int(job, "cents");
    if (wr_got(job, USERS, wr_json_text(job, "user"), &value, &version) == WR_ABSENT) {
        wr_because(job, "nobody");
        return WR_RETRY;
    }
    wr_json_open(job, value);
    wr_because(job, "the limit is %lld, version %llu", (long long)wr_json_int(job, "limit"),
               (unsigned long long)version);
    return cents <= wr_json_int(job, "limit") ? WR_DONE : WR_REJECT;
}

WR_HANDLER(.name = "limit", .loaders = loaders, .prepare = prepare, .handle = handle);
