/* edit_order.c -- spoils the order of events, and how an answer says that it is finished.
 * SPDX-License-Identifier: MIT
 */
#include "fault/edit.h"
#include "fault/member.h"

/* ---- events as wholes ---- */

castor_status plx_edit_duplicate(const plx_fault *fault, plx_record *record)
{
    (void)fault;
    return cst_buf_append_str(&record->after, cst_buf_view(&record->bytes));
}

castor_status plx_edit_drop(const plx_fault *fault, plx_record *record)
{
    (void)fault;
    record->bytes.len = 0;
    return CASTOR_OK;
}

castor_status plx_edit_swap(const plx_fault *fault, plx_record *record)
{
    (void)fault;
    record->is_delayed = true;
    return CASTOR_OK;
}

castor_status plx_edit_no_done(const plx_fault *fault, plx_record *record)
{
    castor_str rest = cst_str_trim(cst_buf_view(&record->bytes));

    (void)fault;
    if (rest.len < 6 || !cst_str_is((castor_str){ rest.data + rest.len - 6, 6 }, "[DONE]")) return CASTOR_INVALID;
    record->bytes.len = 0;
    return CASTOR_OK;
}

/* ---- finish reasons ---- */

/* What says that an answer is finished: in Gemini's own answers, chat completions, legacy lines, interactions. */
static const struct {
    const char *name;
    const char *value; /* the only one that counts, or NULL: any but null */
} finishes[] = {
    { "finishReason", NULL },
    { "finish_reason", NULL },
    { "done", "true" },
    { "event_type", "\"interaction.completed\"" },
};

enum { FINISHES = sizeof finishes / sizeof finishes[0] };

/* The member that says so; which of them, or FINISHES: none. */
static size_t find_finish(castor_str text, plx_member *out)
{
    for (size_t i = 0; i < FINISHES; i++) {
        for (size_t from = 0; plx_member_find(text, finishes[i].name, from, out); from = out->end) {
            castor_str value = { text.data + out->value, out->end - out->value };
            bool       counts = finishes[i].value ? cst_str_is(value, finishes[i].value) : !cst_str_is(value, "null");
            if (counts) return i;
        }
    }
    return FINISHES;
}

castor_status plx_edit_no_finish(const plx_fault *fault, plx_record *record)
{
    castor_status status = CASTOR_OK;
    plx_member    member;

    (void)fault;
    for (size_t i; status == CASTOR_OK && (i = find_finish(cst_buf_view(&record->bytes), &member)) < FINISHES;) {
        if (strcmp(finishes[i].name, "event_type") == 0) record->bytes.len = 0;
        else if (!finishes[i].value) status = plx_member_remove(&record->bytes, &member);
        else status = plx_splice(&record->bytes, member.value, member.end - member.value, CASTOR_STR("false"));
    }
    return status;
}

/* The texts of a copy become empty, so that nothing but the finish comes twice. */
static castor_status empty_texts(cst_buf *event)
{
    static const char *const names[] = { "text", "content" };
    castor_status            status = CASTOR_OK;
    plx_member               member;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (size_t from = 0; plx_member_find(cst_buf_view(event), names[i], from, &member); from = member.value) {
            if (event->data[member.value] != '"') continue;
            status = plx_splice(event, member.value, member.end - member.value, CASTOR_STR("\"\""));
            if (status != CASTOR_OK) return status;
        }
    }
    return status;
}

castor_status plx_edit_finish_twice(const plx_fault *fault, plx_record *record)
{
    castor_str    event = cst_buf_view(&record->bytes);
    plx_member    member;
    castor_status status = CASTOR_OK;

    (void)fault;
    if (find_finish(event, &member) == FINISHES) return CASTOR_INVALID;
    status = cst_buf_append_str(&record->after, event);
    return status == CASTOR_OK ? empty_texts(&record->after) : status;
}

/* Where a finish is missing, it comes behind the content of the candidate, or of the choice. */
castor_status plx_edit_finish_all(const plx_fault *fault, plx_record *record)
{
    castor_str event = cst_buf_view(&record->bytes);
    plx_member member;

    (void)fault;
    if (find_finish(event, &member) < FINISHES) return CASTOR_OK;
    if (plx_member_find(event, "finish_reason", 0, &member)) { /* null */
        return plx_splice(&record->bytes, member.value, member.end - member.value, CASTOR_STR("\"stop\""));
    }
    if (plx_member_find(event, "done", 0, &member)) {
        return plx_splice(&record->bytes, member.value, member.end - member.value, CASTOR_STR("true"));
    }
    if (plx_member_find(event, "delta", 0, &member) && plx_member_find(event, "choices", 0, &(plx_member){ 0 })) {
        return plx_splice(&record->bytes, member.end, 0, CASTOR_STR(",\"finish_reason\":\"stop\""));
    }
    if (plx_member_find(event, "content", 0, &member) && event.data[member.value] == '{') {
        return plx_splice(&record->bytes, member.end, 0, CASTOR_STR(",\"finishReason\": \"STOP\""));
    }
    return CASTOR_INVALID;
}

castor_status plx_edit_finish(const plx_fault *fault, plx_record *record)
{
    castor_status status = CASTOR_INVALID;
    plx_member    member;
    char          value[PLX_FAULT_TEXT_BYTES_MAX + 2];

    value[0] = '"';
    strcpy(value + 1, fault->text);
    strcat(value, "\"");
    for (size_t i = 0; i < FINISHES; i++) {
        if (finishes[i].value) continue;
        for (size_t from = 0; plx_member_find(cst_buf_view(&record->bytes), finishes[i].name, from, &member);) {
            if (record->bytes.data[member.value] == '"') {
                status = plx_splice(&record->bytes, member.value, member.end - member.value, castor_str_of(value));
                if (status != CASTOR_OK) return status;
            }
            from = member.value;
        }
    }
    return status;
}

/* ---- content that is not there ---- */

castor_status plx_edit_hollow(const plx_fault *fault, plx_record *record)
{
    enum { NO_PARTS, EMPTY, ABSENT };
    plx_member    member;
    castor_status status = cst_buf_append_str(&record->after, cst_buf_view(&record->bytes));
    plx_record    copy = { .bytes = record->after };

    if (status != CASTOR_OK) return status;
    status = plx_edit_no_finish(fault, &copy);
    record->after = copy.bytes;
    castor_str event = cst_buf_view(&record->after);
    bool       is_found = plx_member_find(event, "content", 0, &member) && event.data[member.value] == '{';
    if (!is_found) is_found = plx_member_find(event, "delta", 0, &member);
    if (status != CASTOR_OK || !is_found) {
        record->after.len = 0;
        return status == CASTOR_OK ? CASTOR_INVALID : status;
    }
    if (fault->numbers[0] == ABSENT) return plx_member_remove(&record->after, &member);
    return plx_splice(&record->after, member.value, member.end - member.value,
                      fault->numbers[0] == EMPTY ? CASTOR_STR("{}") : CASTOR_STR("{\"role\": \"model\"}"));
}
