/* roots.h -- whose certificates are trusted: those of a bundle, of a directory, or of both.
 * SPDX-License-Identifier: MIT
 *
 *      UNKNOWN --first handle--> NARROW --a server is not trusted--> WIDE
 *           |                                                         ^
 *           +-----------------------first handle----------------------+
 *
 * What is given stands in place of the system's, not beside it. NARROW: where there are a bundle and a directory, the
 * directory alone, if its names are hashed. OpenSSL 3.0 parses a whole bundle for each connection, which takes more
 * time than all the rest of a start; of such a directory it reads the one certificate that it needs. Who is not trusted
 * by it is asked again with both (WIDE), so that in the end the same are trusted. (Not who is of another name.)
 */
#ifndef CST_ROOTS_H
#define CST_ROOTS_H

#include <curl/curl.h>

#include "base.h"

typedef enum cst_roots_state { CST_ROOTS_UNKNOWN, CST_ROOTS_NARROW, CST_ROOTS_WIDE } cst_roots_state;

typedef struct cst_roots {
    const cst_allocator *allocator;
    char                *bundle;    /* a file; NULL: none */
    char                *directory; /* NULL: none */
    cst_roots_state      state;
} cst_roots;

/* Either may be NULL; both: what libcurl was built with. False: no memory; free it then, too. */
bool cst_roots_init(cst_roots *roots, const cst_allocator *allocator, const char *bundle, const char *directory);
void cst_roots_free(cst_roots *roots);

/* Sets the options of a handle. False: no memory. */
bool cst_roots_apply(cst_roots *roots, CURL *easy);

/* The same for a proxy that speaks TLS; always both. */
bool cst_roots_apply_to_proxy(const cst_roots *roots, CURL *easy);

/* A server was not trusted. True: another try, after cst_roots_apply, may fare better. */
bool cst_roots_widen(cst_roots *roots, cst_roots_state tried);

#endif
