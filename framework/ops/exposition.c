/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the Accept header for /metrics; see exposition.h. */
#include "ops/exposition.h"

#define TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* "0.75" in thousandths; anything else that begins with 0 as 0, the rest as 1. */
static int quality_of(struct wr_text text)
{
    int quality = 0, weight = 100;
    if (!text.len || text.at[0] != '0') return 1000;
    for (size_t i = 2; i < text.len && text.at[i] >= '0' && text.at[i] <= '9'; i++) {
        quality += (text.at[i] - '0') * weight;
        weight /= 10;
    }
    return quality;
}

struct offer {
    bool openmetrics, text;
    int quality;
};

static struct offer read_offer(struct wr_text item)
{
    struct offer offer = { false, false, 1000 };
    struct wr_text part;
    if (!http_next_item(&item, ';', &part)) return offer;
    offer.openmetrics = http_text_is(part, "application/openmetrics-text");
    offer.text = http_text_is(part, "text/plain");
    while (http_next_item(&item, ';', &part)) {
        if (part.len > 2 && http_text_is(text_from(part.at, 2), "q=")) {
            offer.quality = quality_of(text_from(part.at + 2, part.len - 2));
        } else if (part.len > 8 && http_text_is(text_from(part.at, 8), "version=") &&
                   !text_is(text_from(part.at + 8, part.len - 8), "1.0.0")) {
            offer.openmetrics = false;
        }
    }
    return offer;
}

bool exposition_wants_openmetrics(struct wr_text accept)
{
    int openmetrics = 0, text = 0;
    struct wr_text item;
    while (http_next_item(&accept, ',', &item)) {
        const struct offer offer = read_offer(item);
        if (offer.openmetrics && offer.quality > openmetrics) openmetrics = offer.quality;
        if (offer.text && offer.quality > text) text = offer.quality;
    }
    return openmetrics > 0 && openmetrics >= text;
}

void exposition_answer(const struct metrics *metrics, const struct http_request *request,
                       struct http_answer *answer)
{
    const bool openmetrics = exposition_wants_openmetrics(request->accept);
    answer->type = openmetrics ? OPENMETRICS_TYPE : TEXT_TYPE;
    answer->headers = "Vary: Accept\r\n";
    metrics_write(metrics, &answer->body, openmetrics);
}
