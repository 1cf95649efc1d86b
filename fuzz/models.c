/* models.c -- any bytes as a file of models: what is read keeps its promises, what is not is explained with its line.
 * SPDX-License-Identifier: MIT
 */
#include "generate/embedding.h"
#include "generate/model_lines.h"

#include "fuzz.h"

static void check_model(const plx_model_table *table, const plx_model *one)
{
    float values[PLX_DIMENSIONS_MAX];

    fuzz_check(one->name.len > 0, "a model without a name");
    if (!one->is_family && cst_str_equal(plx_model_bare_name(one->name), one->name)) {
        fuzz_check(plx_model_find(table, one->name) == one, "a model that is not found by its name");
    }
    fuzz_check(!one->served_by.data || plx_model_find(table, one->served_by), "a model is served by none");
    (void)plx_model_serving(table, one, 0);
    (void)plx_model_serving(table, one, 36500);
    fuzz_check((one->thinking_levels == 0) == (one->thinking_default == PLX_THINKING_NONE), "levels without a default");
    if (one->dimensions_least == 0) return;
    fuzz_check(one->dimensions_default >= one->dimensions_least && one->dimensions_default <= one->dimensions_most &&
                   one->dimensions_most <= PLX_DIMENSIONS_MAX,
               "dimensions that do not fit");
    plx_embedding_fill(values, (size_t)one->dimensions_default, one, one->about, one->version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            *copy = fuzz_copy(data, size);
    plx_model_table *table = calloc(1, sizeof *table);
    char             why[320] = "";

    fuzz_check(table != NULL, "no memory for the fuzzer itself");
    if (plx_model_lines_read(table, (castor_str){ copy, size }, why, sizeof why)) {
        fuzz_check(plx_model_count(table) > 0, "no model, and no fault");
        for (size_t i = 0; i < plx_model_count(table); i++) check_model(table, plx_model_at(table, i));
    } else {
        fuzz_check(why[0] != '\0', "a fault without a sentence");
    }
    free(table);
    free(copy);
    return 0;
}
