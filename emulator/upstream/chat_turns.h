/* chat_turns.h -- the turns of a conversation, as the messages of a chat completion. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_CHAT_TURNS_H
#define PLX_CHAT_TURNS_H

#include "json_writer.h"
#include "proto/fields.h"

/* The last number of a signature that pollux has put on an upstream's call. It means nothing there, and stays here; any
 * other goes back to where it came from. */
enum { PLX_CHAT_SIGNED_HERE = 0x6F757273 };

void plx_chat_put_message(cst_json_writer *w, const char *role, castor_str content);

/* All texts of a content but its thoughts, joined by LF. */
castor_status plx_chat_join_texts(const cst_json *content, cst_buf *out);

/* The elements of `messages`. False: `refusal` tells what cannot be said there. */
bool plx_chat_put_turns(cst_json_writer *w, const cst_json *contents, plx_refusal *refusal);

#endif
