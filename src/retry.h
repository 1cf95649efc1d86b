/* retry.h -- whether a call that failed is sent again, and when. Pure.
 * SPDX-License-Identifier: MIT
 *
 * What may be sent again is decided here and nowhere else: from the error, the attempts so far, the time that is left
 * and a random number that the caller brings. Nothing here waits or sends.
 */
#ifndef CST_RETRY_H
#define CST_RETRY_H

#include "base.h"

/* `code`: the server's error code, or the HTTP status; 0 when there was no answer. A used-up daily quota is final. */
bool cst_retry_is_transient(int32_t code, castor_verdict verdict);

/* The delay that a server's sentence asks for, in milliseconds, rounded up: "Please retry in 33.378s.", "try again in
 * 1m30s", "retry after 20 seconds". Absent: none that can be read. */
castor_i64 cst_retry_delay_in(castor_str sentence);

/* castor_retry_options, checked and with their defaults, and room for nothing else: no pointer into the caller's. */
typedef struct cst_retry_rules {
    int32_t attempts_max;
    int32_t restarts_max;
    int64_t budget_ms;      /* negative: none */
    int64_t first_delay_ms;
    int64_t delay_max_ms;
    cst_buf models;         /* the fallback models, each NUL-terminated, one behind another */
    void  (*on_attempt)(void *user, castor_stream *stream, const castor_attempt *attempt);
    void   *on_attempt_user;
} cst_retry_rules;

/* `options` NULL: all defaults. INVALID: a number below zero, a model without a name. Free the rules on errors too. */
castor_status cst_retry_rules_read(cst_retry_rules *out, const castor_retry_options *options,
                                   const cst_allocator *allocator, castor_error *err);
void          cst_retry_rules_free(cst_retry_rules *rules);

/* The fallback model behind `name`, the first for NULL; NULL: there is none. */
const char *cst_retry_next_model(const cst_retry_rules *rules, const char *name);

/* What is known when an attempt has failed. */
typedef struct cst_retry_case {
    const castor_error *error;
    int32_t             attempts;        /* begun so far, this one too */
    int32_t             restarts;        /* of these, those after something was given */
    bool                has_given;       /* the caller has an event of this one */
    bool                has_other_model;
    bool                was_reused;      /* its connection was not made for it */
    int64_t             left_ms;         /* of the budget or the total limit, whichever is less; INT64_MAX: no limit */
    uint32_t            random;          /* any number, all equally likely */
} cst_retry_case;

typedef enum cst_retry_answer {
    CST_RETRY_AGAIN,
    CST_RETRY_FINAL,    /* no second try would mend it */
    CST_RETRY_GIVEN,    /* the caller has seen something, and allowed no (more) beginning anew */
    CST_RETRY_ATTEMPTS, /* there were as many as may be */
    CST_RETRY_TIME      /* the time is used up, or the server asks for more than is left */
} cst_retry_answer;

typedef struct cst_retry_decision {
    cst_retry_answer answer;
    int64_t          delay_ms;          /* of AGAIN */
    bool             takes_other_model; /* of AGAIN: the next fallback model is asked */
} cst_retry_decision;

cst_retry_decision cst_retry_decide(const cst_retry_rules *rules, const cst_retry_case *given);

/* Puts in front of the sentence of `error` why it was not sent again, where people would wonder, and when to come back,
 * unless the server's own words say so. */
void cst_retry_explain(castor_error *error, const cst_retry_decision *decision, const cst_retry_case *given);

#endif
