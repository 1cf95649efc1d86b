/* recorder.h -- the flight recorder of a stream: its last bytes, where the network cut them, when they came, and how
 * the body ended. Pure; told the time.
 * SPDX-License-Identifier: MIT
 *
 * Two rings: the bytes, and a mark for each piece of them. They grow up to their maximum, then the oldest pieces go,
 * whole pieces each time. A recorder that finds no memory to grow makes do with what it has: recording never fails.
 */
#ifndef CST_RECORDER_H
#define CST_RECORDER_H

#include "base.h"

typedef enum cst_record_end {
    CST_RECORD_OPEN = 0, /* the body had not ended when we stopped reading */
    CST_RECORD_CLEAN,    /* the body was whole */
    CST_RECORD_LOST,     /* the connection was torn down */
    CST_RECORD_CLOSED    /* the connection was closed before the body's end */
} cst_record_end;

typedef struct cst_ring {
    char  *data;
    size_t capacity;
    size_t max;
    size_t start; /* of the oldest byte */
    size_t len;
} cst_ring;

/* How long its script may become: four for a byte; lines of a byte or two; the head. */
#define CST_DUMP_BYTES_MAX(recorder_bytes_max) (8 * (recorder_bytes_max) + CST_RECORDER_BYTES_FIRST)

/* One piece as the transport gave it. */
typedef struct cst_mark {
    uint32_t len;
    uint32_t wait_ms; /* since what came before it; the first: since the connection stood */
} cst_mark;

typedef struct cst_recorder {
    const cst_allocator *allocator;
    cst_ring             bytes;
    cst_ring             marks;        /* of cst_mark */
    int64_t              last_ms;      /* when something came last */
    uint64_t             dropped;      /* bytes that are no longer held */
    size_t               attempt_count;
    bool                 is_connected;
    bool                 is_over;      /* nothing more is recorded, of no attempt */
    int32_t              http_status;  /* 0: no answer came */
    castor_i64           retry_after_ms;
    char                 content_type[128]; /* empty: none */
    char                 redirected_to[128]; /* scheme and host; empty: nowhere */
    cst_record_end       end;
    uint32_t             end_wait_ms;
    cst_buf              script;       /* what was last made of it, see dump.h */
} cst_recorder;

/* Holds `bytes_max` of body at most, and a quarter as much for the marks. `allocator` outlives it. */
cst_recorder *cst_recorder_new(size_t bytes_max, const cst_allocator *allocator); /* NULL: no memory */
void          cst_recorder_free(cst_recorder *recorder);                         /* takes NULL */

/* One attempt begins: what is held of the one before is forgotten. */
void cst_recorder_begin(cst_recorder *recorder, int64_t now_ms);
void cst_recorder_connect(cst_recorder *recorder, int64_t now_ms);
void cst_recorder_head(cst_recorder *recorder, int32_t http_status, castor_str content_type, castor_i64 retry_after_ms);
void cst_recorder_redirect(cst_recorder *recorder, castor_str location); /* after the head */
void cst_recorder_take(cst_recorder *recorder, const char *bytes, size_t len, int64_t now_ms);
void cst_recorder_end(cst_recorder *recorder, cst_record_end end, int64_t now_ms);

/* All bytes that are held, in one piece, and the marks. They live until something more is recorded. */
castor_str      cst_recorder_bytes(cst_recorder *recorder);
const cst_mark *cst_recorder_marks(cst_recorder *recorder, size_t *count);

/* Ends the recording, and puts asterisks over every `secret` in it, also over one that either end cuts in two: if more
 * came, its other half would not be known for one. */
void cst_recorder_finish(cst_recorder *recorder, castor_str secret);

#endif
