/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking URLs apart; see url.h. Lenient where a password holds a raw ':' or '@', strict elsewhere. */
#include "config/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

#define HOST_BYTES_MAX 253

/* What most bad URLs come from. */
#define ENCODE_HINT                                                                                \
    "in a user or password write %% as %%25, / as %%2F, : as %%3A, @ as %%40, ? as %%3F, # as "    \
    "%%23"

static bool fail(struct status *status, const char *why)
{
    return status_fail(status, EXIT_CONFIG, "%s", why);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool url_decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        int high = hex_value(from[1]);
        int low = high < 0 ? -1 : hex_value(from[2]);
        if (low < 0 || (high == 0 && low == 0)) return false;
        *to++ = (char)(high * 16 + low);
        from += 2;
    }
    *to = '\0';
    return true;
}

static bool split_scheme(struct url *url, char **rest, struct status *status)
{
    char *mark = strstr(url->storage, "://");
    if (!mark || mark == url->storage)
        return fail(status, "it is not a URL: it does not begin with a scheme and ://");
    *mark = '\0';
    for (char *c = url->storage; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '+' && *c != '-' && *c != '.')
            return fail(status, "it is not a URL: it does not begin with a scheme and ://");
        *c = (char)tolower((unsigned char)*c);
    }
    url->scheme = url->storage;
    *rest = mark + 3;
    return true;
}

static bool split_user(struct url *url, char **authority, struct status *status)
{
    char *at = strrchr(*authority, '@');
    if (!at) return true;
    *at = '\0';
    char *colon = strchr(*authority, ':');
    if (colon) *colon = '\0';
    url->user = *authority;
    url->password = colon ? colon + 1 : NULL;
    if (!url_decode(*authority) || (colon && !url_decode(colon + 1)))
        return status_fail(status, EXIT_CONFIG,
                           "its user or password holds a %% without two hex digits; " ENCODE_HINT);
    *authority = at + 1;
    return true;
}

static bool read_port(const char *text, uint16_t *port, struct status *status)
{
    int64_t number = 0;
    if (!isdigit((unsigned char)*text) || !text_to_int(text_of(text), &number))
        return status_fail(status, EXIT_CONFIG, "its port is not a number; " ENCODE_HINT);
    if (number < 1 || number > 65535) return fail(status, "its port is not 1 to 65535");
    *port = (uint16_t)number;
    return true;
}

/* [address] of IPv6, then what follows it. */
static bool split_brackets(struct url *url, char *authority, char **after, struct status *status)
{
    char *close = strchr(authority, ']');
    struct in6_addr ignored;
    if (close) *close = '\0';
    if (!close || inet_pton(AF_INET6, authority + 1, &ignored) != 1)
        return fail(status, "what stands in brackets is not an IPv6 address");
    if (close[1] && close[1] != ':') return fail(status, "something odd follows its host");
    url->host = authority + 1;
    *after = close + 1;
    return true;
}

static bool split_name(struct url *url, char *authority, char **after, struct status *status)
{
    char *colon = strchr(authority, ':');
    *after = colon ? colon : authority + strlen(authority);
    if (colon && strchr(colon + 1, ':'))
        return status_fail(status, EXIT_CONFIG,
                           "it has more than one : in its host; an IPv6 address stands in [ ], and "
                           "one server is named; " ENCODE_HINT);
    for (const char *c = authority; c < *after; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-._", *c))
            return status_fail(status, EXIT_CONFIG,
                               "its host holds a character that no host name has; " ENCODE_HINT);
    if (*after - authority > HOST_BYTES_MAX) return fail(status, "its host is too long");
    url->host = authority;
    return true;
}

static bool split_host(struct url *url, char *authority, struct status *status)
{
    char *after = authority;
    bool is_well = *authority == '[' ? split_brackets(url, authority, &after, status)
                                     : split_name(url, authority, &after, status);
    if (!is_well) return false;
    if (*after != ':') return true;
    *after = '\0';
    return read_port(after + 1, &url->port, status);
}

/* The path keeps its slash, so it moves to the storage's end: the slash's byte ends the host. */
static void split_path(struct url *url, char *rest, char **authority)
{
    char *query = strchr(rest, '?');
    if (query) {
        *query = '\0';
        url->query = query + 1;
    }
    char *slash = strchr(rest, '/');
    url->path = "";
    if (slash) {
        size_t len = strlen(slash);
        char *copy = url->storage + url->storage_bytes - len - 1;
        memcpy(copy, slash, len + 1);
        url->path = copy;
        *slash = '\0';
    }
    *authority = rest;
}

static bool split(struct url *url, struct status *status)
{
    char *rest = url->storage, *authority = url->storage;
    if (!split_scheme(url, &rest, status)) return false;
    if (strchr(rest, '#')) return status_fail(status, EXIT_CONFIG, "it holds a #; " ENCODE_HINT);
    split_path(url, rest, &authority);
    return split_user(url, &authority, status) && split_host(url, authority, status);
}

bool url_parse(struct wr_text text, struct url *url, struct status *status)
{
    *url = (struct url){ .storage_bytes = 2 * text.len + 2 };
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c <= ' ' || c == 0x7f)
            return fail(status, "it holds a space or a control character; encode it as %XX");
    }
    url->storage = memory_new(url->storage_bytes, 1);
    memcpy(url->storage, text.at, text.len);
    if (split(url, status)) return true;
    url_fini(url);
    return false;
}

void url_fini(struct url *url)
{
    if (url->storage) explicit_bzero(url->storage, url->storage_bytes);
    free(url->storage);
    memset(url, 0, sizeof *url);
}

bool url_vhost(const struct url *url, char *out, size_t out_bytes, struct status *status)
{
    const char *path = *url->path == '/' ? url->path + 1 : url->path;
    if (strchr(path, '/')) return fail(status, "its virtual host holds a /; write that as %2F");
    int len = snprintf(out, out_bytes, "%s", *path ? path : "/");
    if ((size_t)len >= out_bytes) return fail(status, "its virtual host is too long");
    if (!url_decode(out))
        return fail(status, "its virtual host holds a % without two hex digits; write it as %25");
    return true;
}

const char *url_redact(struct wr_text text, char *out, size_t out_bytes)
{
    char *copy = text_copy(text);
    char *rest = strstr(copy, "://");
    rest = rest ? rest + 3 : copy;
    char *at = strrchr(rest, '@');
    char *colon = at ? memchr(rest, ':', (size_t)(at - rest)) : NULL;
    char *tail = colon ? at : rest;
    char *query = strchr(tail, '?');
    if (query) *query = '\0';
    if (colon) *colon = '\0';
    snprintf(out, out_bytes, "%s%s%s%s", copy, colon ? ":***" : "", colon ? tail : "",
             query ? "?***" : "");
    explicit_bzero(copy, text.len);
    free(copy);
    return out;
}
