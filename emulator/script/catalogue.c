/* catalogue.c -- all the answers that pollux knows.
 * SPDX-License-Identifier: MIT
 */
#include "script/catalogue.h"

#include <errno.h>
#include <stdio.h>

static bool add_text(plx_catalogue *catalogue, const char *name, castor_str text, char *why, size_t why_size)
{
    plx_script_error error;

    if (!plx_script_parse(&catalogue->scripts[catalogue->script_count], text, &error)) {
        if (error.line) snprintf(why, why_size, "%s:%zu: %s", name, error.line, error.message);
        else snprintf(why, why_size, "%s: %s", name, error.message);
        return false;
    }
    catalogue->script_count++;
    return true;
}

static bool read_file(FILE *file, cst_buf *out)
{
    char   piece[16384];
    size_t count;

    while ((count = fread(piece, 1, sizeof piece, file)) > 0) {
        if (cst_buf_append(out, piece, count) != CASTOR_OK) {
            errno = EFBIG;
            return false;
        }
    }
    return !ferror(file);
}

bool plx_catalogue_add_file(plx_catalogue *catalogue, const char *path, char *why, size_t why_size)
{
    cst_buf text;
    FILE   *file;
    bool    is_added = false;

    if (catalogue->script_count >= PLX_SCRIPTS_MAX) {
        snprintf(why, why_size, "At most %d scripts can be given.", (int)PLX_SCRIPTS_MAX);
        return false;
    }
    file = fopen(path, "rb");
    cst_buf_init(&text, cst_allocator_default(), PLX_SCRIPT_FILE_BYTES_MAX);
    if (file && read_file(file, &text)) is_added = add_text(catalogue, path, cst_buf_view(&text), why, why_size);
    else snprintf(why, why_size, "Cannot read the script %s: %s.", path, strerror(errno));
    if (file) fclose(file);
    cst_buf_free(&text);
    return is_added;
}

bool plx_catalogue_add_builtin(plx_catalogue *catalogue, char *why, size_t why_size)
{
    castor_str text = { (const char *)plx_builtin_answers, plx_builtin_answers_len };

    return add_text(catalogue, "answers.md", text, why, why_size);
}

void plx_catalogue_free(plx_catalogue *catalogue)
{
    while (catalogue->script_count > 0) plx_script_free(&catalogue->scripts[--catalogue->script_count]);
}

const plx_case *plx_catalogue_find(const plx_catalogue *catalogue, castor_str prompt)
{
    for (size_t i = 0; i < catalogue->script_count; i++) {
        for (const plx_case *one = catalogue->scripts[i].first; one; one = one->next) {
            if (plx_case_matches(one, prompt)) return one;
        }
    }
    return NULL;
}
