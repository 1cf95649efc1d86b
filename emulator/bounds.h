/* bounds.h -- every size, count and time that pollux refuses to pass, in one place, with the reason.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_BOUNDS_H
#define PLX_BOUNDS_H

#include <stdint.h>

enum {
    /* requests */
    PLX_HEAD_BYTES_MAX        = 32 << 10, /* request line and headers; Google's front end stops at about as much */
    PLX_TARGET_BYTES_MAX      = 8 << 10,  /* the request target alone */
    PLX_HEADERS_MAX           = 100,
    PLX_CHUNK_LINE_BYTES_MAX  = 256,      /* a chunk size with its extensions */
    PLX_TRAILER_BYTES_MAX     = 8 << 10,
    PLX_QUERY_MAX             = 16,       /* parameters in a query; the rest is ignored */
    PLX_BODY_BYTES_MAX        = 128 << 20, /* of a body that is held, JSON; the service says 100 MB */
    PLX_BLANK_LINES_MAX       = 2,        /* before a request line: some clients end a body with one too many */

    /* connections */
    PLX_CONNECTIONS_MAX       = 20000,    /* twice the streams that one process is meant for; or fewer descriptors */
    PLX_BACKLOG               = 4096,     /* of the kernel, not yet accepted: a burst of clients must not be refused */
    PLX_READ_BYTES            = 64 << 10,
    PLX_ANSWER_HEAD_BYTES_MAX = 256 << 10, /* of an answer; faults may want more than clients bear */
    PLX_OUTBOX_BYTES          = 64 << 10, /* what one connection writes in one go; shared by all */
    PLX_TLS_RECORD_BYTES      = 16 << 10, /* RFC 8446, 5.1 */
    PLX_PIPELINE_BYTES_MAX    = 256 << 10, /* read ahead while an answer is under way; then the client must wait */
    PLX_BODY_PIECE_BYTES      = 64 << 10, /* of a script's bytes, per HTTP chunk */
    PLX_BACKLOG_BYTES_HIGH    = 256 << 10, /* unsent bytes at which an answer, or the next request, has to wait */
    PLX_PACKETS_A_TURN        = 256,      /* of a shaped answer; then the others have their turn */
    PLX_STREAMS_MAX           = 100,      /* at once on an HTTP/2 connection; what public front ends allow */

    /* how long clients may take; the server's limits can set others */
    PLX_HANDSHAKE_MS          = 10 * 1000, /* for all of TLS, in which nobody has to think */
    PLX_HEAD_MS               = 30 * 1000, /* from its first byte to its last, however they trickle */
    PLX_REQUEST_IDLE_MS       = 60 * 1000, /* for the next request, or the first */
    PLX_BODY_IDLE_MS          = 60 * 1000, /* between two bytes of a body */
    PLX_READER_STALL_MS       = 300 * 1000, /* for a client that takes none of its answer */
    PLX_HALF_CLOSED_POLL_MS   = 1000,     /* how often a client that sends no more is looked at: is it still there? */
    PLX_KEEPALIVE_S           = 10,       /* how often its kernel is asked; Linux forgets a closed socket after 60 */
    PLX_IGNORED_MS            = 15 * 60 * 1000, /* a connection never answered; clients wait ten minutes at most */
    PLX_DRAIN_MS              = 1000,     /* what the client still sends is read this long, so that it can read us */
    PLX_LOST_WAIT_MS          = 1000,     /* for the last bytes to reach the client before its connection is reset */
    PLX_GRACE_MS              = 30 * 1000, /* default: for the answers under way after SIGTERM */

    /* what is asked */
    PLX_CANDIDATES_MAX        = 8,
    PLX_STOP_SEQUENCES_MAX    = 5,
    PLX_STOP_BYTES_MAX        = 1 << 10,  /* of one stop sequence; the service's limit is not known */
    PLX_SCHEMA_DEPTH_MAX      = 24,       /* deeper schemas end in null */
    PLX_SCHEMA_BYTES_MAX      = 1 << 20,  /* of a made-up document: references can multiply */
    PLX_SCHEMA_STEPS_MAX      = 1 << 22,  /* values looked at for one: 2,000 references into 2,000 definitions */
    PLX_VIOLATIONS_MAX        = 16,       /* unknown fields that one error names */
    PLX_TURN_CALLS_MAX        = 64,       /* calls of one turn whose names are compared with the results */
    PLX_FUNCTIONS_MAX         = 512,      /* declarations in one request, as the service has it */
    PLX_ASKED_BYTES_MAX       = 64 << 10, /* of a prompt, what is searched for words that mean something to pollux */
    PLX_SEARCHED_BYTES_MAX    = 32 << 20, /* of it, searched for the names and choices of schemas in one go */
    PLX_DESCRIPTION_BYTES_MAX = 1 << 10,  /* of a function's, what is compared with the prompt */
    PLX_NUMBER_BYTES_MAX      = 32,       /* of a number in a prompt; longer ones are none */
    PLX_OFFERS_MAX            = 8,        /* names, quotations, numbers in a prompt that arguments are made of */
    PLX_PATTERN_REPEATS_MAX   = 1000,     /* in a schema's regular expression; more is refused */

    PLX_QUOTA_ACCOUNTS_MAX    = 1024,     /* keys and models whose use is counted; then the one longest unused goes */

    /* models */
    PLX_MODELS_MAX            = 256,      /* of a file of models; there are some fifty */
    PLX_MODEL_METHODS_MAX     = 8,
    PLX_MODEL_FILE_BYTES_MAX  = 1 << 20,
    PLX_EMBED_BATCH_MAX       = 100,      /* texts of one call, as the service has it */
    PLX_DIMENSIONS_MAX        = 4096,     /* of an embedding; Google's longest has 3,072 */

    /* what is answered */
    PLX_PIECE_TOKENS          = 4,        /* about so many tokens of text a chunk */
    PLX_BYTES_PER_TOKEN       = 4,
    PLX_CALLS_MAX             = 8,        /* of functions in one answer */
    PLX_MADE_TOKENS_MAX       = 1 << 20,  /* of a text that pollux makes up: the window of the largest model */
    PLX_MADE_WORDS_MAX        = 20000,
    PLX_PIECES_MAX            = 1 << 20,
    PLX_EVENT_BYTES_MAX       = 128 << 20, /* one encoded chunk or body */

    /* control */
    PLX_TALLIES_MAX           = 256,      /* endpoints by status that are counted apart */
    PLX_STORES_MAX            = 16,       /* that POST /pollux/reset empties */
    /* the upstream */
    PLX_UPSTREAM_CONNECT_MS      = 10 * 1000,
    PLX_UPSTREAM_SILENCE_MS      = 300 * 1000, /* default: a large model on a small machine thinks for minutes */
    PLX_UPSTREAM_CONNECTIONS_MAX = 256,        /* others wait for one of these */
    PLX_UPSTREAM_INBOX_BYTES     = 256 << 10,  /* that its client has not taken; then it has to wait */
    PLX_UPSTREAM_ERROR_BYTES_MAX = 64 << 10,   /* of the body of an error; the rest is dropped */
    PLX_UPSTREAM_CALLS_MAX       = 128,        /* of functions, in one turn of a conversation */

    /* the library */
    PLX_WORDS_MAX             = 256,      /* of a command line that a program gives */

    /* files, caches and batches */
    PLX_FILES_MAX             = 10000,    /* their records alone; few have content that is kept */
    PLX_UPLOADS_MAX           = 1000,     /* under way, or ended and still asked about */
    PLX_UPLOAD_LIFE_S         = 7 * 24 * 3600,
    PLX_FILE_LIFE_S           = 48 * 3600,
    PLX_FILE_PROCESSING_MS    = 2000,     /* default: what audio and video take; "seconds", says the service */
    PLX_FILE_META_BYTES_MAX   = 64 << 10, /* what is told about a file before its bytes */
    PLX_FILE_ID_BYTES_MAX     = 40,
    PLX_DISPLAY_NAME_CHARS_MAX = 512,     /* says the service */
    PLX_MIME_TYPE_BYTES_MAX   = 255,
    PLX_BOUNDARY_BYTES_MAX    = 70,       /* RFC 2046, 5.1.1 */
    PLX_REGISTER_MAX          = 100,      /* files in one call */
    PLX_DOWNLOAD_PIECE_BYTES  = 64 << 10,
    PLX_BATCH_MS              = 3000,     /* default: from a batch's creation to its results */
    PLX_CACHES_MAX            = 1000,
    PLX_CACHE_NAME_CHARS_MAX  = 128,      /* says the service */
    PLX_BATCHES_MAX           = 2000,     /* of all keys; then the oldest that has ended goes */
    PLX_BATCHES_AT_ONCE_MAX   = 100,      /* of one key, says the service */
    PLX_BATCH_LIFE_S          = 48 * 3600, /* pending or running */
    PLX_BATCH_KEPT_S          = 30 * 24 * 3600, /* ended; how long the service keeps them is not known */
    PLX_BATCH_INLINE_BYTES_MAX = 20 << 20,
    PLX_BATCH_SLICE_US        = 5000,     /* of work on one, before others have their turn ... */
    PLX_TURN_US               = 1000,     /* ... for so long; with no wait at all a timer would rob them of it */
    PLX_BLOBS_MAX             = 4096,     /* contents that are kept; each of some size has a descriptor */
    PLX_BLOB_MEMORY_BYTES     = 64 << 10, /* what is larger goes to a temporary file */
    PLX_BLOB_LINE_BYTES_MAX   = 32 << 20, /* a batch's row may hold an image of 20 MB, and its base64 */

    /* interactions */
    PLX_INTERACTIONS_MAX      = 4096,      /* kept at once; after that the oldest are forgotten */
    PLX_INTERACTIONS_BYTES_MAX = 256 << 20, /* of all that are kept; the same */
    PLX_INTERACTION_LIFE_S    = 24 * 3600, /* the free tier's retention: one day */
    PLX_INTERACTION_HOPS_MAX  = 32,        /* of a long answer in the background: twice the largest window */
    PLX_INTERACTION_CALLS_MAX = 128,       /* function calls that wait for their results */
    PLX_FOLLOW_NAP_MS         = 500,       /* a follower looks again this often: the run may have been cancelled, or
                                              the world's clock moved */
    PLX_RESEARCH_MS           = 12 * 1000, /* what a research agent takes before it writes; minutes with the service */

    /* faults */
    PLX_FAULTS_MAX            = 8,        /* in one spec */
    PLX_FAULT_SPEC_BYTES_MAX  = 512,
    PLX_FAULT_TEXT_BYTES_MAX  = 128,      /* of an argument */
    PLX_FAULT_QUEUE_BYTES_MAX = 512 << 20, /* of a spoilt answer that waits: one byte is one step at worst */
    PLX_SPLIT_PAUSE_US        = 1000,     /* so that a client that reads at once reads the parts apart */
    PLX_FAULTS_ARMED_MAX      = 64,       /* by control calls, at the same time */
    PLX_FAULT_HISTORY_MAX     = 4096,     /* spoilt answers that are remembered */
    PLX_CHAOS_FAULTS_MAX      = 64,       /* among which chaos chooses */
    PLX_FAULT_TALLIES_MAX     = 1024,     /* requests that are being refused "n times", remembered */

    /* scripts */
    PLX_SCRIPTS_MAX           = 64,       /* on the command line */
    PLX_SCRIPTS_PLAYED_MAX    = 1 << 16,  /* with those that come while it runs: one for each test of a large suite */
    PLX_SCRIPT_FILE_BYTES_MAX = 64 << 20,
    PLX_CASE_BYTES_MAX        = 512 << 20, /* of one case with its repetitions */
    PLX_WAIT_MS_MAX           = 24 * 3600 * 1000
};

/* How far the world's clock can be moved: a century, so that no sum of times overflows. */
static const int64_t PLX_CLOCK_AHEAD_S_MAX = 100ll * 366 * 24 * 3600;

/* Of any body, an upload too, which is never held: 2 GB a file, says the service. */
static const uint64_t PLX_UPLOAD_BYTES_MAX = 2ull << 30;

/* All files of one key, says the service. */
static const uint64_t PLX_PROJECT_BYTES_MAX = 20ull << 30;

/* What is kept of files' contents, on disk: batches' rows and their results. */
static const uint64_t PLX_BLOB_ROOM_BYTES = 8ull << 30;

/* "For ever" ends with a reset after an hour: clients give up before, and nothing may stay for good. */
static const uint64_t PLX_FAULT_FOREVER_US = 3600ull * 1000 * 1000;

#endif
