/* ask_fields.h -- the messages of generateContent, with all fields that the service knows. Batches and caches have the
 * same inside.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ASK_FIELDS_H
#define PLX_ASK_FIELDS_H

#include "proto/fields.h"

extern const plx_message_type plx_content_type;
extern const plx_message_type plx_schema_message_type;
extern const plx_message_type plx_tool_type;
extern const plx_message_type plx_tool_config_type;
extern const plx_message_type plx_generation_config_type;
extern const plx_message_type plx_thinking_config_type;
extern const plx_message_type plx_safety_setting_type;
extern const plx_message_type plx_generate_request_type;

extern const plx_choices plx_thinking_levels; /* THINKING_LEVEL_UNSPECIFIED first */
extern const plx_choices plx_call_modes;
extern const plx_choices plx_harm_categories; /* those of PaLM, too */
extern const plx_choices plx_made_modalities;
extern const plx_choices plx_service_tiers;

/* For tables of other messages. */
#define PLX_TYPE_NAME(name) "type.googleapis.com/google.ai.generativelanguage.v1beta." name
#define PLX_TYPE(name, fields) { PLX_TYPE_NAME(name), fields, sizeof(fields) / sizeof((fields)[0]) }

#endif
