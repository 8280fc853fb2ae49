/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading what probe wrote; see record.h. */
#include "support/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

static void add_line(struct record *record, size_t *room, const struct record_line *line)
{
    if (record->n == *room) {
        *room = *room ? *room * 2 : 1024;
        record->lines = realloc(record->lines, *room * sizeof *record->lines);
        CHECK(record->lines);
    }
    record->lines[record->n++] = *line;
    if (line->lane < RECORD_LANES) record->by_lane[line->lane]++;
    if (line->id >= record->ids) {
        record->strange++;
        return;
    }
    const uint32_t count = ++record->counts[line->id];
    record->handled += count == 1;
    record->repeated += count == 2;
}

void record_read(struct record *record, const char *path, uint32_t ids)
{
    *record = (struct record){ .ids = ids };
    record->counts = memory_new(ids + 1u, sizeof *record->counts);
    FILE *file = fopen(path, "re");
    if (!file) return;
    char text[512];
    size_t room = 0;
    while (fgets(text, sizeof text, file)) {
        struct record_line line = { .id = UINT32_MAX };
        if (sscanf(text, "m%" SCNu32 " %" SCNu32 " %" SCNu32 " %39s", &line.id, &line.lane,
                   &line.attempt, line.key) < 3)
            line.id = UINT32_MAX;
        add_line(record, &room, &line);
    }
    fclose(file);
}

void record_free(struct record *record)
{
    free(record->lines);
    free(record->counts);
}

size_t record_lines(const char *path)
{
    FILE *file = fopen(path, "re");
    size_t n = 0;
    if (!file) return 0;
    for (int c; (c = getc_unlocked(file)) != EOF;) n += c == '\n';
    fclose(file);
    return n;
}

uint32_t record_handled(const char *path, uint32_t ids)
{
    struct record record;
    record_read(&record, path, ids);
    const uint32_t handled = record.handled;
    record_free(&record);
    return handled;
}

const struct record_line *record_find(const struct record *record, uint32_t id)
{
    for (size_t i = 0; i < record->n; i++)
        if (record->lines[i].id == id) return &record->lines[i];
    return NULL;
}
