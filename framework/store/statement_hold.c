/* SPDX-License-Identifier: Apache-2.0
 *
 * The statement that locks the rows of a guarded sink before anything is decided on them; see
 * statement.h. Its rows are locked in the order of its arrays, as by every other statement. */
#include "store/statement.h"
#include "store/statement_making.h"

void statement_make_hold(struct sink *sink)
{
    struct making making = { NULL, sink, sink->key, sink->n_key, false };
    size_t bytes;
    if (sink->hold.sql) return;
    making_begin(&making, &sink->hold, &bytes);
    making_put(&making, "SELECT count(*) FROM (SELECT 1 FROM ");
    making_put_keys(&making);
    making_put(&making, " JOIN %s AS t ON ", sink->table);
    making_put_match(&making, "t", "d");
    making_put(&making, " ORDER BY d.wr_o FOR UPDATE OF t) x");
    making_end(&making, &sink->hold);
}
