/* scenes.h -- what a user does with the library, from the first call to the last, against a server on loopback.
 * SPDX-License-Identifier: MIT
 *
 * The tests that let something fail (memory, system calls) play each scene once for every place where it can fail, and
 * compare with a run in which nothing did.
 */
#ifndef TST_SCENES_H
#define TST_SCENES_H

#include "server.h"
#include "support.h"

enum {
    TST_TOLD_MAX = 24,
    TST_SCENE_PATIENCE_MS = 20 * 1000 /* the total limit of each call: who meets it hung */
};

/* What became of one stream, or of a call that is none. */
typedef struct tst_told {
    cst_buf        lines; /* its events, a line each */
    castor_error   error; /* status OK: none */
    castor_verdict verdict;
} tst_told;

typedef struct tst_played {
    tst_told       told[TST_TOLD_MAX];
    size_t         count;
    castor_stream *left_open; /* to be closed when the client is gone */
} tst_played;

typedef struct tst_scene {
    const char *name; /* of a test: "while a stream is read" */
    void      (*play)(castor_client *client, tst_played *out);
    int32_t     verdict;     /* of each stream, when nothing fails */
    int64_t     streams_max; /* of its client; 0: the default */
} tst_scene;

extern const tst_scene tst_scenes[];
extern const size_t    tst_scene_count;

/* The server that all scenes ask. */
void tst_scenes_serve(tst_server *server);

castor_status tst_scene_client(castor_client **out, const tst_scene *scene, const tst_server *server,
                               const castor_allocator *allocator, castor_error *err);

/* The plainest of the scenes: whether a client is still good for anything. */
void tst_scene_ask(castor_client *client, tst_played *out);

/* What is wrong with `got`, of a run in which something failed; NULL: nothing. Each stream is as in `whole`, or it is
 * told in a sentence that it failed, and its events are those that came first. */
const char *tst_played_judge(const tst_played *whole, const tst_played *got);

bool tst_played_is_good(const tst_played *whole, const tst_scene *scene); /* of a run in which nothing fails */
bool tst_played_is_same(const tst_played *a, const tst_played *b);

/* The status of the first that did not fare as in `whole`. */
castor_status tst_played_status(const tst_played *whole, const tst_played *got);

void tst_played_show(const tst_played *played);
void tst_played_free(tst_played *played);

#endif
