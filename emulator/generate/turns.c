/* turns.c -- the rules of a conversation that is sent back.
 * SPDX-License-Identifier: MIT
 */
#include "generate/turns.h"

#include <stdio.h>

#include "generate/opaque.h"

enum { SIGNED_GENERATION = 30 };

void plx_turns_begin(plx_turns *turns, const plx_model *facts)
{
    *turns = (plx_turns){ .facts = facts };
}

bool plx_signature_check(const plx_model *facts, castor_str signature, plx_refusal *refusal)
{
    if (facts->generation < SIGNED_GENERATION || signature.len == 0) return true;
    return plx_opaque_read(signature, PLX_OPAQUE_SIGNATURE, NULL) != PLX_OPAQUE_CORRUPTED ||
           plx_refuse(refusal, 400, "Corrupted thought signature.");
}

/* What the user says anew ends the steps that must be signed. */
static void end_content(plx_turns *turns)
{
    if (turns->side == PLX_SIDE_USER && turns->has_words && !turns->has_results) turns->unsigned_name[0] = '\0';
    turns->has_words = turns->has_results = false;
}

static bool check_results(plx_turns *turns, plx_refusal *refusal)
{
    if (turns->side != PLX_SIDE_USER || turns->call_count == turns->result_count) return true;
    return plx_refuse(refusal, 400,
                      "Please ensure that the number of function response parts is equal to the number of function "
                      "call parts of the function call turn.");
}

bool plx_turns_open(plx_turns *turns, plx_side side, plx_refusal *refusal)
{
    end_content(turns);
    turns->position++;
    if (side == turns->side) return true;
    if (!check_results(turns, refusal)) return false;
    if (side == PLX_SIDE_MODEL) turns->call_count = turns->result_count = 0;
    turns->side = side;
    return true;
}

void plx_turns_say(plx_turns *turns) { turns->has_words = true; }

bool plx_turns_call(plx_turns *turns, castor_str name, castor_str id, castor_str signature, plx_refusal *refusal)
{
    bool is_first = turns->call_count == 0;

    if (turns->position == 1) {
        return plx_refuse(refusal, 400,
                          "Please ensure that function call turn comes immediately after a user turn or after a "
                          "function response turn.");
    }
    if (turns->call_count < PLX_TURN_CALLS_MAX) {
        turns->call_names[turns->call_count] = name;
        turns->call_ids[turns->call_count] = id;
        turns->is_answered[turns->call_count] = false;
    }
    turns->call_count++;
    bool is_missing = is_first && signature.len == 0 && turns->facts->generation >= SIGNED_GENERATION;
    if (is_missing && turns->unsigned_name[0] == '\0') {
        snprintf(turns->unsigned_name, sizeof turns->unsigned_name, "default_api:%.*s", CASTOR_ARG(name));
        turns->unsigned_position = turns->position;
    }
    return true;
}

/* The reference knows the rule, but not its words. */
static bool refuse_result(castor_str name, bool is_second, plx_refusal *refusal)
{
    return plx_refuse(refusal, 400,
                      "Please ensure that the name and the id of each function response are those of a function call "
                      "of the preceding turn: \"%.*s\" %s.",
                      CASTOR_ARG(name), is_second ? "answers a call that is answered already" : "is not");
}

/* Of older models the names are not compared. */
static bool check_result(plx_turns *turns, castor_str name, castor_str id, plx_refusal *refusal)
{
    bool is_second = false;

    if (turns->facts->generation < SIGNED_GENERATION || turns->call_count > PLX_TURN_CALLS_MAX) return true;
    for (size_t i = 0; i < turns->call_count; i++) {
        bool has_ids = id.len > 0 && turns->call_ids[i].len > 0;
        if (!cst_str_equal(turns->call_names[i], name)) continue;
        if (!has_ids) return true;
        if (!cst_str_equal(turns->call_ids[i], id)) continue;
        is_second = turns->is_answered[i];
        turns->is_answered[i] = true;
        if (!is_second) return true;
    }
    return refuse_result(name, is_second, refusal);
}

bool plx_turns_respond(plx_turns *turns, castor_str name, castor_str id, plx_refusal *refusal)
{
    turns->has_results = true;
    if (turns->call_count == 0) {
        return plx_refuse(refusal, 400,
                          "Please ensure that function response turn comes immediately after a function call turn.");
    }
    if (++turns->result_count > turns->call_count) return check_results(turns, refusal);
    return check_result(turns, name, id, refusal);
}

static bool check_signatures(const plx_turns *turns, plx_refusal *refusal)
{
    if (turns->unsigned_name[0] == '\0') return true;
    return plx_refuse(refusal, 400,
                      "Function call is missing a thought_signature in functionCall parts. This is required for tools "
                      "to work correctly, and missing thought_signature may lead to degraded model performance. "
                      "Additional data, function call `%s` , position %zu. Please refer to "
                      "https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
                      turns->unsigned_name, turns->unsigned_position);
}

bool plx_turns_close(plx_turns *turns, bool goes_on, plx_refusal *refusal)
{
    end_content(turns);
    if (!check_results(turns, refusal) || !check_signatures(turns, refusal)) return false;
    if (turns->side != PLX_SIDE_MODEL || goes_on) return true;
    if (turns->call_count > 0) { /* nobody answered them */
        turns->side = PLX_SIDE_USER;
        return check_results(turns, refusal);
    }
    return !turns->facts->refuses_prefill ||
           plx_refuse(refusal, 400, "Requests ending with a model turn are not supported.");
}
