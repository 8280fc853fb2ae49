/* SPDX-License-Identifier: Apache-2.0
 *
 * docs/configuration.md is what the table of keys says today, and the table is complete. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "config/reference.h"
#include "config/schema.h"
#include "unit/config/config_test.h"

Test(reference, the_file_is_up_to_date)
{
    char *made = NULL, *kept = read_sample("../../../docs/configuration.md");
    size_t len = 0;
    FILE *out = open_memstream(&made, &len);
    config_write_reference(out);
    fclose(out);
    cr_assert(strcmp(made, kept) == 0,
              "docs/configuration.md is behind: build the target docs_configuration");
    free(kept);
    free(made);
}

Test(reference, every_key_has_words_and_a_default)
{
    for (size_t i = 0; i < schema_keys_n; i++) {
        const struct schema_key *key = &schema_keys[i];
        bool is_section = key->type == SCHEMA_SECTION;
        bool has_default = key->fallback || key->fallback_note || (key->flags & SCHEMA_REQUIRED);
        cr_expect(key->help && *key->help, "%s", key->path);
        cr_expect(is_section || has_default, "%s", key->path);
        cr_expect(schema_find(text_of(key->path)) == key, "%s stands twice", key->path);
    }
}
