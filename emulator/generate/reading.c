/* reading.c -- what the readers of all dialects do alike while they read one body.
 * SPDX-License-Identifier: MIT
 */
#include "generate/reading.h"

#include <inttypes.h>
#include <stdlib.h>

#include "generate/ask_fields.h"
#include "generate/hop.h"
#include "generate/sorted_names.h"

enum { NEW_GENERATION = 30, MADE_BUDGET_MAX = 1 << 20 };

/* ---- begin and end ---- */

/* Of a model that nobody knows: its request will be refused for that, and for nothing before. */
static const plx_model stranger = { .input_tokens_max = INT64_MAX, .output_tokens_max = INT64_MAX };

void plx_reading_begin(plx_reading *r, plx_ask *ask, const plx_terms *terms, plx_refusal *refusal)
{
    const cst_allocator *allocator = cst_allocator_default();

    *ask = (plx_ask){ .model = plx_model_bare_name(terms->model),
                      .facts = terms->facts ? terms->facts : &stranger,
                      .prompt = CASTOR_STR(""),
                      .last_words = CASTOR_STR(""),
                      .candidate_count = 1,
                      .modalities = PLX_MAKES_TEXT };
    ask->may_think = ask->facts->thinks_unasked;
    ask->thinking_level = ask->facts->thinking_default;
    ask->hop_tokens_max = plx_hop_tokens_max(ask->facts, terms);
    *r = (plx_reading){ .ask = ask, .terms = terms, .refusal = refusal };
    plx_turns_begin(&r->turns, ask->facts);
    cst_buf_init(&r->prompt, allocator, PLX_BODY_BYTES_MAX);
    cst_buf_init(&r->functions, allocator, PLX_BODY_BYTES_MAX);
    cst_buf_init(&r->results, allocator, PLX_BODY_BYTES_MAX);
    cst_buf_init(&r->scratch, allocator, PLX_BODY_BYTES_MAX);
}

bool plx_reading_no_memory(plx_reading *r)
{
    return plx_refuse(r->refusal, 503, "The emulator has no memory left for this request.");
}

/* A list that was gathered moves into the arena. */
static bool keep_list(plx_reading *r, const cst_buf *list, size_t size, void **out, size_t *count)
{
    *count = list->len / size;
    if (*count == 0) return true;
    *out = cst_arena_alloc(r->terms->arena, list->len);
    if (*out) memcpy(*out, list->data, list->len);
    return *out != NULL;
}

static bool keep_all(plx_reading *r)
{
    plx_ask *ask = r->ask;
    void    *functions = NULL, *results = NULL;
    bool     is_kept = cst_arena_copy(r->terms->arena, cst_buf_view(&r->prompt), &ask->prompt) == CASTOR_OK &&
                   keep_list(r, &r->functions, sizeof(plx_function), &functions, &ask->function_count) &&
                   keep_list(r, &r->results, sizeof(plx_function_result), &results, &ask->result_count);

    ask->functions = functions;
    ask->results = results;
    ask->last_words = (castor_str){ ask->prompt.data + r->last_words_at, ask->prompt.len - r->last_words_at };
    return is_kept || plx_reading_no_memory(r);
}

/* What does not fit the model's window. */
static bool check_window(plx_reading *r)
{
    uint64_t tokens = plx_token_total(&r->ask->prompt_tokens);
    int64_t  most = r->ask->facts->input_tokens_max;

    if (r->terms->only_counts || r->is_cut_to_fit || tokens <= (uint64_t)most) return true;
    return plx_refuse(r->refusal, 400,
                      "The input token count (%" PRIu64 ") exceeds the maximum number of tokens allowed (%" PRId64 ").",
                      tokens, most);
}

bool plx_reading_end(plx_reading *r, bool is_read)
{
    is_read = is_read && keep_all(r) && check_window(r) && plx_hop_check(r->ask, r->refusal);
    cst_buf_free(&r->prompt);
    cst_buf_free(&r->functions);
    cst_buf_free(&r->results);
    cst_buf_free(&r->scratch);
    return is_read;
}

/* ---- contents ---- */

bool plx_reading_open(plx_reading *r, plx_side side)
{
    if (side == PLX_SIDE_MODEL) r->results.len = 0;
    r->is_in_prompt = false;
    return r->terms->only_counts || plx_turns_open(&r->turns, side, r->refusal);
}

/* The words of a content of the user take the place of those before. Results have none: then the words before count. */
bool plx_reading_say(plx_reading *r, castor_str words)
{
    plx_reading_count_text(r, words);
    if (r->turns.side == PLX_SIDE_MODEL) return true;
    if (!r->is_in_prompt) r->prompt.len = 0;
    r->is_in_prompt = true;
    plx_turns_say(&r->turns);
    if (r->prompt.len > 0 && cst_buf_append(&r->prompt, "\n", 1) != CASTOR_OK) return plx_reading_no_memory(r);
    r->last_words_at = r->prompt.len;
    return cst_buf_append_str(&r->prompt, words) == CASTOR_OK || plx_reading_no_memory(r);
}

bool plx_reading_call(plx_reading *r, castor_str name, castor_str id, castor_str signature)
{
    plx_reading_count_text(r, name);
    if (r->terms->only_counts) return true;
    if (r->turns.side == PLX_SIDE_MODEL) return plx_turns_call(&r->turns, name, id, signature, r->refusal);
    return plx_refuse(r->refusal, 400,
                      "Please ensure that function call turn comes immediately after a user turn or after a function "
                      "response turn.");
}

bool plx_reading_respond(plx_reading *r, castor_str name, castor_str id, castor_str json)
{
    plx_function_result result = { .name = name };

    plx_reading_count_text(r, name);
    if (r->terms->only_counts) return true;
    if (!plx_turns_respond(&r->turns, name, id, r->refusal)) return false;
    return (cst_arena_copy(r->terms->arena, json, &result.json) == CASTOR_OK &&
            cst_buf_append(&r->results, &result, sizeof result) == CASTOR_OK) || plx_reading_no_memory(r);
}

bool plx_reading_close(plx_reading *r)
{
    return r->terms->only_counts || plx_turns_close(&r->turns, r->ask->continuation_token.len > 0, r->refusal);
}

/* ---- tokens ---- */

void plx_reading_count_text(plx_reading *r, castor_str text)
{
    r->ask->prompt_tokens.of[PLX_MODALITY_TEXT] += plx_token_count(text.len);
}

void plx_reading_count_data(plx_reading *r, castor_str mime_type, castor_i64 bytes)
{
    plx_modality modality = plx_modality_of(mime_type);

    r->ask->prompt_tokens.of[modality] += plx_token_count_of_data(modality, bytes);
}

castor_str plx_reading_count_json(plx_reading *r, const cst_json *value)
{
    cst_json_writer w = cst_json_writer_to(&r->scratch);

    r->scratch.len = 0;
    if (!value) return CASTOR_STR("{}");
    plx_json_put(&w, value);
    plx_reading_count_text(r, cst_buf_view(&r->scratch));
    return cst_buf_view(&r->scratch);
}

/* ---- functions ---- */

bool plx_reading_add_function(plx_reading *r, const plx_function *function)
{
    const plx_function *list = (const plx_function *)(const void *)r->functions.data;

    if (r->functions.len / sizeof *list == PLX_FUNCTIONS_MAX) {
        return plx_refuse(r->refusal, 400, "At most %d function declarations are allowed.", (int)PLX_FUNCTIONS_MAX);
    }
    for (size_t i = 0; i < r->functions.len / sizeof *list; i++) {
        if (!cst_str_equal(list[i].name, function->name)) continue;
        return plx_refuse(r->refusal, 400, "Duplicate function declaration found: %.*s", CASTOR_ARG(function->name));
    }
    plx_reading_count_text(r, function->name);
    plx_reading_count_text(r, function->description);
    plx_reading_count_json(r, function->parameters);
    return cst_buf_append(&r->functions, function, sizeof *function) == CASTOR_OK || plx_reading_no_memory(r);
}

bool plx_reading_allow(plx_reading *r, const cst_json *names)
{
    plx_function    *list = (plx_function *)(void *)r->functions.data;
    size_t           count = r->functions.len / sizeof *list, kept = 0;
    plx_sorted_names allowed;

    if (plx_list_count(names) == 0) return true;
    allowed = plx_sorted_names_of_list(names);
    if (!allowed.list) return plx_reading_no_memory(r);
    for (size_t i = 0; i < count; i++) {
        if (plx_sorted_names_find(&allowed, list[i].name)) list[kept++] = list[i];
    }
    plx_sorted_names_free(&allowed);
    r->functions.len = kept * sizeof *list;
    return kept > 0 ||
           plx_refuse(r->refusal, 400,
                      "* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: none of "
                      "them is declared.\n");
}

/* ---- limits ---- */

bool plx_reading_stops(plx_reading *r, const cst_json *stops, const char *path)
{
    plx_ask        *ask = r->ask;
    plx_list        each = plx_list_of(stops);
    const cst_json *stop;

    if (plx_list_count(stops) > PLX_STOP_SEQUENCES_MAX) {
        return plx_refuse_field(r->refusal, path, "Invalid value at '%s': at most %d stop sequences are allowed.", path,
                                (int)PLX_STOP_SEQUENCES_MAX);
    }
    while ((stop = plx_list_next(&each))) {
        castor_str text = cst_json_string(stop);
        if (!text.data) {
            return plx_refuse_field(r->refusal, path, "Invalid value at '%s' (TYPE_STRING): not a text.", path);
        }
        if (text.len > PLX_STOP_BYTES_MAX) {
            return plx_refuse_field(r->refusal, path,
                                    "Invalid value at '%s': a stop sequence has at most %d bytes.", path,
                                    (int)PLX_STOP_BYTES_MAX);
        }
        if (text.len > 0) ask->stop_sequences[ask->stop_sequence_count++] = text;
    }
    return true;
}

bool plx_reading_candidates(plx_reading *r, const cst_json *object, const char *name, const char *path)
{
    castor_i64 count;

    if (!plx_field_integer(object, name, path, 1, PLX_CANDIDATES_MAX, &count, r->refusal)) return false;
    r->ask->candidate_count = count.is_set ? count.value : 1;
    return r->ask->candidate_count == 1 || r->ask->facts->generation < NEW_GENERATION ||
           plx_refuse(r->refusal, 400, "Multiple candidates is not enabled for this model");
}

bool plx_reading_range(plx_reading *r, const cst_json *object, const char *name, const char *path, double most)
{
    char       scratch[32], snake[32], text[40];
    castor_str label = cst_json_label(plx_field_get(object, name), scratch);

    if (label.len == 0 || label.len >= sizeof text) return true;
    cst_copy_text(text, sizeof text, label);
    double number = strtod(text, NULL);
    if (number >= 0 && number <= most) return true;
    plx_field_snake(snake, sizeof snake, name);
    return plx_refuse(r->refusal, 400, "* %s.%s: %s must be in the range [0.0, %.1f].\n", path, snake, snake, most);
}

/* The last generation's limit is on the whole of a long decode, and a plain request has to be modest about it. */
bool plx_reading_limit(plx_reading *r, castor_i64 max_output_tokens)
{
    const plx_model *facts = r->ask->facts;
    bool                    is_long = r->ask->hop_tokens_max > 0;
    int64_t                 most = is_long ? facts->input_tokens_max : facts->output_tokens_max;

    r->ask->max_output_tokens = max_output_tokens;
    if (!max_output_tokens.is_set || r->terms->only_counts) return true;
    if (max_output_tokens.value < 1 || max_output_tokens.value > most) {
        return plx_refuse(r->refusal, 400,
                          "Unable to submit request because it has a maxOutputTokens value of %" PRId64 " but the "
                          "supported range is from 1 (inclusive) to %" PRId64 " (exclusive). Update the value and try "
                          "again.",
                          max_output_tokens.value, most + 1);
    }
    if (!is_long || !r->terms->is_plain || r->ask->continuation_token.len > 0) return true;
    if (max_output_tokens.value <= r->ask->hop_tokens_max) return true;
    /* The reference knows the rule, but not its words. */
    return plx_refuse(r->refusal, 400,
                      "A unary request for this model has a maximum of %" PRId64 " output tokens. Use "
                      "streamGenerateContent or a continuation token for more.",
                      r->ask->hop_tokens_max);
}

/* ---- thinking ---- */

static bool take_level(plx_reading *r, const char *name)
{
    static const struct {
        const char        *name;
        plx_thinking_level level;
    } levels[] = {
        { "MINIMAL", PLX_THINKING_MINIMAL }, { "LOW", PLX_THINKING_LOW }, { "MEDIUM", PLX_THINKING_MEDIUM },
        { "HIGH", PLX_THINKING_HIGH },
    };

    if (r->ask->facts->thinking_levels == 0) {
        return plx_refuse(r->refusal, 400, "Thinking level is not supported for this model.");
    }
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(name, levels[i].name) == 0) r->ask->thinking_level = levels[i].level;
        else continue;
        return (r->ask->facts->thinking_levels & levels[i].level) ||
               plx_refuse(r->refusal, 400,
                          "Thinking level %s is not supported for this model. Please retry with other thinking level.",
                          name);
    }
    return true;
}

static bool take_budget(plx_reading *r, int64_t budget)
{
    const plx_model *facts = r->ask->facts;
    bool                    has_own = facts->budget_least.is_set;
    int64_t                 least = has_own ? facts->budget_least.value : 1;
    int64_t                 most = has_own ? facts->budget_most.value : MADE_BUDGET_MAX;

    r->ask->thinking_budget = castor_some_i64(budget);
    if (budget == 0) {
        r->ask->may_think = false;
        return facts->may_not_think || (!has_own && facts->thinking_levels == 0) ||
               plx_refuse(r->refusal, 400, "Budget 0 is invalid. This model only works in thinking mode.");
    }
    if (!has_own && facts->thinking_levels == 0) {
        return plx_refuse(r->refusal, 400, "Unable to submit request because thinking is not supported by this model.");
    }
    r->ask->may_think = true;
    return budget == -1 || (budget >= least && budget <= most) ||
           plx_refuse(r->refusal, 400,
                      "The thinking budget %" PRId64 " is invalid. Please choose a value between %" PRId64
                      " and %" PRId64 ".",
                      budget, least, most);
}

bool plx_reading_think(plx_reading *r, castor_i64 budget, const char *level)
{
    if (budget.is_set && level) {
        return plx_refuse(r->refusal, 400, "You can only set only one of thinking budget and thinking level.");
    }
    if (level && !take_level(r, level)) return false;
    return !budget.is_set || take_budget(r, budget.value);
}
