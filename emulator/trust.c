/* trust.c -- the certificate that the server shows, and the file by which clients come to trust it.
 * SPDX-License-Identifier: MIT
 */
#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A directory that only we can write to: nobody else may put an authority there. */
static bool choose_file(plx_trust *trust, const char *wanted, char *why, size_t why_size)
{
    const char *temporary = getenv("TMPDIR");

    if (wanted) {
        snprintf(trust->file, sizeof trust->file, "%s", wanted);
        return true;
    }
    int len = snprintf(trust->directory, sizeof trust->directory, "%s/pollux-XXXXXX",
                       temporary && *temporary ? temporary : "/tmp");
    if (len < 0 || (size_t)len >= sizeof trust->directory - sizeof "/ca.pem" || !mkdtemp(trust->directory)) {
        trust->directory[0] = '\0';
        snprintf(why, why_size, "Cannot make a directory for the certificate: %s.", strerror(errno));
        return false;
    }
    snprintf(trust->file, sizeof trust->file, "%.*s/ca.pem", len, trust->directory);
    return true;
}

static bool write_file(plx_trust *trust, const plx_certificate *certificate, char *why, size_t why_size)
{
    int  fd = open(trust->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool is_written = fd >= 0 && plx_certificate_write_authority(certificate, fd);

    if (fd >= 0 && close(fd) != 0) is_written = false;
    if (!is_written) snprintf(why, why_size, "Cannot write %s: %s.", trust->file, strerror(errno));
    return is_written;
}

static bool make(plx_trust *trust, const plx_options *options, char *why, size_t why_size)
{
    plx_certificate certificate;
    bool            is_made;

    if (!plx_certificate_make(&certificate, options->host, why, why_size)) return false;
    is_made = plx_tls_context_of_certificate(&trust->tls, &certificate, why, why_size) &&
              choose_file(trust, options->tls_authority_file, why, why_size) &&
              write_file(trust, &certificate, why, why_size);
    plx_certificate_free(&certificate);
    return is_made;
}

bool plx_trust_open(plx_trust *trust, const plx_options *options, char *why, size_t why_size)
{
    *trust = (plx_trust){ .tls = NULL };
    if (!options->wants_tls) return true;
    if (options->tls_certificate) {
        return plx_tls_context_of_files(&trust->tls, options->tls_certificate, options->tls_key, why, why_size);
    }
    if (make(trust, options, why, why_size)) return true;
    plx_trust_close(trust);
    return false;
}

void plx_trust_close(plx_trust *trust)
{
    plx_tls_context_free(trust->tls);
    if (trust->directory[0]) {
        unlink(trust->file);
        rmdir(trust->directory);
    }
    *trust = (plx_trust){ .tls = NULL };
}
