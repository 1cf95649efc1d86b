/* no_proxy.c -- which hosts are spoken to without a proxy.
 * SPDX-License-Identifier: MIT
 */
#include "no_proxy.h"

typedef struct place {
    castor_str host; /* without brackets */
    castor_str port; /* digits; absent: any */
} place;

static castor_str behind(castor_str text, size_t count)
{
    return (castor_str){ text.data + count, text.len - count };
}

/* "[::1]:80", "::1", "name:80", "name" */
static place split(castor_str text)
{
    const char *close = cst_str_starts_with(text, "[") ? memchr(text.data, ']', text.len) : NULL;
    const char *colon = text.len > 0 ? memchr(text.data, ':', text.len) : NULL;
    place       out = { text, CST_NONE };

    if (close) {
        out.host = (castor_str){ text.data + 1, (size_t)(close - text.data) - 1 };
        castor_str rest = behind(text, out.host.len + 2);
        if (cst_str_starts_with(rest, ":")) out.port = behind(rest, 1);
        return out;
    }
    size_t before = colon ? (size_t)(colon - text.data) : text.len;
    if (!colon || memchr(colon + 1, ':', text.len - before - 1)) return out; /* two colons: IPv6 without brackets */
    out.host.len = before;
    out.port = behind(text, before + 1);
    return out;
}

static place place_of_url(castor_str url)
{
    bool   is_tls = cst_str_starts_with(url, "https://");
    size_t len = 0;

    url = behind(url, is_tls ? strlen("https://") : strlen("http://"));
    while (len < url.len && !memchr("/?#", url.data[len], 3)) len++;
    place out = split((castor_str){ url.data, len });
    if (out.port.len == 0) out.port = is_tls ? CASTOR_STR("443") : CASTOR_STR("80");
    return out;
}

static bool is_address(castor_str host)
{
    for (size_t i = 0; i < host.len; i++) {
        bool is_digit = host.data[i] >= '0' && host.data[i] <= '9';
        if (host.data[i] == ':') return true;
        if (!is_digit && host.data[i] != '.') return false;
    }
    return true;
}

static castor_str without_last_dot(castor_str name)
{
    if (name.len > 0 && name.data[name.len - 1] == '.') name.len--;
    return name;
}

static bool is_covered(castor_str host, castor_str name)
{
    if (cst_str_starts_with(name, "*.")) name = behind(name, 1);
    if (cst_str_starts_with(name, ".")) name = behind(name, 1);
    host = without_last_dot(host);
    name = without_last_dot(name);
    if (name.len == 0 || name.len > host.len) return false;
    size_t before = host.len - name.len;
    if (before > 0 && (host.data[before - 1] != '.' || is_address(host))) return false;
    return cst_str_equal_nocase(behind(host, before), name);
}

static bool fits(const place *url, castor_str entry)
{
    place wanted = split(entry);

    if (wanted.port.data && !cst_str_equal(wanted.port, url->port)) return false;
    return cst_str_is(wanted.host, "*") || is_covered(url->host, wanted.host);
}

bool cst_no_proxy_has(castor_str list, castor_str url)
{
    place at = place_of_url(url);

    while (list.len > 0) {
        size_t len = 0;
        while (len < list.len && list.data[len] != ',' && !cst_is_space(list.data[len])) len++;
        if (len > 0 && fits(&at, (castor_str){ list.data, len })) return true;
        list = behind(list, len < list.len ? len + 1 : len);
    }
    return false;
}
