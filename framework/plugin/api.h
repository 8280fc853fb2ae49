/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions behind the table, by the file that holds them; what they promise stands in
 * <warrener/handler.h>. For this room's own files only. */
#ifndef PLUGIN_API_H
#define PLUGIN_API_H

#include <warrener/handler.h>

/* api_rows.c */
void api_row(struct wr_job *face, unsigned sink);
void api_row_delete(struct wr_job *face, unsigned sink);
void api_put_bool(struct wr_job *face, bool value);
void api_put_int(struct wr_job *face, int64_t value);
void api_put_float(struct wr_job *face, double value);
void api_put_text(struct wr_job *face, struct wr_text value);
void api_put_uuid(struct wr_job *face, struct wr_text value);
void api_put_time_us(struct wr_job *face, int64_t unix_us);
void api_put_date(struct wr_job *face, int32_t unix_day);
void api_put_texts(struct wr_job *face, const struct wr_text *values, size_t n);
void api_put_ints(struct wr_job *face, const int64_t *values, size_t n);
void api_put_null(struct wr_job *face);

/* api_effects.c */
void api_cache_set(struct wr_job *face, struct wr_text key, struct wr_text value, uint64_t version,
                   uint32_t ttl_s);
void api_cache_drop(struct wr_job *face, struct wr_text key, uint64_t version);
void api_publish(struct wr_job *face, const struct wr_outgoing *message);
void api_reply(struct wr_job *face, const struct wr_outgoing *message);

/* api_loads.c */
void api_want(struct wr_job *face, unsigned loader, struct wr_text key);
enum wr_found api_got(struct wr_job *face, unsigned loader, struct wr_text key,
                      struct wr_text *value, uint64_t *version);

/* api_json.c */
struct wr_text api_json_text(struct wr_job *face, const char *field);
int64_t api_json_int(struct wr_job *face, const char *field);
double api_json_float(struct wr_job *face, const char *field);
bool api_json_bool(struct wr_job *face, const char *field);
int64_t api_json_time_us(struct wr_job *face, const char *field);
struct wr_text api_json_raw(struct wr_job *face, const char *field);
bool api_json_has(struct wr_job *face, const char *field);
size_t api_json_count(struct wr_job *face, const char *field);
bool api_json_enter(struct wr_job *face, const char *field, size_t i, struct wr_text *key);
void api_json_leave(struct wr_job *face);
void api_json_open(struct wr_job *face, struct wr_text document);

#endif
