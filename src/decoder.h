/* decoder.h -- bytes in, events out, and the verdict: frame, json, dialect and verdict in one. Pure.
 * SPDX-License-Identifier: MIT
 *
 *   READING --records--> READING --end of body, or "[DONE]"--> CLOSING --held-back events--> ENDED
 *      |                    |                                                                 ^
 *      +--------------------+--memory, a broken record, cst_decoder_fail()---------------------+
 *
 * READING  events of at most one record are pending; everything else is still bytes in the frame.
 * CLOSING  no record will come; what the dialect held back is pending.
 * ENDED    the verdict stands and never changes.
 */
#ifndef CST_DECODER_H
#define CST_DECODER_H

#include "dialect.h"
#include "frame.h"
#include "prediction.h"

typedef enum cst_decoder_state { CST_DECODER_READING, CST_DECODER_CLOSING, CST_DECODER_ENDED } cst_decoder_state;

struct castor_decoder {
    const cst_allocator *allocator;
    const cst_dialect   *dialect;
    bool                 is_guessing;     /* the dialect is not certain yet */
    void                *state;           /* the dialect's own */
    int32_t              http_status;
    cst_frame            frame;
    cst_prediction       prediction;
    uint64_t             peeked;          /* behind the place in the body where a record was looked for ahead last */
    cst_json_doc         doc;
    cst_events           events;
    size_t               next_event;
    castor_str           record;          /* data of the record that the pending events are of */
    cst_facts            facts;
    cst_decoder_state    phase;
    cst_ending           ending;
    castor_error         outcome;         /* ENDED: status OK and COMPLETE, or the error; before: what ending.cause is */
};

static inline bool cst_decoder_has_pending(const castor_decoder *decoder)
{
    return decoder->next_event < decoder->events.count;
}

/* By its status: the body is an error. Redirects are not followed. */
static inline bool cst_decoder_is_refused(const castor_decoder *decoder)
{
    return decoder->http_status >= 300;
}

/* For the library's own streams: lives inside another struct, whose allocator outlives it. Clear it on errors too. */
castor_status cst_decoder_init(castor_decoder *decoder, const castor_decoder_options *options,
                               const cst_allocator *allocator, castor_error *err);
void          cst_decoder_clear(castor_decoder *decoder);

/* What the head of the answer says; before the first feed. */
void cst_decoder_head(castor_decoder *decoder, int32_t http_status, castor_str content_type);

/* The body ended because of `cause`; what came before is still decoded and given. */
void cst_decoder_lose(castor_decoder *decoder, const castor_error *cause);

/* Ends at once with `cause`; pending events are dropped. */
void cst_decoder_fail(castor_decoder *decoder, const castor_error *cause);

/* Replaces the outcome of one that is ENDED. */
void cst_decoder_overrule(castor_decoder *decoder, const castor_error *outcome);

/* Decodes until an event is pending (true), or more bytes are needed, or it is ENDED. */
bool cst_decoder_advance(castor_decoder *decoder);

/* Where the error body stands, for an answer with an error status. */
castor_str cst_decoder_error_body(const castor_decoder *decoder);

#endif
