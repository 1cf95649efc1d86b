/* retry.h -- whether the same request may succeed later. Pure.
 * SPDX-License-Identifier: MIT
 *
 * This is the seam for automatic retries: what may be sent again is decided here and nowhere else. Nothing is sent
 * again yet; the caller reads castor_error.is_transient and retry_after_ms.
 */
#ifndef CST_RETRY_H
#define CST_RETRY_H

#include "base.h"

/* `code`: the server's error code, or the HTTP status; 0 when there was no answer. A used-up daily quota is final. */
bool cst_retry_is_transient(int32_t code, castor_verdict verdict);

#endif
