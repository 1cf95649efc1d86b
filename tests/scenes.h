/* scenes.h -- what a user does with the library, from the first call to the last, against pollux on loopback.
 * SPDX-License-Identifier: MIT
 *
 * The tests that let something fail (memory, system calls) play each scene once for every place where it can fail, and
 * compare with a run in which nothing did.
 */
#ifndef TST_SCENES_H
#define TST_SCENES_H

#include "played.h"
#include "stage.h"

enum {
    TST_BREAKS_OFF = 1u << 16, /* a handshake is broken off by the client */
    TST_SHARES = 1u << 17      /* streams share a connection */
};

typedef void tst_scene_fn(castor_client *client, tst_played *out);

typedef struct tst_scene {
    const char   *name;    /* of a test: "while a stream is read" */
    tst_scene_fn *play;
    int32_t       verdict; /* of each stream, when nothing fails */
    const char   *fault;   /* of pollux, for the first answer; NULL: none */
    void        (*dress)(castor_client_options *options, const tst_stage *stage); /* NULL: as every client */
    tst_scene_fn *again;   /* whether a client is still good for anything; NULL: tst_scene_ask */
    unsigned      traits;  /* the wires on which it means something: a set of 1 << tst_wire; and the two above */
} tst_scene;

extern const tst_scene tst_scenes[];
extern const size_t    tst_scene_count;

/* The plainest of the scenes. */
void tst_scene_ask(castor_client *client, tst_played *out);

castor_status tst_scene_client(castor_client **out, const tst_scene *scene, const tst_stage *stage,
                               const castor_allocator *allocator, castor_error *err);

/* Fails the test unless the client gives a whole answer; `what` tells what was done to it before. */
void tst_scene_check_client(const tst_scene *scene, castor_client *client, const char *what);

/* The scenes of that wire as tests: gives how many. Their state is the scene. */
size_t tst_scene_tests(tst_wire wire, CMUnitTestFunction test, struct CMUnitTest *out, size_t max);

#endif
