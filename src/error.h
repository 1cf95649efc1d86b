/* error.h -- fills the caller's castor_error: one sentence, whole characters, never a format of the network's. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_ERROR_H
#define CST_ERROR_H

#include "base.h"

/* Sets status and sentence, clears the rest; `err` may be NULL. Returns `status`, so that `return cst_fail(...)`. */
castor_status cst_fail(castor_error *err, castor_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The sentence of a status that needs no more: NO_MEMORY, LIMIT. OK leaves `err` alone. */
castor_status cst_fail_plainly(castor_error *err, castor_status status);

/* Copies a text of the network's as people may see it: as much as fits, invalid UTF-8 as U+FFFD, control characters
 * as spaces. For the short fields; the sentence is cleaned by those who say it. */
void cst_error_copy(char *out, size_t size, castor_str text);

/* Replaces the sentence and keeps the facts. */
void cst_error_say(castor_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts asterisks over every `secret` in these bytes, and over the beginning of one at their end. */
void cst_redact(char *text, size_t len, castor_str secret);

/* Puts asterisks over every `secret` in the texts of `err`: servers quote keys back. */
void cst_error_redact(castor_error *err, castor_str secret);

#endif
