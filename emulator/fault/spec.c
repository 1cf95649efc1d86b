/* spec.c -- reads and prints the text that asks for faults.
 * SPDX-License-Identifier: MIT
 */
#include "fault/fault.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Where complaints go. */
typedef struct reader {
    char  *why;
    size_t why_size;
} reader;

__attribute__((format(printf, 2, 3))) static bool fail(const reader *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(r->why, r->why_size, format, args);
    va_end(args);
    return false;
}

/* Cuts the text before `separator` off the front; all of it when there is none. `*was_there` says which. */
static castor_str cut(castor_str *text, char separator, bool *was_there)
{
    const char *at = text->len ? memchr(text->data, separator, text->len) : NULL;
    castor_str  front = { text->data, at ? (size_t)(at - text->data) : text->len };
    size_t      used = front.len + (at ? 1 : 0);

    *was_there = at != NULL;
    *text = (castor_str){ text->data + used, text->len - used };
    return front;
}

/* How much of a wrong word an error repeats; what cannot be shown becomes a question mark. */
typedef struct shown {
    char text[48];
} shown;

static shown show(castor_str text)
{
    shown  out;
    size_t len = text.len < sizeof out.text ? text.len : sizeof out.text - 1;

    for (size_t i = 0; i < len; i++) {
        char c = text.data[i];
        out.text[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    out.text[len] = '\0';
    return out;
}

/* ---- values ---- */

static bool parse_number(castor_str text, int64_t *out)
{
    bool    is_negative = text.len > 0 && text.data[0] == '-';
    size_t  at = is_negative || (text.len > 0 && text.data[0] == '+') ? 1 : 0;
    int64_t value = 0;

    if (at == text.len) return false;
    for (; at < text.len; at++) {
        if (text.data[at] < '0' || text.data[at] > '9' || value > INT64_MAX / 10 - 1) return false;
        value = value * 10 + (text.data[at] - '0');
    }
    *out = is_negative ? -value : value;
    return true;
}

static bool is_seconds(castor_str text)
{
    size_t digits = 0, dots = 0;

    if (cst_str_is(text, "none")) return true;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] >= '0' && text.data[i] <= '9') digits++;
        else if (text.data[i] == '.' && i > 0 && i + 1 < text.len) dots++;
        else return false;
    }
    return digits > 0 && digits <= 18 && dots <= 1;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Texts end up in headers and lines: no control characters, whichever way they are written. */
static bool read_text(const reader *r, const plx_fault_kind *kind, castor_str text, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.data[i + 2]) : -1;
            if (high < 0 || low < 0) return fail(r, "In %s, a %% must begin an escape like %%2C.", kind->name);
            c = (char)(high * 16 + low);
            i += 2;
        }
        if ((unsigned char)c < ' ' || c == 0x7f) {
            return fail(r, "The text of %s holds a control character.", kind->name);
        }
        if (len + 1 >= PLX_FAULT_TEXT_BYTES_MAX) {
            return fail(r, "The text of %s is longer than %d bytes.", kind->name, PLX_FAULT_TEXT_BYTES_MAX - 1);
        }
        out[len++] = c;
    }
    out[len] = '\0';
    return true;
}

static bool read_word(const reader *r, const plx_fault_kind *kind, const plx_slot *slot, castor_str text, int64_t *out)
{
    char   known[160] = "";
    size_t used = 0;

    for (int64_t i = 0; slot->words[i]; i++) {
        if (cst_str_is(text, slot->words[i])) {
            *out = i;
            return true;
        }
        int len = snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", slot->words[i]);
        if (len > 0 && used + (size_t)len < sizeof known) used += (size_t)len;
    }
    return fail(r, "%s of %s is one of %s, not \"%s\".", slot->name, kind->name, known, show(text).text);
}

static bool read_slot(const reader *r, plx_fault *fault, int at, castor_str text)
{
    const plx_fault_kind *kind = fault->kind;
    const plx_slot       *slot = &kind->slots[at];
    int64_t              *number = &fault->numbers[at];

    switch (slot->type) {
    case PLX_SLOT_NUMBER:
        if (parse_number(text, number) && *number >= slot->least && *number <= slot->most) return true;
        return fail(r, "%s of %s is a number from %" PRId64 " to %" PRId64 ", not \"%s\".", slot->name, kind->name,
                    slot->least, slot->most, show(text).text);
    case PLX_SLOT_WORD: return read_word(r, kind, slot, text, number);
    case PLX_SLOT_SECONDS:
        if (!is_seconds(text)) {
            return fail(r, "%s of %s is seconds, as 2 or 33.5, or none, not \"%s\".", slot->name, kind->name,
                        show(text).text);
        }
        return read_text(r, kind, text, fault->text);
    case PLX_SLOT_TEXT: return read_text(r, kind, text, fault->text);
    case PLX_SLOT_NONE: break;
    }
    return fail(r, at ? "The argument of %s has only one part." : "%s takes no argument.", kind->name);
}

/* Two parts, but a text takes all that is left, colons too. An empty part is one that was not given. */
static bool read_argument(const reader *r, plx_fault *fault, castor_str argument)
{
    bool       has_second = false;
    castor_str first = argument;
    castor_str second = CST_NONE;

    if (fault->kind->slots[0].type != PLX_SLOT_TEXT) {
        second = argument;
        first = cut(&second, ':', &has_second);
    }
    if (first.len > 0 && !read_slot(r, fault, 0, first)) return false;
    return second.len == 0 || read_slot(r, fault, 1, second);
}

/* ---- places ---- */

static const struct {
    const char    *name;
    plx_place_kind kind;
    bool           has_number;
} places[] = {
    { "head", PLX_AT_HEAD, false },      { "event", PLX_AT_EVENT, true }, { "byte", PLX_AT_BYTE, true },
    { "percent", PLX_AT_PERCENT, true }, { "end", PLX_AT_END, false },
};

enum { PLACE_COUNT = sizeof places / sizeof places[0] };

castor_status plx_fault_print_places(const plx_fault_kind *kind, cst_buf *out)
{
    castor_status status = CASTOR_OK;
    bool          is_first = true;

    for (size_t i = 0; i < PLACE_COUNT && status == CASTOR_OK; i++) {
        if (!(kind->places & places[i].kind)) continue;
        status = cst_buf_append_format(out, "%s%s", is_first ? "" : " ", places[i].name);
        is_first = false;
    }
    return status;
}

static bool refuse_place(const reader *r, const plx_fault_kind *kind, castor_str text)
{
    char   known[64] = "";
    size_t used = 0;

    if (!kind->places) return fail(r, "%s takes no place: it is of the whole answer.", kind->name);
    for (size_t i = 0; i < PLACE_COUNT; i++) {
        if (!(kind->places & places[i].kind)) continue;
        int len = snprintf(known + used, sizeof known - used, "%s%s%s", used ? ", " : "", places[i].name,
                           places[i].has_number ? "=N" : "");
        if (len > 0 && used + (size_t)len < sizeof known) used += (size_t)len;
    }
    return fail(r, "The place of %s is one of %s, not \"%s\".", kind->name, known, show(text).text);
}

static bool read_place(const reader *r, plx_fault *fault, castor_str text)
{
    bool       has_number = false;
    castor_str value = text;
    castor_str name = cut(&value, '=', &has_number);
    int64_t    number = 0;

    for (size_t i = 0; i < PLACE_COUNT; i++) {
        if (!cst_str_is(name, places[i].name) || !(fault->kind->places & places[i].kind)) continue;
        if (has_number != places[i].has_number) break;
        if (has_number && (!parse_number(value, &number) || number < 0)) break;
        if (places[i].kind == PLX_AT_PERCENT && number > 100) break;
        fault->place = (plx_place){ places[i].kind, (uint64_t)number };
        return true;
    }
    return refuse_place(r, fault->kind, text);
}

static castor_status print_place(const plx_place *place, cst_buf *out)
{
    for (size_t i = 0; i < PLACE_COUNT; i++) {
        if (places[i].kind != place->kind) continue;
        if (!places[i].has_number) return cst_buf_append_format(out, "@%s", places[i].name);
        return cst_buf_append_format(out, "@%s=%" PRIu64, places[i].name, place->number);
    }
    return CASTOR_OK;
}

/* ---- specs ---- */

static bool read_fault(const reader *r, plx_fault *fault, castor_str text)
{
    bool       has_place = false;
    bool       has_argument = false;
    castor_str place = text;
    castor_str argument = cut(&place, '@', &has_place);
    castor_str name = cst_str_trim(cut(&argument, '=', &has_argument));

    *fault = (plx_fault){ .kind = plx_fault_kind_find(name), .numbers = { PLX_FAULT_NEVER, PLX_FAULT_NEVER } };
    if (name.len == 0) return fail(r, "A fault is written NAME[=ARGUMENT][@PLACE]; `pollux faults` lists them all.");
    if (!fault->kind) return fail(r, "There is no fault \"%s\"; `pollux faults` lists them all.", show(name).text);
    if (fault->kind->argument && !read_argument(r, fault, castor_str_of(fault->kind->argument))) return false;
    if (fault->kind->place && !read_place(r, fault, castor_str_of(fault->kind->place))) return false;
    if (has_argument && !read_argument(r, fault, cst_str_trim(argument))) return false;
    if (has_argument && cst_str_trim(argument).len == 0) {
        return fail(r, "There is nothing behind \"%s=\".", fault->kind->name);
    }
    return !has_place || read_place(r, fault, cst_str_trim(place));
}

bool plx_plan_parse(plx_plan *plan, castor_str spec, char *why, size_t why_size)
{
    reader r = { why, why_size };
    bool   has_more = true;

    plan->count = 0;
    if (spec.len > PLX_FAULT_SPEC_BYTES_MAX) {
        return fail(&r, "Faults are asked for in at most %d bytes.", PLX_FAULT_SPEC_BYTES_MAX);
    }
    while (has_more) {
        castor_str one = cut(&spec, ',', &has_more);
        if (plan->count == PLX_FAULTS_MAX) {
            return fail(&r, "At most %d faults can be asked for at once.", PLX_FAULTS_MAX);
        }
        if (!read_fault(&r, &plan->faults[plan->count], cst_str_trim(one))) return false;
        plan->count++;
    }
    return true;
}

bool plx_plan_check(castor_str spec, char *why, size_t why_size)
{
    plx_plan plan;

    return plx_plan_parse(&plan, spec, why, why_size);
}

static castor_status print_text(const char *text, cst_buf *out)
{
    castor_status status = CASTOR_OK;

    for (; *text && status == CASTOR_OK; text++) {
        if (strchr(",@% ", *text)) status = cst_buf_append_format(out, "%%%02X", (unsigned)(unsigned char)*text);
        else status = cst_buf_append(out, text, 1);
    }
    return status;
}

static castor_status print_slot(const plx_fault *fault, int at, cst_buf *out)
{
    const plx_slot *slot = &fault->kind->slots[at];

    switch (slot->type) {
    case PLX_SLOT_NONE: return CASTOR_OK;
    case PLX_SLOT_NUMBER: return cst_buf_append_format(out, "%" PRId64, fault->numbers[at]);
    case PLX_SLOT_WORD: return cst_buf_append_text(out, slot->words[fault->numbers[at]]);
    default: return print_text(fault->text, out);
    }
}

/* Whether the part has a value: a default or one that was given. */
static bool has_value(const plx_fault *fault, int at)
{
    switch (fault->kind->slots[at].type) {
    case PLX_SLOT_NONE: return false;
    case PLX_SLOT_NUMBER: return fault->numbers[at] != PLX_FAULT_NEVER;
    case PLX_SLOT_WORD: return fault->numbers[at] >= 0;
    default: return fault->text[0] != '\0';
    }
}

static castor_status print_fault(const plx_fault *fault, cst_buf *out)
{
    castor_status status = cst_buf_append_text(out, fault->kind->name);
    bool          has_first = has_value(fault, 0);
    bool          has_second = has_value(fault, 1);

    if (status == CASTOR_OK && (has_first || has_second)) status = cst_buf_append_text(out, "=");
    if (status == CASTOR_OK && has_first) status = print_slot(fault, 0, out);
    if (status == CASTOR_OK && has_second) status = cst_buf_append_text(out, ":");
    if (status == CASTOR_OK && has_second) status = print_slot(fault, 1, out);
    return status == CASTOR_OK ? print_place(&fault->place, out) : status;
}

castor_status plx_plan_print(const plx_plan *plan, cst_buf *out)
{
    castor_status status = CASTOR_OK;

    for (size_t i = 0; i < plan->count && status == CASTOR_OK; i++) {
        if (i > 0) status = cst_buf_append_text(out, ",");
        if (status == CASTOR_OK) status = print_fault(&plan->faults[i], out);
    }
    return status;
}

const plx_fault *plx_plan_find(const plx_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (strcmp(plan->faults[i].kind->name, name) == 0) return &plan->faults[i];
    }
    return NULL;
}
