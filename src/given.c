/* given.c -- what callers give, looked at before it is used.
 * SPDX-License-Identifier: MIT
 */
#include "given.h"

#define KIND(type, init) { #type, #init, sizeof(type) }

const cst_struct_kind cst_kind_client_options = KIND(castor_client_options, CASTOR_CLIENT_OPTIONS_INIT);
const cst_struct_kind cst_kind_request = KIND(castor_request, CASTOR_REQUEST_INIT);
const cst_struct_kind cst_kind_retry_options = KIND(castor_retry_options, CASTOR_RETRY_OPTIONS_INIT);
const cst_struct_kind cst_kind_loop = KIND(castor_loop, CASTOR_LOOP_INIT);
const cst_struct_kind cst_kind_decoder_options = KIND(castor_decoder_options, CASTOR_DECODER_OPTIONS_INIT);

castor_status cst_given_struct(void *known, const void *given, const cst_struct_kind *kind, castor_error *err)
{
    size_t size;

    if (!given) return CASTOR_OK;
    memcpy(&size, given, sizeof size); /* the first field of each */
    if (size < sizeof size || size > CST_STRUCT_BYTES_MAX) {
        return cst_fail(err, CASTOR_INVALID, "the size in %s is %zu, so nothing in it can be believed; begin it with %s",
                        kind->name, size, kind->init);
    }
    memcpy(known, given, size < kind->size ? size : kind->size);
    memcpy(known, &kind->size, sizeof kind->size);
    return CASTOR_OK;
}

castor_status cst_given_text(castor_str text, const char *name, castor_error *err)
{
    if (!text.data && text.len > 0) {
        return cst_fail(err, CASTOR_INVALID, "%s is to have %zu bytes, but its data is NULL", name, text.len);
    }
    if (text.len > CST_BODY_BYTES_MAX) {
        return cst_fail(err, CASTOR_INVALID, "%s is to have %zu bytes; a request has %d MiB at most", name, text.len,
                        CST_BODY_BYTES_MAX >> 20);
    }
    return CASTOR_OK;
}

castor_status cst_given_count(const void *things, size_t count, const char *name, castor_error *err)
{
    if (!things && count > 0) {
        return cst_fail(err, CASTOR_INVALID, "there are to be %zu %s, but their pointer is NULL", count, name);
    }
    if (count > CST_BODY_BYTES_MAX) { /* each takes some bytes */
        return cst_fail(err, CASTOR_INVALID, "there are to be %zu %s; a request has %d MiB at most", count, name,
                        CST_BODY_BYTES_MAX >> 20);
    }
    return CASTOR_OK;
}

bool cst_given_no_place(const void *handle, const char *name, castor_error *err)
{
    cst_fail(err, CASTOR_INVALID, "no event can be taken: the %s is NULL", handle ? "event" : name);
    if (err) err->verdict = CASTOR_VERDICT_FAILED;
    return false;
}

castor_status cst_given_allocator(const castor_allocator *allocator, castor_error *err)
{
    if (!allocator || (allocator->allocate && allocator->reallocate && allocator->release)) return CASTOR_OK;
    return cst_fail(err, CASTOR_INVALID, "the allocator has no %s function; it needs all three",
                    !allocator->allocate     ? "allocate"
                    : !allocator->reallocate ? "reallocate"
                                             : "release");
}
