/* castor.h -- the public face of libcastor, the streaming client for the Gemini API.
 * SPDX-License-Identifier: MIT
 *
 * An answer arrives as a stream of events and ends in exactly one verdict:
 *
 *     castor_client  *client;         settings and connections; one thread at a time
 *     castor_stream  *answer;         one answer under way, pulled event by event, or pushed by the caller's own loop
 *     castor_answer  *whole;          the same, taken whole (castor_generate)
 *     castor_decoder *decoder;        bytes in, events out, for those with a transport of their own
 *
 * Reading order: strings, errors and verdicts, request, events, trying again, client, stream, loop, answer, decoder,
 * text on a terminal, names.
 *
 * Rules that hold everywhere
 *   Ownership  A first argument `T **out` is yours to free or close; it is NULL where nothing was made. A returned
 *              view or const pointer belongs to the handle it came from. Every free and close takes NULL.
 *   Structs    What the caller fills starts with `size` and is made valid by its _INIT; zero means "not set". One that
 *              was not, and a pointer that is NULL beside a count or length that is not 0, are INVALID.
 *   NULL       as a handle, or for something to be written, is INVALID, told like any error. Functions that return a
 *              value return what they would if nothing were known; those that return nothing do nothing.
 *   Views      castor_str is (data, len). Views inside an event live until the next call on the same decoder, or on
 *              any stream of the same client.
 *   Errors     The caller's castor_error comes last and may be NULL. The library never prints, exits, installs signal
 *              handlers or starts threads of its own (libcurl resolves names in one). Its one global is libcurl.
 *   Units      Times in milliseconds, sizes in bytes, usage in tokens.
 *   Threads    A client and its streams are used by one thread at a time; castor_stream_cancel by any.
 */
#ifndef CASTOR_CASTOR_H
#define CASTOR_CASTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CASTOR_VERSION_MAJOR 0
#define CASTOR_VERSION_MINOR 1
#define CASTOR_VERSION_PATCH 0
#define CASTOR_VERSION "0.1.0"

#if defined(__GNUC__)
#define CASTOR_API __attribute__((visibility("default")))
#else
#define CASTOR_API
#endif

/* ---- Strings and optional numbers --------------------------------------------------------------------------- */

/** A view of bytes: not owned, not necessarily NUL-terminated. Absent: data is NULL. */
typedef struct castor_str {
    const char *data;
    size_t      len;
} castor_str;

/** The view of a string literal, and the arguments of a "%.*s". */
#ifdef __cplusplus
#define CASTOR_STR(literal) (castor_str{ (literal), sizeof(literal) - 1 })
#else
#define CASTOR_STR(literal) ((castor_str){ (literal), sizeof(literal) - 1 })
#endif
#define CASTOR_ARG(view) (int)(view).len, (view).data

/** The view of a NUL-terminated string; absent for NULL. */
static inline castor_str castor_str_of(const char *text)
{
    castor_str view;
    view.data = text;
    view.len = text ? strlen(text) : 0;
    return view;
}

/** A number that may be absent: zero is a value, absence is another thing. */
typedef struct castor_f64 {
    int32_t is_set;
    double  value;
} castor_f64;

typedef struct castor_i64 {
    int32_t is_set;
    int64_t value;
} castor_i64;

static inline castor_f64 castor_some_f64(double value)
{
    castor_f64 some;
    some.is_set = 1;
    some.value = value;
    return some;
}

static inline castor_i64 castor_some_i64(int64_t value)
{
    castor_i64 some;
    some.is_set = 1;
    some.value = value;
    return some;
}

/* ---- What a call, and what an answer, came to ---------------------------------------------------------------- */

/** What a function returns. The sentence is in castor_error.message. */
typedef enum castor_status {
    CASTOR_OK = 0,
    CASTOR_INVALID = 1,    /* an argument or a request that the server would surely refuse; nothing was sent */
    CASTOR_NO_MEMORY = 2,  /* an allocation failed; what was delivered stays valid */
    CASTOR_LIMIT = 3,      /* one of our own maxima was passed: event size, nesting, body */
    CASTOR_PROTOCOL = 4,   /* bytes that are not the protocol; castor_error.offset tells where */
    CASTOR_NETWORK = 5,    /* resolve, connect, TLS, proxy, reset */
    CASTOR_TIMEOUT = 6,    /* one of the five time limits; castor_error.time_limit tells which */
    CASTOR_CANCELLED = 7,  /* castor_stream_cancel */
    CASTOR_API_ERROR = 8,  /* the server answered with an error */
    CASTOR_INCOMPLETE = 9  /* the server answered, but not with a whole answer: see castor_error.verdict */
} castor_status;

/** What an answer came to. Only COMPLETE is a whole answer; the command's exit status is castor_verdict_exit(). */
typedef enum castor_verdict {
    CASTOR_VERDICT_NONE = 0,   /* not ended yet */
    CASTOR_VERDICT_COMPLETE,   /* a natural stop, or tool calls to run, and the body ended as it should */
    CASTOR_VERDICT_FAILED,     /* anything not below: server 5xx, refused request, unknown finish reason */
    CASTOR_VERDICT_AUTH,       /* no key, refused key, API disabled, no permission */
    CASTOR_VERDICT_QUOTA_NOW,  /* 429 that a wait would mend */
    CASTOR_VERDICT_QUOTA_DAY,  /* 429 that no short wait mends: daily quota, zero limit, billing */
    CASTOR_VERDICT_BLOCKED,    /* prompt blocked, or answer stopped: safety, recitation, prohibited content */
    CASTOR_VERDICT_TRUNCATED,  /* no finish reason, or the connection was lost after content */
    CASTOR_VERDICT_MAX_TOKENS, /* cut by the token limit */
    CASTOR_VERDICT_TIMEOUT,    /* one of the five time limits */
    CASTOR_VERDICT_NETWORK,    /* resolve, connect, TLS, proxy, reset before content */
    CASTOR_VERDICT_MALFORMED,  /* malformed or unexpected tool call, or bytes that are not the protocol */
    CASTOR_VERDICT_EMPTY,      /* finished with nothing to show */
    CASTOR_VERDICT_BUDGET,     /* a limit that the user set on money, tokens or requests (reserved) */
    CASTOR_VERDICT_CANCELLED   /* by the caller */
} castor_verdict;

/** The five time limits, as named in a timeout error. */
typedef enum castor_time_limit {
    CASTOR_LIMIT_NONE = 0,
    CASTOR_LIMIT_CONNECT,    /* resolve and connect */
    CASTOR_LIMIT_TLS,        /* TLS handshake */
    CASTOR_LIMIT_FIRST_BYTE, /* from the request to the first byte of the answer's body */
    CASTOR_LIMIT_IDLE,       /* between two bytes of the body */
    CASTOR_LIMIT_TOTAL       /* the whole call */
} castor_time_limit;

/**
 * castor_error -- what went wrong, on whose side, and what to do about it. The caller's struct: no ownership.
 *
 * `message` is a sentence for a person, never with the key in it. Texts too long for their field are cut at a whole
 * character. Fields that nothing is known about are zero or empty.
 */
typedef struct castor_error {
    castor_status     status;
    castor_verdict    verdict;
    castor_time_limit time_limit;     /* TIMEOUT only */
    int32_t           http_status;    /* 0: none */
    int32_t           is_transient;   /* the same request may succeed later */
    castor_i64        retry_after_ms; /* the server's own word: RetryInfo, Retry-After */
    castor_i64        offset;         /* of the offending byte in the body; where an SSE event has several data:
                                         lines, in the lines as joined */
    char              code[64];       /* the server's code as text: "429", "invalid_api_key" */
    char              reason[64];     /* the server's status: "RESOURCE_EXHAUSTED"; else finish or block reason */
    char              detail[128];    /* ErrorInfo reason, quota id, or the offending field's path */
    char              message[1024];
} castor_error;

/* ---- The request --------------------------------------------------------------------------------------------- */

typedef enum castor_dialect {
    CASTOR_DIALECT_DEFAULT = 0, /* of a client: GEMINI; of a request: the client's; of a decoder: by the bytes */
    CASTOR_DIALECT_GEMINI,      /* /v1beta/models/{m}:streamGenerateContent */
    CASTOR_DIALECT_OPENAI,      /* {base}/chat/completions, of Google and of every compatible server */
    CASTOR_DIALECT_MESSAGE      /* /v1beta2/models/{m}:generateMessage, the decommissioned PaLM method */
} castor_dialect;

typedef enum castor_role {
    CASTOR_USER = 0,
    CASTOR_MODEL = 1
} castor_role;

typedef enum castor_part_type {
    CASTOR_PART_TEXT = 0,         /* text */
    CASTOR_PART_DATA,             /* mime_type and data: the bytes themselves; base64 is made while printing */
    CASTOR_PART_FILE,             /* file_uri, mime_type optional */
    CASTOR_PART_FUNCTION_RESULT,  /* name, id, and text: the result as a JSON object */
    CASTOR_PART_RAW               /* raw: a part as it came in castor_event.raw, sent back byte for byte; in the
                                     openai dialect tool calls only, text goes back as text */
} castor_part_type;

/** One part of a turn. */
typedef struct castor_part {
    castor_part_type type;
    castor_str       text;
    castor_str       data;
    castor_str       raw;
    const char      *mime_type;
    const char      *file_uri;
    const char      *name;
    const char      *id;
    void            *reserved[2];
} castor_part;

/** One turn: `text` alone, or `parts`, or both (the text comes first). */
typedef struct castor_turn {
    castor_role        role;
    castor_str         text;
    const castor_part *parts;
    size_t             part_count;
    void              *reserved[2];
} castor_turn;

/** One safety setting: "HARM_CATEGORY_HARASSMENT", "BLOCK_ONLY_HIGH". Gemini dialect only. */
typedef struct castor_safety {
    const char *category;
    const char *threshold;
} castor_safety;

/**
 * castor_request -- what to ask. Plain fields for the usual things; `extra_json`, an object merged into the body
 * (objects deeply, the rest replaces); or `body_json`, the whole body as it stands, beside which only what is no part
 * of a body has a place (model, dialect, is_unary, the limits of time, retry, hops_max, recorder_bytes), and extra_json.
 *
 * Everything is read during castor_stream_open or castor_generate and not kept. What a dialect cannot say (for
 * example top_k in chat completions) is refused with CASTOR_INVALID and the field's name, never dropped.
 */
typedef struct castor_request {
    size_t               size;
    castor_dialect       dialect;
    const char          *model;              /* "gemini-3.8-flash"; with or without "models/" */
    castor_str           system_instruction;
    const castor_turn   *turns;
    size_t               turn_count;
    castor_f64           temperature;
    castor_f64           top_p;
    castor_i64           top_k;
    castor_i64           max_output_tokens;  /* thinking included */
    castor_i64           candidate_count;
    castor_i64           seed;
    const char *const   *stop_sequences;     /* 5 at most */
    size_t               stop_sequence_count;
    castor_i64           thinking_budget;    /* tokens; 0 off, -1 dynamic; 2.5 models */
    const char          *thinking_level;     /* "minimal", "low", "medium", "high"; 3.x and later */
    int32_t              include_thoughts;
    const char          *response_mime_type; /* "application/json", ... */
    castor_str           response_schema;    /* JSON Schema as JSON text; implies application/json */
    const castor_safety *safety;
    size_t               safety_count;
    castor_str           tools_json;         /* the dialect's `tools` array as JSON text */
    castor_str           extra_json;
    castor_str           body_json;
    int64_t              total_timeout_ms;   /* 0: the client's; CASTOR_NO_LIMIT */
    int32_t              is_unary;           /* ask for the whole answer at once; castor_generate always does */
    int64_t              connect_timeout_ms; /* the other four limits; 0: the client's; CASTOR_NO_LIMIT */
    int64_t              tls_timeout_ms;
    int64_t              first_byte_timeout_ms;
    int64_t              idle_timeout_ms;
    const struct castor_retry_options *retry; /* NULL: the client's; else all of it stands in place of that */
    int32_t              hops_max;           /* requests that one long answer may take, where each ends at its limit
                                                with CONTINUATION and a token (gemini-4 models). To the caller
                                                it is one answer. 0: default 16; 1: it ends there, with MAX_TOKENS */
    int64_t              recorder_bytes;     /* 0: the client's; negative: none */
} castor_request;

#ifdef __cplusplus
#define CASTOR_INIT_OF(type) ([] { type init = type(); init.size = sizeof init; return init; }())
#else
#define CASTOR_INIT_OF(type) ((type){ .size = sizeof(type) })
#endif
#define CASTOR_REQUEST_INIT CASTOR_INIT_OF(castor_request)

/* ---- Events -------------------------------------------------------------------------------------------------- */

typedef enum castor_event_type {
    CASTOR_EVENT_NONE = 0,
    CASTOR_EVENT_TEXT,          /* text: a delta of the answer, whole characters */
    CASTOR_EVENT_THOUGHT,       /* text: a delta of the thought summary; never part of the answer */
    CASTOR_EVENT_FUNCTION_CALL, /* name, args as JSON, id if the server gave one */
    CASTOR_EVENT_MEDIA,         /* mime_type and data (base64 as it came), or uri */
    CASTOR_EVENT_CODE,          /* text: code that the model ran; language */
    CASTOR_EVENT_CODE_RESULT,   /* text: its output; outcome */
    CASTOR_EVENT_SIGNATURE,     /* a part that holds a signature and nothing to show */
    CASTOR_EVENT_OTHER,         /* a part or a record that we do not know: see raw */
    CASTOR_EVENT_USAGE,         /* the counts changed: castor_stream_usage() has them */
    CASTOR_EVENT_FINISH,        /* finish_reason and finish_message of one candidate; not of a request of a long answer
                                   that has a token to go on with. Nor need an answer that ends in ERROR have one */
    CASTOR_EVENT_RESTART        /* the answer begins anew: discard all that was given before. Only where
                                   castor_retry_options.restart allows it */
} castor_event_type;

/**
 * castor_event -- one thing that happened. Flat: the type says which views are filled, all others are absent.
 *
 * `raw` is the part's JSON (of FINISH: the candidate's; of USAGE: the usage object's) byte for byte as it came, so
 * that a history can be sent back with CASTOR_PART_RAW. A tool call that the openai dialect joins from fragments has
 * the `raw` of one whole tool_calls element. `record` is the whole JSON record that the event stood in; absent for
 * what was held back to the end.
 */
typedef struct castor_event {
    castor_event_type type;
    int32_t           candidate;      /* index; 0 when the server gives none */
    int32_t           is_partial;     /* FUNCTION_CALL: a piece of a call, or one that was cut off: do not run it */
    castor_str        text;
    castor_str        raw;
    castor_str        record;
    castor_str        signature;      /* base64 as it came; any part may have one */
    castor_str        id;
    castor_str        name;
    castor_str        args;           /* "{}" when the server gives none */
    castor_str        mime_type;
    castor_str        data;
    castor_str        uri;
    castor_str        language;
    castor_str        outcome;
    castor_str        finish_reason;  /* as the server spells it: "STOP", "length" */
    castor_str        finish_message;
    void             *reserved[4];
} castor_event;

/** The counts of one answer, the last that the server sent; of its hops, where it took several, the sum. Absent is
    unknown, not zero. */
typedef struct castor_usage {
    castor_i64 prompt_tokens;
    castor_i64 cached_tokens;      /* part of prompt_tokens */
    castor_i64 output_tokens;      /* the answer without thoughts */
    castor_i64 thought_tokens;
    castor_i64 tool_prompt_tokens;
    castor_i64 total_tokens;
    int32_t    is_partial;         /* the answer was not at its end when these came: more may have been used */
} castor_usage;

/** Milliseconds since the call began; absent until known. Of several attempts, what is true of the last. */
typedef struct castor_timing {
    castor_i64 connected_ms;  /* connection usable, TLS included; 0 when it was reused */
    castor_i64 first_byte_ms; /* of the body */
    castor_i64 first_text_ms; /* of the answer; thoughts do not count */
    castor_i64 total_ms;      /* until the verdict */
} castor_timing;

/* ---- Trying again -------------------------------------------------------------------------------------------- */

typedef struct castor_client  castor_client;
typedef struct castor_stream  castor_stream;
typedef struct castor_answer  castor_answer;
typedef struct castor_decoder castor_decoder;

#define CASTOR_NO_LIMIT ((int64_t)-1)

/**
 * castor_attempt -- one attempt that failed and will be followed by another, as castor_retry_options.on_attempt is told
 * of it. Everything in it lives until the hook returns. What the last attempt came to, the stream tells.
 */
typedef struct castor_attempt {
    int32_t             number;       /* from 1; anew in each hop of a long answer */
    int32_t             attempts_max;
    castor_str          model;        /* that it asked */
    castor_str          next_model;   /* that the next one asks: the same, or a fallback model */
    const castor_error *error;        /* what it came to; its retry_after_ms is the server's own delay */
    castor_usage        usage;        /* what it cost, as far as the server has told; with is_restart, the hops before
                                         it too. Not part of the stream's usage, unless it stands in the end */
    int64_t             delay_ms;     /* from now to the next one */
    int32_t             is_restart;   /* events of it were given: if the next brings any, RESTART comes before them */
} castor_attempt;

/**
 * castor_retry_options -- what is sent again by itself, how often and when. Zero is the default of each.
 *
 * Sent again    What failed before the first event was given: no connection, or not in time (the limits for connection
 *               and TLS), a connection that was cut, and the errors 408, 429, 500, 502, 503, 504.
 * Never         400, 401, 403, 404; a quota that no short wait mends (QUOTA_DAY); a certificate that is not trusted; a
 *               server that is silent beyond the limits for the first byte, idle and total. And nothing once an event
 *               was given, unless `restart` allows to begin anew: the events of the next attempt then have
 *               CASTOR_EVENT_RESTART in front. When it brings none, what was given stands, with its verdict;
 *               with TIMEOUT, where a limit of time was the end.
 * Delays        Any time up to first_delay_ms, up to twice that, and so on, up to delay_max_ms (full jitter); longer by
 *               what the server asks for (RetryInfo, Retry-After, retry-after-ms, else its sentence). Where that is
 *               more than is left of the budget or of the total limit, the call ends at once: retry_after_ms tells
 *               how long, QUOTA_NOW that it was a quota. None where a connection was lost that had been kept
 *               from an earlier call: servers close those.
 * Other models  When the server is overloaded (503), the next of the fallback models is asked at once, and from then on
 *               only that; after the last it goes on with delays. Each is an attempt. Whichever answered:
 *               castor_stream_model_version. A long answer goes on (hops_max) with the model that began it.
 * Waiting       takes no thread and no connection, and goes on in castor_stream_next, castor_client_wait and in the
 *               caller's loop. Such a stream keeps its place among streams_max: a server in trouble is not asked by
 *               more of them. (One whose events were taken only after its body had ended has given it up; it waits
 *               for the next, before all that have not begun.) The total limit goes on; castor_stream_cancel ends it
 *               at once.
 * The hook      is called inside the functions that move a client or take from a stream. Of this library it may call
 *               castor_stream_cancel.
 */
typedef struct castor_retry_options {
    size_t             size;
    int32_t            attempts_max;         /* default 4; 1: never again */
    int32_t            restart;              /* times that an answer may begin anew; default never */
    int64_t            budget_ms;            /* default 120 s from the first attempt on: none begins later. Counts anew
                                                when the answer begins anew or its next hop begins. CASTOR_NO_LIMIT:
                                                none */
    int64_t            first_delay_ms;       /* default 1 s */
    int64_t            delay_max_ms;         /* default 60 s; the server's own may be longer */
    const char *const *fallback_models;      /* names as in castor_request.model; 4 KiB in all, with a NUL behind each */
    size_t             fallback_model_count;
    void             (*on_attempt)(void *user, castor_stream *stream, const castor_attempt *attempt); /* or NULL */
    void              *on_attempt_user;
} castor_retry_options;

#define CASTOR_RETRY_OPTIONS_INIT CASTOR_INIT_OF(castor_retry_options)

/* ---- Client -------------------------------------------------------------------------------------------------- */

/** The caller's memory. All three functions; the first two may return NULL. Copied. libcurl keeps its own. */
typedef struct castor_allocator {
    void *(*allocate)(void *user, size_t size);
    void *(*reallocate)(void *user, void *block, size_t old_size, size_t size);
    void (*release)(void *user, void *block);
    void *user;
} castor_allocator;

/**
 * castor_client_options -- settings of a client. Strings are copied.
 *
 * From the environment, unless set here or ignore_environment: GOOGLE_API_KEY, then GEMINI_API_KEY;
 * GOOGLE_GEMINI_BASE_URL; SSL_CERT_FILE and SSL_CERT_DIR (a bundle, and a directory as `openssl rehash` leaves it: both
 * in place of the system's); https_proxy, http_proxy, all_proxy and no_proxy, also in capitals but for HTTP_PROXY,
 * which a web server may have set from a request. An empty variable counts as unset.
 *
 * Servers are always verified, certificate and name, and so are proxies that speak TLS, by the same certificates: no
 * option, environment variable or build of ours switches that off. (libcurl itself honours SSLKEYLOGFILE, which shows
 * the keys of TLS to who has set it.)
 */
typedef struct castor_client_options {
    size_t                  size;
    const char             *api_key;               /* sent in a header only; our copies are wiped. With less
                                                      than four letters it is not looked for in what servers say */
    const char             *base_url;              /* any path, with or without a trailing slash; of the openai
                                                      dialect the part before /chat/completions */
    castor_dialect          dialect;
    const char             *proxy;                 /* "http://me:pass@host:port", https, socks4, socks4a, socks5,
                                                      socks5h (names are resolved there); "" for none */
    const char             *ca_file;               /* PEM bundle in place of the system's, and of SSL_CERT_DIR's */
    const char             *user_agent;            /* put before our own */
    int32_t                 force_http1;           /* do not negotiate HTTP/2 */
    int32_t                 ignore_environment;
    int64_t                 connect_timeout_ms;    /* 0: default 10 s; CASTOR_NO_LIMIT: none; so all five */
    int64_t                 tls_timeout_ms;        /* default 10 s */
    int64_t                 first_byte_timeout_ms; /* default 600 s: thinking models are silent for minutes */
    int64_t                 idle_timeout_ms;       /* default 300 s */
    int64_t                 total_timeout_ms;      /* default none for streams, 600 s for castor_generate */
    size_t                  event_bytes_max;       /* 0: default 64 MiB; an event that takes more is LIMIT */
    const castor_allocator *allocator;             /* NULL: malloc */
    void                  (*log)(void *user, const char *line); /* NULL: none; lines about connections, no key. It must
                                                      not call this library for its client */
    void                   *log_user;
    int64_t                 streams_max;           /* under way at a time, 0: default 256. Those beyond wait their turn,
                                                      first come first served, for less than 1 KiB and their request;
                                                      of all limits only the total one runs. One that nobody takes
                                                      from keeps its place: open no more than that and wait for them */
    int64_t                 host_connections_max;  /* to one host; 0: as many as streams_max */
    int64_t                 connection_streams_max; /* that share an HTTP/2 connection; 0: default 1. With more, libcurl
                                                      keeps up to 32 MiB of a stream that nobody takes from, and
                                                      7.88.1 rarely leaves some unread until a limit of time */
    const castor_retry_options *retry;             /* NULL: the defaults. Copied, but for what the hook's user is */
    int64_t                 recorder_bytes;        /* of each answer that castor_stream_dump can tell, the last ones; 0:
                                                      none. Memory is taken as bytes come, up to 5/4 of it a stream;
                                                      from 1 KiB to 128 MiB */
    const char             *no_proxy;              /* hosts to speak to without a proxy: "localhost,.corp,a.test:81";
                                                      "" for none, "*" for all. See castor(1) */
    const char             *client_cert_file;      /* PEM: who we are, for servers that ask; with the chain, if any */
    const char             *client_key_file;       /* PEM; NULL: the key is in client_cert_file */
    const char             *client_key_password;   /* of that key; nobody is asked for one. Our copy is wiped */
} castor_client_options;

#define CASTOR_CLIENT_OPTIONS_INIT CASTOR_INIT_OF(castor_client_options)

/**
 * castor_client_new -- settings and a pool of connections. No network is touched and no key is needed yet.
 *
 * Errors:    INVALID (a malformed base URL, a key or user agent with line breaks, a count below zero, an allocator that
 *            lacks a function), NO_MEMORY, NETWORK (no descriptor is left).
 */
CASTOR_API castor_status castor_client_new(castor_client **out, const castor_client_options *options,
                                           castor_error *err);

/** Closes what is still open, its streams too (their handles then only know their verdict and must be closed). */
CASTOR_API void castor_client_free(castor_client *client);

/** Whether a key was given or found in the environment. */
CASTOR_API int32_t castor_client_has_key(const castor_client *client);

/**
 * castor_client_preview -- the request as it would be sent: method and URL, headers with the key hidden, blank
 * line, body. Sends nothing and needs no key.
 *
 * Ownership: `*out` is the client's, until the next preview or castor_client_free.
 * Errors:    as castor_stream_open before it sends.
 */
CASTOR_API castor_status castor_client_preview(castor_client *client, const castor_request *request,
                                               castor_str *out, castor_error *err);

/**
 * castor_client_wait -- moves all streams of the client for as long as nothing is ready, `timeout_ms` at most
 * (CASTOR_NO_LIMIT: until something is). For several answers in one thread: wait, then castor_stream_poll each; or
 * give them listeners (castor_stream_listen), which it calls.
 *
 * Shape:     returns OK when some stream has an event or its end ready and no listener for it, or the time is up, or
 *            the end of all has been told. With 0 it does what can be done without waiting.
 * Errors:    NO_MEMORY, NETWORK (the wait itself failed, and with it all streams under way), INVALID (the client is
 *            attached to a loop, or is calling a listener). What befalls one stream is told by that stream.
 */
CASTOR_API castor_status castor_client_wait(castor_client *client, int64_t timeout_ms, castor_error *err);

/* ---- Stream -------------------------------------------------------------------------------------------------- */

typedef enum castor_step {
    CASTOR_STEP_EVENT = 0, /* an event is in your hands */
    CASTOR_STEP_DONE = 1,  /* the answer is whole: verdict COMPLETE, and only then */
    CASTOR_STEP_ERROR = 2, /* it ended otherwise: err and castor_stream_verdict tell; keep what you got */
    CASTOR_STEP_WAIT = 3   /* nothing yet (castor_stream_poll, castor_decoder_next, clients with a loop) */
} castor_step;

/**
 * castor_stream_open -- prints the request, starts sending it, and returns without waiting for the server.
 *
 * Ownership: close `*out` with castor_stream_close. It must not outlive the client.
 * Errors:    INVALID (refused before sending: message names the field), LIMIT (a body of more than 512 MiB),
 *            NO_MEMORY. A missing key is INVALID with verdict AUTH. Network trouble is told by castor_stream_next.
 */
CASTOR_API castor_status castor_stream_open(castor_stream **out, castor_client *client,
                                            const castor_request *request, castor_error *err);

/**
 * castor_stream_next -- the next event of the answer; waits for it.
 *
 * Shape:     EVENT, any number of times, then one DONE or ERROR, and the same again if asked again. WAIT only on a
 *            client that is attached to a loop: that one waits.
 * Ownership: `event` is yours; its views live until the next call on the client or any stream of it.
 * Errors:    any status; INVALID only for a NULL. err.verdict is the answer's verdict.
 * Threads:   one thread at a time; castor_stream_cancel from any.
 * Source:    HTML Standard, "Interpreting an event stream"; Gemini API, streamGenerateContent with alt=sse.
 */
CASTOR_API castor_step castor_stream_next(castor_stream *stream, castor_event *event, castor_error *err);

/** The same from what has arrived: WAIT when nothing is at hand. It moves nothing; castor_client_wait does. */
CASTOR_API castor_step castor_stream_poll(castor_stream *stream, castor_event *event, castor_error *err);

/**
 * Ends the answer soon with verdict CANCELLED. The one call that is safe from any thread or a signal handler, as long
 * as stream and client are not closed or freed meanwhile.
 */
CASTOR_API void castor_stream_cancel(castor_stream *stream);

/**
 * castor_stream_close -- in any state. A short known tail (at most 16 KiB, 100 ms) is read so that the connection
 * can be used again; a long one is cut off. On an attached client the loop reads it afterwards.
 */
CASTOR_API void castor_stream_close(castor_stream *stream);

/* Readable at any time, as far as known; after the end in full. Views live until the next call that moves the client or
   takes from the stream; those taken after the end, until castor_stream_close. */
CASTOR_API castor_verdict      castor_stream_verdict(const castor_stream *stream);
CASTOR_API const castor_error *castor_stream_error(const castor_stream *stream); /* NULL unless it ended in ERROR */
CASTOR_API castor_usage        castor_stream_usage(const castor_stream *stream);
CASTOR_API castor_timing       castor_stream_timing(const castor_stream *stream);
CASTOR_API int32_t             castor_stream_attempts(const castor_stream *stream);      /* requests sent so far */
CASTOR_API int32_t             castor_stream_http_status(const castor_stream *stream);   /* 0: no answer yet */
CASTOR_API castor_str          castor_stream_response_id(const castor_stream *stream);
CASTOR_API castor_str          castor_stream_model_version(const castor_stream *stream);
CASTOR_API castor_str          castor_stream_finish_reason(const castor_stream *stream); /* the last of candidate 0 */
CASTOR_API castor_str          castor_stream_block_reason(const castor_stream *stream);  /* of the prompt */
CASTOR_API castor_str          castor_stream_error_body(const castor_stream *stream);    /* of the last attempt, as it
                                                                                            came, 1 MiB at most;
                                                                                            servers may quote keys */

/**
 * castor_stream_dump -- what the flight recorder holds, as a script: `pollux --script FILE` answers with the same
 * bytes, cut at the same places, after the same pauses, and ends as the server did. For reports of what went wrong.
 *
 * Shape:     text, the format of docs/wire-cases.md, in ASCII. At any time, and of the stream of an answer
 *            (castor_answer_stream) as well; the first dump ends the recording. Of an
 *            answer that took several attempts, the last one. Where the recorder was too small, the script says how
 *            many bytes are missing and begins with the first whole event that is left; an answer in JSON cannot be
 *            played then, and the script says so.
 *            The URL without its query, status, content type and body are in it; the key, all other headers and the
 *            request's body are not. A key that the body quotes is covered with asterisks. The answer is not.
 *            A body that came compressed is recorded, and played, as it was before.
 * Units:     pauses in milliseconds.
 * Ownership: `*out` is the stream's, until the next dump or castor_stream_close.
 * Errors:    INVALID (no recorder: see recorder_bytes), NO_MEMORY.
 */
CASTOR_API castor_status castor_stream_dump(const castor_stream *stream, castor_str *out, castor_error *err);

/* ---- In the caller's own event loop -------------------------------------------------------------------------- */

/*
 * One machine with three faces. castor_stream_next waits for one answer and castor_client_wait for several; here the
 * application's own loop waits, and each answer has a listener that is called with what comes:
 *
 *     castor_client_attach(client, &loop, &err);     or the adapter of your loop: <castor/adapters/libuv.h>, ...
 *     castor_stream_open(&answer, client, &request, &err);
 *     castor_stream_listen(answer, on_step, me);
 *     ... run the loop: it calls castor_client_ready and castor_client_tick, and these call on_step ...
 *
 * A client without streams under way has nothing in the loop: one that ends by itself when it has nothing to wait for
 * ends with the last answer. docs/async.md has each loop in about twenty lines.
 *
 * What may be done when
 *   1  Listeners are called inside castor_client_ready, castor_client_tick and castor_client_wait, and inside nothing
 *      else; never one inside another, and never by castor_stream_listen itself.
 *   2  What `event` shows lives until the listener returns, or calls this library for the same client.
 *   3  The end is told once to each listener, as the last it is told. The stream lives on until it is closed.
 *   4  Closing: any stream, anywhere, its own listener included. That listener is never called again for it.
 *   5  Opening: anywhere. Nothing of the new stream is told before the listener that opened it has returned.
 *   6  Cancelling: anywhere, from any thread. The listener is told ERROR, with verdict CANCELLED, in its turn.
 *   7  Freeing the client: anywhere, in a listener too. No listener is called again. The handles of its streams know
 *      their verdict, CANCELLED where they were under way, and are still to be closed.
 *   8  Listening: anew at any time, in a listener too; the one before is not called again. With NULL nobody is called:
 *      events wait for castor_stream_poll or the next listener. A listener that comes after the end is told the end.
 *   9  Not taking: a stream whose events nobody takes stops reading when 1 MiB of them waits (or one event, where that
 *      is larger); its time limits rest, and its neighbours go on. It reads again when 256 KiB are left.
 *  10  Waiting in a listener: castor_client_ready and castor_client_tick do nothing there, castor_client_wait and
 *      castor_client_attach are refused.
 *  11  The three functions of castor_loop must not call this library for the client that calls them.
 */

/** What a descriptor is to be watched for, or is ready for. A set of bits. */
enum { CASTOR_READ = 1, CASTOR_WRITE = 2 };

/**
 * castor_loop -- three things that the client asks of a loop. Each gets `user`.
 *
 * `watch`    Call castor_client_ready whenever `fd` is ready for what `interest` names, from now on, in place of what
 *            was asked for `fd` before (level-triggered). 0: no more; `fd` may be closed already, or right after.
 * `timer`    Call castor_client_tick once, `delay_ms` from now, in place of what was asked before. Negative: never.
 * `detach`   The client needs nothing any more; the last call ever made with this `user`. May be NULL.
 *
 * The first two return 0, or anything else if they cannot: then all streams under way end with NO_MEMORY.
 */
typedef struct castor_loop {
    size_t    size;
    int32_t (*watch)(void *user, int fd, int32_t interest);
    int32_t (*timer)(void *user, int64_t delay_ms);
    void    (*detach)(void *user);
    void     *user;
} castor_loop;

#define CASTOR_LOOP_INIT CASTOR_INIT_OF(castor_loop)

/**
 * castor_client_attach -- from now on the caller's loop waits for the client; NULL: the client does so itself again.
 *
 * Shape:     on an attached client castor_stream_next returns WAIT where it would wait, and castor_client_wait and
 *            castor_generate are refused. Streams may be under way. A loop that was attached before is detached.
 * Ownership: the struct is copied; what `user` points to must live until `detach` is called: by this function or by
 *            castor_client_free.
 * Errors:    INVALID (a function is missing, or called inside a listener), NO_MEMORY (watch failed). The client then
 *            has no loop, and `detach` is not called.
 */
CASTOR_API castor_status castor_client_attach(castor_client *client, const castor_loop *loop, castor_error *err);

/** The loop saw `fd` come alive; `ready` is CASTOR_READ, CASTOR_WRITE or, of trouble, both. Extra calls do no harm. */
CASTOR_API void castor_client_ready(castor_client *client, int fd, int32_t ready);

/** The timer rang. Needless calls do no harm. */
CASTOR_API void castor_client_tick(castor_client *client);

/**
 * castor_listen_fn -- a listener: called for each event, and for the end.
 *
 * `step` is EVENT with an `event`, or DONE or ERROR without one (NULL); castor_stream_error then tells what went wrong.
 */
typedef void castor_listen_fn(void *user, castor_stream *stream, castor_step step, const castor_event *event);

/**
 * castor_stream_listen -- who is told what comes of this stream; NULL: nobody, its caller polls.
 *
 * With a loop or without one: then castor_client_wait is the loop, and with CASTOR_NO_LIMIT it returns when all that is
 * listened to has ended.
 */
CASTOR_API void castor_stream_listen(castor_stream *stream, castor_listen_fn *fn, void *user);

/* ---- The whole answer ---------------------------------------------------------------------------------------- */

/**
 * castor_generate -- one call, the whole answer, by the dialect's unary method.
 *
 * Ownership: free `*out` with castor_answer_free. It is set whenever the call was sent, on errors too: it then
 *            holds what arrived and the verdict. NULL only when nothing was sent. What came of an answer that began
 *            anew is discarded, and RESTART not kept.
 * Errors:    OK only for verdict COMPLETE; else as castor_stream_open and castor_stream_next. INVALID on a client that
 *            is attached to a loop, which it would hold up.
 */
CASTOR_API castor_status castor_generate(castor_answer **out, castor_client *client, const castor_request *request,
                                         castor_error *err);

/** The text of one candidate, thoughts left out; NUL-terminated. */
CASTOR_API castor_str castor_answer_text(const castor_answer *answer, int32_t candidate);

/** All events in order, index below castor_answer_event_count; views live as long as the answer. */
CASTOR_API size_t              castor_answer_event_count(const castor_answer *answer);
CASTOR_API const castor_event *castor_answer_event(const castor_answer *answer, size_t index);

/** The ended stream behind the answer, for verdict, usage, timing, ids and error. Do not close it. */
CASTOR_API const castor_stream *castor_answer_stream(const castor_answer *answer);

CASTOR_API void castor_answer_free(castor_answer *answer);

/* ---- Decoder: the same without a network --------------------------------------------------------------------- */

/** How the bytes came to their end. */
typedef enum castor_end {
    CASTOR_END_CLEAN = 0, /* the transport says that the body is whole */
    CASTOR_END_LOST = 1   /* the connection was lost */
} castor_end;

typedef struct castor_decoder_options {
    size_t                  size;
    castor_dialect          dialect;         /* DEFAULT: told from the bytes */
    const char             *content_type;    /* of the answer; NULL: told from the bytes */
    int32_t                 http_status;     /* 300 and above: the body is an error body; 0 counts as 200 */
    size_t                  event_bytes_max; /* 0: default 64 MiB */
    const castor_allocator *allocator;
} castor_decoder_options;

#define CASTOR_DECODER_OPTIONS_INIT CASTOR_INIT_OF(castor_decoder_options)

CASTOR_API castor_status castor_decoder_new(castor_decoder **out, const castor_decoder_options *options,
                                            castor_error *err);

/**
 * castor_decoder_feed -- takes bytes as they came from the network, in pieces of any size, and copies them once.
 *
 * Errors:    NO_MEMORY, LIMIT (more than two of the largest events wait to be taken): nothing was taken. One event
 *            larger than event_bytes_max is told by castor_decoder_next.
 */
CASTOR_API castor_status castor_decoder_feed(castor_decoder *decoder, const void *bytes, size_t len,
                                             castor_error *err);

/** Says that no more bytes will come, and how the body ended. */
CASTOR_API void castor_decoder_end(castor_decoder *decoder, castor_end end);

/** EVENT while there is one; WAIT for more bytes; after castor_decoder_end DONE or ERROR. */
CASTOR_API castor_step castor_decoder_next(castor_decoder *decoder, castor_event *event, castor_error *err);

CASTOR_API castor_verdict castor_decoder_verdict(const castor_decoder *decoder);
CASTOR_API castor_usage   castor_decoder_usage(const castor_decoder *decoder);
CASTOR_API castor_str     castor_decoder_response_id(const castor_decoder *decoder);
CASTOR_API castor_str     castor_decoder_model_version(const castor_decoder *decoder);
CASTOR_API castor_str     castor_decoder_finish_reason(const castor_decoder *decoder); /* the last of candidate 0 */
CASTOR_API castor_str     castor_decoder_block_reason(const castor_decoder *decoder);  /* of the prompt */
CASTOR_API castor_dialect castor_decoder_dialect(const castor_decoder *decoder);

CASTOR_API void castor_decoder_free(castor_decoder *decoder);

/* ---- Text on a terminal -------------------------------------------------------------------------------------- */

/**
 * castor_safe_text -- what is remembered between two pieces of one text. All zero: a text begins. The fields are the
 * library's.
 */
typedef struct castor_safe_text {
    uint32_t code;
    uint32_t missing;
    uint32_t least;
    uint32_t most;
    uint32_t unseen;
    uint32_t reserved[3];
} castor_safe_text;

/**
 * castor_safe_text_feed -- the form of a text in which it can do a terminal no harm. A model repeats what it has read,
 * so its text, and a server's messages too, may hold sequences that move the cursor, write the clipboard, set a title,
 * or make the reader see something else than stands there.
 *
 *     castor_safe_text safe = { 0 };                                        once for each text, not for each event
 *     char             line[256];
 *     castor_str       text = event.text;
 *     while (text.len > 0) fwrite(line, 1, castor_safe_text_feed(&safe, &text, line, sizeof line), stdout);
 *
 * Shape:     takes bytes off the front of `*text` and writes their harmless form to `out`, as much as fits; returns the
 *            length written. The text may be cut anywhere, also inside a character: the same comes out.
 *            kept      all that is seen; newline and tab; what shows nothing but works upon its neighbours (joiners and
 *                      variation selectors of emoji, zero width spaces, LRM and RLM, soft hyphens): two in a row
 *            shown     every other C0 control as its picture (ESC as U+241B, CR as U+240D), DEL as U+2421
 *            U+FFFD    C1 controls; bidirectional embeddings, overrides and isolates; tag characters, annotation
 *                      controls and their like; from the third on what shows nothing, as hidden text does; bytes that
 *                      are not UTF-8
 *            With its ESC gone the rest of a sequence is plain text. What comes out goes in again unchanged.
 * Units:     `size` in bytes, 4 at least (with less the text is taken and nothing written). 3 * text->len + 7 bytes
 *            take it whole.
 * Errors:    none; nothing is allocated.
 * Threads:   any; `state` by one at a time.
 */
CASTOR_API size_t castor_safe_text_feed(castor_safe_text *state, castor_str *text, char *out, size_t size);

/** Says that the text ends here: writes a U+FFFD (3 bytes) for a character that was cut off, else nothing. */
CASTOR_API size_t castor_safe_text_end(castor_safe_text *state, char *out);

/* ---- Names --------------------------------------------------------------------------------------------------- */

/* All return static text and take any number: "UNKNOWN" for one that they do not know. */
CASTOR_API const char *castor_version(void);                          /* of the library that runs: "0.1.0" */
CASTOR_API const char *castor_status_name(castor_status status);      /* "NO_MEMORY" */
CASTOR_API const char *castor_verdict_name(castor_verdict verdict);   /* "COMPLETE" */
CASTOR_API int32_t     castor_verdict_exit(castor_verdict verdict);   /* 0 for COMPLETE, 7 for TRUNCATED, ... */
CASTOR_API const char *castor_event_name(castor_event_type type);     /* "function_call" */
CASTOR_API const char *castor_time_limit_name(castor_time_limit limit); /* "first byte" */
CASTOR_API const char *castor_dialect_name(castor_dialect dialect);   /* "gemini" */

/** The dialect of that name; DEFAULT for an unknown one. */
CASTOR_API castor_dialect castor_dialect_from_name(const char *name);

#ifdef __cplusplus
}
#endif

#endif
