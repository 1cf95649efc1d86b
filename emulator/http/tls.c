/* tls.c -- TLS for one connection, by OpenSSL.
 * SPDX-License-Identifier: MIT
 *
 * OpenSSL reads and writes through a BIO of our own, that takes from the bytes just fed and puts straight to the
 * connection: no buffer of the connection's own is in between.
 */
#include "http/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

struct plx_tls_context {
    SSL_CTX    *ssl;
    BIO_METHOD *method;
};

struct plx_tls {
    SSL            *ssl;
    castor_str      input; /* fed and not yet read */
    plx_tls_put_fn *put;
    void           *user;
    bool            is_open;
    bool            is_over; /* failed: OpenSSL wants no more calls */
};

/* ---- the BIO ---- */

static int bio_read(BIO *bio, char *out, int size)
{
    plx_tls *tls = BIO_get_data(bio);
    size_t   count = tls->input.len < (size_t)size ? tls->input.len : (size_t)size;

    BIO_clear_retry_flags(bio);
    if (count == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, tls->input.data, count);
    tls->input.data += count;
    tls->input.len -= count;
    return (int)count;
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
    plx_tls *tls = BIO_get_data(bio);

    tls->put(tls->user, (castor_str){ bytes, (size_t)len });
    return len;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH; /* 1: there is nothing to flush */
}

static BIO_METHOD *new_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "pollux connection");

    if (!method) return NULL;
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    return method;
}

/* ---- what all connections share ---- */

/* The server's choice among what the client offers: HTTP/2, then HTTP/1.1, else no connection (RFC 7301, 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *offered,
                           unsigned offered_len, void *unused)
{
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    unsigned char             *chosen = NULL;
    int found = SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, offered, offered_len);

    (void)ssl;
    (void)unused;
    if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int no_passphrase(char *out, int size, int is_writing, void *unused)
{
    (void)out;
    (void)size;
    (void)is_writing;
    (void)unused;
    return -1; /* instead of a question on the terminal */
}

static plx_tls_context *new_context(void)
{
    plx_tls_context *context = calloc(1, sizeof *context);

    if (!context) return NULL;
    context->ssl = SSL_CTX_new(TLS_server_method());
    context->method = new_method();
    if (!context->ssl || !context->method) {
        plx_tls_context_free(context);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION);
    SSL_CTX_set_options(context->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context->ssl, choose_protocol, NULL);
    SSL_CTX_set_default_passwd_cb(context->ssl, no_passphrase);
    return context;
}

static bool fail(plx_tls_context *context, const char *what, const char *file, char *why, size_t why_size)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    snprintf(why, why_size, "%s%s%s: %s.", what, file ? " " : "", file ? file : "", reason ? reason : "out of memory");
    ERR_clear_error();
    plx_tls_context_free(context);
    return false;
}

bool plx_tls_context_of_certificate(plx_tls_context **out, const plx_certificate *certificate, char *why,
                                    size_t why_size)
{
    plx_tls_context *context = new_context();

    if (!context || SSL_CTX_use_certificate(context->ssl, certificate->leaf) != 1 ||
        SSL_CTX_use_PrivateKey(context->ssl, certificate->key) != 1) {
        return fail(context, "Cannot use the certificate", NULL, why, why_size);
    }
    *out = context;
    return true;
}

bool plx_tls_context_of_files(plx_tls_context **out, const char *certificate_file, const char *key_file, char *why,
                              size_t why_size)
{
    plx_tls_context *context = new_context();

    if (!context || SSL_CTX_use_certificate_chain_file(context->ssl, certificate_file) != 1) {
        return fail(context, "Cannot read the certificate", certificate_file, why, why_size);
    }
    if (SSL_CTX_use_PrivateKey_file(context->ssl, key_file, SSL_FILETYPE_PEM) != 1) {
        return fail(context, "Cannot use the key", key_file, why, why_size);
    }
    *out = context;
    return true;
}

void plx_tls_context_free(plx_tls_context *context)
{
    if (!context) return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->method);
    free(context);
}

/* ---- one connection ---- */

plx_tls *plx_tls_new(plx_tls_context *context, plx_tls_put_fn *put, void *user)
{
    plx_tls *tls = calloc(1, sizeof *tls);
    BIO     *bio = tls ? BIO_new(context->method) : NULL;

    if (!bio) {
        free(tls);
        return NULL;
    }
    *tls = (plx_tls){ .ssl = SSL_new(context->ssl), .put = put, .user = user };
    if (!tls->ssl) {
        BIO_free(bio);
        free(tls);
        return NULL;
    }
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_accept_state(tls->ssl);
    return tls;
}

void plx_tls_free(plx_tls *tls)
{
    if (!tls) return;
    SSL_free(tls->ssl);
    free(tls);
}

void plx_tls_feed(plx_tls *tls, castor_str bytes)
{
    tls->input = bytes;
}

/* What it means that a call of OpenSSL gave no bytes. */
static plx_tls_step explain(plx_tls *tls, int result)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ: return PLX_TLS_WAIT;
    case SSL_ERROR_ZERO_RETURN: return PLX_TLS_END;
    default: break;
    }
    bool is_clear = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
    ERR_clear_error();
    tls->is_over = true;
    return is_clear ? PLX_TLS_CLEAR : PLX_TLS_FAILED;
}

plx_tls_step plx_tls_next(plx_tls *tls, char *buffer, size_t size, castor_str *plain)
{
    int result;

    if (tls->is_over) return PLX_TLS_FAILED;
    ERR_clear_error(); /* SSL_get_error looks at what others left */
    if (!tls->is_open) {
        result = SSL_do_handshake(tls->ssl);
        if (result != 1) return explain(tls, result);
        tls->is_open = true;
        return PLX_TLS_OPEN;
    }
    result = SSL_read(tls->ssl, buffer, size < INT32_MAX ? (int)size : INT32_MAX);
    if (result <= 0) return explain(tls, result);
    *plain = (castor_str){ buffer, (size_t)result };
    return PLX_TLS_BYTES;
}

bool plx_tls_write(plx_tls *tls, castor_str bytes)
{
    if (tls->is_over || !tls->is_open) return false;
    ERR_clear_error();
    while (bytes.len > 0) {
        size_t written = 0;
        if (SSL_write_ex(tls->ssl, bytes.data, bytes.len, &written) != 1) {
            ERR_clear_error();
            tls->is_over = true;
            return false;
        }
        bytes = (castor_str){ bytes.data + written, bytes.len - written };
    }
    return true;
}

void plx_tls_close(plx_tls *tls)
{
    if (tls->is_over || !tls->is_open) return;
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

bool plx_tls_is_open(const plx_tls *tls) { return tls->is_open && !tls->is_over; }

plx_alpn plx_tls_alpn(const plx_tls *tls)
{
    const unsigned char *name = NULL;
    unsigned             len = 0;

    SSL_get0_alpn_selected(tls->ssl, &name, &len);
    if (len == 2 && memcmp(name, "h2", 2) == 0) return PLX_ALPN_HTTP_2;
    return len > 0 ? PLX_ALPN_HTTP_1_1 : PLX_ALPN_NONE;
}
