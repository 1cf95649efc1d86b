/* fault.h -- what can go wrong on request: the table of faults, and the text that asks for some of them. Pure.
 * SPDX-License-Identifier: MIT
 *
 *     SPEC   = FAULT[,FAULT...]
 *     FAULT  = NAME[=ARGUMENT][@PLACE]          cut@event=3     stall=2000@byte=120     status=429:rpd,retryinfo=2.5
 *     PLACE  = event=N | byte=N | percent=N | head | end
 *
 * An argument has at most two parts, with a colon between; a part that is not given has its default. In a text, %XX
 * stands for a byte, so that commas and at signs can be written. Places count what the client receives: event=N is
 * behind the N-th event, but for the faults that change an event, which change that one; byte=N is behind that many
 * bytes of the body. A place behind the end means the end.
 */
#ifndef PLX_FAULT_H
#define PLX_FAULT_H

#include "base.h"
#include "bounds.h"

typedef struct plx_fault_kind plx_fault_kind;

typedef enum plx_place_kind {
    PLX_AT_NONE    = 0, /* of the whole answer */
    PLX_AT_HEAD    = 1, /* before the status line */
    PLX_AT_EVENT   = 2,
    PLX_AT_BYTE    = 4,
    PLX_AT_PERCENT = 8,
    PLX_AT_END     = 16 /* where the body would have ended */
} plx_place_kind;

typedef struct plx_place {
    plx_place_kind kind;
    uint64_t       number;
} plx_place;

#define PLX_FAULT_NEVER INT64_MIN /* a number that was not given and has no default */

/* One fault that was asked for. */
typedef struct plx_fault {
    const plx_fault_kind *kind;
    int64_t               numbers[2]; /* a number's value; which of its words a word is */
    char                  text[PLX_FAULT_TEXT_BYTES_MAX];
    plx_place             place;
} plx_fault;

/* What one spec asks for. May be copied. */
typedef struct plx_plan {
    plx_fault faults[PLX_FAULTS_MAX];
    size_t    count;
    uint64_t  entry; /* in the history, of the answer that was spoilt so; 0: none */
} plx_plan;

/* ---- the table ---- */

typedef enum plx_slot_type {
    PLX_SLOT_NONE = 0,
    PLX_SLOT_NUMBER,
    PLX_SLOT_WORD,
    PLX_SLOT_SECONDS, /* as "33.378", kept as text; or "none" */
    PLX_SLOT_TEXT
} plx_slot_type;

/* One part of an argument. */
typedef struct plx_slot {
    const char        *name;  /* in the list: "MS" */
    plx_slot_type      type;
    int64_t            least; /* of a number */
    int64_t            most;
    const char *const *words; /* of a word, NULL behind the last */
} plx_slot;

struct plx_spoiler;
struct plx_record;
struct plx_canned;
struct plx_reply_head;

/* A row. At most one of the functions is there; the members of a plan that have none are looked up by others. */
struct plx_fault_kind {
    const char *name;
    plx_slot    slots[2];
    const char *argument;    /* the default, or NULL */
    unsigned    places;      /* those that it takes, of plx_place_kind */
    const char *place;       /* the default, as in a spec; NULL: none */
    bool        is_chaotic;  /* chaos may choose it: it ends in short time and takes little room */
    bool        is_counted;  /* its first number says for how many answers */
    bool        holds;       /* the body is held back until it is whole */
    const char *does;        /* one line for the list */

    castor_status (*answer)(const plx_fault *fault, struct plx_canned *out);   /* in the place of the real one */
    castor_status (*head)(const plx_fault *fault, struct plx_reply_head *at); /* changes status and headers */
    /* Changes an event. INVALID: nothing in it could be; of a fault with a place the next event is tried. */
    castor_status (*edit)(const plx_fault *fault, struct plx_record *record);
    /* Changes the lines of an event of a text/event-stream, after all edits. */
    castor_status (*lines)(const plx_fault *fault, cst_buf *event, uint64_t number);
    castor_status (*strike)(const plx_fault *fault, struct plx_spoiler *spoiler);  /* happens at its place */
    void          (*prepare)(const plx_fault *fault, struct plx_spoiler *spoiler); /* before anything is sent */
};

extern const plx_fault_kind plx_fault_kinds[];
extern const size_t         plx_fault_kind_count;

const plx_fault_kind *plx_fault_kind_find(castor_str name); /* NULL: there is none */

/* The first fault of the plan that is of this kind, or NULL. */
const plx_fault *plx_plan_find(const plx_plan *plan, const char *name);

/* How the argument is written: "CODE[:DETAIL]"; empty when there is none. */
castor_status plx_fault_print_argument(const plx_fault_kind *kind, cst_buf *out);

/* Which places it takes: "event byte end"; empty when none. */
castor_status plx_fault_print_places(const plx_fault_kind *kind, cst_buf *out);

/* The whole table: for people, and as the list of a manual page in mdoc. */
castor_status plx_faults_print_list(cst_buf *out);
castor_status plx_faults_print_mdoc(cst_buf *out);

/* ---- specs ---- */

/* False: `why` has a sentence that says what is wrong. */
bool plx_plan_parse(plx_plan *plan, castor_str spec, char *why, size_t why_size);

/* The same for who does not need the plan. */
bool plx_plan_check(castor_str spec, char *why, size_t why_size);

/* The spec that the plan can be read from again, with all defaults written out. */
castor_status plx_plan_print(const plx_plan *plan, cst_buf *out);

#endif
