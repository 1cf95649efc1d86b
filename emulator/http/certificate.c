/* certificate.c -- a certificate made at the start.
 * SPDX-License-Identifier: MIT
 *
 * Two certificates and not one that signs itself: some clients (rustls among them) take no authority for a server.
 * Identifiers and key usages are all there since Python 3.13 and others insist on them.
 */
#include "http/certificate.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

enum {
    DAY_S = 24 * 3600,
    VALID_DAYS = 30,  /* longer than any run of the tests; clients refuse those that live for years */
    SERIAL_BITS = 127 /* RFC 5280, 4.1.2.2: positive, at most 20 bytes */
};

static bool set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool    is_set = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
                  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;

    BN_free(number);
    return is_set;
}

static bool set_name(X509 *certificate, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(certificate);

    return X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, (const unsigned char *)"pollux", -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) == 1;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX      context;
    X509_EXTENSION *extension;
    bool            is_added;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    is_added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

static X509 *new_certificate(const char *name, EVP_PKEY *key)
{
    X509 *certificate = X509_new();

    if (certificate && X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
        set_name(certificate, name) && X509_set_pubkey(certificate, key) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_S) && /* for machines whose clock is a little off */
        X509_gmtime_adj(X509_getm_notAfter(certificate), (long)VALID_DAYS * DAY_S)) {
        return certificate;
    }
    X509_free(certificate);
    return NULL;
}

typedef struct extension {
    int         nid;
    const char *value;
} extension;

static bool sign(X509 *certificate, X509 *issuer, EVP_PKEY *issuer_key, const extension *extensions, size_t count)
{
    if (X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1) return false;
    for (size_t i = 0; i < count; i++) {
        if (!add_extension(certificate, issuer, extensions[i].nid, extensions[i].value)) return false;
    }
    return X509_sign(certificate, issuer_key, EVP_sha256()) > 0;
}

static X509 *make_authority(EVP_PKEY *key)
{
    static const extension extensions[] = {
        { NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
        { NID_key_usage, "critical,keyCertSign,cRLSign" },
        { NID_subject_key_identifier, "hash" },
    };
    X509 *authority = new_certificate("pollux, for one run only", key);

    if (authority && sign(authority, authority, key, extensions, sizeof extensions / sizeof *extensions)) {
        return authority;
    }
    X509_free(authority);
    return NULL;
}

static X509 *make_leaf(EVP_PKEY *key, X509 *authority, EVP_PKEY *authority_key, const char *host)
{
    char            names[256];
    const extension extensions[] = {
        { NID_basic_constraints, "critical,CA:FALSE" },
        { NID_key_usage, "critical,digitalSignature" },
        { NID_ext_key_usage, "serverAuth" },
        { NID_subject_alt_name, names },
        { NID_subject_key_identifier, "hash" },
        { NID_authority_key_identifier, "keyid" },
    };
    X509 *leaf = new_certificate("localhost", key);

    snprintf(names, sizeof names, "DNS:localhost,IP:127.0.0.1,IP:::1,IP:%s", host);
    if (leaf && sign(leaf, authority, authority_key, extensions, sizeof extensions / sizeof *extensions)) return leaf;
    X509_free(leaf);
    return NULL;
}

bool plx_certificate_make(plx_certificate *certificate, const char *host, char *why, size_t why_size)
{
    EVP_PKEY *authority_key = EVP_EC_gen("P-256");

    *certificate = (plx_certificate){ .key = EVP_EC_gen("P-256") };
    if (authority_key && certificate->key) certificate->authority = make_authority(authority_key);
    if (certificate->authority) {
        certificate->leaf = make_leaf(certificate->key, certificate->authority, authority_key, host);
    }
    EVP_PKEY_free(authority_key);
    if (certificate->leaf) return true;

    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    snprintf(why, why_size, "Cannot make a certificate: %s.", reason ? reason : "out of memory");
    ERR_clear_error();
    plx_certificate_free(certificate);
    return false;
}

void plx_certificate_free(plx_certificate *certificate)
{
    X509_free(certificate->authority);
    X509_free(certificate->leaf);
    EVP_PKEY_free(certificate->key);
    *certificate = (plx_certificate){ .key = NULL };
}

bool plx_certificate_write_authority(const plx_certificate *certificate, int fd)
{
    BIO  *text = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    bool  is_written = false;

    if (text && PEM_write_bio_X509(text, certificate->authority) == 1) {
        long len = BIO_get_mem_data(text, &bytes);
        is_written = len > 0 && write(fd, bytes, (size_t)len) == len;
    }
    BIO_free(text);
    return is_written;
}
