/* api_error.c -- error bodies into castor_error.
 * SPDX-License-Identifier: MIT
 */
#include "api_error.h"

#include "error.h"
#include "retry.h"

enum { GIST_MAX = 200 };

/* ---- finding ---- */

const cst_json *cst_api_error_in(const cst_json *record)
{
    const cst_json *error = cst_json_get(record, "error");

    if (cst_json_type_of(error) == CST_JSON_OBJECT) return error;
    bool is_answer = cst_json_get(record, "choices") || cst_json_get(record, "candidates");
    /* {"code":"invalid-argument","error":"a sentence"} */
    return cst_json_type_of(error) == CST_JSON_STRING && !is_answer ? record : NULL;
}

/* ---- details of a google.rpc status ---- */

static void set_detail(castor_error *out, castor_str text)
{
    if (out->detail[0] == '\0') cst_error_copy(out->detail, sizeof out->detail, text);
}

/* "33.378s" in milliseconds, rounded up: asking too early is refused again. */
static castor_i64 parse_duration(castor_str text)
{
    int64_t milliseconds = 0, unit = 1000;
    bool    has_point = false;

    if (text.len < 2 || text.len > 20 || text.data[text.len - 1] != 's') return (castor_i64){ 0 };
    for (size_t i = 0; i + 1 < text.len; i++) {
        char c = text.data[i];
        if (c == '.' && !has_point) {
            has_point = true;
        } else if (c < '0' || c > '9') {
            return (castor_i64){ 0 };
        } else if (!has_point) {
            if (milliseconds > INT64_MAX / 100000) return (castor_i64){ 0 };
            milliseconds = milliseconds * 10 + (c - '0') * 1000;
        } else if (unit > 1) {
            unit /= 10;
            milliseconds += (c - '0') * unit;
        } else if (c != '0') {
            milliseconds++;
            break;
        }
    }
    return castor_some_i64(milliseconds);
}

static void read_quota_failure(const cst_json *detail, castor_error *out, bool *is_spent)
{
    cst_json_iterator violations = cst_json_iterate(cst_json_get(detail, "violations"));

    for (const cst_json *violation; (violation = cst_json_next(&violations, NULL)) != NULL;) {
        castor_str id = cst_json_string(cst_json_get(violation, "quotaId"));
        castor_i64 value = cst_json_integer(cst_json_get(violation, "quotaValue"));
        bool       is_daily = cst_str_contains_nocase(id, "PerDay");

        if (is_daily || (value.is_set && value.value == 0)) {
            *is_spent = true;
            out->detail[0] = '\0'; /* of several violations, name the one that no wait mends */
        }
        set_detail(out, id);
    }
}

static void read_error_info(const cst_json *detail, castor_error *out, bool *is_spent)
{
    const cst_json *metadata = cst_json_get(detail, "metadata");
    castor_i64      limit = cst_json_integer(cst_json_get(metadata, "quota_limit_value"));

    if (cst_str_contains_nocase(cst_json_string(cst_json_get(metadata, "quota_limit")), "PerDay")) *is_spent = true;
    if (limit.is_set && limit.value == 0) *is_spent = true;
    set_detail(out, cst_json_string(cst_json_get(detail, "reason")));
}

static void read_details(const cst_json *error, castor_error *out, bool *is_spent)
{
    cst_json_iterator details = cst_json_iterate(cst_json_get(error, "details"));

    for (const cst_json *detail; (detail = cst_json_next(&details, NULL)) != NULL;) {
        castor_str type = cst_json_string(cst_json_get(detail, "@type"));

        if (cst_str_contains_nocase(type, "QuotaFailure")) {
            read_quota_failure(detail, out, is_spent);
        } else if (cst_str_contains_nocase(type, "ErrorInfo")) {
            read_error_info(detail, out, is_spent);
        } else if (cst_str_contains_nocase(type, "RetryInfo")) {
            out->retry_after_ms = parse_duration(cst_json_string(cst_json_get(detail, "retryDelay")));
        } else if (cst_str_contains_nocase(type, "BadRequest")) {
            const cst_json *violation = cst_json_at(cst_json_get(detail, "fieldViolations"), 0);
            set_detail(out, cst_json_string(cst_json_get(violation, "field")));
        }
    }
}

/* ---- what it comes to ---- */

static bool is_any(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(text, *words) == 0) return true;
    }
    return false;
}

static castor_verdict verdict_of(const castor_error *error, int32_t code, bool is_spent)
{
    static const char *const auth_words[] = { "UNAUTHENTICATED", "PERMISSION_DENIED", "invalid_api_key",
                                              "authentication_error", "permission_error", NULL };
    static const char *const quota_words[] = { "RESOURCE_EXHAUSTED", "rate_limit_exceeded", "rate_limit_error", NULL };
    static const char *const spent_words[] = { "insufficient_quota", "payment_required", "billing_not_active", NULL };
    castor_str               detail = castor_str_of(error->detail), message = castor_str_of(error->message);

    if (is_any(error->code, spent_words) || is_any(error->reason, spent_words) || code == 402) {
        return CASTOR_VERDICT_QUOTA_DAY;
    }
    if (code == 429 || is_any(error->reason, quota_words) || is_any(error->code, quota_words)) {
        is_spent |= cst_str_contains_nocase(message, "limit: 0,") || cst_str_contains_nocase(message, "PerDay");
        return is_spent ? CASTOR_VERDICT_QUOTA_DAY : CASTOR_VERDICT_QUOTA_NOW;
    }
    if (code == 401 || code == 403 || is_any(error->reason, auth_words) || is_any(error->code, auth_words)) {
        return CASTOR_VERDICT_AUTH;
    }
    if (cst_str_starts_with(detail, "API_KEY_")) return CASTOR_VERDICT_AUTH;
    return CASTOR_VERDICT_FAILED;
}

/* On whose side, with the server's own words behind it. */
static void say(castor_error *out, castor_str message)
{
    const char *side = out->verdict == CASTOR_VERDICT_AUTH        ? "the server refused the key or its permissions"
                       : out->verdict == CASTOR_VERDICT_QUOTA_NOW ? "the server asks for a pause"
                       : out->verdict == CASTOR_VERDICT_QUOTA_DAY ? "the quota is used up, and no short wait mends that"
                       : out->is_transient                        ? "the server failed; the same request may work later"
                                                                  : "the server refused the request";

    if (message.len == 0) message = CASTOR_STR("it gave no reason");
    cst_error_say(out, "%s (%s%s%s): %.*s", side, out->code, out->code[0] && out->reason[0] ? " " : "", out->reason,
                  CASTOR_ARG(message));
}

static void conclude(castor_error *out, int32_t code, bool is_spent, castor_str message)
{
    cst_error_copy(out->message, sizeof out->message, message); /* verdict_of looks into it */
    out->verdict = verdict_of(out, code, is_spent);
    out->is_transient = cst_retry_is_transient(code, out->verdict);
    if (!out->retry_after_ms.is_set) out->retry_after_ms = cst_retry_delay_in(message);
    say(out, message);
}

static void set_code(castor_error *out, int32_t code)
{
    char   digits[12];
    size_t at = sizeof digits;

    for (digits[--at] = '\0'; code > 0 && at > 0; code /= 10) digits[--at] = (char)('0' + code % 10);
    cst_error_copy(out->code, sizeof out->code, castor_str_of(digits + at));
}

void cst_api_error_read(const cst_json *error, int32_t http_status, castor_error *out)
{
    char       scratch[32];
    bool       is_spent = false;
    castor_str message = cst_json_string(cst_json_get(error, "message"));
    castor_i64 code = cst_json_integer(cst_json_get(error, "code"));
    castor_str status = cst_json_string(cst_json_get(error, "status"));

    *out = (castor_error){ .status = CASTOR_API_ERROR, .http_status = http_status };
    if (!message.data) message = cst_json_string(cst_json_get(error, "error"));
    if (!message.data) message = cst_json_string(cst_json_get(error, "detail"));
    cst_error_copy(out->code, sizeof out->code, cst_json_label(cst_json_get(error, "code"), scratch));
    if (out->code[0] == '\0' && http_status > 0) set_code(out, http_status);
    if (!status.data) status = cst_json_string(cst_json_get(error, "type"));
    cst_error_copy(out->reason, sizeof out->reason, status);
    read_details(error, out, &is_spent);
    if (out->detail[0] == '\0') set_detail(out, cst_json_string(cst_json_get(error, "param")));

    /* The server's own code decides: in a stream the HTTP status is 200 by then. */
    bool has_code = code.is_set && code.value >= 100 && code.value <= 599;
    conclude(out, has_code ? (int32_t)code.value : http_status, is_spent, message);
}

/* ---- bodies ---- */

castor_str cst_page_gist(castor_str page)
{
    for (size_t at = 0; at + 7 < page.len; at++) {
        if (!cst_str_equal_nocase((castor_str){ page.data + at, 7 }, CASTOR_STR("<title>"))) continue;
        castor_str title = { page.data + at + 7, page.len - at - 7 };
        const char *end = memchr(title.data, '<', title.len);
        if (end) title.len = (size_t)(end - title.data);
        page = title;
        break;
    }
    page = cst_str_trim(page);
    page.len = cst_utf8_prefix(page, GIST_MAX);
    for (size_t i = 0; i < page.len; i++) {
        if (page.data[i] == '\n' || page.data[i] == '\r') page.len = i; /* the first line is enough */
    }
    return page;
}

void cst_api_error_read_body(castor_str body, int32_t http_status, const cst_allocator *allocator, castor_error *out)
{
    cst_json_doc doc;

    cst_json_doc_init(&doc, allocator);
    castor_status status = cst_json_read(&doc, cst_str_trim(body), NULL, NULL);
    const cst_json *root = cst_json_root(&doc);
    if (status == CASTOR_OK && cst_json_type_of(root) == CST_JSON_ARRAY) root = cst_json_at(root, 0);

    if (status == CASTOR_OK && cst_json_type_of(root) == CST_JSON_OBJECT) {
        const cst_json *error = cst_api_error_in(root);
        cst_api_error_read(error ? error : root, http_status, out);
    } else if (status == CASTOR_NO_MEMORY) {
        cst_fail_plainly(out, status);
        out->verdict = CASTOR_VERDICT_FAILED;
        out->http_status = http_status;
    } else {
        *out = (castor_error){ .status = CASTOR_API_ERROR, .http_status = http_status };
        set_code(out, http_status);
        conclude(out, http_status, false, cst_page_gist(body));
    }
    cst_json_doc_free(&doc);
}
