/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing the reference; see reference.h. The words around the tables stand here, those about a key
 * in the table of keys. */
#include "config/reference.h"

#include <string.h>

#include "config/schema.h"

#define ALLOWED_BYTES 200

static const char preface[] =
    "# Configuration\n"
    "\n"
    "<!-- Made from framework/config/schema.c by the target docs_configuration: change it there. "
    "-->\n"
    "\n"
    "Warrener reads one YAML file: the one named by `-c FILE`, else by `$WARRENER_CONFIG`, else\n"
    "`warrener.yaml`. The least that works:\n"
    "\n"
    "```yaml\n"
    "consumers:\n"
    "  - queue: login.events\n"
    "    handler: tally\n"
    "```\n"
    "\n"
    "`warrener check` reads it and tells every fault at once, each with its place, what was "
    "found,\n"
    "what is allowed, and the nearest name:\n"
    "\n"
    "```\n"
    "warrener.yaml:4:15: consumers[0].prefetch: 0 is out of range; allowed: auto, or 1 to 5000\n"
    "warrener.yaml:5:5: consumers[0].handlr: unknown key; did you mean \"handler\"?\n"
    "```\n"
    "\n"
    "## Values from elsewhere\n"
    "\n"
    "| in a value | becomes |\n"
    "|---|---|\n"
    "| `${NAME}` | the variable; a fault where it is not set |\n"
    "| `${NAME:-default}` | the variable, or the default where it is not set or empty |\n"
    "| `${file:PATH}` | what the file holds, without one newline at its end |\n"
    "| `$$` | a dollar sign; a `$` before anything but `{` and `$` is itself |\n"
    "\n"
    "They are filled in after the file has been read as YAML, so that no value can change its "
    "shape.\n"
    "Those of servers (URLs, users, passwords) are filled in again at each connect: a mounted "
    "secret\n"
    "may rotate under a running host. They do not nest. Secrets are never shown in faults or "
    "logs.\n"
    "\n"
    "Relative paths start at the directory of the file. In a URL, a user or password with any of\n"
    "`% / : @ ? #` writes it as `%25 %2F %3A %40 %3F %23`. Durations are whole numbers with `ms`, "
    "`s`,\n"
    "`m`, `h` or `d` (`1m30s`), sizes with `kB`, `MB`, `KiB`, `MiB` or `GiB`. Anchors, aliases, "
    "tags and\n"
    "several documents in one file are refused.\n"
    "\n"
    "## How memory is shared\n"
    "\n"
    "Messages in hand never take more than `memory`. Each enabled consumer with a `prefetch` of "
    "its own\n"
    "takes prefetch x max_message of it; what is left is cut into equal parts for the consumers "
    "on\n"
    "`auto`, and such a part divided by max_message bounds that consumer's prefetch.\n"
    "\n"
    "## Keys\n";

/* A `|` would end the cell. */
static void write_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') fputc('\\', out);
        fputc(*text, out);
    }
}

static void write_default(FILE *out, const struct schema_key *key)
{
    if (key->flags & SCHEMA_REQUIRED)
        fputs("required", out);
    else if (key->fallback)
        fprintf(out, "`%s`", key->fallback);
    else
        write_cell(out, key->fallback_note);
}

static void write_row(FILE *out, const struct schema_key *key, const char *name)
{
    char allowed[ALLOWED_BYTES];
    fprintf(out, "| `%s` | ", name);
    write_cell(out, schema_type_name(key->type));
    fputs(": ", out);
    write_cell(out, schema_show_allowed(key, allowed, sizeof allowed));
    fputs(" | ", out);
    write_default(out, key);
    fputs(" | ", out);
    write_cell(out, key->help);
    fputs(" |\n", out);
}

/* The keys directly inside, but for sections, which get tables of their own. */
static void write_table(FILE *out, const char *section)
{
    fputs("\n| key | takes | default | |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < schema_keys_n; i++) {
        const struct schema_key *key = &schema_keys[i];
        const char *name = schema_child_name(key, section);
        if (name && key->type != SCHEMA_SECTION && key->type != SCHEMA_SECTIONS)
            write_row(out, key, name);
    }
}

void config_write_reference(FILE *out)
{
    fputs(preface, out);
    fputs("\n### At the top\n", out);
    write_table(out, "");
    for (size_t i = 0; i < schema_keys_n; i++) {
        const struct schema_key *key = &schema_keys[i];
        if (key->type != SCHEMA_SECTION && key->type != SCHEMA_SECTIONS) continue;
        char section[160];
        snprintf(section, sizeof section, "%s%s", key->path,
                 key->type == SCHEMA_SECTIONS ? "[]" : "");
        fprintf(out, "\n### %s\n\n%s\n", section, key->help);
        write_table(out, section);
    }
}
