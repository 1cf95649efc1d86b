/* answers.h -- what tests ask of a pollux's JSON answers.
 * SPDX-License-Identifier: MIT
 */
#ifndef TST_ANSWERS_H
#define TST_ANSWERS_H

#include "twin.h"

#define OTHER_KEY "x-goog-api-key: other-key\r\n"

/* For tst_check_error: the usual statuses. */
#define INVALID 400, "INVALID_ARGUMENT"
#define DENIED 403, "PERMISSION_DENIED"
#define MISSING 404, "NOT_FOUND"

/* A text of the answer's JSON by a path like "file.name" or "files.0.name"; empty when it is not there. */
void tst_text_at(const tst_answer *a, const char *path, char *out, size_t size);

/* Each fails the running test when it is otherwise. A number is compared by its digits. */
void tst_check_status(const tst_answer *a, int status);
void tst_check_at(const tst_answer *a, const char *path, const char *expected);
void tst_check_header(const tst_answer *a, const char *name, const char *expected);

/* An error of Google's shape; `words` stand in its message. The answer is forgotten. */
void tst_check_error(tst_answer a, int code, const char *status, const char *words);

/* Moves the clock of pollux forward. */
void tst_advance(const tst_pollux *p, const char *seconds);

tst_answer tst_get(const tst_pollux *p, const char *path);    /* with KEY */
tst_answer tst_delete(const tst_pollux *p, const char *path); /* with KEY */

#endif
