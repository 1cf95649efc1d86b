/* storm.h -- what every adapter must stand: 200 streams with random cuts, losses, cancels, and clients that go.
 * SPDX-License-Identifier: MIT
 */
#ifndef TST_STORM_H
#define TST_STORM_H

#include "castor/castor.h"

/* A loop under test. */
typedef struct tst_loop {
    void *(*make)(void);
    castor_status (*attach)(void *loop, castor_client *client, castor_error *err);
    void (*run)(void *loop);  /* returns when nothing is left to wait for; or, where the loop has a stop, after that */
    void (*stop)(void *loop); /* NULL: it ends by itself. Called in listeners */
    void (*turn)(void *loop); /* what is ready, without waiting */
    void (*free)(void *loop); /* the client has gone before */
} tst_loop;

int tst_storm(const tst_loop *loop);

#endif
