/* tls_client.h -- a client of OpenSSL on a socket of the tests, to see TLS from outside.
 * SPDX-License-Identifier: MIT
 */
#ifndef TST_TLS_CLIENT_H
#define TST_TLS_CLIENT_H

#include <openssl/ssl.h>

#include "twin.h"

typedef struct tst_tls {
    SSL_CTX *context;
    SSL     *ssl;
    int      fd;
} tst_tls;

typedef enum tst_tls_end { TST_TLS_OPEN = 0, TST_TLS_NOTIFIED, TST_TLS_CUT, TST_TLS_RESET } tst_tls_end;

/* `authority`: the file of what is trusted; NULL: anything is. `alpn`: "http/1.1", "h2" or NULL. False: they did not
 * agree. */
bool tst_tls_connect(tst_tls *t, int port, const char *authority, const char *name, const char *alpn);
void tst_tls_hang_up(tst_tls *t);

void tst_tls_send(tst_tls *t, const char *bytes, size_t len);

/* Reads once, at least one byte; 0: it ended, and `*end` tells how. */
size_t tst_tls_read(tst_tls *t, char *bytes, size_t size, tst_tls_end *end);

/* All that comes until the end, NUL-terminated, or `size - 1` bytes. */
size_t tst_tls_read_all(tst_tls *t, char *text, size_t size, tst_tls_end *end);

#endif
