/* scripts.c -- GET, POST and DELETE of /pollux/scripts: answers that come and go while pollux runs.
 * SPDX-License-Identifier: MIT
 */
#include "api/handlers.h"
#include "json_writer.h"

static void put_script(cst_json_writer *w, const plx_known_script *known)
{
    cst_json_open_object(w);
    cst_json_key(w, "title");
    cst_json_put_string(w, known->script.title);
    cst_json_put_count(w, "cases", castor_some_i64((int64_t)known->script.case_count));
    cst_json_key(w, "added");
    cst_json_put_bool(w, known->is_played);
    cst_json_close_object(w);
}

/* In the order in which they are asked. */
void plx_answer_scripts(plx_exchange *e)
{
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);

    cst_buf_init(&json, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    cst_json_open_object(&w);
    cst_json_key(&w, "scripts");
    cst_json_open_array(&w);
    for (const plx_known_script *one = e->world->catalogue->first; one; one = one->next) put_script(&w, one);
    cst_json_close_array(&w);
    cst_json_close_object(&w);
    plx_exchange_send_json(e, &json, w.status);
    cst_buf_free(&json);
}

void plx_answer_add_script(plx_exchange *e)
{
    plx_refusal refusal = { .code = 0 };
    castor_str  text = e->body.len > 0 ? cst_buf_view(&e->body) : CASTOR_STR("");
    char        why[512];

    if (plx_catalogue_play(e->world->catalogue, text, why, sizeof why)) {
        plx_answer_scripts(e);
        return;
    }
    plx_refuse(&refusal, 400, "%s", why);
    plx_exchange_refuse(e, &refusal);
}

void plx_answer_remove_scripts(plx_exchange *e)
{
    plx_catalogue_remove_played(e->world->catalogue);
    plx_answer_scripts(e);
}
