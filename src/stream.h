/* stream.h -- one answer, as its caller holds it: its turn, its attempts, its end, watched by the clock.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_STREAM_H
#define CST_STREAM_H

#include "client.h"

struct castor_stream {
    castor_client    *client;     /* NULL: freed before us */
    castor_stream    *next;       /* of all the client has */
    castor_stream   **link;       /* what points to us there */
    cst_stream_list  *list;       /* which of the client's lists we are in; NULL: none */
    castor_stream    *list_next;
    castor_stream    *list_prev;
    cst_deadline      deadline;   /* in the client's heap: not later than when a limit strikes */
    cst_allocator     allocator;  /* a copy: the client's may go first */
    cst_call          call;
    cst_attempt       attempt;
    cst_sequel        sequel;
    const cst_retry_rules *rules; /* the client's, or: */
    cst_retry_rules  *own_rules;  /* NULL: none */
    char             *model;      /* as requested; NULL where nobody is told */
    const char       *fallback;   /* the last of the rules' models that was taken; NULL: none */
    castor_listen_fn *listen;     /* NULL: its caller pulls */
    void             *listen_user;
    atomic_int        is_cancelled;
    bool              tells_server; /* of the total limit */
    bool              is_new_model; /* `fallback` is to be asked from the next attempt on */
    bool              holds_place; /* among those that are under way */
    bool              is_resting;  /* until resume_ms, before the next attempt */
    bool              is_settled;  /* the answer has its outcome, see settle() */
    bool              is_told;    /* the caller has been given the end */
    bool              is_closed;  /* by the caller: goes when its tail has been read */

    int64_t           total_limit_ms;
    int64_t           budget_since_ms;
    int64_t           resume_ms;
    int64_t           ended_ms;
    int32_t           hops_max;
};

/* A stream that begins at once, or waits for its turn. */
castor_status cst_stream_open(castor_stream **out, castor_client *client, const castor_request *request,
                              castor_error *err);

/* The turn of one that waits has come. What goes wrong, its caller is told by poll. */
void cst_stream_start(castor_stream *stream);

/* The next event or the end, from what has arrived; WAIT: neither. */
castor_step cst_stream_poll(castor_stream *stream, castor_event *event, castor_error *err);

/* Whether an event or the end can be taken without waiting. Decodes no further than to the next event. */
bool cst_stream_is_ready(castor_stream *stream);

/* Who is to be called; NULL: nobody. */
void cst_stream_listen(castor_stream *stream, castor_listen_fn *fn, void *user);

/* Decodes to the next event (true), or to the attempt's end, and sees to what follows that. */
bool cst_stream_advance(castor_stream *stream);

/* The token to go on with, where the attempt ended at the limit of one request; absent: it goes on nowhere. */
castor_str cst_stream_token(const castor_stream *stream);

/* Its caller knows the end, or will never ask. */
void cst_stream_set_told(castor_stream *stream);

/* Nothing is there for its caller: out of the lists, until it is touched. */
void cst_stream_await(castor_stream *stream);

/* Puts the stream at the end of the list where those are that may have something: news or heard. */
void cst_stream_touch(castor_stream *stream);
void cst_stream_delist(castor_stream *stream);

/* Its deadline has come, and all sockets have been looked into: what lies in one has come in time. May free it, if it
 * is closed. */
void cst_stream_expire(castor_stream *stream, int64_t now_ms);

/* Ends the stream with a failure of our own. */
void cst_stream_fail(castor_stream *stream, const castor_error *failure);
void cst_stream_end_if_cancelled(castor_stream *stream);

/* Closes it. What is left of a short tail is read before (is_patient), or by whoever moves the client next. */
void cst_stream_close(castor_stream *stream, bool is_patient);

/* Ends the recording, if there is one: nothing secret is left in it. */
void cst_stream_finish_recording(const castor_stream *stream);

/* The client goes: end, and forget it. */
void cst_stream_orphan(castor_stream *stream);

#endif
