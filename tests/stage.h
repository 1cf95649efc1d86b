/* stage.h -- where the scenes are played: pollux in this process, in the clear or over TLS, and clients that ask it.
 * SPDX-License-Identifier: MIT
 */
#ifndef TST_STAGE_H
#define TST_STAGE_H

#include <castor/pollux.h>

#include "support.h"

enum {
    TST_SCENE_PATIENCE_MS = 20 * 1000, /* the total limit of each call: who meets it hung */
    TST_SCENE_NEAR_MS = 2000           /* those of the handshake and of the first byte */
};

typedef enum tst_wire {
    TST_CLEAR, /* HTTP/1.1 */
    TST_TLS,   /* the same over TLS */
    TST_H2     /* HTTP/2 over TLS */
} tst_wire;

typedef struct tst_stage {
    tst_wire wire;
    pollux  *twin;
    char     url[128];
    char     chat_url[160];   /* the same for chat completions */
    char     directory[32];   /* of the files below, which are gone with the stage */
    char     ca_file[64];     /* what to trust */
    char     strangers[64];   /* a directory of authorities, by hashed names, of which none has signed the server */
    char     client_cert[64]; /* and its key: who we are */
} tst_stage;

/* "clear", "tls" or "h2"; NULL: "clear". */
tst_wire tst_wire_of(const char *name);

void tst_stage_open(tst_stage *stage, tst_wire wire);
void tst_stage_close(tst_stage *stage);

/* Lets the next answer go wrong, as `pollux faults` says; NULL: none. */
void tst_stage_spoil(tst_stage *stage, const char *fault);

/* What every client of this stage has; the allocator is not copied. */
castor_client_options tst_stage_options(const tst_stage *stage, const castor_allocator *allocator);

#endif
