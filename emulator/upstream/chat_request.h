/* chat_request.h -- what a request of ours asks, as a chat completion asks it. Pure.
 * SPDX-License-Identifier: MIT
 *
 * The body was checked before (ask.h). What the other side has no word for is left out: top_k, safety settings, the
 * service's own tools (search, code, URLs), the budget of thoughts. What would change the question is refused instead:
 * media other than pictures and sound, and files that only the service can reach.
 */
#ifndef PLX_CHAT_REQUEST_H
#define PLX_CHAT_REQUEST_H

#include "json_writer.h"
#include "proto/fields.h"

/* Prints a body of this kind. False: `refusal` tells why. */
typedef bool plx_chat_print_fn(cst_buf *out, const cst_json *body, castor_str model, plx_refusal *refusal);

plx_chat_print_fn plx_chat_print_gemini;  /* generateContent */
plx_chat_print_fn plx_chat_print_openai;  /* chat completions: nearly as it is */
plx_chat_print_fn plx_chat_print_message; /* the legacy generateMessage */

#endif
