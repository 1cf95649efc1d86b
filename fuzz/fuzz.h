/* fuzz.h -- what the fuzz targets share: cuts that follow from the input, runs of a decoder, and a loud end.
 * SPDX-License-Identifier: MIT
 *
 * An input is a body as it stands, so that every recording and every wire case is a seed. Where it is cut follows from
 * a sum over its bytes.
 */
#ifndef CST_FUZZ_H
#define CST_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_check(bool holds, const char *what)
{
    if (holds) return;
    (void)fprintf(stderr, "this must not be: %s\n", what);
    abort();
}

static inline void fuzz_check_status(castor_status status)
{
    fuzz_check(status == CASTOR_OK, castor_status_name(status));
}

/* FNV-1a */
static inline uint64_t fuzz_sum(const uint8_t *data, size_t size)
{
    uint64_t sum = 14695981039346656037u;

    for (size_t i = 0; i < size; i++) sum = (sum ^ data[i]) * 1099511628211u;
    return sum;
}

/* The length of the next piece: mostly a few bytes, sometimes many. */
static inline size_t fuzz_piece(uint64_t *state, size_t left)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    size_t   len;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z ^= z >> 27;
    len = 1 + (size_t)((z >> 8) % ((z & 7) == 0 ? 4096 : (z & 7) < 4 ? 64 : 4));
    return len < left ? len : left;
}

/* Feeding from memory of exactly the piece's size, spoilt afterwards: kept pointers show. */
static inline char *fuzz_copy(const uint8_t *data, size_t len)
{
    char *piece = malloc(len ? len : 1);

    fuzz_check(piece != NULL, "no memory for the fuzzer itself");
    if (len) memcpy(piece, data, len);
    return piece;
}

static inline void fuzz_spoil(char *piece, size_t len)
{
    memset(piece, 0xEE, len);
    free(piece);
}

/* ---- runs of a decoder ---- */

typedef struct fuzz_body {
    const uint8_t *data;
    size_t         size;
    castor_dialect dialect;
    const char    *content_type;
    int32_t        http_status;
    size_t         event_bytes_max;
    castor_end     end;
    void         (*prepare)(castor_decoder *decoder); /* NULL: it is taken as it is made */
} fuzz_body;

static inline void fuzz_put_view(cst_buf *out, const char *name, castor_str view)
{
    if (!view.data) return;
    fuzz_check_status(cst_buf_append_format(out, " %s %zu ", name, view.len));
    fuzz_check_status(cst_buf_append_str(out, view));
}

static inline void fuzz_put_event(cst_buf *out, const castor_event *event)
{
    fuzz_check_status(cst_buf_append_format(out, "%s [%d]%s", castor_event_name(event->type), (int)event->candidate,
                                            event->is_partial ? " partial" : ""));
    fuzz_put_view(out, "text", event->text);
    fuzz_put_view(out, "raw", event->raw);
    fuzz_put_view(out, "record", event->record);
    fuzz_put_view(out, "signature", event->signature);
    fuzz_put_view(out, "id", event->id);
    fuzz_put_view(out, "name", event->name);
    fuzz_put_view(out, "args", event->args);
    fuzz_put_view(out, "mime", event->mime_type);
    fuzz_put_view(out, "data", event->data);
    fuzz_put_view(out, "uri", event->uri);
    fuzz_put_view(out, "language", event->language);
    fuzz_put_view(out, "outcome", event->outcome);
    fuzz_put_view(out, "finish", event->finish_reason);
    fuzz_put_view(out, "message", event->finish_message);
    fuzz_check_status(cst_buf_append_text(out, "\n"));
}

static inline long long fuzz_number(castor_i64 number)
{
    return number.is_set ? (long long)number.value : -1;
}

static inline void fuzz_put_usage(cst_buf *out, castor_usage usage)
{
    fuzz_check_status(cst_buf_append_format(
        out, "prompt %lld cached %lld output %lld thought %lld tool %lld total %lld\n", fuzz_number(usage.prompt_tokens),
        fuzz_number(usage.cached_tokens), fuzz_number(usage.output_tokens), fuzz_number(usage.thought_tokens),
        fuzz_number(usage.tool_prompt_tokens), fuzz_number(usage.total_tokens)));
}

/* What is known beside the events. */
static inline void fuzz_put_facts(cst_buf *out, const castor_decoder *decoder)
{
    fuzz_put_usage(out, castor_decoder_usage(decoder));
    fuzz_put_view(out, "response", castor_decoder_response_id(decoder));
    fuzz_put_view(out, "model", castor_decoder_model_version(decoder));
    fuzz_put_view(out, "finished", castor_decoder_finish_reason(decoder));
    fuzz_put_view(out, "blocked", castor_decoder_block_reason(decoder));
    fuzz_check_status(cst_buf_append_format(out, " dialect %d\n", (int)castor_decoder_dialect(decoder)));
}

static inline castor_step fuzz_take(castor_decoder *decoder, cst_buf *out, castor_error *error)
{
    castor_event event;
    castor_step  step;

    while ((step = castor_decoder_next(decoder, &event, error)) == CASTOR_STEP_EVENT) {
        fuzz_put_event(out, &event);
        if (event.type == CASTOR_EVENT_USAGE) fuzz_put_usage(out, castor_decoder_usage(decoder));
    }
    return step;
}

static inline void fuzz_put_end(cst_buf *out, const castor_decoder *decoder, castor_step step,
                                const castor_error *error)
{
    castor_verdict verdict = castor_decoder_verdict(decoder);

    fuzz_check(step != CASTOR_STEP_WAIT, "a decoder waits after the end");
    fuzz_check((step == CASTOR_STEP_DONE) == (verdict == CASTOR_VERDICT_COMPLETE),
               "DONE and COMPLETE do not go together");
    fuzz_check(verdict != CASTOR_VERDICT_NONE, "an end without a verdict");
    fuzz_check_status(cst_buf_append_format(out, "%s\n", castor_verdict_name(verdict)));
    if (step == CASTOR_STEP_DONE) return;

    fuzz_check(error->status != CASTOR_OK && error->message[0], "an error without a status or a sentence");
    fuzz_check(error->status != CASTOR_NO_MEMORY, "memory that ran out, with plenty of it left");
    fuzz_check_status(cst_buf_append_format(out, "%s code %s reason %s detail %s offset %lld retry %lld \"%s\"\n",
                                            castor_status_name(error->status), error->code, error->reason,
                                            error->detail, fuzz_number(error->offset),
                                            fuzz_number(error->retry_after_ms), error->message));
}

/* What comes of the body, as text. `cuts` 0: whole. */
static inline void fuzz_decode(const fuzz_body *body, uint64_t cuts, cst_buf *out)
{
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;
    castor_decoder        *decoder;
    castor_error           error;
    castor_step            step = CASTOR_STEP_WAIT;

    memset(&error, 0, sizeof error);
    cst_buf_init(out, cst_allocator_default(), SIZE_MAX / 2);
    options.dialect = body->dialect;
    options.content_type = body->content_type;
    options.http_status = body->http_status;
    options.event_bytes_max = body->event_bytes_max;
    fuzz_check_status(castor_decoder_new(&decoder, &options, &error));
    if (body->prepare) body->prepare(decoder);
    for (size_t at = 0; at < body->size && step == CASTOR_STEP_WAIT;) {
        size_t len = cuts ? fuzz_piece(&cuts, body->size - at) : body->size;
        char  *piece = fuzz_copy(body->data + at, len);
        fuzz_check_status(castor_decoder_feed(decoder, piece, len, &error));
        fuzz_spoil(piece, len);
        at += len;
        step = fuzz_take(decoder, out, &error);
    }
    castor_decoder_end(decoder, body->end);
    step = fuzz_take(decoder, out, &error);
    fuzz_put_end(out, decoder, step, &error);
    fuzz_put_facts(out, decoder);
    castor_decoder_free(decoder);
}

/* The same events and the same end, however it is cut. */
static inline void fuzz_compare_cuts(const fuzz_body *body)
{
    cst_buf whole, cut;

    fuzz_decode(body, 0, &whole);
    fuzz_decode(body, fuzz_sum(body->data, body->size) | 1, &cut);
    if (!cst_str_equal(cst_buf_view(&whole), cst_buf_view(&cut))) {
        (void)fprintf(stderr, "whole:\n%s\ncut:\n%s\n", whole.data, cut.data);
        fuzz_check(false, "the events depend on the cuts");
    }
    cst_buf_free(&whole);
    cst_buf_free(&cut);
}

/* In every manner that one dialect can be read. */
static inline void fuzz_dialect(castor_dialect dialect, const uint8_t *data, size_t size)
{
    fuzz_body body = { .data = data, .size = size, .dialect = dialect };

    body.content_type = "text/event-stream";
    fuzz_compare_cuts(&body);
    body.content_type = "application/json";
    body.end = CASTOR_END_LOST;
    fuzz_compare_cuts(&body);
    body.content_type = NULL;
    body.end = CASTOR_END_CLEAN;
    body.event_bytes_max = 512;
    fuzz_compare_cuts(&body);
}

#endif
