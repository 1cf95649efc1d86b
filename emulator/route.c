/* route.c -- what a request's path and query ask for.
 * SPDX-License-Identifier: MIT
 */
#include "route.h"

/* ---- percent escapes ---- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static castor_status decode(castor_str text, cst_arena *arena, castor_str *out)
{
    char  *copy = cst_arena_alloc(arena, text.len + 1);
    size_t len = 0;

    if (!copy) return CASTOR_NO_MEMORY;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.data[i + 2]) : -1;
            if (high < 0 || low < 0 || high * 16 + low == 0) return CASTOR_INVALID;
            c = (char)(high * 16 + low);
            i += 2;
        }
        copy[len++] = c;
    }
    copy[len] = '\0';
    *out = (castor_str){ copy, len };
    return CASTOR_OK;
}

/* Cuts the text before `separator` off the front; all of it when there is none. */
static castor_str cut(castor_str *text, char separator)
{
    const char *at = text->len ? memchr(text->data, separator, text->len) : NULL;
    castor_str  front = { text->data, at ? (size_t)(at - text->data) : text->len };
    size_t      used = front.len + (at ? 1 : 0);

    *text = (castor_str){ text->data + used, text->len - used };
    return front;
}

/* ---- query ---- */

static castor_status read_query(plx_route *route, castor_str query, cst_arena *arena)
{
    while (query.len > 0) {
        castor_str    value = cut(&query, '&');
        castor_str    name = cut(&value, '=');
        castor_status status = decode(value, arena, &value);
        if (status != CASTOR_OK) return status;
        if (cst_str_is(name, "key") && !route->key.data) route->key = value;
        if (cst_str_is(name, "alt") || cst_str_is(name, "$alt")) route->wants_events = cst_str_is(value, "sse");
    }
    return CASTOR_OK;
}

/* ---- path ---- */

static bool is_version(castor_str version)
{
    static const char *const versions[] = { "v1", "v1beta", "v1alpha", "v1beta2", "v1beta3" };

    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (cst_str_is(version, versions[i])) return true;
    }
    return false;
}

static bool is_of_palm(castor_str version)
{
    return cst_str_is(version, "v1beta2") || cst_str_is(version, "v1beta3");
}

static plx_endpoint find_method(castor_str method, castor_str version)
{
    static const struct {
        const char  *method;
        plx_endpoint endpoint;
    } methods[] = {
        { "generateContent", PLX_ENDPOINT_GENERATE },
        { "streamGenerateContent", PLX_ENDPOINT_STREAM_GENERATE },
        { "countTokens", PLX_ENDPOINT_COUNT_TOKENS },
    };

    if (cst_str_is(method, "generateMessage")) {
        return is_of_palm(version) || cst_str_is(version, "v1beta") ? PLX_ENDPOINT_MESSAGE : PLX_ENDPOINT_NONE;
    }
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (cst_str_is(method, methods[i].method)) return is_of_palm(version) ? PLX_ENDPOINT_NONE : methods[i].endpoint;
    }
    return PLX_ENDPOINT_NONE;
}

/* "models/{model}:{method}", "models/{model}" or "models". */
static plx_endpoint find_model(plx_route *route, castor_str rest)
{
    castor_str collection = cut(&rest, '/');

    if (!cst_str_is(collection, "models") && !cst_str_is(collection, "tunedModels")) return PLX_ENDPOINT_NONE;
    route->is_get = true;
    if (rest.len == 0) return PLX_ENDPOINT_MODELS;
    route->model = cut(&rest, ':');
    if (route->model.len == 0 || memchr(route->model.data, '/', route->model.len)) return PLX_ENDPOINT_NONE;
    if (rest.len == 0) return PLX_ENDPOINT_MODEL;
    route->method = rest;
    route->is_get = false;
    return find_method(rest, route->version);
}

/* Where Google has it, and where compatible servers do, whose base URL may have no path at all. */
static bool is_chat(castor_str path)
{
    static const char *const paths[] = { "v1beta/openai/chat/completions", "v1/openai/chat/completions",
                                         "v1/chat/completions", "chat/completions" };

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (cst_str_is(path, paths[i])) return true;
    }
    return false;
}

static plx_endpoint find_endpoint(plx_route *route)
{
    castor_str rest = route->path;

    while (rest.len > 0 && rest.data[0] == '/') cut(&rest, '/'); /* a base URL with its slash gives two */
    if (cst_str_is(rest, "pollux/health")) {
        route->is_get = true;
        return PLX_ENDPOINT_HEALTH;
    }
    if (is_chat(rest)) return PLX_ENDPOINT_CHAT;
    route->version = cut(&rest, '/');
    return is_version(route->version) ? find_model(route, rest) : PLX_ENDPOINT_NONE;
}

castor_status plx_route_parse(plx_route *route, castor_str target, cst_arena *arena)
{
    castor_str    query = target;
    castor_str    path = cut(&query, '?');
    castor_status status;

    *route = (plx_route){ .endpoint = PLX_ENDPOINT_NONE };
    status = decode(path, arena, &route->path);
    if (status != CASTOR_OK) return status;
    route->endpoint = find_endpoint(route);
    return read_query(route, query, arena);
}
