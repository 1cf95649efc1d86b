/* tool_calls.h -- joins tool calls that arrive as fragments, as chat completions send them. Pure.
 * SPDX-License-Identifier: MIT
 *
 * A fragment belongs to the call with its id; without an id, to the last call of its candidate and index. Ids come
 * first because some servers (Google's among them) number the fragments of one call differently. Two elements of one
 * list that both have a name are never the same call.
 */
#ifndef CST_TOOL_CALLS_H
#define CST_TOOL_CALLS_H

#include "base.h"

typedef struct cst_tool_call {
    int32_t candidate;
    int64_t index;
    size_t  list;      /* the list that touched it last */
    cst_buf id;
    cst_buf name;
    cst_buf extra;     /* JSON of `extra_content`, where Google puts the signature */
    cst_buf signature;
    cst_buf args;
} cst_tool_call;

typedef struct cst_tool_calls {
    cst_tool_call       *items;
    size_t               count;
    size_t               capacity;
    size_t               list;       /* counts the lists of fragments */
    size_t               args_bytes; /* of all calls under way */
    const cst_allocator *allocator;
} cst_tool_calls;

typedef struct cst_tool_fragment {
    int32_t    candidate;
    castor_i64 index;
    castor_str id;
    castor_str name;
    castor_str args;
    castor_str extra;
    castor_str signature;
} cst_tool_fragment;

/* Zeroed is valid but for the allocator. */
void cst_tool_calls_free(cst_tool_calls *calls);

/* A list of fragments begins. */
void cst_tool_calls_begin_list(cst_tool_calls *calls);

/* Adds a fragment to its call, or begins a new one. LIMIT: too many calls, or arguments of more than `args_bytes_max`
 * in all. */
castor_status cst_tool_calls_add(cst_tool_calls *calls, const cst_tool_fragment *fragment, size_t args_bytes_max);

/* Forgets one call: it has been handed on. */
void cst_tool_calls_drop(cst_tool_calls *calls, size_t position);

#endif
