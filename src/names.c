/* names.c -- the names of what the public enums count, and the exit status of a verdict.
 * SPDX-License-Identifier: MIT
 */
#include "base.h"

const char *castor_version(void)
{
    return CASTOR_VERSION;
}

const char *castor_status_name(castor_status status)
{
    switch (status) {
    case CASTOR_OK: return "OK";
    case CASTOR_INVALID: return "INVALID";
    case CASTOR_NO_MEMORY: return "NO_MEMORY";
    case CASTOR_LIMIT: return "LIMIT";
    case CASTOR_PROTOCOL: return "PROTOCOL";
    case CASTOR_NETWORK: return "NETWORK";
    case CASTOR_TIMEOUT: return "TIMEOUT";
    case CASTOR_CANCELLED: return "CANCELLED";
    case CASTOR_API_ERROR: return "API_ERROR";
    case CASTOR_INCOMPLETE: return "INCOMPLETE";
    default: return "UNKNOWN";
    }
}

const char *castor_verdict_name(castor_verdict verdict)
{
    switch (verdict) {
    case CASTOR_VERDICT_NONE: return "NONE";
    case CASTOR_VERDICT_COMPLETE: return "COMPLETE";
    case CASTOR_VERDICT_FAILED: return "FAILED";
    case CASTOR_VERDICT_AUTH: return "AUTH";
    case CASTOR_VERDICT_QUOTA_NOW: return "QUOTA_NOW";
    case CASTOR_VERDICT_QUOTA_DAY: return "QUOTA_DAY";
    case CASTOR_VERDICT_BLOCKED: return "BLOCKED";
    case CASTOR_VERDICT_TRUNCATED: return "TRUNCATED";
    case CASTOR_VERDICT_MAX_TOKENS: return "MAX_TOKENS";
    case CASTOR_VERDICT_TIMEOUT: return "TIMEOUT";
    case CASTOR_VERDICT_NETWORK: return "NETWORK";
    case CASTOR_VERDICT_MALFORMED: return "MALFORMED";
    case CASTOR_VERDICT_EMPTY: return "EMPTY";
    case CASTOR_VERDICT_BUDGET: return "BUDGET";
    case CASTOR_VERDICT_CANCELLED: return "CANCELLED";
    default: return "UNKNOWN";
    }
}

int32_t castor_verdict_exit(castor_verdict verdict)
{
    switch (verdict) {
    case CASTOR_VERDICT_COMPLETE: return 0;
    case CASTOR_VERDICT_AUTH: return 3;
    case CASTOR_VERDICT_QUOTA_NOW: return 4;
    case CASTOR_VERDICT_QUOTA_DAY: return 5;
    case CASTOR_VERDICT_BLOCKED: return 6;
    case CASTOR_VERDICT_TRUNCATED: return 7;
    case CASTOR_VERDICT_MAX_TOKENS: return 8;
    case CASTOR_VERDICT_TIMEOUT: return 9;
    case CASTOR_VERDICT_NETWORK: return 10;
    case CASTOR_VERDICT_MALFORMED: return 11;
    case CASTOR_VERDICT_EMPTY: return 12;
    case CASTOR_VERDICT_BUDGET: return 13;
    case CASTOR_VERDICT_CANCELLED: return 130;
    case CASTOR_VERDICT_NONE:
    case CASTOR_VERDICT_FAILED:
    default: return 1;
    }
}

const char *castor_event_name(castor_event_type type)
{
    switch (type) {
    case CASTOR_EVENT_NONE: return "none";
    case CASTOR_EVENT_TEXT: return "text";
    case CASTOR_EVENT_THOUGHT: return "thought";
    case CASTOR_EVENT_FUNCTION_CALL: return "function_call";
    case CASTOR_EVENT_MEDIA: return "media";
    case CASTOR_EVENT_CODE: return "code";
    case CASTOR_EVENT_CODE_RESULT: return "code_result";
    case CASTOR_EVENT_SIGNATURE: return "signature";
    case CASTOR_EVENT_OTHER: return "other";
    case CASTOR_EVENT_USAGE: return "usage";
    case CASTOR_EVENT_FINISH: return "finish";
    case CASTOR_EVENT_RESTART: return "restart";
    default: return "UNKNOWN";
    }
}

const char *castor_time_limit_name(castor_time_limit limit)
{
    switch (limit) {
    case CASTOR_LIMIT_NONE: return "none";
    case CASTOR_LIMIT_CONNECT: return "connect";
    case CASTOR_LIMIT_TLS: return "TLS handshake";
    case CASTOR_LIMIT_FIRST_BYTE: return "first byte";
    case CASTOR_LIMIT_IDLE: return "idle";
    case CASTOR_LIMIT_TOTAL: return "total";
    default: return "UNKNOWN";
    }
}

const char *castor_dialect_name(castor_dialect dialect)
{
    switch (dialect) {
    case CASTOR_DIALECT_DEFAULT: return "default";
    case CASTOR_DIALECT_GEMINI: return "gemini";
    case CASTOR_DIALECT_OPENAI: return "openai";
    case CASTOR_DIALECT_MESSAGE: return "message";
    default: return "UNKNOWN";
    }
}

castor_dialect castor_dialect_from_name(const char *name)
{
    static const castor_dialect all[] = { CASTOR_DIALECT_GEMINI, CASTOR_DIALECT_OPENAI, CASTOR_DIALECT_MESSAGE };

    for (size_t i = 0; name && i < sizeof all / sizeof *all; i++) {
        if (strcmp(name, castor_dialect_name(all[i])) == 0) return all[i];
    }
    return CASTOR_DIALECT_DEFAULT;
}
