/* SPDX-License-Identifier: Apache-2.0
 *
 * URLs taken apart, refused, and made fit to be seen. */
#include <criterion/criterion.h>

#include "config/url.h"

static void expect_parts(const char *text, const char *expected)
{
    struct url url;
    struct status status = { 0 };
    cr_assert(url_parse(text_of(text), &url, &status), "%s: %s", text, status.text);
    char parts[400];
    snprintf(parts, sizeof parts, "%s|%s|%s|%s|%d|%s|%s", url.scheme, url.user ? url.user : "-",
             url.password ? url.password : "-", url.host, url.port, url.path,
             url.query ? url.query : "-");
    cr_expect_str_eq(parts, expected, "%s gave %s", text, parts);
    url_fini(&url);
}

Test(url, parts)
{
    expect_parts("amqp://h", "amqp|-|-|h|0||-");
    expect_parts("AMQPS://h:5671/", "amqps|-|-|h|5671|/|-");
    expect_parts("amqp://u:p%40%2f%25@h.example:1/v%2Fw", "amqp|u|p@/%|h.example|1|/v%2Fw|-");
    expect_parts("amqp://u@h/", "amqp|u|-|h|0|/|-");
    expect_parts("redis://:p@[::1]:6379/0", "redis||p|::1|6379|/0|-");
    expect_parts("amqp://u:a:b@c@h/", "amqp|u|a:b@c|h|0|/|-");
    expect_parts("postgresql:///db?host=/run/x", "postgresql|-|-||0|/db|host=/run/x");
    expect_parts("redis://[fe80::1]", "redis|-|-|fe80::1|0||-");
}

static void expect_refused(const char *text, const char *begin)
{
    struct url url;
    struct status status = { 0 };
    cr_expect_not(url_parse(text_of(text), &url, &status), "%s", text);
    cr_expect_eq(strncmp(status.text, begin, strlen(begin)), 0, "%s gave %s", text, status.text);
}

Test(url, refused)
{
    expect_refused("", "it is not a URL");
    expect_refused("localhost:5672", "it is not a URL");
    expect_refused("://h", "it is not a URL");
    expect_refused("a b://h", "it holds a space");
    expect_refused("amqp://h\n", "it holds a space or a control character");
    expect_refused("amqp://u:p#w@h/", "it holds a #");
    expect_refused("amqp://u:p/w@h/", "its port is not a number; in a user or password write % as");
    expect_refused("amqp://u:100%@h/", "its user or password holds a % without two hex digits");
    expect_refused("amqp://u:%00@h/", "its user or password holds a %");
    expect_refused("amqp://h:0/", "its port is not 1 to 65535");
    expect_refused("amqp://h:65536/", "its port is not 1 to 65535");
    expect_refused("amqp://h:+1/", "its port is not a number");
    expect_refused("amqp://h:/", "its port is not a number");
    expect_refused("amqp://::1/", "it has more than one : in its host; an IPv6 address stands in");
    expect_refused("amqp://a,b/", "its host holds a character that no host name has");
    expect_refused("amqp://[::1/", "what stands in brackets is not an IPv6 address");
    expect_refused("amqp://[1.2.3.4]/", "what stands in brackets is not an IPv6 address");
    expect_refused("amqp://[::1]x/", "something odd follows its host");
}

static void expect_vhost(const char *text, const char *expected)
{
    struct url url;
    struct status status = { 0 };
    char vhost[16] = "!";
    cr_assert(url_parse(text_of(text), &url, &status));
    if (!url_vhost(&url, vhost, sizeof vhost, &status)) snprintf(vhost, sizeof vhost, "!");
    cr_expect_str_eq(vhost, expected, "%s gave %s", text, vhost);
    url_fini(&url);
}

Test(url, virtual_hosts)
{
    expect_vhost("amqp://h", "/");
    expect_vhost("amqp://h/", "/");
    expect_vhost("amqp://h/%2f", "/");
    expect_vhost("amqp://h/shop", "shop");
    expect_vhost("amqp://h/%2Fshop%20a", "/shop a");
    expect_vhost("amqp://h//", "!");
    expect_vhost("amqp://h/a/b", "!");
    expect_vhost("amqp://h/%", "!");
    expect_vhost("amqp://h/abcdefghijklmnop", "!");
}

static void expect_redacted(const char *text, const char *expected)
{
    char out[80];
    cr_expect_str_eq(url_redact(text_of(text), out, sizeof out), expected, "%s gave %s", text, out);
}

Test(url, redacted)
{
    expect_redacted("amqp://u:secret@h:1/v", "amqp://u:***@h:1/v");
    expect_redacted("amqp://u:se:cr@et@h/v", "amqp://u:***@h/v");
    expect_redacted("amqp://u:sec/ret@h/v", "amqp://u:***@h/v");
    expect_redacted("amqp://u:sec?ret@h/v", "amqp://u:***@h/v");
    expect_redacted("redis://:secret@h", "redis://:***@h");
    expect_redacted("amqp://h:5672/v", "amqp://h:5672/v");
    expect_redacted("postgres://h/d?password=secret", "postgres://h/d?***");
    expect_redacted("postgres://u:s@h/d?password=secret", "postgres://u:***@h/d?***");
    expect_redacted("u:secret@h", "u:***@h");
}
