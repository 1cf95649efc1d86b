/* tool_calls.c -- joins tool calls that arrive as fragments.
 * SPDX-License-Identifier: MIT
 */
#include "tool_calls.h"

static void free_call(cst_tool_call *call)
{
    cst_buf_free(&call->id);
    cst_buf_free(&call->name);
    cst_buf_free(&call->extra);
    cst_buf_free(&call->signature);
    cst_buf_free(&call->args);
}

void cst_tool_calls_free(cst_tool_calls *calls)
{
    for (size_t i = 0; i < calls->count; i++) free_call(&calls->items[i]);
    if (calls->items) cst_release(calls->allocator, calls->items);
    calls->items = NULL;
    calls->count = calls->capacity = 0;
}

void cst_tool_calls_begin_list(cst_tool_calls *calls)
{
    calls->list++;
}

static bool belongs_to(const cst_tool_fragment *fragment, const cst_tool_call *call, size_t list)
{
    if (call->candidate != fragment->candidate) return false;
    if (fragment->id.len > 0 && call->id.len > 0) return cst_str_equal(cst_buf_view(&call->id), fragment->id);
    if (fragment->name.len > 0 && call->list == list) return false;
    return !fragment->index.is_set || call->index == fragment->index.value;
}

static castor_status begin_call(cst_tool_calls *calls, const cst_tool_fragment *fragment, cst_tool_call **out)
{
    const cst_allocator *allocator = calls->allocator;

    if (calls->count == calls->capacity) {
        size_t size = sizeof *calls->items, capacity = calls->capacity ? calls->capacity * 2 : 4;
        if (calls->count >= CST_TOOL_CALLS_MAX) return CASTOR_LIMIT;
        cst_tool_call *items = cst_resize(allocator, calls->items, calls->capacity * size, capacity * size);
        if (!items) return CASTOR_NO_MEMORY;
        calls->items = items;
        calls->capacity = capacity;
    }
    cst_tool_call *call = &calls->items[calls->count++];
    *call = (cst_tool_call){ .candidate = fragment->candidate, .index = fragment->index.value };
    cst_buf_init(&call->id, allocator, CST_LABEL_MAX);
    cst_buf_init(&call->name, allocator, CST_LABEL_MAX);
    cst_buf_init(&call->extra, allocator, CST_EXTRA_MAX);
    cst_buf_init(&call->signature, allocator, CST_EXTRA_MAX);
    cst_buf_init(&call->args, allocator, SIZE_MAX / 2); /* the sum over all calls has the limit */
    *out = call;
    return CASTOR_OK;
}

/* The newest first: it is the one that is still being written. */
static castor_status find_call(cst_tool_calls *calls, const cst_tool_fragment *fragment, cst_tool_call **out)
{
    for (size_t i = calls->count; i-- > 0;) {
        *out = &calls->items[i];
        if (belongs_to(fragment, *out, calls->list)) return CASTOR_OK;
    }
    return begin_call(calls, fragment, out);
}

/* What is said again replaces what was said. */
static castor_status replace(cst_buf *kept, castor_str text)
{
    if (text.len == 0) return CASTOR_OK;
    kept->len = 0;
    return cst_buf_append_str(kept, text);
}

castor_status cst_tool_calls_add(cst_tool_calls *calls, const cst_tool_fragment *fragment, size_t args_bytes_max)
{
    cst_tool_call *call;

    if (fragment->args.len > args_bytes_max - calls->args_bytes) return CASTOR_LIMIT;
    castor_status status = find_call(calls, fragment, &call);
    if (status != CASTOR_OK) return status;
    call->list = calls->list;
    status = replace(&call->id, fragment->id);
    if (status == CASTOR_OK) status = replace(&call->name, fragment->name);
    if (status == CASTOR_OK) status = replace(&call->extra, fragment->extra);
    if (status == CASTOR_OK) status = replace(&call->signature, fragment->signature);
    if (status == CASTOR_OK) status = cst_buf_append_str(&call->args, fragment->args);
    if (status == CASTOR_OK) calls->args_bytes += fragment->args.len;
    return status;
}

void cst_tool_calls_drop(cst_tool_calls *calls, size_t position)
{
    calls->args_bytes -= calls->items[position].args.len;
    free_call(&calls->items[position]);
    calls->count--;
    memmove(&calls->items[position], &calls->items[position + 1], (calls->count - position) * sizeof *calls->items);
}
