/* model_table.c -- the models that pollux knows.
 * SPDX-License-Identifier: MIT
 */
#include "generate/model_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "generate/model_lines.h"

enum { SERVED_BY_MAX = 8 /* steps from an alias to who answers */ };

/* ---- reading ---- */

static bool read_file(const char *path, cst_buf *out)
{
    FILE  *file = fopen(path, "rb");
    char   piece[4096];
    size_t count;
    bool   is_read = file != NULL;

    while (is_read && (count = fread(piece, 1, sizeof piece, file)) > 0) {
        if (cst_buf_append(out, piece, count) == CASTOR_OK) continue;
        errno = EFBIG;
        is_read = false;
    }
    if (is_read && ferror(file)) is_read = false;
    if (file) fclose(file);
    return is_read;
}

static bool fill(plx_model_table *table, const char *name, castor_str text, char *why, size_t why_size)
{
    char sentence[320];

    table->text = cst_alloc_text(cst_allocator_default(), text);
    if (!table->text) {
        snprintf(why, why_size, "Out of memory.");
        return false;
    }
    if (plx_model_lines_read(table, (castor_str){ table->text, text.len }, sentence, sizeof sentence)) return true;
    snprintf(why, why_size, "%s:%s", name, sentence);
    return false;
}

bool plx_model_table_new(plx_model_table **out, const char *path, bool without_families, char *why, size_t why_size)
{
    plx_model_table *table = calloc(1, sizeof *table);
    castor_str       builtin = { (const char *)plx_builtin_models, plx_builtin_models_len };
    cst_buf          text;
    bool             is_filled = false;

    cst_buf_init(&text, cst_allocator_default(), PLX_MODEL_FILE_BYTES_MAX);
    if (!table) snprintf(why, why_size, "Out of memory.");
    else if (!path) is_filled = fill(table, "models.txt", builtin, why, why_size);
    else if (!read_file(path, &text)) snprintf(why, why_size, "Cannot read the models %s: %s.", path, strerror(errno));
    else is_filled = fill(table, path, text.data ? cst_buf_view(&text) : CASTOR_STR(""), why, why_size);
    cst_buf_free(&text);

    if (is_filled) table->without_families = without_families;
    else plx_model_table_free(table);
    *out = is_filled ? table : NULL;
    return is_filled;
}

void plx_model_table_free(plx_model_table *table)
{
    if (table) cst_release(cst_allocator_default(), table->text);
    free(table);
}

/* ---- looking up ---- */

size_t plx_model_count(const plx_model_table *table) { return table->model_count; }

const plx_model *plx_model_at(const plx_model_table *table, size_t index) { return &table->models[index]; }

castor_str plx_model_table_text(const plx_model_table *table) { return castor_str_of(table->text); }

castor_str plx_model_bare_name(castor_str name)
{
    static const castor_str prefixes[] = { { "models/", 7 }, { "tunedModels/", 12 } };

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (!cst_str_starts_with(name, prefixes[i].data)) continue;
        return (castor_str){ name.data + prefixes[i].len, name.len - prefixes[i].len };
    }
    return name;
}

static bool begins_with(castor_str name, castor_str prefix)
{
    return name.len >= prefix.len && memcmp(name.data, prefix.data, prefix.len) == 0;
}

/* Whether a name that no table has could be a model's at all. */
static bool is_name(castor_str name)
{
    enum { NAME_BYTES_MAX = 128 };

    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && (c == '\0' || !strchr("-._", c))) return false;
    }
    return name.len <= NAME_BYTES_MAX;
}

const plx_model *plx_model_find(const plx_model_table *table, castor_str name)
{
    const plx_model *family = NULL;

    name = plx_model_bare_name(name);
    for (size_t i = 0; i < table->model_count; i++) {
        const plx_model *one = &table->models[i];
        if (!one->is_family) {
            if (cst_str_equal(one->name, name)) return one;
        } else if (begins_with(name, one->name) && (!family || one->name.len > family->name.len)) {
            family = one;
        }
    }
    return family && !table->without_families && is_name(name) ? family : NULL;
}

const plx_model *plx_model_serving(const plx_model_table *table, const plx_model *model, int64_t days_later)
{
    int64_t day = table->as_of_day + days_later;

    for (int step = 0; model && step < SERVED_BY_MAX; step++) {
        bool is_shut = model->shutdown_day.is_set && model->shutdown_day.value <= day;
        if (!model->served_by.data) return is_shut ? NULL : model;
        if (model->shutdown_day.is_set && !is_shut) return model;
        model = plx_model_find(table, model->served_by); /* the reader has seen that it is there */
    }
    return NULL;
}

bool plx_model_offers(const plx_model *model, const char *method)
{
    for (size_t i = 0; i < model->method_count; i++) {
        if (cst_str_is(model->methods[i], method)) return true;
    }
    return false;
}
