/* drive.h -- moves all streams of a client, and tells their listeners.
 * SPDX-License-Identifier: MIT
 */
#ifndef CST_DRIVE_H
#define CST_DRIVE_H

#include "client.h"

/* Moves all streams once, waiting `timeout_ms` at most or until the nearest of their time limits. What goes wrong with
 * the transport itself has ended them all. */
castor_status cst_client_drive(castor_client *client, int64_t timeout_ms, castor_error *err);

/* castor_stream_open, for a request that was copied already. */
castor_status cst_drive_open(castor_stream **out, castor_client *client, const castor_request *request,
                             castor_error *err);

#endif
