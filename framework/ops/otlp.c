/* SPDX-License-Identifier: Apache-2.0
 *
 * What is in a span; see otlp.h. */
#include "ops/otlp.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "ops/otlp_form.h"

#define KEY(literal) ((struct wr_text)WR_TEXT_OF(literal))

/* What all spans of a kind share, for one consumer. */
struct shared {
    const struct span_source *source;
    enum span_kind kind;
    struct metrics_text name, attributes;
};

struct otlp {
    const struct otlp_form *form;
    struct otlp_head head;
    struct shared *shared;
    size_t n_shared;
    bool is_empty; /* no span is in the request yet */
};

static const struct otlp_form *const forms[] = {
    [OTLP_PROTOBUF] = &otlp_protobuf,
    [OTLP_JSON] = &otlp_json,
};

const char *otlp_content_type(enum otlp_format format)
{
    return forms[format]->content_type;
}

struct otlp *otlp_new(enum otlp_format format, const struct otlp_pair *about, size_t n_about,
                      const char *version)
{
    struct otlp *const otlp = NEW(struct otlp);
    otlp->form = forms[format];
    otlp->form->head(&otlp->head, about, n_about, KEY("warrener"), text_of(version));
    return otlp;
}

void otlp_free(struct otlp *otlp)
{
    if (!otlp) return;
    for (size_t i = 0; i < otlp->n_shared; i++) {
        metrics_text_fini(&otlp->shared[i].name);
        metrics_text_fini(&otlp->shared[i].attributes);
    }
    metrics_text_fini(&otlp->head.resource);
    metrics_text_fini(&otlp->head.scope);
    free(otlp->shared);
    free(otlp);
}

/* ---- what is written once -------------------------------------------------------------------------- */

/* Kinds: 1 internal, 3 client, 5 consumer. */
static void write_name(const struct otlp_form *form, struct shared *shared)
{
    const struct span_source *const source = shared->source;
    const bool is_message = shared->kind == SPAN_MESSAGE;
    const bool is_commit = !is_message && source->has_rows;
    char name[300];
    snprintf(name, sizeof name, "%s %s",
             is_message  ? "process"
             : is_commit ? "commit"
                         : "batch",
             source->queue);
    form->name(&shared->name, text_of(name), is_message ? 5 : is_commit ? 3 : 1);
}

static void write_attributes(const struct otlp_form *form, struct shared *shared)
{
    const struct span_source *const source = shared->source;
    struct metrics_text *const out = &shared->attributes;
    form->text(out, KEY("messaging.system"), text_of("rabbitmq"));
    form->text(out, KEY("messaging.destination.name"), text_of(source->queue));
    form->text(out, KEY("warrener.handler"), text_of(source->handler));
    if (shared->kind == SPAN_MESSAGE)
        form->text(out, KEY("messaging.operation.name"), text_of("process"));
    else if (source->has_rows)
        form->text(out, KEY("db.system.name"), text_of("postgresql"));
}

static const struct shared *shared_of(struct otlp *otlp, const struct span *span)
{
    for (size_t i = 0; i < otlp->n_shared; i++)
        if (otlp->shared[i].source == span->source && otlp->shared[i].kind == span->kind)
            return &otlp->shared[i];
    otlp->shared = memory_grow(otlp->shared, otlp->n_shared + 1, sizeof *otlp->shared);
    struct shared *const shared = &otlp->shared[otlp->n_shared++];
    *shared = (struct shared){ .source = span->source, .kind = span->kind };
    write_name(otlp->form, shared);
    write_attributes(otlp->form, shared);
    return shared;
}

/* ---- spans ----------------------------------------------------------------------------------------- */

/* What most messages have in common is left out: that it was the first attempt, and done. */
static void add_message(const struct otlp_form *form, struct metrics_text *out,
                        const struct span *span)
{
    static const char *const outcomes[] = { "done", "retry", "dead" };
    const struct wr_text id = text_from(span->id, span->id_chars);
    const struct wr_text key = text_from(span->key, span->key_chars);
    if (id.len) form->text(out, KEY("messaging.message.id"), id);
    if (key.len) form->text(out, KEY("messaging.rabbitmq.destination.routing_key"), key);
    form->number(out, KEY("messaging.message.body.size"), span->body_bytes);
    if (span->attempt > 1) form->number(out, KEY("warrener.attempt"), span->attempt);
    if (span->outcome == SPAN_DONE) {
        form->end_attributes(out);
        return;
    }
    form->text(out, KEY("warrener.outcome"), text_of(outcomes[span->outcome]));
    form->text(out, KEY("error.type"), text_of(span->error ? span->error : "retry"));
    form->end_attributes(out);
    form->failure(out, text_of(span->words));
}

static void add_batch(const struct otlp_form *form, struct metrics_text *out,
                      const struct span *span)
{
    form->number(out, KEY("messaging.batch.message_count"), span->messages);
    form->end_attributes(out);
    form->links(out, span->links, span->n_links,
                span->n_links < SPAN_LINKS_MOST ? 0 : span->messages - span->n_links);
}

void otlp_begin(struct otlp *otlp, struct metrics_text *out)
{
    out->len = 0;
    otlp->is_empty = true;
    otlp->form->begin(&otlp->head, out);
}

void otlp_add(struct otlp *otlp, struct metrics_text *out, const struct span *span, int64_t unix_ns)
{
    const struct otlp_form *const form = otlp->form;
    const struct shared *const shared = shared_of(otlp, span);
    const size_t began = form->begin_span(out, otlp->is_empty);
    otlp->is_empty = false;
    form->ids(out, span);
    metrics_text_add(out, shared->name.at, shared->name.len);
    form->times(out, span->start_ns + (uint64_t)unix_ns, span->end_ns + (uint64_t)unix_ns);
    metrics_text_add(out, shared->attributes.at, shared->attributes.len);
    if (span->kind == SPAN_MESSAGE)
        add_message(form, out, span);
    else
        add_batch(form, out, span);
    form->end_span(out, began);
}

struct wr_text otlp_end(struct otlp *otlp, struct metrics_text *out)
{
    return otlp->form->end(&otlp->head, out);
}
