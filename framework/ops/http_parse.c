/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser; see http_parse.h. It starts over at each call: heads are short, and nothing is kept
 * that could be half true. */
#include "ops/http_parse.h"

#include <string.h>
#include <strings.h>

struct parsing {
    const char *at, *end;
    struct http_request *request;
    int minor; /* of HTTP/1.x */
    unsigned hosts, lengths;
    bool has_body, closes;
};

static bool refuse(struct parsing *parsing, int status, const char *why)
{
    parsing->request->status = status;
    parsing->request->why = why;
    return false;
}

/* The bytes of a token: of methods and header names (RFC 9110, 5.6.2). */
static bool is_token(struct wr_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.at[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c)) return false;
    }
    return text.len > 0;
}

/* Neither control bytes nor DEL; blanks only where they are allowed. */
static bool is_visible(struct wr_text text, bool blanks)
{
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.at[i];
        const bool blank = c == ' ' || c == '\t';
        if (blank ? !blanks : c < ' ' || c == 0x7f) return false;
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct wr_text trim(struct wr_text text)
{
    while (text.len && is_blank(text.at[0])) text = text_from(text.at + 1, text.len - 1);
    while (text.len && is_blank(text.at[text.len - 1])) text.len--;
    return text;
}

bool http_next_item(struct wr_text *list, char separator, struct wr_text *item)
{
    if (!list->len) return false;
    const char *cut = memchr(list->at, separator, list->len);
    const size_t len = cut ? (size_t)(cut - list->at) : list->len;
    const size_t past = cut ? len + 1 : len;
    *item = trim(text_from(list->at, len));
    *list = text_from(list->at + past, list->len - past);
    return true;
}

bool http_text_is(struct wr_text text, const char *lower_case)
{
    return text.len == strlen(lower_case) && strncasecmp(text.at, lower_case, text.len) == 0;
}

/* The next line without its CRLF. `*partial` where it has not ended yet; false where it never will. */
static bool take_line(struct parsing *parsing, struct wr_text *line, bool *partial)
{
    const size_t left = (size_t)(parsing->end - parsing->at);
    const char *feed = memchr(parsing->at, '\n', left);
    *partial = !feed;
    *line = text_from(parsing->at, feed ? (size_t)(feed - parsing->at) : left);
    if (line->len && line->at[line->len - 1] == '\r') {
        line->len--;
    } else if (feed) {
        return refuse(parsing, 400, "a line ends without a carriage return");
    }
    if (!is_visible(*line, true))
        return refuse(parsing, 400, "there are control bytes in the head");
    if (feed) parsing->at = feed + 1;
    return true;
}

static bool take_version(struct parsing *parsing, struct wr_text version)
{
    const char *at = version.at;
    if (version.len != 8 || memcmp(at, "HTTP/", 5) != 0 || at[6] != '.') {
        return refuse(parsing, 400, "the request line does not end with an HTTP version");
    }
    if (at[5] < '0' || at[5] > '9' || at[7] < '0' || at[7] > '9') {
        return refuse(parsing, 400, "the HTTP version is not a number");
    }
    if (at[5] != '1') return refuse(parsing, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    parsing->minor = at[7] - '0';
    return true;
}

/* "/path?query", or "http://host/path" as a proxy would have it. */
static bool take_target(struct parsing *parsing, struct wr_text target)
{
    static const char scheme[] = "http://";
    const size_t scheme_len = sizeof scheme - 1;
    if (target.len > scheme_len && strncasecmp(target.at, scheme, scheme_len) == 0) {
        const char *slash = memchr(target.at + scheme_len, '/', target.len - scheme_len);
        target = slash ? text_from(slash, (size_t)(target.at + target.len - slash)) : text_of("/");
    }
    if (!target.len || target.at[0] != '/' || memchr(target.at, '#', target.len)) {
        return refuse(parsing, 400, "the request's target is not a path");
    }
    const char *query = memchr(target.at, '?', target.len);
    parsing->request->path = text_from(target.at, query ? (size_t)(query - target.at) : target.len);
    return true;
}

static bool take_request_line(struct parsing *parsing, struct wr_text line)
{
    const char *first = memchr(line.at, ' ', line.len);
    const char *last = memrchr(line.at, ' ', line.len);
    if (!first || first == last) {
        return refuse(parsing, 400, "the request line is not METHOD PATH HTTP/1.1");
    }
    const struct wr_text method = text_from(line.at, (size_t)(first - line.at));
    const struct wr_text target = text_from(first + 1, (size_t)(last - first - 1));
    const struct wr_text version = text_from(last + 1, (size_t)(line.at + line.len - last - 1));
    if (!is_token(method)) return refuse(parsing, 400, "the method is not a word");
    if (!is_visible(target, false)) return refuse(parsing, 400, "there are blanks in the target");
    if (!take_version(parsing, version)) return false;
    parsing->request->method = text_is(method, "GET")    ? HTTP_GET
                               : text_is(method, "HEAD") ? HTTP_HEAD
                                                         : HTTP_OTHER;
    return parsing->request->method == HTTP_OTHER || take_target(parsing, target);
}

static bool take_host(struct parsing *parsing, struct wr_text value)
{
    (void)value;
    return ++parsing->hosts == 1 || refuse(parsing, 400, "there are two Host headers");
}

static bool take_length(struct parsing *parsing, struct wr_text value)
{
    if (++parsing->lengths > 1) return refuse(parsing, 400, "there are two Content-Length headers");
    if (!value.len) return refuse(parsing, 400, "Content-Length is empty");
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < '0' || value.at[i] > '9') {
            return refuse(parsing, 400, "Content-Length is not a number");
        }
        if (value.at[i] != '0') parsing->has_body = true;
    }
    return true;
}

static bool take_encoding(struct parsing *parsing, struct wr_text value)
{
    (void)value;
    return refuse(parsing, 400, "Transfer-Encoding is not taken: a request here has no body");
}

static bool take_connection(struct parsing *parsing, struct wr_text value)
{
    struct wr_text item;
    while (http_next_item(&value, ',', &item)) {
        if (http_text_is(item, "close")) parsing->closes = true;
    }
    return true;
}

static bool take_accept(struct parsing *parsing, struct wr_text value)
{
    parsing->request->accept = value;
    return true;
}

static const struct {
    const char *name;
    bool (*take)(struct parsing *, struct wr_text value);
} headers[] = {
    { "host", take_host },
    { "content-length", take_length },
    { "transfer-encoding", take_encoding },
    { "connection", take_connection },
    { "accept", take_accept },
};

static bool take_header(struct parsing *parsing, struct wr_text line)
{
    const char *colon = memchr(line.at, ':', line.len);
    const struct wr_text name = text_from(line.at, colon ? (size_t)(colon - line.at) : 0);
    if (!is_token(name)) return refuse(parsing, 400, "a header line is not NAME: VALUE");
    const struct wr_text value = trim(text_from(colon + 1, line.len - name.len - 1));
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        if (http_text_is(name, headers[i].name)) return headers[i].take(parsing, value);
    }
    return true;
}

/* What only the whole head can tell. Another method is answered as such, whatever it carries. */
static bool finish(struct parsing *parsing)
{
    struct http_request *request = parsing->request;
    if (parsing->minor >= 1 && !parsing->hosts) {
        return refuse(parsing, 400, "the Host header is missing");
    }
    request->keep_alive = parsing->minor >= 1 && !parsing->closes && request->method != HTTP_OTHER;
    if (parsing->has_body && request->method != HTTP_OTHER) {
        return refuse(parsing, 413, "a request here has no body");
    }
    return true;
}

enum http_parsed http_parse(const char *at, size_t len, struct http_request *request)
{
    struct parsing parsing = { .at = at, .end = at + len, .request = request };
    struct wr_text line;
    bool partial = false;
    *request = (struct http_request){ .path = { "", 0 }, .accept = { "", 0 } };
    while (parsing.end - parsing.at >= 2 && memcmp(parsing.at, "\r\n", 2) == 0) parsing.at += 2;
    if (!take_line(&parsing, &line, &partial)) return HTTP_BAD;
    if (!partial && !take_request_line(&parsing, line)) return HTTP_BAD;
    while (!partial) {
        if (!take_line(&parsing, &line, &partial)) return HTTP_BAD;
        if (partial) break;
        if (!line.len) {
            request->bytes = (size_t)(parsing.at - at);
            return finish(&parsing) ? HTTP_REQUEST : HTTP_BAD;
        }
        if (!take_header(&parsing, line)) return HTTP_BAD;
    }
    if (len < HTTP_HEAD_BYTES) return HTTP_PARTIAL;
    refuse(&parsing, 431, "request line and headers are longer than 8 KiB");
    return HTTP_BAD;
}
