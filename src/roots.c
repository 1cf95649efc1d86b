/* roots.c -- whose certificates are trusted: those of a bundle, of a directory, or of both.
 * SPDX-License-Identifier: MIT
 */
#include "roots.h"

#include <dirent.h>

static bool copy_both(cst_roots *roots, const char *bundle, const char *directory)
{
    roots->bundle = bundle ? cst_alloc_text(roots->allocator, castor_str_of(bundle)) : NULL;
    roots->directory = directory ? cst_alloc_text(roots->allocator, castor_str_of(directory)) : NULL;
    return (!bundle || roots->bundle) && (!directory || roots->directory);
}

bool cst_roots_init(cst_roots *roots, const cst_allocator *allocator, const char *bundle, const char *directory)
{
    *roots = (cst_roots){ .allocator = allocator };
    if (!bundle && !directory) {
        const curl_version_info_data *libcurl = curl_version_info(CURLVERSION_NOW);
        bundle = libcurl->cainfo;
        directory = libcurl->capath;
    }
    return copy_both(roots, bundle, directory);
}

void cst_roots_free(cst_roots *roots)
{
    cst_release(roots->allocator, roots->bundle);
    cst_release(roots->allocator, roots->directory);
}

/* As `openssl rehash` names them: eight hexadecimal digits, a dot, a number. */
static bool is_hashed_name(const char *name)
{
    size_t digits = strspn(name, "0123456789abcdef");

    return digits == 8 && name[8] == '.' && name[9] && strspn(name + 9, "0123456789") == strlen(name + 9);
}

static bool is_hashed(const char *directory)
{
    DIR           *entries = opendir(directory);
    struct dirent *entry = NULL;
    bool           is_found = false;

    if (!entries) return false;
    while (!is_found && (entry = readdir(entries)) != NULL) is_found = is_hashed_name(entry->d_name);
    closedir(entries);
    return is_found;
}

/* Others read all that is in the directory, or know of none. */
static bool looks_up_by_hash(void)
{
    const char *tls = curl_version_info(CURLVERSION_NOW)->ssl_version;

    return tls && strncmp(tls, "OpenSSL/", strlen("OpenSSL/")) == 0;
}

static cst_roots_state first_state(const cst_roots *roots)
{
    bool can_be_narrow = roots->bundle && roots->directory && looks_up_by_hash() && is_hashed(roots->directory);

    return can_be_narrow ? CST_ROOTS_NARROW : CST_ROOTS_WIDE;
}

/* What libcurl answers to a directory. Where its TLS knows none it says so even of "none": then there is nothing to
 * forget, and a bundle alone is enough. */
static bool is_directory_set(const cst_roots *roots, CURLcode answer)
{
    bool is_unknown = answer == CURLE_NOT_BUILT_IN || answer == CURLE_UNKNOWN_OPTION;

    return answer == CURLE_OK || (is_unknown && (!roots->directory || roots->bundle));
}

bool cst_roots_apply(cst_roots *roots, CURL *easy)
{
    if (roots->state == CST_ROOTS_UNKNOWN) roots->state = first_state(roots);
    if (!roots->bundle && !roots->directory) return true; /* libcurl knows of none, or of one that it does not tell */
    const char *bundle = roots->state == CST_ROOTS_NARROW ? NULL : roots->bundle;
    return curl_easy_setopt(easy, CURLOPT_CAINFO, bundle) == CURLE_OK &&
           is_directory_set(roots, curl_easy_setopt(easy, CURLOPT_CAPATH, roots->directory));
}

bool cst_roots_apply_to_proxy(const cst_roots *roots, CURL *easy)
{
    if (!roots->bundle && !roots->directory) return true;
    return curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, roots->bundle) == CURLE_OK &&
           is_directory_set(roots, curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, roots->directory));
}

bool cst_roots_widen(cst_roots *roots, cst_roots_state tried)
{
    if (tried == CST_ROOTS_NARROW) roots->state = CST_ROOTS_WIDE;
    return tried == CST_ROOTS_NARROW;
}
