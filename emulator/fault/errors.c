/* errors.c -- the errors that faults stand for, in the service's words.
 * SPDX-License-Identifier: MIT
 *
 * Quotas have the numbers and names that errors of the free tier had.
 */
#include "fault/canned.h"
#include "proto/coded_error.h"
#include "proto/timestamp.h"

#define PROJECT "projects/1234567890"

const char *const plx_error_details[] = { "plain",    "rpm",      "tpm",   "rpd",   "zero", "key",
                                          "expired",  "leaked",   "nokey", "disabled", "field", "location", NULL };

static const struct {
    const char *detail;
    const char *metric;
    const char *id;
    uint64_t    limit;
} quotas[] = {
    { "rpm", "generate_content_free_tier_requests", "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", 10 },
    { "tpm", "generate_content_free_tier_input_token_count", "GenerateContentInputTokensPerModelPerMinute-FreeTier",
      250000 },
    { "rpd", "generate_content_free_tier_requests", "GenerateRequestsPerDayPerProjectPerModel-FreeTier", 20 },
    { "zero", "generate_content_free_tier_requests", "GenerateRequestsPerDayPerProjectPerModel-FreeTier", 0 },
};

enum { QUOTAS = sizeof quotas / sizeof quotas[0], RETRY_AFTER_US = 33378324 };

static const plx_error_info bad_key = { .reason = "API_KEY_INVALID", .is_localized = true };
static const plx_error_info disabled = { .reason = "SERVICE_DISABLED", .metadata = { "consumer", PROJECT } };
static const plx_error_info bad_token = { .reason = "ACCESS_TOKEN_TYPE_UNSUPPORTED" };

typedef struct error_row {
    int                   code;
    const char           *detail; /* NULL: the usual one of this code; the first that fits counts */
    const char           *status; /* NULL: the code's */
    const plx_error_info *info;
    const char           *message;
} error_row;

static const error_row rows[] = {
    { 400, "key", NULL, &bad_key, "API key not valid. Please pass a valid API key." },
    { 400, "expired", NULL, &bad_key, "API key expired. Please renew the API key." },
    { 400, "location", "FAILED_PRECONDITION", NULL,
      "User location is not supported for the API use." },
    { 400, NULL, NULL, NULL, "Request contains an invalid argument." },
    { 401, NULL, NULL, &bad_token,
      "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
      "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project." },
    { 402, NULL, NULL, NULL, "Your prepaid credit is used up." },
    { 403, "leaked", NULL, NULL,
      "Your API key was reported as leaked. Please use another API key." },
    { 403, "nokey", NULL, NULL,
      "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
      "form of API consumer identity to call this API." },
    { 403, "disabled", NULL, &disabled,
      "Generative Language API has not been used in project 1234567890 before or it is disabled." },
    { 403, NULL, NULL, NULL, "The caller does not have permission" },
    { 404, NULL, NULL, NULL, "Requested entity was not found." },
    { 409, NULL, NULL, NULL, "The operation was aborted." },
    { 429, NULL, NULL, NULL, "Resource has been exhausted (e.g. check quota)." },
    { 499, NULL, NULL, NULL, "The operation was cancelled." },
    { 500, NULL, NULL, NULL,
      "An internal error has occurred. Please retry or report in "
      "https://developers.generativeai.google/guide/troubleshooting" },
    { 501, NULL, NULL, NULL, "Operation is not implemented, or supported, or enabled." },
    { 503, NULL, NULL, NULL, "The model is overloaded. Please try again later." },
    { 504, NULL, NULL, NULL, "Deadline expired before operation could complete." },
    { 0, NULL, "UNKNOWN", NULL, "The service answered in an unexpected way." },
};

static const error_row *find_row(int code, const char *detail)
{
    const error_row *row = rows;

    for (; row->code; row++) {
        if (row->code == code && (!row->detail || strcmp(row->detail, detail) == 0)) break;
    }
    return row;
}

/* ---- in Google's shape ---- */

/* What `retryinfo` asks for; unset: no delay is told. */
static castor_i64 delay_of(const plx_fault *retry_info)
{
    char    text[PLX_FAULT_TEXT_BYTES_MAX + 1];
    int64_t delay_us = 0;

    strcpy(text, retry_info->text);
    strcat(text, "s");
    return plx_duration_parse(castor_str_of(text), &delay_us) ? castor_some_i64(delay_us) : (castor_i64){ 0 };
}

/* A quota that is met tells when to come back, unless it is told to say nothing; other errors only when told to. */
static void set_delay(plx_refusal *refusal, const plx_fault *retry_info)
{
    char *told = strstr(refusal->message, "\nPlease retry in ");

    if (!retry_info) return;
    refusal->retry_after_us = delay_of(retry_info);
    if (told && !refusal->retry_after_us.is_set) *told = '\0';
}

static void refuse_quota(plx_refusal *refusal, size_t which, const plx_fault *retry_info, const plx_asked *asked)
{
    plx_quota_violation one = { quotas[which].metric, quotas[which].id, quotas[which].limit,
                                castor_str_of(asked->model) };
    castor_i64          delay = retry_info ? delay_of(retry_info) : castor_some_i64(RETRY_AFTER_US);

    plx_refuse_quota(refusal, &one, 1, delay.value);
}

static void fill(plx_refusal *refusal, int code, const char *detail, const plx_fault *retry_info,
                 const plx_asked *asked)
{
    const error_row *row = find_row(code, detail);
    size_t           which = QUOTAS;

    for (size_t i = 0; i < QUOTAS && code == 429; i++) {
        if (strcmp(quotas[i].detail, detail) == 0) which = i;
    }
    if (which < QUOTAS) {
        refuse_quota(refusal, which, retry_info, asked);
    } else if (code == 400 && strcmp(detail, "field") == 0) {
        plx_refuse_field(refusal, "contents[0]",
                         "Invalid JSON payload received. Unknown name \"pollux\" at 'contents[0]': Cannot find field.");
    } else {
        plx_refuse_as(refusal, code, row->status, row->info, "%s", row->message);
    }
}

/* What is wrong with a key is told in front of all methods, in one form. */
static bool is_of_gateway(int code, const char *detail)
{
    return (code == 400 || code == 403) && find_row(code, detail)->detail;
}

/* ---- bytes ---- */

/* JSON without the white space between its parts. */
static castor_status squash(castor_str json, cst_buf *out)
{
    bool          is_string = false;
    castor_status status = cst_buf_reserve(out, json.len);

    for (size_t i = 0; i < json.len && status == CASTOR_OK; i++) {
        char c = json.data[i];
        if (!is_string && cst_is_space(c)) continue;
        if (c == '"') is_string = !is_string;
        status = cst_buf_append(out, &c, 1);
        if (status == CASTOR_OK && is_string && c == '\\') status = cst_buf_append(out, json.data + ++i, 1);
    }
    return status;
}

castor_status plx_error_print(int code, int64_t detail, const plx_plan *plan, const plx_asked *asked, cst_buf *json)
{
    const char      *name = plx_error_details[detail > 0 ? detail : 0];
    const plx_fault *retry_info = plx_plan_find(plan, "retryinfo");
    plx_refusal      refusal = { .code = 0 };
    cst_buf          printed;
    castor_status    status;

    fill(&refusal, code, name, retry_info, asked);
    set_delay(&refusal, retry_info);
    if (asked->shape == PLX_SHAPE_CODED && !is_of_gateway(code, name)) {
        return plx_coded_error_print(plx_coded_error_symbol(&refusal), castor_str_of(refusal.message), json);
    }
    cst_buf_init(&printed, json->allocator, json->max);
    status = plx_refusal_print(&refusal, false, &printed);
    if (status == CASTOR_OK) status = squash(cst_buf_view(&printed), json);
    cst_buf_free(&printed);
    return status;
}
