/* control.c -- the paths under /pollux, which are no part of the API: they look at a running twin and steer it.
 * SPDX-License-Identifier: MIT
 *
 * They need no key, and whoever can reach pollux can use them: other machines only with --allow-remote, and then a test
 * that runs on one machine must be able to steer the twin on another (or in a container).
 */
#include "api/handlers.h"
#include "api/quota.h"
#include "api/stats.h"
#include "json_writer.h"
#include "proto/fields.h"
#include "proto/timestamp.h"

void plx_answer_health(plx_exchange *e)
{
    plx_exchange_send(e, 200, "text/plain", CASTOR_STR("ok\n"));
}

void plx_answer_stats(plx_exchange *e)
{
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    cst_json_open_object(&w);
    plx_stats_put(&w, e->world);
    cst_json_key(&w, "quotas");
    plx_quotas_put(&w, e->world);
    cst_json_close_object(&w);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}

/* What answers under way use stays until they have ended. */
void plx_answer_reset(plx_exchange *e)
{
    plx_world_reset(e->world);
    plx_answer_stats(e);
}

/* To be changed and given to --models. */
void plx_answer_model_file(plx_exchange *e)
{
    plx_exchange_send(e, 200, "text/plain; charset=UTF-8", plx_model_table_text(e->world->models));
}

/* ---- the clock ---- */

void plx_answer_clock(plx_exchange *e)
{
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);
    char            now[PLX_TIME_TEXT_SIZE];

    plx_timestamp_print(now, plx_world_now_us(e->world));
    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    cst_json_open_object(&w);
    cst_json_put_member(&w, "now", now);
    cst_json_put_count(&w, "ahead_s", castor_some_i64(e->world->clock_ahead_us / 1000000));
    cst_json_close_object(&w);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}

void plx_answer_move_clock(plx_exchange *e)
{
    static const plx_field        fields[] = { { "advanceS", NULL } };
    static const plx_message_type type = { "pollux.Clock", fields, 1 };
    int64_t                       left_s = PLX_CLOCK_AHEAD_S_MAX - e->world->clock_ahead_us / 1000000;
    plx_refusal                   refusal = { .code = 0 };
    castor_i64                    seconds;

    if (!plx_fields_check(e->json, &type, &refusal) ||
        !plx_field_integer(e->json, "advanceS", "", 0, left_s, &seconds, &refusal)) {
        plx_exchange_refuse(e, &refusal);
        return;
    }
    e->world->clock_ahead_us += seconds.is_set ? seconds.value * 1000000 : 0;
    plx_answer_clock(e);
}
