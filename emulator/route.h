/* route.h -- what a request's path and query ask for. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ROUTE_H
#define PLX_ROUTE_H

#include "base.h"

typedef enum plx_endpoint {
    PLX_ENDPOINT_NONE = 0,        /* no such path */
    PLX_ENDPOINT_HEALTH,          /* GET /pollux/health */
    PLX_ENDPOINT_MODELS,          /* GET /v1beta/models */
    PLX_ENDPOINT_MODEL,           /* GET /v1beta/models/{model} */
    PLX_ENDPOINT_GENERATE,        /* POST /v1beta/models/{model}:generateContent */
    PLX_ENDPOINT_STREAM_GENERATE, /* ... :streamGenerateContent */
    PLX_ENDPOINT_COUNT_TOKENS,    /* ... :countTokens */
    PLX_ENDPOINT_MESSAGE,         /* POST /v1beta2/models/{model}:generateMessage */
    PLX_ENDPOINT_CHAT             /* POST /v1beta/openai/chat/completions, /v1/chat/completions, /chat/completions */
} plx_endpoint;

/* Views live in the arena given to plx_route_parse. */
typedef struct plx_route {
    plx_endpoint endpoint;
    castor_str   path;            /* decoded, without the query */
    castor_str   version;         /* "v1beta" */
    castor_str   model;           /* without "models/" */
    castor_str   method;          /* "generateContent": as the path has it, known or not */
    castor_str   key;             /* of the query; absent when there is none */
    bool         wants_events;    /* alt=sse */
    bool         is_get;          /* what the endpoint wants: GET, or else POST */
} plx_route;

/* NO_MEMORY, or INVALID for escapes that are none. A path that is unknown is endpoint NONE. */
castor_status plx_route_parse(plx_route *route, castor_str target, cst_arena *arena);

#endif
