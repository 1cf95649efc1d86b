/* transport_memory.h -- a transport without a network, for tests: a script in place of servers, a clock that the script
 * moves.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_TRANSPORT_MEMORY_H
#define CST_TRANSPORT_MEMORY_H

#include "transport.h"

typedef enum cst_memory_act {
    CST_MEMORY_PHASE, /* number: the cst_phase from here on */
    CST_MEMORY_WAIT,  /* number: milliseconds in which nothing comes */
    CST_MEMORY_DELAY, /* number: milliseconds, which the head will ask to wait */
    CST_MEMORY_HEAD,  /* number: HTTP status; text: content type */
    CST_MEMORY_BYTES, /* text */
    CST_MEMORY_END,   /* the body is whole */
    CST_MEMORY_LOSE   /* the connection is lost; text: the sentence; number: 0 by a reset, 1 by a close */
} cst_memory_act;

typedef struct cst_memory_step {
    cst_memory_act act;
    int64_t        number;
    castor_str     text;
} cst_memory_step;

/* Every exchange plays the same script, ended by END or LOSE; it is not copied. */
castor_status cst_transport_memory_new(cst_transport **out, const cst_memory_step *script,
                                       const cst_allocator *allocator, castor_error *err);

/* From now on the first exchange plays the first of these, and so on; from the NULL behind the last on, that again. */
void cst_transport_memory_play(cst_transport *transport, const cst_memory_step *const *scripts);

/* How many exchanges were opened, and how many are not closed. */
size_t cst_transport_memory_opened(const cst_transport *transport);
size_t cst_transport_memory_open(const cst_transport *transport);

/* Time passes while nobody drives: the caller was busy with something else. */
void cst_transport_memory_sleep(cst_transport *transport, int64_t duration_ms);

/* What the last exchange was opened with: URL and body, NUL-terminated; its headers joined by line feeds. */
const char *cst_transport_memory_url(const cst_transport *transport);
const char *cst_transport_memory_headers(const cst_transport *transport);
const char *cst_transport_memory_body(const cst_transport *transport);

#endif
