/* tls_server.c -- a server that asks its clients who they are.
 * SPDX-License-Identifier: MIT
 */
#include "tls_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(int holds, const char *what)
{
    if (holds) return;
    perror(what);
    abort();
}

static void note_peer(tst_tls_server *server, const SSL *ssl)
{
    X509 *shown = SSL_get1_peer_certificate(ssl);

    server->peer[0] = '\0';
    if (!shown) return;
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, server->peer, sizeof server->peer);
    X509_free(shown);
}

/* One request with a small body, which stands whole in what is read. */
static void serve_connection(tst_tls_server *server, SSL *ssl)
{
    char   text[16 << 10];
    size_t len = 0;

    if (SSL_accept(ssl) != 1) return;
    note_peer(server, ssl);
    for (;;) {
        int got = SSL_read(ssl, text + len, (int)(sizeof text - 1 - len));
        if (got <= 0) return;
        len += (size_t)got;
        text[len] = '\0';
        const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "ontent-Length: ");
        if (end && length && strlen(end + 4) >= strtoul(length + 15, NULL, 10)) break;
    }
    (void)SSL_write(ssl, server->answer, (int)strlen(server->answer));
    (void)SSL_shutdown(ssl);
}

static void *serve(void *user)
{
    tst_tls_server *server = user;

    for (;;) {
        int peer = accept(server->listener, NULL, NULL);
        if (peer < 0) return NULL; /* the listener was shut down */
        SSL *ssl = SSL_new(server->context);
        must(ssl && SSL_set_fd(ssl, peer) == 1, "SSL_new");
        serve_connection(server, ssl);
        SSL_free(ssl);
        close(peer);
    }
}

static void listen_on_loopback(tst_tls_server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t          len = sizeof address;

    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    must(server->listener >= 0 && bind(server->listener, (struct sockaddr *)&address, len) == 0, "bind");
    must(listen(server->listener, 16) == 0, "listen");
    must(getsockname(server->listener, (struct sockaddr *)&address, &len) == 0, "getsockname");
    snprintf(server->url, sizeof server->url, "https://localhost:%d", ntohs(address.sin_port));
}

void tst_tls_server_start(tst_tls_server *server, const char *certificate, const char *key,
                          const char *client_authority, const char *answer)
{
    *server = (tst_tls_server){ .context = SSL_CTX_new(TLS_server_method()), .answer = answer };
    must(server->context && SSL_CTX_use_certificate_chain_file(server->context, certificate) == 1, "certificate");
    must(SSL_CTX_use_PrivateKey_file(server->context, key, SSL_FILETYPE_PEM) == 1, "key");
    if (client_authority) {
        must(SSL_CTX_load_verify_locations(server->context, client_authority, NULL) == 1, "authority");
        SSL_CTX_set_verify(server->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    listen_on_loopback(server);
    must(pthread_create(&server->thread, NULL, serve, server) == 0, "pthread_create");
}

void tst_tls_server_stop(tst_tls_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    SSL_CTX_free(server->context);
}
