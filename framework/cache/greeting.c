/* SPDX-License-Identifier: Apache-2.0
 *
 * See greeting.h. What a user may not ask (INFO, CLIENT) is done without: then a cluster or a replica
 * shows with the first call. */
#include "cache/greeting.h"

#include <stdio.h>

#include "cache/fault.h"

#define TEXT(literal) ((struct wr_text){ literal, sizeof(literal) - 1 })

extern const unsigned char asset_write_lua[], asset_lookup_lua[];
extern const size_t asset_write_lua_bytes, asset_lookup_lua_bytes;

enum step { AUTH, SELECT, SETNAME, INFO, TIME, LOAD_WRITE, LOAD_LOOKUP };

/* ---- what we say --------------------------------------------------------------------------------- */

void greeting_load_script(enum cache_script script, struct resp_command *command)
{
    const bool writes = script == CACHE_SCRIPT_WRITE;
    resp_begin(command, 3);
    resp_add(command, TEXT("SCRIPT"));
    resp_add(command, TEXT("LOAD"));
    resp_add(command, text_from((const char *)(writes ? asset_write_lua : asset_lookup_lua),
                                writes ? asset_write_lua_bytes : asset_lookup_lua_bytes));
}

static void put_auth(struct resp_command *command, const struct greeting_terms *terms)
{
    resp_begin(command, terms->user ? 3 : 2);
    resp_add(command, TEXT("AUTH"));
    if (terms->user) resp_add(command, text_of(terms->user));
    resp_add(command, text_of(terms->password));
}

/* CLIENT SETNAME takes printable characters without a space. */
static void put_name(struct resp_command *command, const char *name)
{
    char clean[64];
    size_t n = 0;
    for (; name[n] && n + 1 < sizeof clean; n++)
        clean[n] = (char)(name[n] > ' ' && name[n] < 127 ? name[n] : '-');
    resp_begin(command, 3);
    resp_add(command, TEXT("CLIENT"));
    resp_add(command, TEXT("SETNAME"));
    resp_add(command, text_from(clean, n));
}

static void put_step(struct resp_command *command, enum step step,
                     const struct greeting_terms *terms)
{
    switch (step) {
    case AUTH: put_auth(command, terms); break;
    case SELECT:
        resp_begin(command, 2);
        resp_add(command, TEXT("SELECT"));
        resp_add_number(command, terms->database);
        break;
    case SETNAME: put_name(command, terms->name); break;
    case INFO:
        resp_begin(command, 1);
        resp_add(command, TEXT("INFO"));
        break;
    case TIME:
        resp_begin(command, 1);
        resp_add(command, TEXT("TIME"));
        break;
    case LOAD_WRITE: greeting_load_script(CACHE_SCRIPT_WRITE, command); break;
    case LOAD_LOOKUP: greeting_load_script(CACHE_SCRIPT_LOOKUP, command); break;
    }
}

void greeting_begin(struct greeting *greeting, const struct greeting_terms *terms,
                    struct evbuffer *out)
{
    struct resp_command command = { 0 };
    *greeting = (struct greeting){ 0 };
    for (unsigned step = AUTH; step <= LOAD_LOOKUP; step++) {
        if (step == AUTH && (!terms->password || !*terms->password)) continue;
        if (step == SELECT && terms->database == 0) continue;
        greeting->steps[greeting->n++] = (unsigned char)step;
        put_step(&command, (enum step)step, terms);
        resp_send(&command, out);
    }
    explicit_bzero(command.at, command.room);
    resp_fini(&command);
}

/* ---- what it says -------------------------------------------------------------------------------- */

/* The value of "name:value\r\n"; "" where there is none. */
static struct wr_text info_field(struct wr_text info, const char *name)
{
    const size_t len = strlen(name);
    const char *const end = info.at + info.len;
    for (const char *line = info.at; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop) stop = end;
        if ((size_t)(stop - line) > len && line[len] == ':' && memcmp(line, name, len) == 0) {
            const char *at = line + len + 1;
            size_t n = (size_t)(stop - at);
            if (n && at[n - 1] == '\r') n--;
            return text_from(at, n);
        }
        line = stop + 1;
    }
    return text_of("");
}

static bool refuse(struct greeting *greeting, struct status *status, const char *words)
{
    greeting->is_refusal = true;
    return status_fail(status, EXIT_CONFIG, "%s", words);
}

static bool judge_info(struct greeting *greeting, struct wr_text info, struct status *status)
{
    char primary[128], words[400];
    text_show(info_field(info, "redis_version"), greeting->version, sizeof greeting->version);
    if (text_is(info_field(info, "cluster_enabled"), "1") ||
        text_is(info_field(info, "redis_mode"), "cluster"))
        return refuse(
            greeting, status,
            "it is part of a Redis Cluster, which is refused: batches of keys are written "
            "in one script; name a single Redis in redis.url");
    if (text_is(info_field(info, "loading"), "1"))
        return status_fail(status, EXIT_UNREACHABLE,
                           "LOADING: it is loading its data from disk; it is asked again");
    if (!text_is(info_field(info, "role"), "slave")) return true;
    text_show(info_field(info, "master_host"), primary, sizeof primary);
    snprintf(words, sizeof words,
             "READONLY: it is a replica of %s:%.*s, and replicas cannot be written to; name the "
             "primary in redis.url",
             primary, TEXT_ARGS(info_field(info, "master_port")));
    return refuse(greeting, status, words);
}

bool greeting_read_time(const struct resp_value *items, size_t n, int64_t *server_us)
{
    int64_t seconds, us;
    if (n < 2 || !text_to_int(items[0].text, &seconds) || !text_to_int(items[1].text, &us))
        return false;
    *server_us = seconds * 1000000 + us;
    return true;
}

bool greeting_take_script(struct greeting *greeting, enum cache_script script,
                          const struct resp_value *reply)
{
    char *const name = greeting->scripts[script];
    if (reply->kind != RESP_TEXT || reply->text.len >= sizeof greeting->scripts[script])
        return false;
    memcpy(name, reply->text.at, reply->text.len);
    name[reply->text.len] = '\0';
    return true;
}

static bool take(struct greeting *greeting, enum step step, const struct resp_value *reply,
                 struct status *status)
{
    if (reply->kind == RESP_ERROR) {
        char words[400];
        const struct cache_fault_about *about = cache_fault_of(reply->text);
        if (step == SETNAME) return true;
        if (step == INFO && text_starts(reply->text, "NOPERM")) return true;
        greeting->is_refusal = about->fault == CACHE_FAULT_DEPLOYMENT;
        return status_fail(status, EXIT_CONFIG, "%s",
                           cache_fault_show(reply->text, words, sizeof words));
    }
    switch (step) {
    case INFO: return judge_info(greeting, reply->text, status);
    case TIME:
        if (greeting_read_time(reply->items, reply->n, &greeting->server_us)) return true;
        break;
    case LOAD_WRITE:
        if (greeting_take_script(greeting, CACHE_SCRIPT_WRITE, reply)) return true;
        break;
    case LOAD_LOOKUP:
        if (greeting_take_script(greeting, CACHE_SCRIPT_LOOKUP, reply)) return true;
        break;
    case AUTH:
    case SELECT:
    case SETNAME: return true;
    }
    return status_fail(status, EXIT_UNREACHABLE, "what answers there is not Redis");
}

enum greeting_result greeting_take(struct greeting *greeting, const struct resp_value *reply,
                                   struct status *status)
{
    const enum step step = (enum step)greeting->steps[greeting->at++];
    if (!take(greeting, step, reply, status)) return GREETING_FAILED;
    return greeting->at == greeting->n ? GREETING_DONE : GREETING_GOES_ON;
}
