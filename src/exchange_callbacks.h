/* exchange_callbacks.h -- what libcurl tells of an exchange while it is under way, handed on to its sink.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_EXCHANGE_CALLBACKS_H
#define CST_EXCHANGE_CALLBACKS_H

#include "exchange_curl.h"

void cst_exchange_set_callbacks(cst_exchange *exchange); /* once for a handle */

/* Its head is whole, or the answer has none: the sink is told, once. */
void cst_exchange_tell_head(cst_exchange *exchange);

/* libcurl waits for its socket: the phase may have changed, and so the sink is told. */
void cst_exchange_note_socket(cst_exchange *exchange, curl_socket_t socket);

#endif
