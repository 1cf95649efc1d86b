/* retry.c -- whether the same request may succeed later.
 * SPDX-License-Identifier: MIT
 */
#include "retry.h"

bool cst_retry_is_transient(int32_t code, castor_verdict verdict)
{
    if (verdict == CASTOR_VERDICT_QUOTA_DAY || verdict == CASTOR_VERDICT_AUTH) return false;
    if (verdict == CASTOR_VERDICT_NETWORK || verdict == CASTOR_VERDICT_QUOTA_NOW) return true;
    return code == 408 || code == 429 || code == 500 || code == 502 || code == 503 || code == 504;
}
