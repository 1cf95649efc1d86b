/* interaction.c -- any bytes as a request to create an interaction: what is taken must come out as a body of JSON.
 * SPDX-License-Identifier: MIT
 */
#include "generate/translate_interaction.h"

#include "fuzz.h"

static void check_json(const char *before, const cst_buf *json, const char *after)
{
    cst_json_doc doc;
    cst_buf      text;

    cst_json_doc_init(&doc, cst_allocator_default());
    cst_buf_init(&text, cst_allocator_default(), SIZE_MAX / 2);
    fuzz_check_status(cst_buf_append_format(&text, "%s", before));
    fuzz_check_status(cst_buf_append_str(&text, cst_buf_view(json)));
    fuzz_check_status(cst_buf_append_format(&text, "%s", after));
    castor_status status = cst_json_read(&doc, cst_buf_view(&text), NULL, NULL);
    fuzz_check(status == CASTOR_OK || status == CASTOR_LIMIT, "what came out is no JSON"); /* LIMIT: nested deeper */
    cst_buf_free(&text);
    cst_json_doc_free(&doc);
}

/* `contents`: what an earlier one left. */
static bool translate(const plx_interaction_ask *ask, cst_json_cursor body, castor_str contents, plx_translation *out)
{
    plx_model        model = { .thinking_levels = PLX_THINKING_HIGH };
    plx_conversation before = { .contents = contents };
    plx_refusal      refusal = { .code = 0 };

    plx_translation_init(out, cst_allocator_default());
    if (plx_interaction_translate(out, ask, &model, body, &before, &refusal)) {
        fuzz_check(refusal.code == 0, "a request that was taken and refused");
        check_json("", &out->body, "");
        check_json("[", &out->contents, "]");
        check_json("[", &out->input_steps, "]");
        return true;
    }
    fuzz_check(refusal.code >= 400 && refusal.message[0], "a refusal without a reason");
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char               *copy = fuzz_copy(data, size);
    castor_str          text = { copy, size };
    plx_interaction_ask ask;
    plx_refusal         refusal = { .code = 0 };
    plx_translation     first, second;
    cst_json_doc        doc;

    cst_json_doc_init(&doc, cst_allocator_default());
    if (cst_json_read(&doc, text, NULL, NULL) == CASTOR_OK) {
        cst_json_cursor root = cst_json_cursor_at_root(&doc, text);
        if (plx_interaction_ask_read(&ask, root.value, CASTOR_STR("v1beta"), &refusal)) {
            if (translate(&ask, root, CST_NONE, &first)) { /* and once more, behind itself */
                translate(&ask, root, cst_buf_view(&first.contents), &second);
                plx_translation_free(&second);
            }
            plx_translation_free(&first);
        }
    }
    cst_json_doc_free(&doc);
    free(copy);
    return 0;
}
