/* asking.h -- a body read as what it asks for, with the memory that this takes.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ASKING_H
#define PLX_ASKING_H

#include "api/exchange.h"
#include "api/shelf.h"
#include "generate/ask.h"

typedef struct plx_asking {
    plx_ask   ask;
    cst_arena arena; /* what the ask points to, beside the document */
} plx_asking;

/* How a method's bodies are read. */
typedef struct plx_asking_way {
    bool (*read)(plx_ask *ask, const cst_json *body, const plx_terms *terms, plx_refusal *refusal);
    const char *method;      /* that the model must offer */
    bool        is_whole;    /* the answer comes in one piece */
    bool        only_counts; /* there will be none */
} plx_asking_way;

/* The model is the path's, or else the body's. False: it is refused already, and there is nothing to end. */
bool plx_asking_read(plx_asking *asking, plx_exchange *e, const cst_json *body, const plx_asking_way *way);
void plx_asking_end(plx_asking *asking);

/* What the request points to: files, which must be there, and a cache, whose tokens come in front of its own. False:
 * one of them may not be used. */
bool plx_asking_add_references(plx_ask *ask, const plx_world *world, plx_owner owner, const cst_json *body,
                               plx_refusal *refusal);

/* Why an answer could not be composed. What goes beyond the emulator's limits is what the request asks for, by a
 * schema. Always false. */
bool plx_asking_refuse_answer(castor_status status, plx_refusal *refusal);

#endif
