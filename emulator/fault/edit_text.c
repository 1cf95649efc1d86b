/* edit_text.c -- puts into events what a reader of JSON has to survive.
 * SPDX-License-Identifier: MIT
 */
#include "fault/edit.h"
#include "fault/member.h"

/* ---- texts ---- */

/* The first string that is shown to people: where its first byte stands. */
static bool find_text(castor_str event, size_t *at)
{
    static const char *const names[] = { "text", "content" };
    plx_member               member;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (size_t from = 0; plx_member_find(event, names[i], from, &member); from = member.value) {
            if (event.data[member.value] != '"') continue;
            *at = member.value + 1;
            return true;
        }
    }
    return false;
}

static castor_status insert_in_text(plx_record *record, castor_str bytes)
{
    size_t at = 0;

    if (!find_text(cst_buf_view(&record->bytes), &at)) return CASTOR_INVALID;
    return plx_splice(&record->bytes, at, 0, bytes);
}

castor_status plx_edit_surrogate(const plx_fault *fault, plx_record *record)
{
    static const char *const halves[] = { "\\ud83d", "\\ude00" };

    return insert_in_text(record, castor_str_of(halves[fault->numbers[0]]));
}

/* A byte that is never valid, an overlong slash, a surrogate, and a character that breaks off. */
castor_status plx_edit_utf8(const plx_fault *fault, plx_record *record)
{
    (void)fault;
    return insert_in_text(record, CASTOR_STR("\xff" "\xc0\xaf" "\xed\xa0\xbd" "\xe2\x82"));
}

castor_status plx_edit_nul(const plx_fault *fault, plx_record *record)
{
    enum { RAW };

    return insert_in_text(record, fault->numbers[0] == RAW ? (castor_str){ "\0", 1 } : CASTOR_STR("\\u0000"));
}

/* What some line readers take for a line end and is none: NEL, LS and PS as they are; CR, LF, VT and FF escaped. */
castor_status plx_edit_separators(const plx_fault *fault, plx_record *record)
{
    (void)fault;
    return insert_in_text(record, CASTOR_STR("\xc2\x85" "\xe2\x80\xa8" "\xe2\x80\xa9" "\\r\\n\\u000b\\f"));
}

static castor_status repeat(cst_buf *out, const char *text, int64_t times)
{
    size_t        len = strlen(text);
    castor_status status = cst_buf_reserve(out, len * (size_t)times);

    for (int64_t i = 0; i < times && status == CASTOR_OK; i++) status = cst_buf_append(out, text, len);
    return status;
}

castor_status plx_edit_big(const plx_fault *fault, plx_record *record)
{
    cst_buf text;

    cst_buf_init(&text, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    castor_status status = repeat(&text, "x", fault->numbers[0]);
    if (status == CASTOR_OK) status = insert_in_text(record, cst_buf_view(&text));
    cst_buf_free(&text);
    return status;
}

/* ---- members ---- */

/* As the first member of the outermost object. `member` has its comma. */
static castor_status insert_member(plx_record *record, castor_str member)
{
    castor_str  event = cst_buf_view(&record->bytes);
    const char *brace = event.len ? memchr(event.data, '{', event.len) : NULL;

    if (!brace || (brace + 1 < event.data + event.len && brace[1] == '}')) return CASTOR_INVALID;
    return plx_splice(&record->bytes, (size_t)(brace - event.data) + 1, 0, member);
}

castor_status plx_edit_nest(const plx_fault *fault, plx_record *record)
{
    cst_buf text;

    cst_buf_init(&text, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    castor_status status = cst_buf_append_text(&text, "\"polluxNest\": ");
    if (status == CASTOR_OK) status = repeat(&text, "[", fault->numbers[0]);
    if (status == CASTOR_OK) status = repeat(&text, "]", fault->numbers[0]);
    if (status == CASTOR_OK) status = cst_buf_append_text(&text, ",");
    if (status == CASTOR_OK) status = insert_member(record, cst_buf_view(&text));
    cst_buf_free(&text);
    return status;
}

castor_status plx_edit_nan(const plx_fault *fault, plx_record *record)
{
    (void)fault;
    return insert_member(record, CASTOR_STR("\"polluxNumber\": NaN,"));
}

/* The first member comes again, and says null. */
castor_status plx_edit_twice_key(const plx_fault *fault, plx_record *record)
{
    castor_str event = cst_buf_view(&record->bytes);
    plx_member member;
    cst_buf    text;

    (void)fault;
    if (!plx_member_next(event, 0, &member)) return CASTOR_INVALID;
    cst_buf_init(&text, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    castor_str    head = { event.data + member.key, member.value - member.key };
    castor_status status = cst_buf_append_str(&text, head);
    if (status == CASTOR_OK) status = cst_buf_append_text(&text, "null,");
    if (status == CASTOR_OK) status = plx_splice(&record->bytes, member.key, 0, cst_buf_view(&text));
    cst_buf_free(&text);
    return status;
}

/* A part of a new kind in front of the others, and a new member at the top. */
castor_status plx_edit_unknown(const plx_fault *fault, plx_record *record)
{
    plx_member    member;
    castor_status status = CASTOR_OK;

    (void)fault;
    if (plx_member_find(cst_buf_view(&record->bytes), "parts", 0, &member) &&
        record->bytes.data[member.value] == '[' && member.end > member.value + 2) {
        status = plx_splice(&record->bytes, member.value + 1, 0, CASTOR_STR("{\"polluxPart\": {\"kind\": \"NEW\"}},"));
    }
    return status == CASTOR_OK ? insert_member(record, CASTOR_STR("\"polluxField\": {\"list\": [1,null,{}]},"))
                               : status;
}

static castor_status remove_all(plx_record *record, const char *const *names)
{
    castor_status status = CASTOR_INVALID;
    plx_member    member;

    for (; *names; names++) {
        while (plx_member_find(cst_buf_view(&record->bytes), *names, 0, &member)) {
            status = plx_member_remove(&record->bytes, &member);
            if (status != CASTOR_OK) return status;
        }
    }
    return status;
}

castor_status plx_edit_no_usage(const plx_fault *fault, plx_record *record)
{
    static const char *const names[] = { "usageMetadata", "usage", "total_usage", "step_usage", NULL };

    (void)fault;
    return remove_all(record, names);
}

castor_status plx_edit_no_index(const plx_fault *fault, plx_record *record)
{
    static const char *const names[] = { "index", NULL };

    (void)fault;
    return remove_all(record, names);
}

/* Whole numbers become strings, as 64-bit ones are in proto3 JSON. */
castor_status plx_edit_quoted(const plx_fault *fault, plx_record *record)
{
    castor_status status = CASTOR_INVALID;
    plx_member    member;

    (void)fault;
    for (size_t from = 0; plx_member_next(cst_buf_view(&record->bytes), from, &member);) {
        char first = record->bytes.data[member.value];
        from = member.value;
        if (first < '0' || first > '9') continue;
        status = plx_splice(&record->bytes, member.end, 0, CASTOR_STR("\""));
        if (status == CASTOR_OK) status = plx_splice(&record->bytes, member.value, 0, CASTOR_STR("\""));
        if (status != CASTOR_OK) return status;
    }
    return status;
}

/* Half of it, but ended as if it were whole. */
castor_status plx_edit_torn(const plx_fault *fault, plx_record *record)
{
    castor_str event = cst_buf_view(&record->bytes);
    size_t     text = event.len;

    (void)fault;
    while (text > 0 && cst_is_space(event.data[text - 1])) text--;
    return plx_splice(&record->bytes, text / 2, text - text / 2, CST_NONE);
}
