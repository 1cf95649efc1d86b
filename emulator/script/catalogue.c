/* catalogue.c -- all the answers that pollux knows.
 * SPDX-License-Identifier: MIT
 */
#include "script/catalogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "script/match.h"

/* gcc 12's analyser loses sight of what is linked into a list through a pointer to a pointer. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

static void explain(const plx_script_error *error, const char *name, char *why, size_t why_size)
{
    if (error->line) snprintf(why, why_size, "%s:%zu: %s", name, error->line, error->message);
    else snprintf(why, why_size, "%s: %s", name, error->message);
}

static bool check_faults(const plx_catalogue *catalogue, const plx_script *script, plx_script_error *error)
{
    for (const plx_case *one = script->first; one && catalogue->check_fault; one = one->next) {
        error->line = one->line;
        if (!one->fault.data || catalogue->check_fault(one->fault, error->message, sizeof error->message)) continue;
        return false;
    }
    return true;
}

/* Puts the script where `link` points. */
static bool add_text(plx_catalogue *catalogue, plx_known_script **link, castor_str text, plx_script_error *error)
{
    plx_known_script *added = malloc(sizeof *added);

    if (!added || !plx_script_parse(&added->script, text, error)) {
        if (!added) *error = (plx_script_error){ .message = "out of memory." };
        free(added);
        return false;
    }
    if (!check_faults(catalogue, &added->script, error)) {
        plx_script_free(&added->script);
        free(added);
        return false;
    }
    added->is_played = false;
    added->next = *link;
    *link = added;
    catalogue->script_count++;
    return true;
}

static plx_known_script **end_of(plx_catalogue *catalogue)
{
    plx_known_script **link = &catalogue->first;

    while (*link) link = &(*link)->next;
    return link;
}

/* A title is for files; here it may be missing, and then the first line is still called the first. */
bool plx_catalogue_play(plx_catalogue *catalogue, castor_str text, char *why, size_t why_size)
{
    bool             has_title = cst_str_starts_with(text, "# ");
    plx_script_error error;
    cst_buf          titled;
    bool             is_added = false;

    if (catalogue->script_count >= PLX_SCRIPTS_PLAYED_MAX) {
        snprintf(why, why_size, "There are %d scripts already, as many as can be.", (int)PLX_SCRIPTS_PLAYED_MAX);
        return false;
    }
    cst_buf_init(&titled, cst_allocator_default(), PLX_SCRIPT_FILE_BYTES_MAX);
    if ((has_title || cst_buf_append_text(&titled, "# Played\n") == CASTOR_OK) &&
        cst_buf_append_str(&titled, text) == CASTOR_OK) {
        is_added = add_text(catalogue, &catalogue->first, cst_buf_view(&titled), &error);
        if (is_added) catalogue->first->is_played = true;
        if (!is_added && !has_title && error.line > 0) error.line--;
        if (!is_added) explain(&error, "script", why, why_size);
    } else {
        snprintf(why, why_size, "script: too long, or out of memory.");
    }
    cst_buf_free(&titled);
    return is_added;
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
    FILE            *file = fopen(path, "rb");
    bool             is_added = false;
    plx_script_error error;
    cst_buf          text;

    cst_buf_init(&text, cst_allocator_default(), PLX_SCRIPT_FILE_BYTES_MAX);
    if (file && read_file(file, &text)) {
        is_added = add_text(catalogue, end_of(catalogue), cst_buf_view(&text), &error);
        if (!is_added) explain(&error, path, why, why_size);
    } else {
        snprintf(why, why_size, "Cannot read the script %s: %s.", path, strerror(errno));
    }
    if (file) fclose(file);
    cst_buf_free(&text);
    return is_added;
}

bool plx_catalogue_add_builtin(plx_catalogue *catalogue, char *why, size_t why_size)
{
    castor_str       text = { (const char *)plx_builtin_answers, plx_builtin_answers_len };
    plx_script_error error;
    bool             is_added = add_text(catalogue, end_of(catalogue), text, &error);

    if (!is_added) explain(&error, "answers.md", why, why_size);
    return is_added;
}

static void free_list(plx_known_script *first)
{
    plx_known_script *next;

    for (plx_known_script *one = first; one; one = next) {
        next = one->next;
        plx_script_free(&one->script);
        free(one);
    }
}

/* They stand in front of all others. */
void plx_catalogue_remove_played(plx_catalogue *catalogue)
{
    while (catalogue->first && catalogue->first->is_played) {
        plx_known_script *one = catalogue->first;
        catalogue->first = one->next;
        catalogue->script_count--;
        one->next = catalogue->removed;
        catalogue->removed = one;
    }
}

void plx_catalogue_sweep(plx_catalogue *catalogue)
{
    free_list(catalogue->removed);
    catalogue->removed = NULL;
}

void plx_catalogue_free(plx_catalogue *catalogue)
{
    free_list(catalogue->first);
    free_list(catalogue->removed);
    *catalogue = (plx_catalogue){ .first = NULL };
}

const plx_case *plx_catalogue_find(const plx_catalogue *catalogue, castor_str prompt)
{
    for (const plx_known_script *known = catalogue->first; known; known = known->next) {
        for (const plx_case *one = known->script.first; one; one = one->next) {
            if (plx_case_matches(one, prompt)) return one;
        }
    }
    return NULL;
}
