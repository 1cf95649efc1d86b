/* ask.c -- any bytes as a request, of every dialect: what is taken is answered, and the answer's forms agree.
 * SPDX-License-Identifier: MIT
 */
#include "generate/encoding.h"
#include "generate/model_table.h"
#include "generate/pattern.h"
#include "proto/syntax.h"

#include "fuzz.h"

typedef bool read_fn(plx_ask *ask, const cst_json *body, const plx_terms *terms, plx_refusal *refusal);

typedef struct dialect {
    read_fn            *read;
    const plx_encoding *whole;
    const plx_encoding *stream;
} dialect;

static const dialect dialects[] = {
    { plx_ask_read_gemini, &plx_gemini_whole, &plx_gemini_events },
    { plx_ask_read_openai, &plx_openai_whole, &plx_openai_events },
    { plx_ask_read_message, &plx_message_whole, &plx_message_lines },
    { plx_ask_read_text, &plx_text_whole, NULL },
};

/* One of each generation that has rules of its own. */
static const char *const models[] = { "gemini-2.5-flash", "gemini-3.8-flash", "gemini-4-argon" };

static void check_json(castor_str text)
{
    cst_json_doc doc;

    cst_json_doc_init(&doc, cst_allocator_default());
    castor_status status = cst_json_read(&doc, text, NULL, NULL);
    fuzz_check(status == CASTOR_OK || status == CASTOR_LIMIT, "what came out is no JSON"); /* LIMIT: nested deeper */
    cst_json_doc_free(&doc);
}

/* Of an event of a stream, or of a line. */
static void check_event(castor_str event)
{
    if (event.len > 6 && memcmp(event.data, "data: ", 6) == 0) event = (castor_str){ event.data + 6, event.len - 6 };
    if (event.len >= 6 && memcmp(event.data, "[DONE]", 6) == 0) return;
    if (event.len) check_json(event);
}

static uint64_t tokens_of(const plx_piece *piece)
{
    return piece->candidate_tokens + piece->thought_tokens;
}

/* The texts of the pieces, put together, are those of the parts. */
static void check_stream(const plx_answer *answer, const plx_encoding *encoding)
{
    plx_lane  *lanes = malloc(plx_answer_lanes(answer) * sizeof *lanes);
    cst_buf    texts[PLX_CANDIDATES_MAX], event, joined;
    plx_cursor cursor;
    plx_piece  piece, last = plx_answer_last(answer);
    uint64_t   due_us, tokens = 0;
    bool       was_last = false;

    fuzz_check(lanes != NULL, "no memory for the fuzzer itself");
    cst_buf_init(&event, cst_allocator_default(), SIZE_MAX / 2);
    for (size_t i = 0; i < PLX_CANDIDATES_MAX; i++) cst_buf_init(&texts[i], cst_allocator_default(), SIZE_MAX / 2);
    plx_cursor_begin(&cursor, answer, lanes);
    while (plx_cursor_due(&cursor, &due_us)) {
        fuzz_check(plx_cursor_next(&cursor, &piece), "a piece that is due and is not there");
        fuzz_check(!was_last, "a piece behind the last");
        fuzz_check(tokens_of(&piece) >= tokens, "tokens that went away");
        tokens = tokens_of(&piece);
        was_last = piece.is_last;
        if (piece.kind == PLX_PIECE_TEXT) fuzz_check_status(cst_buf_append_str(&texts[piece.candidate], piece.text));
        event.len = 0;
        fuzz_check_status(encoding->print_piece(answer, &piece, &event));
        check_event(cst_buf_view(&event));
    }
    fuzz_check(was_last && tokens == tokens_of(&last), "a stream that does not end as it should");
    for (uint32_t i = 0; i < answer->candidate_count; i++) {
        cst_buf_init(&joined, cst_allocator_default(), SIZE_MAX / 2);
        fuzz_check_status(plx_answer_join(answer, i, PLX_PIECE_TEXT, &joined));
        fuzz_check(cst_str_equal(cst_buf_view(&joined), cst_buf_view(&texts[i])), "pieces that are not the parts");
        cst_buf_free(&joined);
    }
    for (size_t i = 0; i < PLX_CANDIDATES_MAX; i++) cst_buf_free(&texts[i]);
    cst_buf_free(&event);
    free(lanes);
}

static void check_whole(const plx_answer *answer, const plx_encoding *encoding)
{
    cst_buf body;

    cst_buf_init(&body, cst_allocator_default(), SIZE_MAX / 2);
    fuzz_check_status(encoding->print_whole(answer, &body));
    check_json(cst_buf_view(&body));
    cst_buf_free(&body);
}

/* The body is gone before the answer is looked at, as it is in the server. */
static void ask(const dialect *d, const plx_model *model, castor_str text)
{
    plx_chance   chance = { 1 };
    plx_answerer answerer = { .pace = { 1, 2, 50.0 }, .chance = &chance, .manner = { .decode_cap = 300 } };
    plx_refusal  refusal = { .code = 0 };
    plx_answer   answer;
    cst_json_doc doc;
    cst_arena    read, keep;
    plx_ask      asked = { .model = CST_NONE };
    bool         is_answered = false;

    cst_json_doc_init(&doc, cst_allocator_default());
    cst_arena_init(&read, cst_allocator_default());
    cst_arena_init(&keep, cst_allocator_default());
    plx_terms terms = { .model = model->name, .facts = model, .arena = &read, .hop_tokens_max = 300 };
    if (cst_json_read(&doc, text, NULL, NULL) == CASTOR_OK) {
        if (d->read(&asked, cst_json_root(&doc), &terms, &refusal)) {
            castor_status status = plx_answer_compose(&answer, &asked, NULL, &answerer, &keep);
            fuzz_check(status == CASTOR_OK || status == CASTOR_LIMIT, castor_status_name(status));
            is_answered = status == CASTOR_OK;
        } else {
            fuzz_check(refusal.code >= 400 && refusal.message[0], "a refusal without a reason");
        }
    }
    cst_json_doc_free(&doc);
    cst_arena_free(&read);
    if (is_answered) {
        check_whole(&answer, d->whole);
        if (d->stream) check_stream(&answer, d->stream);
    }
    cst_arena_free(&keep);
}

static void make_match(castor_str pattern)
{
    size_t  steps_left = PLX_SCHEMA_STEPS_MAX;
    cst_buf out;

    cst_buf_init(&out, cst_allocator_default(), SIZE_MAX / 2);
    castor_status status = plx_pattern_print(pattern, pattern.len % 64, &steps_left, &out);
    fuzz_check(status == CASTOR_OK || status == CASTOR_PROTOCOL || status == CASTOR_LIMIT, castor_status_name(status));
    fuzz_check(steps_left <= PLX_SCHEMA_STEPS_MAX, "more steps than there were");
    fuzz_check(status != CASTOR_PROTOCOL || out.len == 0, "something of a pattern that is not known");
    cst_buf_free(&out);
}

/* What is no JSON is refused with a reason, wherever the reading stopped. */
static void check_syntax(castor_str text)
{
    plx_refusal  refusal = { .code = 0 };
    size_t       offset = 0;
    cst_json_doc doc;

    cst_json_doc_init(&doc, cst_allocator_default());
    if (cst_json_read(&doc, text, &offset, NULL) == CASTOR_PROTOCOL) {
        plx_refuse_syntax(&refusal, text, offset < text.len ? offset : text.len);
        fuzz_check(refusal.code == 400 && refusal.message[0], "bad JSON without a reason");
    }
    cst_json_doc_free(&doc);
}

static const plx_model_table *table_of_models(void)
{
    static plx_model_table *table;
    char                    why[256];

    if (!table) fuzz_check(plx_model_table_new(&table, NULL, false, why, sizeof why), "no table of models");
    return table;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const plx_model_table *table = table_of_models();
    char                  *copy = fuzz_copy(data, size);
    castor_str             text = { copy, size };

    make_match(text);
    check_syntax(text);
    for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
        const plx_model *model = plx_model_find(table, castor_str_of(models[m]));
        fuzz_check(model != NULL, "a model that is not there");
        for (size_t d = 0; d < sizeof dialects / sizeof dialects[0]; d++) ask(&dialects[d], model, text);
    }
    free(copy);
    return 0;
}
