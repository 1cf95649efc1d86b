/* exchange.h -- one request to the API, from its head to the end of its answer.
 * SPDX-License-Identifier: MIT
 *
 * api.c makes it, finds its endpoint in the table of surface.c, checks verb and key, gathers the body, and calls the
 * endpoint's `answer`. That must send something at once (plx_exchange_send..., plx_exchange_refuse), or begin what
 * will: then it sets `on_timer` and keeps what it needs in the arena, or in `state` with `on_gone` to free it.
 */
#ifndef PLX_EXCHANGE_H
#define PLX_EXCHANGE_H

#include "api/world.h"
#include "http/reply.h"
#include "json.h"
#include "proto/refusal.h"

typedef struct plx_exchange plx_exchange;
typedef void plx_exchange_fn(plx_exchange *exchange);

/* How errors are put into bytes. */
typedef enum plx_error_style {
    PLX_ERRORS_OBJECT = 0, /* {"error":{...}} */
    PLX_ERRORS_LIST,       /* [{"error":{...}}]: the OpenAI surface, and streams that are JSON arrays */
    PLX_ERRORS_CODE        /* {"error":{"code":"not_found",...}}: interactions, once their gateway let a call in */
} plx_error_style;

/* A row of the surface. */
typedef struct plx_endpoint {
    const char *method;
    /* Of the path: `{v}` stands for v1, v1beta or v1alpha, `{palm}` for v1beta, v1beta2 or v1beta3, `{}` for a name: as
     * much as has no slash and no colon. */
    const char      *pattern;
    plx_exchange_fn *answer;  /* the body is whole */
    plx_exchange_fn *begin;   /* instead, for uploads: called before the body; sets the reply's callbacks itself */
    plx_error_style  errors;
    bool             takes_no_key;
    bool             takes_bearer_key; /* "Authorization: Bearer" has a key; elsewhere that is an OAuth token */
    bool             takes_upload_id; /* in the place of a key: who has it may go on */
    bool             takes_json; /* `json` is read before `answer` is called */
} plx_endpoint;

typedef struct plx_query {
    struct plx_query *next;
    castor_str        name;
    castor_str        value; /* decoded */
} plx_query;

typedef struct plx_extra_header {
    struct plx_extra_header *next;
    plx_header               header;
} plx_extra_header;

enum { PLX_NAMES_MAX = 3, PLX_EXTRA_HEADERS_MAX = 8 };

struct plx_exchange {
    plx_world          *world;
    plx_reply          *reply;
    const plx_endpoint *endpoint;
    const plx_head     *head;   /* until `answer` (or `begin`) has returned */
    cst_arena           arena;  /* lives until the reply is gone */

    castor_str path;            /* decoded, without the query; one slash at its front */
    castor_str version;         /* "v1beta" */
    castor_str names[PLX_NAMES_MAX]; /* what each `{}` of the pattern stands for */
    castor_str model;           /* whose answer is asked for, as it is named; absent until that is known */
    plx_query *query;           /* the first parameter; at most PLX_QUERY_MAX */
    castor_str key;             /* absent when the request has none */

    cst_buf         body;
    cst_json_doc    document;
    const cst_json *json;       /* the body's root, when the endpoint takes_json */

    plx_extra_header *extra_headers; /* of the answer, beside its content type; at most PLX_EXTRA_HEADERS_MAX */

    void            *state;     /* the endpoint's */
    plx_exchange_fn *on_timer;  /* a time given to plx_reply_wake_at has come, or a full reply is writable again */
    plx_exchange_fn *on_gone;   /* the last call; the exchange is freed after it */
    struct plx_spoiler *spoiler; /* NULL: the answer is not spoilt */
    plx_refusal     *refusal;   /* what was wrong with the head; it is sent when the body is whole */
};

/* A parameter of the query by its camelCase name, which may be in snake_case there; absent when it is not there. */
castor_str plx_exchange_query(const plx_exchange *exchange, const char *name);

/* How the client reaches us, without a slash at the end: "http://127.0.0.1:8787". A Host that is none counts as
 * missing, so that what it holds gets into no header or URI of an answer. */
enum { PLX_ORIGIN_SIZE = 280 };
void plx_exchange_origin(const plx_exchange *exchange, char origin[PLX_ORIGIN_SIZE]);

/* For plx_exchange_send... and _refuse; the name in lower case. What the views point to must live until then. */
void plx_exchange_add_header(plx_exchange *exchange, castor_str name, castor_str value);

/* Gives back the memory of the body and of its document, for answers that take long and need neither. */
void plx_exchange_forget_body(plx_exchange *exchange);

/* Sends a whole answer. */
void plx_exchange_send(plx_exchange *exchange, int status, const char *content_type, castor_str body);

/* Whether JSON is wanted in one line (prettyPrint=false), and not indented. */
bool plx_exchange_is_line(const plx_exchange *exchange);

/* Sends JSON, printed without white space into `json`, in Google's form; `status` is the writer's. */
void plx_exchange_send_json(plx_exchange *exchange, const cst_buf *json, castor_status status);

/* Sends {}. */
void plx_exchange_send_empty(plx_exchange *exchange);

/* Whether errors are lists of one. */
bool plx_exchange_is_list(const plx_exchange *exchange);

/* Sends an error in the style of the endpoint. */
void plx_exchange_refuse(plx_exchange *exchange, const plx_refusal *refusal);

/* From an endpoint's `begin`: the rest of the body is dropped, and the error sent at its end, so that the client is
 * still there to read it. */
void plx_exchange_refuse_later(plx_exchange *exchange, const plx_refusal *refusal);

/* The error for an allocation that failed. */
bool plx_refuse_memory(plx_refusal *refusal);

#endif
