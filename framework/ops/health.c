/* SPDX-License-Identifier: Apache-2.0
 *
 * The judgement; see health.h. Pure but for the pulses of lanes. */
#include "ops/health.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

#define NAMED_MOST 5 /* consumers in trouble that are told one by one */

static const char *const levels[] = { "good", "warn", "bad" };

static const struct {
    const char *kind, *name;
} servers[] = { { "amqp", "RabbitMQ" }, { "postgres", "PostgreSQL" }, { "redis", "Redis" } };

/* NULL: it is none of them. */
static const char *name_of(struct wr_text kind)
{
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++)
        if (text_is(kind, servers[i].kind)) return servers[i].name;
    return NULL;
}

static const char *name_server(const struct board_server *server)
{
    const char *const name = name_of(text_of(server->kind));
    return name ? name : server->kind;
}

static bool is_away(const struct board_snapshot *snapshot, const char *kind)
{
    for (size_t i = 0; i < snapshot->n_servers; i++)
        if (!strcmp(snapshot->servers[i].kind, kind) && !snapshot->servers[i].connected)
            return true;
    return false;
}

/* ---- a consumer ------------------------------------------------------------------------------ */

static bool is_stuck(const struct board *board, size_t i, const struct board_consumer *consumer)
{
    for (size_t lane = 0; lane < consumer->n_lanes; lane++)
        if (board_lane_is_stuck(board, i, lane)) return true;
    return false;
}

/* "postgres: what it said", which stands at the server, too. */
static const char *why_paused(const struct board_consumer *consumer, char *out, size_t bytes)
{
    const size_t len = strcspn(consumer->why, ":");
    const char *const server = name_of(text_from(consumer->why, len));
    if (!server) return consumer->why;
    snprintf(out, bytes, "%s is away", server);
    return out;
}

static const char *why_stuck(uint64_t timeout_ms, char *out, size_t bytes)
{
    char shown[UNITS_CHARS + 1];
    snprintf(out, bytes, "a lane is past its timeout of %s",
             duration_show((int64_t)timeout_ms, shown));
    return out;
}

void health_judge(const struct health_facts *facts, size_t i, struct health_state *out)
{
    const struct board_consumer *const consumer = &facts->snapshot->consumers[i];
    const struct history_pace pace =
        facts->history ? history_pace(facts->history, i) : (struct history_pace){ 0 };
    const bool is_full = consumer->in_flight >= consumer->prefetch;
    const bool is_still = facts->history && pace.done == 0 && pace.received == 0;
    char paused[64], stuck[128];
    const struct {
        bool is_so;
        unsigned trouble;
        enum health_level level;
        const char *word, *more;
    } table[] = {
        { is_stuck(facts->board, i, consumer), 3, HEALTH_BAD, "stuck",
          why_stuck(board_timeout_ms(facts->board, i), stuck, sizeof stuck) },
        { consumer->paused, 2, HEALTH_WARN, "paused", why_paused(consumer, paused, sizeof paused) },
        { !strcmp(consumer->breaker, "half-open"), 2, HEALTH_WARN, "trying a few",
          *consumer->why ? consumer->why : "nearly all have failed" },
        { !consumer->subscribed, 2, HEALTH_BAD, "not consuming", "" },
        { consumer->stages[BOARD_STORING] && is_away(facts->snapshot, "postgres"), 2, HEALTH_WARN,
          "waiting", "PostgreSQL is away" },
        { consumer->stages[BOARD_CACHING] && is_away(facts->snapshot, "redis"), 2, HEALTH_WARN,
          "waiting", "Redis is away" },
        { pace.dead > 0, 1, HEALTH_WARN, "messages die", "" },
        { consumer->ready > 0 && is_full && is_still, 1, HEALTH_WARN, "none done",
          "as many as the prefetch allows are in hand" },
        { pace.done > 0, 0, HEALTH_GOOD, "flowing", "" },
        { consumer->in_flight > 0, 0, HEALTH_GOOD, "working", "" },
        { true, 0, HEALTH_GOOD, "idle", "" },
    };
    size_t nth = 0;
    while (!table[nth].is_so) nth++;
    out->trouble = table[nth].trouble;
    out->level = table[nth].level;
    out->word = table[nth].word;
    snprintf(out->more, sizeof out->more, "%s", table[nth].more);
}

void health_write_state(struct json_write *json, const struct health_state *state)
{
    json_write_open(json, "state", '{');
    json_write_text(json, "level", levels[state->level]);
    json_write_count(json, "trouble", state->trouble);
    json_write_text(json, "word", state->word);
    json_write_text(json, "more", state->more);
    json_write_close(json, '}');
}

/* ---- the host -------------------------------------------------------------------------------- */

static void tell_servers(const struct board_snapshot *snapshot, struct metrics_text *lines)
{
    for (size_t i = 0; i < snapshot->n_servers; i++) {
        const struct board_server *const server = &snapshot->servers[i];
        if (!server->connected)
            metrics_text_format(lines, "%s (%s) is away%s%s\n", name_server(server), server->name,
                                *server->last_error ? ": " : "", server->last_error);
        else if (*server->breaker && strcmp(server->breaker, "closed") != 0)
            metrics_text_format(lines, "the breaker before %s is %s\n", name_server(server),
                                server->breaker);
    }
}

static void tell_consumers(const struct health_facts *facts, struct metrics_text *lines)
{
    size_t amiss = 0;
    double dead = 0;
    for (size_t i = 0; i < facts->snapshot->n_consumers; i++) {
        struct health_state state;
        if (facts->history) dead += history_pace(facts->history, i).dead;
        health_judge(facts, i, &state);
        if (state.trouble < 2 || ++amiss > NAMED_MOST) continue;
        metrics_text_format(lines, "%s is %s%s%s\n", facts->snapshot->consumers[i].name, state.word,
                            *state.more ? ": " : "", state.more);
    }
    if (amiss > NAMED_MOST) metrics_text_format(lines, "and %zu more\n", amiss - NAMED_MOST);
    if (dead > 0)
        metrics_text_format(lines, "messages are going to the dead queue: %.0f a minute of late\n",
                            dead * 60);
}

void health_write_lines(struct json_write *json, const char *key, const char *words,
                        const char *but)
{
    json_write_open(json, key, '[');
    while (*words) {
        const size_t len = strcspn(words, "\n");
        const struct wr_text line = text_from(words, len);
        if (!but || !text_starts(line, but)) json_write_span(json, NULL, line);
        words += len + (words[len] == '\n');
    }
    json_write_close(json, ']');
}

static void write_verdict(struct json_write *json, enum health_level level, const char *title)
{
    json_write_text(json, "level", levels[level]);
    json_write_text(json, "title", title);
}

static void write_flow(struct json_write *json, const struct health_facts *facts)
{
    struct metrics_text lines = { .at = NULL };
    tell_servers(facts->snapshot, &lines);
    tell_consumers(facts, &lines);
    if (lines.len)
        write_verdict(json, HEALTH_WARN, "Work flows, with trouble");
    else
        write_verdict(json, HEALTH_GOOD, "All is well");
    metrics_text_add(&lines, "", 1);
    health_write_lines(json, "reasons", lines.at, NULL);
    metrics_text_fini(&lines);
}

void health_write(struct json_write *json, const struct health_facts *facts)
{
    const bool is_draining = board_is_draining(facts->board);
    json_write_open(json, "health", '{');
    if (facts->is_live && facts->is_ready && !is_draining) {
        write_flow(json, facts);
    } else {
        if (!facts->is_live)
            write_verdict(json, HEALTH_BAD, "Stuck");
        else if (is_draining)
            write_verdict(json, HEALTH_WARN, "Draining");
        else
            write_verdict(json, HEALTH_BAD, *facts->snapshot->version ? "Not ready" : "Starting");
        health_write_lines(json, "reasons", facts->words, is_draining ? "draining" : NULL);
    }
    json_write_close(json, '}');
}
