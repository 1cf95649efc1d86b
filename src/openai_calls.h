/* openai_calls.h -- the tool calls of chat completions, read whole or in fragments. Pure.
 * SPDX-License-Identifier: MIT
 *
 * A stream brings them in fragments, which are joined in the reading's state (a cst_tool_calls) and handed on whole when
 * their candidate has finished; an answer in one piece brings each with all that it has.
 */
#ifndef CST_OPENAI_CALLS_H
#define CST_OPENAI_CALLS_H

#include "dialect.h"

/* What is known of the message that a delta or a whole answer brings. */
typedef struct cst_openai_message {
    int32_t candidate;
    bool    is_whole; /* its calls come in one piece */
    bool    is_cut;   /* it ended for a reason that is no stop: its last call may lack its tail */
} cst_openai_message;

/* The list `tool_calls` of a message; it may not be there. LIMIT as cst_tool_calls_add. */
castor_status cst_openai_calls_read(cst_reading *reading, cst_json_cursor list, cst_openai_message message);

/* The one call of the time before tool_calls: {"function_call":{"name","arguments"}}; it may not be there. */
castor_status cst_openai_calls_read_legacy(cst_reading *reading, int32_t candidate, cst_json_cursor function);

/* Hands on the calls of one candidate, or of all (-1), in the order in which they began. */
castor_status cst_openai_calls_hand_on(cst_reading *reading, int32_t candidate, bool is_cut);

#endif
