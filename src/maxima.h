/* maxima.h -- every size, count and time that we refuse to pass, in one place, with the reason.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_MAXIMA_H
#define CST_MAXIMA_H

enum {
    CST_EVENT_BYTES_MAX    = 64 << 20,  /* default; an inline image arrives base64 on one data: line */
    CST_ERROR_BODY_MAX     = 1 << 20,   /* error bodies are pages at most; more is cut, not refused */
    CST_BODY_BYTES_MAX     = 512 << 20, /* of a request: above the service's own 100 MB */
    CST_STRUCT_BYTES_MAX   = 1 << 16,   /* of an options struct of a later version; more was never initialised */
    CST_JSON_SHELF_MAX     = 64 << 10,  /* of the memory for reading that a client keeps between two records */
    CST_JSON_DEPTH_MAX     = 256,       /* function arguments nest; deeper is an attack */
    CST_SSE_FIELD_MAX      = 1 << 10,   /* of an event: or id: value that we keep */
    CST_LABEL_MAX          = 1 << 10,   /* of an id, a name or a reason that we keep; more is cut */
    CST_MESSAGE_MAX        = 8 << 10,   /* of a server's sentence that we keep; more is cut */
    CST_TOKEN_MAX          = 1 << 20,   /* of a token to go on with; a longer one is none */
    CST_HOPS_MAX           = 16,        /* default; the window of 1,048,576 tokens in requests of 65,536 */
    CST_EXTRA_MAX          = 1 << 20,   /* of what a server puts beside a tool call: signatures */
    CST_RECOGNISE_MAX      = 64,        /* bytes that tell one framing from another */
    CST_CANDIDATES_MAX     = 64,        /* candidate indexes that we keep apart; the service stops at 8 */
    CST_TOOL_CALLS_MAX     = 256,       /* calls of one answer that we join from fragments */
    CST_PASSING_MAX        = 16,        /* places of a record that we expect to change from one to the next */
    CST_PREDICTED_EVENTS_MAX = 4,       /* of a record that we expect again */
    CST_PREDICTED_BYTES_MAX = 32 << 10, /* of a record that we remember or predict; larger ones parse fast enough */
    CST_LITERALS_MAX       = 4 << 10,   /* of its bytes that do not change; a stream keeps them */
    CST_PREDICTION_SETTLED = 8,         /* records of one shape after which the memory for parsing is given back */
    CST_PREDICTION_REST_MAX = 64,       /* records between two lessons, where lessons do not pay */
    CST_STREAM_BUFFER_HIGH = 1 << 20,   /* undelivered bytes at which a stream stops reading ... */
    CST_STREAM_BUFFER_LOW  = 256 << 10, /* ... and at which it reads again */
    CST_STOP_SEQUENCES_MAX = 5,         /* the service's own */
    CST_CONNECTION_STREAMS_MAX = 1,     /* default; libcurl cannot stop one of several that share a connection */
    CST_HEADER_VALUE_MAX   = 8 << 10,   /* of a header that we keep or send */
    CST_STREAMS_MAX        = 256,       /* default; as many descriptors are to be had nearly everywhere */
    CST_WAIT_STEP_MS       = 60 * 1000, /* longest single wait; the loop around it goes on */
    CST_POLL_SOCKETS_MAX   = 16,        /* beyond these, asking for each socket costs more than epoll's upkeep */
    CST_SOCKETS_LATE       = 64,        /* that epoll need not be told of at once */
    CST_SOCKETS_BATCH      = 64,        /* that epoll tells at a time */
    CST_EVENTS_A_TURN      = 64,        /* given to one listener before the next has its turn */
    CST_GROUP_EXCHANGES    = 256,       /* on one multi handle: libcurl's lists grow slow beyond a few hundred */
    CST_FEW_EXCHANGES      = 16,        /* up to here each has a large receive buffer ... */
    CST_READ_BYTES_FEW     = 256 << 10, /* ... of this size, and beyond ... */
    CST_READ_BYTES_SOME    = 4 << 10,   /* ... of this, as far as one group goes; of more ... */
    CST_READ_BYTES_MANY    = 1 << 10,   /* ... of this, libcurl's least; but ... */
    CST_READ_BYTES_H2_MIN  = 16 << 10,  /* ... never less than one record of TLS where HTTP/2 may be spoken: see there */
    CST_IDLE_EXCHANGES_MAX = 16,        /* handles of libcurl that are kept for the next requests */
    CST_HEADERS_MAX        = 8,         /* of a request, all ours */
    CST_UNSEEN_RUN_MAX     = 2,         /* characters in a row that show nothing: emoji have selector and joiner */
    CST_SECRET_PART_MIN    = 4,         /* letters that are in any text and give nothing away: no key has fewer */
    CST_RECORDER_BYTES_FIRST = 4 << 10, /* a recorder begins with so much and doubles it as it needs */
    CST_RECORDER_BYTES_MIN = 1 << 10,   /* less would not hold one event */
    CST_RECORDER_BYTES_MAX = 128 << 20, /* more than two of the largest events */
    CST_DUMP_LINE_MAX      = 1 << 10,   /* bytes of the body on one line of a dump */
    CST_CLOSE_TAIL_BYTES   = 16 << 10,  /* read on close so that the connection can be used again ... */
    CST_CLOSE_TAIL_MS      = 100,       /* ... and for how long */

    CST_CONNECT_TIMEOUT_MS    = 10 * 1000,
    CST_TLS_TIMEOUT_MS        = 10 * 1000,
    CST_FIRST_BYTE_TIMEOUT_MS = 600 * 1000, /* thinking models are silent for minutes */
    CST_IDLE_TIMEOUT_MS       = 300 * 1000,
    CST_UNARY_TIMEOUT_MS      = 600 * 1000,
    CST_NEVER_MS              = 24 * 3600 * 1000, /* for libcurl, whose own limits must not strike */
    CST_ATTEMPTS_MAX          = 4,          /* default; the four of every client that is kind to servers */
    CST_RETRY_BUDGET_MS       = 120 * 1000, /* default; two minutes are what a person waits */
    CST_RETRY_FIRST_DELAY_MS  = 1000,
    CST_RETRY_DELAY_MAX_MS    = 60 * 1000,
    CST_FALLBACK_MODELS_BYTES_MAX = 4 << 10, /* all their names */
    CST_RETRY_AFTER_MAX_S     = 366 * 24 * 3600,  /* a server's word beyond this is a slip */
};

#endif
