/* given.h -- what callers give, looked at before it is used: structs by their size, pointers by their counts. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_GIVEN_H
#define CST_GIVEN_H

#include "error.h"

/* What a struct that begins with its size is called, and what makes one. */
typedef struct cst_struct_kind {
    const char *name;
    const char *init;
    size_t      size; /* as we know it */
} cst_struct_kind;

extern const cst_struct_kind cst_kind_client_options, cst_kind_request, cst_kind_retry_options, cst_kind_loop,
    cst_kind_decoder_options;

/* Copies to `known`, which is _INIT, what the caller's struct has of ours: an older caller's is shorter, a newer one's
 * longer. `given` NULL changes nothing. INVALID: the size is none, so that all the rest would be ignored, or read from
 * memory that nobody has set. */
castor_status cst_given_struct(void *known, const void *given, const cst_struct_kind *kind, castor_error *err);

/* The text is there as long as it says, and not longer than a request may be. */
castor_status cst_given_text(castor_str text, const char *name, castor_error *err);

/* So many things are there: their pointer is not NULL, and a request has room for that many. */
castor_status cst_given_count(const void *things, size_t count, const char *name, castor_error *err);

/* Says that the handle, called `name`, is NULL, or else where its next event is to go. False, always. */
bool cst_given_no_place(const void *handle, const char *name, castor_error *err);

/* Neither is NULL: asked for each event, and so in line. */
static inline bool cst_given_both(const void *handle, const castor_event *event, const char *name, castor_error *err)
{
    return (handle && event) || cst_given_no_place(handle, name, err);
}

/* NULL is the default one. */
castor_status cst_given_allocator(const castor_allocator *allocator, castor_error *err);

#endif
