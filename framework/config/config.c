/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading a configuration; see config.h. The steps: text, tree, table of keys, defaults that hang on
 * other keys, rules. Each adds its faults, and a configuration comes out only where none did. */
#include "config/config.h"

#include <stdlib.h>
#include <unistd.h>

#include "config/file.h"
#include "config/loaded.h"
#include "config/reader.h"
#include "config/rules.h"
#include "config/yaml.h"

#define HOST_NAME_BYTES 65

const char *config_find(const char *argument)
{
    const char *variable = getenv("WARRENER_CONFIG");
    if (argument) return argument;
    return variable && *variable ? variable : "warrener.yaml";
}

/* ---- places --------------------------------------------------------------------------------- */

void loaded_add_place(struct loaded *loaded, const void *field, const char *path, int line,
                      int column, bool is_given)
{
    if (loaded->n_places == loaded->room) {
        loaded->room = loaded->room ? 2 * loaded->room : 128;
        loaded->places = memory_grow(loaded->places, loaded->room, sizeof *loaded->places);
    }
    loaded->places[loaded->n_places++] =
        (struct config_place){ field, path, line, column, is_given };
}

static int compare(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t)((const struct config_place *)left)->field;
    uintptr_t b = (uintptr_t)((const struct config_place *)right)->field;
    return a < b ? -1 : a > b;
}

void loaded_sort_places(struct loaded *loaded)
{
    qsort(loaded->places, loaded->n_places, sizeof *loaded->places, compare);
}

const struct config_place *config_place_of(const struct config *config, const void *field)
{
    const struct loaded *loaded = loaded_of(config);
    struct config_place wanted = { .field = field };
    const struct config_place *place =
        bsearch(&wanted, loaded->places, loaded->n_places, sizeof *loaded->places, compare);
    CHECK(place != NULL);
    return place;
}

void config_blame(const struct config *config, struct config_faults *faults, const void *field,
                  const char *format, ...)
{
    const struct config_place *place = config_place_of(config, field);
    va_list args;
    va_start(args, format);
    config_faults_vadd(faults, place->line, place->column, place->path, format, args);
    va_end(args);
}

/* ---- loading -------------------------------------------------------------------------------- */

static struct loaded *new_loaded(const char *path)
{
    struct loaded *loaded = NEW(struct loaded);
    arena_init(&loaded->arena, loaded->first_bytes, sizeof loaded->first_bytes);
    char *directory = file_directory_of(path);
    loaded->config.file = memory_copy_text(path);
    loaded->config.directory = directory;
    return loaded;
}

void config_free(struct config *config)
{
    if (!config) return;
    struct loaded *loaded = loaded_of(config);
    free((void *)(uintptr_t)config->file);
    free((void *)(uintptr_t)config->directory);
    free(loaded->places);
    arena_reset(&loaded->arena);
    free(loaded);
}

/* Names that come from the machine may hold anything. */
static const char *host_name(struct loaded *loaded)
{
    char name[HOST_NAME_BYTES] = "";
    if (gethostname(name, sizeof name - 1) != 0 || !*name) return "warrener";
    for (char *c = name; *c; c++)
        if (!strchr("_.-", *c) && !(*c >= '0' && *c <= '9') && !(*c >= 'a' && *c <= 'z') &&
            !(*c >= 'A' && *c <= 'Z'))
            *c = '-';
    return arena_copy(&loaded->arena, text_from(name, strlen(name) + 1)).at;
}

/* Defaults that hang on other keys. */
static void settle(struct loaded *loaded)
{
    struct config *config = &loaded->config;
    if (!config->name) config->name = host_name(loaded);
    bool has_urls = config_place_of(config, &config->amqp.urls)->is_given;
    bool has_host = config_place_of(config, &config->amqp.host)->is_given;
    bool has_url = config_place_of(config, &config->amqp.url)->is_given;
    if ((has_urls || has_host) && !has_url) config->amqp.url = NULL;
    for (size_t i = 0; i < config->consumers.n; i++) {
        struct config_consumer *consumer = &config->consumers.at[i];
        if (!consumer->name) consumer->name = consumer->queue;
    }
}

static bool parse(struct wr_text text, const char *path, const char *const *sections,
                  struct config **out, struct config_faults *faults)
{
    config_faults_open(faults, path);
    faults->only = sections;
    struct loaded *loaded = new_loaded(path);
    const struct yaml_node *root = yaml_parse(text, &loaded->arena, faults);
    if (root) reader_read(loaded, root, faults);
    if (loaded->n_places) {
        settle(loaded);
        rules_check_servers(&loaded->config, faults);
        rules_check_consumers(&loaded->config, faults);
    }
    if (faults->n == 0) {
        *out = &loaded->config;
        return true;
    }
    config_faults_sort(faults);
    config_free(&loaded->config);
    return false;
}

bool config_parse(struct wr_text text, const char *path, struct config **out,
                  struct config_faults *faults)
{
    return parse(text, path, NULL, out, faults);
}

bool config_load(const char *path, struct config **out, struct config_faults *faults)
{
    return config_load_part(path, NULL, out, faults);
}

bool config_load_part(const char *path, const char *const *sections, struct config **out,
                      struct config_faults *faults)
{
    char *text = NULL;
    size_t len = 0;
    struct status why = { 0 };
    if (!file_read(path, FILE_OR_PIPE, YAML_BYTES_MAX, &text, &len, &why)) {
        config_faults_open(faults, path);
        config_faults_add(faults, 0, 0, NULL,
                          "cannot read the configuration: %s; name one with -c FILE or "
                          "WARRENER_CONFIG",
                          why.text);
        return false;
    }
    bool is_well = parse(text_from(text, len), path, sections, out, faults);
    explicit_bzero(text, len);
    free(text);
    return is_well;
}
