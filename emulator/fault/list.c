/* list.c -- prints the table of faults: for people, and for the manual page.
 * SPDX-License-Identifier: MIT
 */
#include "fault/fault.h"

static castor_status put_slot(const plx_slot *slot, bool is_second, cst_buf *out)
{
    castor_status status = CASTOR_OK;

    if (slot->type == PLX_SLOT_NONE) return CASTOR_OK;
    if (is_second) status = cst_buf_append_text(out, "[:");
    if (status == CASTOR_OK) status = cst_buf_append_text(out, slot->name);
    return status == CASTOR_OK && is_second ? cst_buf_append_text(out, "]") : status;
}

castor_status plx_fault_print_argument(const plx_fault_kind *kind, cst_buf *out)
{
    castor_status status = put_slot(&kind->slots[0], false, out);

    return status == CASTOR_OK ? put_slot(&kind->slots[1], true, out) : status;
}

/* Whether there is more than one place that it takes. */
static bool has_choice(const plx_fault_kind *kind)
{
    return (kind->places & (kind->places - 1)) != 0 || kind->places == PLX_AT_EVENT;
}

/* "stall[=MS][@PLACE]" */
static castor_status put_synopsis(const plx_fault_kind *kind, cst_buf *out)
{
    bool          has_argument = kind->slots[0].type != PLX_SLOT_NONE;
    castor_status status = cst_buf_append_text(out, kind->name);

    if (status == CASTOR_OK && has_argument) status = cst_buf_append_text(out, "[=");
    if (status == CASTOR_OK) status = plx_fault_print_argument(kind, out);
    if (status == CASTOR_OK && has_argument) status = cst_buf_append_text(out, "]");
    return status == CASTOR_OK && has_choice(kind) ? cst_buf_append_text(out, "[@PLACE]") : status;
}

static castor_status put_words(const plx_slot *slot, cst_buf *out)
{
    castor_status status = cst_buf_append_format(out, " %s is", slot->name);

    for (size_t i = 0; slot->words[i] && status == CASTOR_OK; i++) {
        status = cst_buf_append_format(out, "%s %s", i ? "," : "", slot->words[i]);
    }
    return status == CASTOR_OK ? cst_buf_append_text(out, ".") : status;
}

/* What cannot be seen in the synopsis, as sentences. */
static castor_status put_defaults(const plx_fault_kind *kind, cst_buf *out)
{
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < 2 && status == CASTOR_OK; i++) {
        if (kind->slots[i].type == PLX_SLOT_WORD) status = put_words(&kind->slots[i], out);
    }
    if (status == CASTOR_OK && kind->argument) status = cst_buf_append_format(out, " Default: %s.", kind->argument);
    if (status != CASTOR_OK || !has_choice(kind)) return status;
    status = cst_buf_append_text(out, " Places: ");
    if (status == CASTOR_OK) status = plx_fault_print_places(kind, out);
    return status == CASTOR_OK ? cst_buf_append_format(out, " (default %s).", kind->place) : status;
}

castor_status plx_faults_print_list(cst_buf *out)
{
    enum { WIDTH = 30 };
    castor_status status = cst_buf_append_text(out,
        "NAME[=ARGUMENT][@PLACE], several separated by commas.\n"
        "PLACE: event=N (behind event N), byte=N, percent=N (of the body), head, end.\n\n");

    for (size_t i = 0; i < plx_fault_kind_count && status == CASTOR_OK; i++) {
        size_t start = out->len;
        status = put_synopsis(&plx_fault_kinds[i], out);
        size_t used = out->len - start;
        if (status != CASTOR_OK) break;
        status = cst_buf_append_format(out, "%*s%s\n", used < WIDTH ? (int)(WIDTH - used) : 1, "",
                                       plx_fault_kinds[i].does);
    }
    return status;
}

/* As manual pages are written: a new line for each sentence, and where one would grow too long. No word of the table
 * begins with a dot or a quote, which would make its line a request. */
static castor_status put_lines(castor_str text, cst_buf *out)
{
    enum { COLUMNS = 78 };
    castor_status status = CASTOR_OK;
    size_t        column = 0;

    for (size_t at = 0; at < text.len && status == CASTOR_OK;) {
        const char *space = memchr(text.data + at, ' ', text.len - at);
        size_t      len = space ? (size_t)(space - text.data) - at : text.len - at;
        bool        is_end = text.data[at + len - 1] == '.' || !space;
        if (column > 0) {
            bool fits = column + 1 + len <= COLUMNS;
            status = cst_buf_append_text(out, fits ? " " : "\n");
            column = fits ? column + 1 : 0;
        }
        if (status == CASTOR_OK) status = cst_buf_append(out, text.data + at, len);
        if (status == CASTOR_OK && is_end) status = cst_buf_append_text(out, "\n");
        column = is_end ? 0 : column + len;
        at += len + 1;
    }
    return status;
}

static castor_status put_item(const plx_fault_kind *kind, cst_buf *out)
{
    bool          is_small = kind->does[0] >= 'a' && kind->does[0] <= 'z';
    char          first = is_small ? (char)(kind->does[0] - 'a' + 'A') : kind->does[0];
    castor_status status = cst_buf_append_text(out, ".It Li ");
    cst_buf       text;

    cst_buf_init(&text, out->allocator, PLX_SCHEMA_BYTES_MAX);
    if (status == CASTOR_OK) status = put_synopsis(kind, out);
    if (status == CASTOR_OK) status = cst_buf_append_text(out, "\n");
    if (status == CASTOR_OK) status = cst_buf_append_format(&text, "%c%s.", first, kind->does + 1);
    if (status == CASTOR_OK) status = put_defaults(kind, &text);
    if (status == CASTOR_OK) status = put_lines(cst_buf_view(&text), out);
    cst_buf_free(&text);
    return status;
}

castor_status plx_faults_print_mdoc(cst_buf *out)
{
    castor_status status = cst_buf_append_text(out, ".Bl -tag -width Ds\n");

    for (size_t i = 0; i < plx_fault_kind_count && status == CASTOR_OK; i++) {
        status = put_item(&plx_fault_kinds[i], out);
    }
    return status == CASTOR_OK ? cst_buf_append_text(out, ".El\n") : status;
}
