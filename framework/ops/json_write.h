/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes JSON that is valid whatever it is given: bytes that are not UTF-8 become U+FFFD, commas
 * look after themselves. Inside arrays the key is NULL. */
#ifndef OPS_JSON_WRITE_H
#define OPS_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "metrics/metrics_text.h"

struct json_write {
    struct metrics_text *out;
    bool needs_comma;
};

void json_write_open(struct json_write *json, const char *key, char bracket); /* '{' or '[' */
void json_write_close(struct json_write *json, char bracket);                 /* '}' or ']' */
void json_write_text(struct json_write *json, const char *key, const char *text);
void json_write_span(struct json_write *json, const char *key, struct wr_text text);
void json_write_raw(struct json_write *json, const char *key, struct wr_text json_text);
void json_write_text_or_null(struct json_write *json, const char *key, const char *text);
void json_write_int(struct json_write *json, const char *key, int64_t number);
void json_write_count(struct json_write *json, const char *key, uint64_t number);
void json_write_number(struct json_write *json, const char *key, double number); /* to 0.01 */
void json_write_bool(struct json_write *json, const char *key, bool is_true);
void json_write_null(struct json_write *json, const char *key);
void json_write_time(struct json_write *json, const char *key, int64_t unix_us); /* 0: null */

#endif
