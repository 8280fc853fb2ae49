/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler in C++20: one row for each article of an order, however often it is listed there. No exception
 * may leave a handler; here they become the reason of a rejected message. */
#include <cstdint>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>

#include <warrener/handler.h>

namespace
{

const wr_column columns[] = {
    WR_COLUMN("order_id", WR_UUID),
    WR_COLUMN("sku", WR_TEXT),
    WR_COLUMN("quantity", WR_INT4),
    {},
};

enum { ITEM };
const wr_sink sinks[] = {
    { .table = "order_item", .columns = columns, .key = "order_id, sku" },
    {},
};

const struct wr_option options[] = { { "most", "1000", "how many of an article may be ordered" },
                                     {} };

struct state {
    std::int64_t most;
};

bool open(wr_host *host, void **self) noexcept
try {
    *self = new state{ std::stoll(wr_option(host, "most")) };
    return true;
} catch (const std::exception &) {
    wr_open_because(host, "the option \"most\" is \"%s\", which is no number",
                    wr_option(host, "most"));
    return false;
}

/* Errors are sticky: where a field is missing the message has failed, whatever is done with the 0 or "". */
std::map<std::string, std::int64_t> read_items(wr_job *job)
{
    std::map<std::string, std::int64_t> items;
    for (std::size_t i = 0; wr_json_enter(job, "items", i, nullptr); i++) {
        const wr_text sku = wr_json_text(job, "sku");
        items[std::string(sku.at, sku.len)] += wr_json_int(job, "quantity");
        wr_json_leave(job);
    }
    return items;
}

wr_verdict handle(void *self, wr_job *job, const wr_message *) noexcept
try {
    const wr_text order = wr_json_text(job, "order_id");
    for (const auto &[sku, quantity] : read_items(job)) {
        if (quantity < 1 || quantity > static_cast<state *>(self)->most)
            throw std::range_error("quantity of " + sku + " is " + std::to_string(quantity));
        wr_row(job, ITEM);
        wr_put_uuid(job, order);
        wr_put_text(job, { sku.data(), sku.size() });
        wr_put_int(job, quantity);
    }
    return WR_DONE;
} catch (const std::exception &fault) {
    wr_fail(job, "%s", fault.what());
    return WR_REJECT;
}

void close(void *self) noexcept
{
    delete static_cast<state *>(self);
}

} // namespace

WR_HANDLER(.name = "items", .version = "1.0", .about = "writes the articles of orders",
           .sinks = sinks, .options = options, .open = open, .handle = handle, .close = close);
