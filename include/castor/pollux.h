/* pollux.h -- the local twin of the Gemini API inside your own process, for the tests of your own client.
 * SPDX-License-Identifier: MIT
 *
 *     pollux     *twin = NULL;
 *     char        why[256];
 *     const char *url = pollux_start(&twin, NULL, why, sizeof why);
 *
 *     pollux_play(twin, "## Any prompt\n? *\n= Dams keep the lodge dry.\n", why, sizeof why);
 *     ... ask your client, whose base URL is `url` and whose key is anything, and look at what it makes of it ...
 *     pollux_spoil(twin, "cut@event=1", 1, why, sizeof why);
 *     ... ask once more: half an answer comes, and the connection is lost ...
 *     pollux_stop(twin);
 *
 * It works with any client in any language that this process may hold; it needs nothing of libcastor. docs/pollux.md
 * has more of it, pollux(1) all that it knows.
 *
 * Rules that hold everywhere
 *   Threads    A twin answers on one thread of its own, so that a client may block; that thread takes no signals. The
 *              functions may be called from any thread; pollux_stop once, as the last. Twins know nothing of each
 *              other: as many as you like.
 *   Errors     What may fail takes `why`, room for a sentence of `why_size` bytes; NULL and 0 not to be told.
 *   Linking    cc test.c $(pkg-config --cflags --libs pollux). Only pollux_* is visible to your linker.
 */
#ifndef CASTOR_POLLUX_H
#define CASTOR_POLLUX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define POLLUX_API __attribute__((visibility("default")))
#else
#define POLLUX_API
#endif

/** A twin that runs. */
typedef struct pollux pollux;

/** How it is to run. Start from POLLUX_OPTIONS_INIT. */
typedef struct pollux_options {
    size_t             size;
    const char *const *words;         /* as on the command line, NULL behind the last: { "--ttft", "300", NULL } */
    int32_t            logs_requests; /* a line on stderr for each */
} pollux_options;

#define POLLUX_OPTIONS_INIT { sizeof(pollux_options), NULL, 0 }

/** A request as it came. Start from POLLUX_REQUEST_INIT. The texts are NUL-terminated. */
typedef struct pollux_request {
    size_t      size;
    const char *method;
    const char *target;  /* path and query */
    const char *headers; /* a line "name: value\n" for each, as the client spelled them */
    const char *body;
    size_t      body_len;
} pollux_request;

#define POLLUX_REQUEST_INIT { sizeof(pollux_request), NULL, NULL, NULL, NULL, 0 }

/**
 * pollux_start -- a twin that listens, on a free port of 127.0.0.1 and without delays unless the words say otherwise.
 *
 * Shape:     its URL, to be your client's base URL; NULL when it could not start.
 * Ownership: `*out` is yours to stop; the URL is the twin's. `options` may be NULL, and nothing of it is kept.
 */
POLLUX_API const char *pollux_start(pollux **out, const pollux_options *options, char *why, size_t why_size);

/**
 * pollux_play -- adds answers: a script as docs/wire-cases.md describes it; its title may be missing.
 *
 * Shape:     1, or 0 when it is no script. The request after this call finds it. The latest script is asked first.
 */
POLLUX_API int32_t pollux_play(pollux *twin, const char *script, char *why, size_t why_size);

/**
 * pollux_spoil -- lets answers go wrong: faults as pollux(1) lists them, as "cut@event=3" or "status=429:rpd".
 *
 * Shape:     1, or 0 when there is no such fault. The next `count` answers are spoilt; 0: all from now on. Faults that
 *            were asked for before come first. NULL in place of a fault: none is spoilt any more.
 */
POLLUX_API int32_t pollux_spoil(pollux *twin, const char *fault, uint32_t count, char *why, size_t why_size);

/**
 * pollux_requests -- how many requests have come so far, refused ones too; and the last of them.
 *
 * Ownership: `last` may be NULL. What it points to lives until the next call of this function. All NULL when none has
 *            come, or when memory ran out.
 */
POLLUX_API uint64_t pollux_requests(pollux *twin, pollux_request *last);

/** pollux_stop -- cuts what is under way, and returns when the twin is gone. Takes NULL. */
POLLUX_API void pollux_stop(pollux *twin);

#ifdef __cplusplus
}
#endif

#endif
