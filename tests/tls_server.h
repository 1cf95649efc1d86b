/* tls_server.h -- a server that asks its clients who they are, on loopback, for the tests. One thread, one connection
 * after another, HTTP/1.1; every request gets the same answer.
 * SPDX-License-Identifier: MIT
 */
#ifndef TST_TLS_SERVER_H
#define TST_TLS_SERVER_H

#include <openssl/ssl.h>
#include <pthread.h>

typedef struct tst_tls_server {
    pthread_t   thread;
    SSL_CTX    *context;
    int         listener;
    char        url[64];   /* "https://localhost:PORT" */
    const char *answer;    /* head and body, as they go over the wire */
    char        peer[128]; /* the common name that the last client has shown; empty: none. Read it when stopped */
} tst_tls_server;

/* Paths of PEM files; `client_authority` NULL: nobody is asked. */
void tst_tls_server_start(tst_tls_server *server, const char *certificate, const char *key,
                          const char *client_authority, const char *answer);
void tst_tls_server_stop(tst_tls_server *server);

#endif
