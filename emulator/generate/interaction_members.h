/* interaction_members.h -- what the events and the whole of an interaction have in common. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_INTERACTION_MEMBERS_H
#define PLX_INTERACTION_MEMBERS_H

#include "generate/content_writer.h"
#include "generate/course.h"

void plx_put_word(cst_json_writer *w, const char *key, const char *word);
void plx_put_count(cst_json_writer *w, const char *key, uint64_t count);

/* What was used by the time of an event. */
void plx_put_usage(cst_json_writer *w, const char *key, const plx_course *course, const plx_event *event);
void plx_put_name(cst_json_writer *w, const plx_course *course);
void plx_put_times(cst_json_writer *w, const plx_course *course, uint64_t updated_us);
void plx_put_token(cst_json_writer *w, const plx_course *course);

/* Content, and the members of other content. */
void plx_put_text_content(cst_json_writer *w, castor_str text);
void plx_put_media(cst_json_writer *w, castor_str mime_type, castor_str data);
void plx_put_code(cst_json_writer *w, castor_str code);

const char *plx_step_name(plx_step_kind kind); /* "model_output" */

#endif
