/* embed.h -- one EmbedContentRequest: for the methods of embed.c, and for batches of them.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_EMBED_H
#define PLX_EMBED_H

#include "generate/model_table.h"
#include "json.h"
#include "json_writer.h"
#include "proto/fields.h"
#include "proto/refusal.h"

extern const plx_message_type plx_embed_request_type;

typedef struct plx_embed_ask {
    const cst_json  *request;    /* an EmbedContentRequest */
    castor_str       name;       /* of the path's model, which the request may repeat, with or without "models/" */
    const plx_model *model;      /* that answers for it */
    const char      *path;       /* of the request in the body, for error texts: "requests[3]", or "" */
    bool             must_name;  /* the request must repeat the name */
} plx_embed_ask;

/* Writes {"values":[...]}, and adds the request's tokens to `*tokens`. False: the request is wrong, or memory ran out,
 * and `refusal` tells so; what was written then is of no use. */
bool plx_embed_content(const plx_embed_ask *ask, cst_json_writer *writer, uint64_t *tokens, plx_refusal *refusal);

#endif
