/* ask_gemini.h -- the parts of a generateContent body that have a reader of their own. For the readers alone.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ASK_GEMINI_H
#define PLX_ASK_GEMINI_H

#include "generate/reading.h"

/* Each false: the refusal says what is wrong. All have passed the check of fields. */
bool plx_ask_read_contents(plx_reading *r, const cst_json *contents);
bool plx_ask_read_config(plx_reading *r, const cst_json *config);    /* generationConfig */
bool plx_ask_read_tools(plx_reading *r, const cst_json *body);       /* tools and toolConfig, after the config */
bool plx_ask_check_safety(plx_reading *r, const cst_json *settings); /* safetySettings; they change nothing */

/* A schema of Gemini's own kind, for what its fields do not tell. `path`: as errors have it. */
bool plx_ask_check_schema(const cst_json *schema, const char *path, plx_refusal *refusal);

/* Also for tools of other dialects. */
bool plx_ask_check_function_name(castor_str name, const char *path, plx_refusal *refusal);
/* What functions and built-in tools must not be asked for together with. */
bool plx_ask_check_mix(plx_reading *r, bool is_mixed_allowed);

#endif
