/* chat_tools.h -- the functions that may be called, as a chat completion names them. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_CHAT_TOOLS_H
#define PLX_CHAT_TOOLS_H

#include "json_writer.h"
#include "proto/fields.h"

/* The members `tools` and `tool_choice`, or nothing when no function is declared. */
void plx_chat_put_tools(cst_json_writer *w, const cst_json *tools, const cst_json *config);

#endif
