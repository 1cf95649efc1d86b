/* played.c -- what was told while a scene was played.
 * SPDX-License-Identifier: MIT
 */
#include "played.h"

#include <stdio.h>

/* ---- telling ---- */

tst_told *tst_told_begin(tst_played *out)
{
    tst_told *told = &out->told[out->count++];

    assert_true(out->count <= TST_TOLD_MAX);
    *told = (tst_told){ .error = { .status = CASTOR_OK } };
    cst_buf_init(&told->lines, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_append_text(&told->lines, "");
    return told;
}

void tst_told_event(tst_told *told, const castor_event *event)
{
    const castor_usage unknown = { .total_tokens = { 0, 0 } };

    if (event->type == CASTOR_EVENT_RESTART) {
        told->lines.len = 0;
        return;
    }
    tst_print_event(&told->lines, event, &unknown);
    cst_buf_append_text(&told->lines, "\n");
}

void tst_told_end(tst_told *told, const castor_stream *stream)
{
    const castor_error *error = castor_stream_error(stream);

    told->verdict = castor_stream_verdict(stream);
    if (error) told->error = *error;
}

/* ---- comparing ---- */

static bool is_same(const tst_told *a, const tst_told *b)
{
    return cst_str_equal(cst_buf_view(&a->lines), cst_buf_view(&b->lines)) && a->verdict == b->verdict &&
           a->error.status == b->error.status && strcmp(a->error.message, b->error.message) == 0;
}

static const char *judge(const tst_told *whole, const tst_told *got, bool may_be_late)
{
    castor_str lines = cst_buf_view(&got->lines);
    bool       is_late = got->error.status == CASTOR_TIMEOUT;

    if (is_same(whole, got)) return NULL;
    if (got->verdict == CASTOR_VERDICT_COMPLETE) return "COMPLETE, and not all is there";
    if (is_late && (!may_be_late || got->error.time_limit == CASTOR_LIMIT_TOTAL)) return "it hung";
    if (got->verdict == CASTOR_VERDICT_NONE) return "it has no end";
    if (lines.len > whole->lines.len || memcmp(lines.data, whole->lines.data, lines.len) != 0) {
        return "the events are not those that came first";
    }
    if (got->error.status == CASTOR_OK || !got->error.message[0]) return "nothing tells why";
    return NULL;
}

const char *tst_played_judge(const tst_played *whole, const tst_played *got)
{
    for (size_t i = 0; i < got->count; i++) {
        if (i >= whole->count) return "more than there is";
        const char *wrong = judge(&whole->told[i], &got->told[i], got->may_be_late);
        if (wrong) return wrong;
    }
    return NULL;
}

bool tst_played_is_same(const tst_played *a, const tst_played *b)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!is_same(&a->told[i], &b->told[i])) return false;
    }
    return true;
}

castor_status tst_played_status(const tst_played *whole, const tst_played *got)
{
    for (size_t i = 0; i < got->count && i < whole->count; i++) {
        if (!is_same(&whole->told[i], &got->told[i])) return got->told[i].error.status;
    }
    return CASTOR_OK;
}

bool tst_played_is_good(const tst_played *whole, int32_t verdict)
{
    for (size_t i = 0; i < whole->count; i++) {
        if ((int32_t)whole->told[i].verdict != verdict) return false;
    }
    return whole->count > 0;
}

void tst_played_show(const tst_played *played)
{
    for (size_t i = 0; i < played->count; i++) {
        const tst_told *told = &played->told[i];
        (void)fprintf(stderr, "    %zu: %s, %s: %s\n%s", i, castor_verdict_name(told->verdict),
                      castor_status_name(told->error.status), told->error.message,
                      told->lines.len < 1000 ? told->lines.data : "(much)\n");
    }
}

void tst_played_free(tst_played *played)
{
    for (size_t i = 0; i < played->count; i++) cst_buf_free(&played->told[i].lines);
    *played = (tst_played){ .count = 0 };
}
