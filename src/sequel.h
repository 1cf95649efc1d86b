/* sequel.h -- what the caller has of an answer that takes more than one attempt, and what goes on where.
 * SPDX-License-Identifier: MIT
 *
 * An attempt follows another for one of three reasons:
 *
 *     again     the one before failed, and nothing of it was given: it is as if it had not been
 *     anew      the one before failed, and something was given: the caller will have to discard that
 *     a hop     the one before ended at the limit of one request, with a token to go on: what was given stands
 *
 * Before the first event of an attempt that begins anew or goes on, the caller still has what was given before: the
 * decoder that it came from is set aside, and its facts are those of the stream. If no event ever comes, they stay.
 */
#ifndef CST_SEQUEL_H
#define CST_SEQUEL_H

#include "attempt.h"

typedef struct cst_sequel {
    castor_decoder *aside;     /* whose events the caller has; NULL: the attempt's own, or nobody's */
    castor_decoder *refused;   /* of the last attempt, when it brought nothing but an error body; kept for that */
    int32_t         requests;  /* sent in all */
    int32_t         attempts;  /* of these, since the answer or its present hop began */
    int32_t         restarts;
    int32_t         hops;      /* that ended and were gone on from */
    bool            has_given; /* an event of the present attempt */
    bool            is_anew;   /* the present attempt began anew; else it goes on behind what is aside */
} cst_sequel;

/* The decoder whose facts are those of the answer; NULL: none yet. */
castor_decoder *cst_sequel_facts(const cst_sequel *sequel, const cst_attempt *attempt);

/* The token to go on with, when the attempt ended at the limit of one request; absent: it did not, or there were
 * `hops_max` hops, or the server gave the token back that it was `sent`. Lives with the decoder. */
castor_str cst_sequel_token(const cst_sequel *sequel, const cst_attempt *attempt, castor_str sent, int32_t hops_max);

/* Takes leave of an attempt that is over, before the next one: sets aside what the caller has of it. */
void cst_sequel_part(cst_sequel *sequel, cst_attempt *attempt);

/* The next attempt has its decoder: it goes on with what is known already. */
void cst_sequel_carry_on(const cst_sequel *sequel, cst_attempt *attempt);

/* An event of the attempt is about to be given. True: RESTART is to be given first. */
bool cst_sequel_give(cst_sequel *sequel);

/* No attempt will follow: what the caller has, and what it came to, are the attempt's from here on. */
void cst_sequel_conclude(cst_sequel *sequel, cst_attempt *attempt);
void cst_sequel_clear(cst_sequel *sequel);

#endif
