/* key.c -- who asks: API keys, OAuth tokens, and the errors about both.
 * SPDX-License-Identifier: MIT
 *
 * Any key is good, or with --key that one alone; some names stand for keys that the service refuses (see the table).
 * A bearer token is the key on the surface of OpenAI. Elsewhere it is an OAuth token, as the query's access_token is:
 * good when it looks like one of Google's. Where there is a key besides, the key counts: what the service does then is
 * not known.
 */
#include "api/key.h"

#define PROJECT "123456789012"
#define ACTIVATION \
    "https://console.developers.google.com/apis/api/generativelanguage.googleapis.com/overview?project=" PROJECT

static const plx_error_info invalid = { .reason = "API_KEY_INVALID", .is_localized = true };
static const plx_error_info disabled = {
    .reason = "SERVICE_DISABLED",
    .metadata = { "consumer", "projects/" PROJECT, "containerInfo", PROJECT, "serviceTitle",
                  "Generative Language API", "activationUrl", ACTIVATION },
    .help_description = "Google developers console API activation",
    .help_url = ACTIVATION,
    .is_localized = true,
};
static const plx_error_info service_blocked = { .reason = "API_KEY_SERVICE_BLOCKED",
                                                .metadata = { "consumer", "projects/" PROJECT } };
static const plx_error_info referrer_blocked = { .reason = "API_KEY_HTTP_REFERRER_BLOCKED",
                                                 .metadata = { "consumer", "projects/" PROJECT } };
static const plx_error_info address_blocked = { .reason = "API_KEY_IP_ADDRESS_BLOCKED",
                                                .metadata = { "consumer", "projects/" PROJECT } };
static const plx_error_info wrong_token = { .reason = "ACCESS_TOKEN_TYPE_UNSUPPORTED" };

/* What --key refuses gets the first. pollux(1) lists them. */
static const struct {
    const char           *key;
    int                   code;
    const char           *status; /* NULL: the code's */
    const plx_error_info *info;
    const char           *message;
} refused_keys[] = {
    { "bad-key", 400, NULL, &invalid, "API key not valid. Please pass a valid API key." },
    { "expired-key", 400, NULL, &invalid, "API key expired. Please renew the API key." },
    { "leaked-key", 403, NULL, NULL, "Your API key was reported as leaked. Please use another API key." },
    { "disabled-key", 403, NULL, &disabled,
      "Generative Language API has not been used in project " PROJECT " before or it is disabled. Enable it by "
      "visiting " ACTIVATION " then retry. If you enabled this API recently, wait a few minutes for the action to "
      "propagate to our systems and retry." },
    { "restricted-key", 403, NULL, &service_blocked,
      "Requests to this API generativelanguage.googleapis.com are blocked." },
    { "referrer-key", 403, NULL, &referrer_blocked, "Requests from referer <empty> are blocked." },
    { "address-key", 403, NULL, &address_blocked,
      "The provided API key has an IP address restriction. The originating IP address of the call violates this "
      "restriction." },
    { "denied-key", 403, NULL, NULL, "The caller does not have permission" },
    { "location-key", 400, "FAILED_PRECONDITION", NULL, "User location is not supported for the API use." },
    { "billing-key", 400, "FAILED_PRECONDITION", NULL,
      "Gemini API free tier is not available in your country. Please enable billing on your project in Google AI "
      "Studio." },
};

/* ---- finding ---- */

static castor_str find_bearer(const plx_exchange *e)
{
    castor_str value = plx_head_get(e->head, "authorization");

    if (value.len <= 7 || !cst_str_equal_nocase((castor_str){ value.data, 7 }, CASTOR_STR("Bearer "))) return CST_NONE;
    return cst_str_trim((castor_str){ value.data + 7, value.len - 7 });
}

static castor_str find_key(const plx_exchange *e)
{
    castor_str key = cst_str_trim(plx_head_get(e->head, "x-goog-api-key"));

    if (key.len == 0) key = cst_str_trim(plx_exchange_query(e, "key"));
    if (key.len == 0 && e->endpoint->takes_bearer_key) key = find_bearer(e);
    return key;
}

static castor_str find_token(const plx_exchange *e)
{
    castor_str token = find_bearer(e);

    if (token.len == 0) token = cst_str_trim(plx_exchange_query(e, "access_token"));
    if (token.len == 0) token = cst_str_trim(plx_exchange_query(e, "oauth_token"));
    return token;
}

/* ---- judging ---- */

static bool refuse_like(size_t row, plx_refusal *refusal)
{
    return plx_refuse_as(refusal, refused_keys[row].code, refused_keys[row].status, refused_keys[row].info, "%s",
                         refused_keys[row].message);
}

static bool check_key(const plx_exchange *e, castor_str key, plx_refusal *refusal)
{
    for (size_t i = 0; i < sizeof refused_keys / sizeof refused_keys[0]; i++) {
        if (cst_str_is(key, refused_keys[i].key)) return refuse_like(i, refusal);
    }
    return !e->world->only_key || cst_str_is(key, e->world->only_key) || refuse_like(0, refusal);
}

static bool check_token(const plx_exchange *e, castor_str token, plx_refusal *refusal)
{
    const char *only_key = e->world->only_key;

    if (only_key ? cst_str_is(token, only_key) : cst_str_starts_with(token, "ya29.")) return true;
    return plx_refuse_as(refusal, 401, NULL, &wrong_token,
                         "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie "
                         "or other valid authentication credential. See "
                         "https://developers.google.com/identity/sign-in/web/devconsole-project.");
}

/* Also where an upload's id stands in for a key. */
static bool needs_no_key(const plx_exchange *e)
{
    return e->endpoint->takes_no_key ||
           (e->endpoint->takes_upload_id && plx_exchange_query(e, "upload_id").len > 0);
}

bool plx_key_take(plx_exchange *exchange, plx_refusal *refusal)
{
    castor_str key = find_key(exchange);
    castor_str token = key.len > 0 ? CST_NONE : find_token(exchange);

    if (key.len == 0 && token.len == 0) {
        return needs_no_key(exchange) ||
               plx_refuse(refusal, 403,
                          "Method doesn't allow unregistered callers (callers without established identity). Please "
                          "use API Key or other form of API consumer identity to call this API.");
    }
    if (cst_arena_copy(&exchange->arena, key.len > 0 ? key : token, &exchange->key) != CASTOR_OK) {
        return plx_refuse_memory(refusal);
    }
    if (needs_no_key(exchange)) return true;
    return key.len > 0 ? check_key(exchange, key, refusal) : check_token(exchange, token, refusal);
}
