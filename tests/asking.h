/* asking.h -- a question to libcastor, for tests to which any will do.
 * SPDX-License-Identifier: MIT
 */
#ifndef TST_ASKING_H
#define TST_ASKING_H

#include "support.h"

/* A key, one attempt that ends after 30 s at the latest, and nothing of the environment. */
castor_client_options tst_options(const char *base_url);

castor_request tst_question(void);

/* Asks for a whole answer with a client of its own: what came of it. */
castor_verdict tst_generate(const castor_client_options *options, castor_error *err);

#endif
