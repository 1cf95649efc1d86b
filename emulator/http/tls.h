/* tls.h -- TLS for one connection: encrypted bytes in, plain bytes out, and the other way round. Knows no socket.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_TLS_H
#define PLX_TLS_H

#include "base.h"
#include "http/certificate.h"

/* What all connections share: certificate, key, versions, ALPN. */
typedef struct plx_tls_context plx_tls_context;

/* False: `why` has a sentence. */
bool plx_tls_context_of_certificate(plx_tls_context **out, const plx_certificate *certificate, char *why,
                                    size_t why_size);
bool plx_tls_context_of_files(plx_tls_context **out, const char *certificate_file, const char *key_file, char *why,
                              size_t why_size);
void plx_tls_context_free(plx_tls_context *context); /* takes NULL */

/* Sends encrypted bytes. It may fail, but has to tell in another way. */
typedef void plx_tls_put_fn(void *user, castor_str bytes);

typedef struct plx_tls plx_tls;

plx_tls *plx_tls_new(plx_tls_context *context, plx_tls_put_fn *put, void *user); /* NULL: no memory */
void     plx_tls_free(plx_tls *tls); /* takes NULL */

typedef enum plx_tls_step {
    PLX_TLS_WAIT = 0, /* the input is used up */
    PLX_TLS_OPEN,     /* both sides have agreed: from now on bytes can be written */
    PLX_TLS_BYTES,    /* `*plain` holds some, in the buffer that was given */
    PLX_TLS_END,      /* the client has closed its side properly */
    PLX_TLS_CLEAR,    /* the client does not speak TLS but HTTP */
    PLX_TLS_FAILED    /* final; an alert may have been sent */
} plx_tls_step;

/* Takes what arrived, which must stay where it is until WAIT or another end is told; then tells what is in it. */
void         plx_tls_feed(plx_tls *tls, castor_str bytes);
plx_tls_step plx_tls_next(plx_tls *tls, char *buffer, size_t size, castor_str *plain);

bool plx_tls_write(plx_tls *tls, castor_str bytes); /* false: it failed */
void plx_tls_close(plx_tls *tls);                   /* sends close_notify */
bool plx_tls_is_open(const plx_tls *tls);

/* What was agreed on by ALPN. */
typedef enum plx_alpn { PLX_ALPN_NONE = 0, PLX_ALPN_HTTP_1_1, PLX_ALPN_HTTP_2 } plx_alpn;
plx_alpn plx_tls_alpn(const plx_tls *tls);

#endif
