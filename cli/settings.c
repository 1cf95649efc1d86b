/* settings.c -- the settings of -o KEY VALUE as one JSON object.
 * SPDX-License-Identifier: MIT
 *
 * Keys are paths, so `-o a.b 1 -o a.c 2` is {"a":{"b":1,"c":2}}. Each path becomes a row of names; an object is printed
 * by walking the rows that share its names so far. Rows are few, so looking at all of them for each is fine.
 */
#include "settings.h"

#include <string.h>

#include "json.h"
#include "utf8.h"

typedef struct path {
    castor_str  names[CLI_SETTING_DEPTH_MAX];
    size_t      depth;
    const char *key; /* as given, for sentences */
    const char *value;
} path;

static bool add_name(path *row, castor_str name)
{
    if (row->depth == CLI_SETTING_DEPTH_MAX || name.len == 0) return false;
    row->names[row->depth++] = name;
    return true;
}

static bool split(path *row, const cli_setting *setting, const char *parent, cli_fault *fault)
{
    const char *at = setting->key;
    bool is_good = cli_utf8_is_valid(castor_str_of(at));
    *row = (path){ .key = setting->key, .value = setting->value };
    if (*at == '.') at++;
    else if (parent) is_good = is_good && add_name(row, castor_str_of(parent));

    for (;;) {
        size_t len = strcspn(at, ".");
        is_good = is_good && add_name(row, (castor_str){ at, len });
        if (at[len] == '\0') break;
        at += len + 1;
    }
    if (is_good) return true;
    return cli_fault_set(fault, CLI_EXIT_USAGE, "-o %s: the key is not a path of 1 to %d names with dots between them",
                         setting->key, CLI_SETTING_DEPTH_MAX);
}

static bool is_same(castor_str a, castor_str b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static bool shares(const path *a, const path *b, size_t depth)
{
    if (a->depth < depth || b->depth < depth) return false;
    for (size_t i = 0; i < depth; i++) {
        if (!is_same(a->names[i], b->names[i])) return false;
    }
    return true;
}

/* What begins like JSON but is none would be sent as a string that nobody meant. */
static bool print_value(cli_text *out, const path *row, cli_fault *fault)
{
    castor_str value = castor_str_of(row->value);
    if (!cli_utf8_is_valid(value)) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "-o %s: the value is not UTF-8", row->key);
    }
    if (cli_json_is_valid(value)) {
        cli_text_add_str(out, value);
        return true;
    }
    if (value.len > 0 && strchr("{[\"", value.data[0])) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "-o %s: '%s' begins like JSON, but is not", row->key, row->value);
    }
    cli_json_string(out, value);
    return true;
}

static bool print_object(cli_text *out, const path *rows, size_t count, size_t first, size_t depth, cli_fault *fault);

/* The member at `depth` of row `first`, for all rows that share its names down to there. */
static bool print_member(cli_text *out, const path *rows, size_t count, size_t first, size_t depth, cli_fault *fault)
{
    size_t last_value = count;
    size_t deeper = count;
    for (size_t i = first; i < count; i++) {
        if (!shares(&rows[i], &rows[first], depth + 1)) continue;
        if (rows[i].depth == depth + 1) last_value = i;
        else deeper = i;
    }
    if (last_value < count && deeper < count) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "-o %s and -o %s cannot both be set", rows[last_value].key,
                             rows[deeper].key);
    }
    cli_json_comma(out);
    cli_json_string(out, rows[first].names[depth]);
    cli_text_add_byte(out, ':');
    if (last_value < count) return print_value(out, &rows[last_value], fault);
    return print_object(out, rows, count, first, depth + 1, fault);
}

/* The object that holds the names at `depth` of all rows that share the names before it with row `first`. */
static bool print_object(cli_text *out, const path *rows, size_t count, size_t first, size_t depth, cli_fault *fault)
{
    cli_text_add_byte(out, '{');
    for (size_t i = first; i < count; i++) {
        if (!shares(&rows[i], &rows[first], depth)) continue;
        bool is_printed = false;
        for (size_t j = first; j < i; j++) is_printed = is_printed || shares(&rows[j], &rows[i], depth + 1);
        if (!is_printed && !print_member(out, rows, count, i, depth, fault)) return false;
    }
    cli_text_add_byte(out, '}');
    return true;
}

bool cli_settings_print(cli_text *out, const cli_setting *settings, size_t count, const char *parent, cli_fault *fault)
{
    path rows[CLI_FILES_MAX];
    if (count == 0) return true;
    if (count > CLI_FILES_MAX) return cli_fault_set(fault, CLI_EXIT_USAGE, "more than %d settings", CLI_FILES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!split(&rows[i], &settings[i], parent, fault)) return false;
    }
    return print_object(out, rows, count, 0, 0, fault);
}
