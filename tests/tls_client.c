/* tls_client.c -- a client of OpenSSL on a socket of the tests.
 * SPDX-License-Identifier: MIT
 */
#include "tls_client.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

static void offer(SSL *ssl, const char *alpn)
{
    unsigned char list[64];
    size_t        len = strlen(alpn);

    assert_true(len + 1 < sizeof list);
    list[0] = (unsigned char)len;
    memcpy(list + 1, alpn, len);
    assert_int_equal(SSL_set_alpn_protos(ssl, list, (unsigned)len + 1), 0);
}

bool tst_tls_connect(tst_tls *t, int port, const char *authority, const char *name, const char *alpn)
{
    *t = (tst_tls){ .context = SSL_CTX_new(TLS_client_method()), .fd = tst_connect_to(port).fd };
    assert_non_null(t->context);
    if (authority) {
        assert_int_equal(SSL_CTX_load_verify_locations(t->context, authority, NULL), 1);
        SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER, NULL);
    }
    t->ssl = SSL_new(t->context);
    assert_non_null(t->ssl);
    SSL_set_fd(t->ssl, t->fd);
    SSL_set_tlsext_host_name(t->ssl, "localhost");
    if (authority) SSL_set1_host(t->ssl, name);
    if (alpn) offer(t->ssl, alpn);
    ERR_clear_error();
    return SSL_connect(t->ssl) == 1;
}

void tst_tls_hang_up(tst_tls *t)
{
    SSL_free(t->ssl);
    SSL_CTX_free(t->context);
    tst_link l = { .fd = t->fd };
    tst_hang_up(&l);
}

void tst_tls_send(tst_tls *t, const char *bytes, size_t len)
{
    size_t written = 0;

    assert_int_equal(SSL_write_ex(t->ssl, bytes, len, &written), 1);
    assert_int_equal(written, len);
}

size_t tst_tls_read(tst_tls *t, char *bytes, size_t size, tst_tls_end *end)
{
    ERR_clear_error();
    errno = 0;
    int count = SSL_read(t->ssl, bytes, (int)size);
    if (count > 0) return (size_t)count;
    int error = SSL_get_error(t->ssl, count);
    if (error == SSL_ERROR_ZERO_RETURN) *end = TST_TLS_NOTIFIED;
    else *end = errno == ECONNRESET ? TST_TLS_RESET : TST_TLS_CUT;
    return 0;
}

size_t tst_tls_read_all(tst_tls *t, char *text, size_t size, tst_tls_end *end)
{
    size_t len = 0, count;

    *end = TST_TLS_OPEN;
    while (len + 1 < size && (count = tst_tls_read(t, text + len, size - 1 - len, end)) > 0) len += count;
    text[len] = '\0';
    return len;
}
