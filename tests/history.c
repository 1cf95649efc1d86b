/* history.c -- what pollux says it did.
 * SPDX-License-Identifier: MIT
 */
#include "history.h"

#include <curl/curl.h>
#include <stdio.h>

#include "json.h"

enum { BODY_BYTES_MAX = 16 << 20, PATIENCE_MS = 60 * 1000 };

static size_t keep(char *bytes, size_t size, size_t count, void *user)
{
    return cst_buf_append(user, bytes, size * count) == CASTOR_OK ? size * count : 0;
}

/* `posted` NULL: a GET. */
static bool ask(const tst_witness *of, const char *path, const char *posted, cst_buf *body)
{
    CURL *easy = curl_easy_init();
    char  url[256];

    if (!easy) return false;
    snprintf(url, sizeof url, "%s%s", of->url, path);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    if (posted) curl_easy_setopt(easy, CURLOPT_POSTFIELDS, posted);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)PATIENCE_MS);
    if (of->ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, of->ca_file);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_cleanup(easy);
    return code == CURLE_OK;
}

/* Gets a path and reads it into `doc`, which is to be freed in any case. */
static bool read_path(const tst_witness *of, const char *path, cst_json_doc *doc)
{
    cst_buf body;

    cst_buf_init(&body, cst_allocator_default(), BODY_BYTES_MAX);
    cst_json_doc_init(doc, cst_allocator_default());
    bool is_read = ask(of, path, NULL, &body) && cst_json_read(doc, cst_buf_view(&body), NULL, NULL) == CASTOR_OK;
    cst_buf_free(&body);
    return is_read;
}

bool tst_witness_history(const tst_witness *of, uint64_t *since, tst_spoilt_fn *fn, void *user)
{
    cst_json_doc doc;
    char         path[64];
    bool         is_whole = false;

    snprintf(path, sizeof path, "/pollux/faults?since=%llu", (unsigned long long)*since);
    if (read_path(of, path, &doc)) {
        cst_json_iterator all = cst_json_iterate(cst_json_get(cst_json_root(&doc), "history"));
        is_whole = true;
        for (const cst_json *each; (each = cst_json_next(&all, NULL)) != NULL;) {
            tst_spoilt one;
            is_whole &= cst_json_integer(cst_json_get(each, "number")).value == (int64_t)++*since;
            cst_copy_text(one.fault, sizeof one.fault, cst_json_string_in(each, "fault"));
            cst_copy_text(one.model, sizeof one.model, cst_json_string_in(each, "model"));
            one.is_bystander = cst_str_is(cst_json_string_in(each, "by"), "neighbour");
            fn(user, &one);
        }
    }
    cst_json_doc_free(&doc);
    return is_whole;
}

static uint64_t number_in(const cst_json_doc *doc, const char *name)
{
    return (uint64_t)cst_json_integer(cst_json_get(cst_json_root(doc), name)).value;
}

bool tst_witness_arm(const tst_witness *of, const char *json)
{
    cst_buf body;

    cst_buf_init(&body, cst_allocator_default(), BODY_BYTES_MAX);
    bool is_armed = ask(of, "/pollux/faults", json, &body);
    cst_buf_free(&body);
    return is_armed;
}

bool tst_witness_count(const tst_witness *of, uint64_t *requests, uint64_t *under_way)
{
    cst_json_doc doc;
    bool         is_read = read_path(of, "/pollux/stats", &doc);

    if (is_read && requests) *requests = number_in(&doc, "requests");
    if (is_read && under_way) *under_way = number_in(&doc, "under_way");
    cst_json_doc_free(&doc);
    return is_read;
}
