/* SPDX-License-Identifier: Apache-2.0
 *
 * Values and their counts; see dead_values.h. There are few in practice: they are looked through. */
#include "app/dead_values.h"

#include <string.h>

static const char *show(struct wr_text value, char out[DEAD_VALUE_CHARS])
{
    return text_show(value.len ? value : WR_TEXT_OF("unknown"), out, DEAD_VALUE_CHARS);
}

/* Its place, or the first free one; DEAD_VALUES_MOST: it has none. */
static size_t place_of(const struct dead_values *values, const char *shown)
{
    size_t i = 0;
    while (i < DEAD_VALUES_MOST && values->at[i].n && strcmp(values->at[i].name, shown) != 0) i++;
    return i;
}

void dead_values_note(struct dead_values *values, struct wr_text value)
{
    char shown[DEAD_VALUE_CHARS];
    const size_t i = place_of(values, show(value, shown));
    if (i == DEAD_VALUES_MOST) {
        values->has_more = true;
        return;
    }
    memcpy(values->at[i].name, shown, sizeof shown);
    values->at[i].n++;
}

bool dead_values_have(const struct dead_values *values, struct wr_text value)
{
    char shown[DEAD_VALUE_CHARS];
    const size_t i = place_of(values, show(value, shown));
    return i == DEAD_VALUES_MOST ? values->has_more : values->at[i].n > 0;
}

void dead_values_write(const struct dead_values *values, FILE *to)
{
    for (size_t i = 0; i < DEAD_VALUES_MOST && values->at[i].n; i++)
        fprintf(to, "%s%s %llu", i ? ", " : "", values->at[i].name,
                (unsigned long long)values->at[i].n);
    if (values->has_more) fprintf(to, " and others");
}

const char *dead_values_nearest(const struct dead_values *values, const char *word)
{
    const char *names[DEAD_VALUES_MOST + 1] = { NULL };
    for (size_t i = 0; i < DEAD_VALUES_MOST && values->at[i].n; i++) names[i] = values->at[i].name;
    return text_nearest(word, names);
}
