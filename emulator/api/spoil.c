/* spoil.c -- puts faults between an exchange and its answer, and lets control calls arm them.
 * SPDX-License-Identifier: MIT
 */
#include "api/spoil.h"

#include "api/handlers.h"
#include "fault/armory.h"
#include "fault/spoiler.h"
#include "http/log.h"
#include "proto/fields.h"

enum { WHY_SIZE = 320 };

static plx_victim victim_of(const plx_exchange *e)
{
    return (plx_victim){ .head = e->head, .path = e->path, .key = e->key, .model = e->model };
}

/* Those whose answers come from scripts, and who ask plx_spoil_answer before they answer: a case's fault goes first. */
static bool plays_cases(const plx_endpoint *endpoint)
{
    static plx_exchange_fn *const players[] = { plx_answer_generate, plx_answer_stream_generate, plx_answer_chat,
                                                plx_answer_message, plx_answer_create_interaction };

    for (size_t i = 0; endpoint && i < sizeof players / sizeof players[0]; i++) {
        if (endpoint->answer == players[i]) return true;
    }
    return false;
}

static plx_error_shape shape_of(const plx_exchange *e)
{
    if (e->endpoint && e->endpoint->errors == PLX_ERRORS_CODE) return PLX_SHAPE_CODED;
    return plx_exchange_is_list(e) ? PLX_SHAPE_LIST : PLX_SHAPE_OBJECT;
}

/* Without memory for it the answer is as it would have been: that is the lesser harm. */
static void put_between(plx_exchange *e, const plx_plan *plan)
{
    e->spoiler = plx_spoiler_put_between(e->reply, plan, e->head, shape_of(e), e->world->armory);
    if (e->spoiler) e->reply = plx_spoiler_reply(e->spoiler);
    else plx_log_warn("out of memory; an answer is not spoilt.");
}

bool plx_spoil_early(plx_exchange *e, plx_refusal *refusal)
{
    castor_str  spec = plx_head_get(e->head, "x-pollux-fault");
    plx_armory *armory = e->world->armory;
    plx_victim  victim = victim_of(e);
    char        why[WHY_SIZE];
    plx_plan    plan;

    if (!armory || cst_str_starts_with(e->path, "/pollux/")) return true;
    if (spec.data) {
        if (!plx_plan_parse(&plan, spec, why, sizeof why)) return plx_refuse(refusal, 400, "x-pollux-fault: %s", why);
        if (plx_armory_take(armory, PLX_FAULT_BY_HEADER, &victim, &plan)) put_between(e, &plan);
    } else if (!plays_cases(e->endpoint) && plx_armory_find(armory, &victim, &plan)) {
        put_between(e, &plan);
    }
    return true;
}

/* The header was early; whatever became of it, nothing else is asked. */
static bool find_plan(plx_exchange *e, castor_str fault, plx_plan *plan)
{
    plx_armory *armory = e->world->armory;
    plx_victim  victim = victim_of(e);
    char        why[WHY_SIZE];

    if (!armory || plx_head_get(e->head, "x-pollux-fault").data) return false;
    if (!fault.data) return plx_armory_find(armory, &victim, plan);
    victim.asker = (uintptr_t)fault.data; /* the case */
    return plx_plan_parse(plan, fault, why, sizeof why) && /* it was checked when the script was read */
           plx_armory_take(armory, PLX_FAULT_BY_SCRIPT, &victim, plan);
}

bool plx_spoil_answer(plx_exchange *e, castor_str fault)
{
    plx_plan plan;

    if (!find_plan(e, fault, &plan)) return false;
    put_between(e, &plan);
    return e->spoiler && plx_spoiler_answer(e->spoiler);
}

void plx_spoil_note_bystander(const plx_exchange *e)
{
    plx_victim victim = { .path = e->path, .model = e->model }; /* the head has gone */

    if (e->world->armory && !e->spoiler && e->reply->is_bystander) plx_armory_note_bystander(e->world->armory, &victim);
}

/* ---- control calls ---- */

void plx_answer_faults(plx_exchange *e)
{
    castor_str since_text = plx_exchange_query(e, "since");
    uint64_t   since = 0;
    cst_buf    json;

    for (size_t i = 0; i < since_text.len && since_text.data[i] >= '0' && since_text.data[i] <= '9' && i < 18; i++) {
        since = since * 10 + (uint64_t)(since_text.data[i] - '0');
    }
    cst_buf_init(&json, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    castor_status status = plx_armory_print(e->world->armory, since, &json);
    plx_exchange_send_json(e, &json, status);
    cst_buf_free(&json);
}

/* {"chaos": "seed=7,rate=0.05"} */
static bool set_chaos(plx_armory *armory, const cst_json *body, plx_refusal *refusal)
{
    castor_str text = cst_json_string(plx_field_get(body, "chaos"));
    char       why[WHY_SIZE];
    plx_chaos  chaos;

    if (!text.data) return true;
    if (!plx_chaos_parse(&chaos, text, why, sizeof why)) return plx_refuse(refusal, 400, "chaos: %s", why);
    plx_armory_set_chaos(armory, &chaos);
    return true;
}

static bool read_arming(const cst_json *body, plx_arming *arming, plx_refusal *refusal)
{
    castor_str spec = cst_json_string(plx_field_get(body, "fault"));
    castor_i64 after = { 0 };
    char       why[WHY_SIZE];

    if (!spec.data) return plx_refuse(refusal, 400, "\"fault\" must be a text that asks for faults.");
    if (!plx_plan_parse(&arming->plan, spec, why, sizeof why)) return plx_refuse(refusal, 400, "fault: %s", why);
    arming->path = cst_json_string(plx_field_get(body, "path"));
    if (!plx_field_integer(body, "count", "", 0, INT32_MAX, &arming->count, refusal)) return false;
    if (!plx_field_integer(body, "after", "", 0, INT32_MAX, &after, refusal)) return false;
    arming->after = after.is_set ? (uint64_t)after.value : 0;
    return true;
}

static bool obey(plx_exchange *e, plx_arming *arming, uint64_t *id, plx_refusal *refusal)
{
    static const plx_field fields[] = { { "fault", NULL }, { "count", NULL }, { "path", NULL }, { "after", NULL },
                                        { "chaos", NULL } };
    static const plx_message_type type = { "pollux.Fault", fields, sizeof fields / sizeof fields[0] };
    bool                          is_chaos_alone = !plx_field_get(e->json, "fault") && plx_field_get(e->json, "chaos");

    if (!plx_fields_check(e->json, &type, refusal) || !set_chaos(e->world->armory, e->json, refusal)) return false;
    if (is_chaos_alone) return true;
    if (!read_arming(e->json, arming, refusal)) return false;
    return plx_armory_arm(e->world->armory, arming, id) ||
           plx_refuse(refusal, 409, "At most %d faults can be armed at the same time.", (int)PLX_FAULTS_ARMED_MAX);
}

static void put_id(cst_json_writer *w, uint64_t id)
{
    cst_json_key(w, "id");
    cst_json_put_integer(w, (int64_t)id);
}

void plx_answer_arm_fault(plx_exchange *e)
{
    plx_arming      arming = { .after = 0 };
    plx_refusal     refusal = { .code = 0 };
    uint64_t        id = 0;
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    if (!obey(e, &arming, &id, &refusal)) {
        plx_exchange_refuse(e, &refusal);
        return;
    }
    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    cst_json_open_object(&w);
    if (id > 0) put_id(&w, id);
    cst_json_close_object(&w);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}

void plx_answer_disarm_faults(plx_exchange *e)
{
    plx_armory_disarm(e->world->armory);
    plx_exchange_send(e, 200, "application/json; charset=UTF-8", CASTOR_STR("{}\n"));
}
