/* test_memory_network.c -- every allocation fails in turn while the network is used, libcurl's own ones too.
 * SPDX-License-Identifier: MIT
 *
 * Each scene is played once for each allocation that it makes, ours and libcurl's counted together; that one fails, or
 * that one and all that follow until the scene is over. Then each stream is as it was, or it is told that it failed and
 * what it gave is good; the same client, if it could be made, answers the next question; and when it is gone not a byte
 * is left of either.
 *
 * Our own failures are told as NO_MEMORY. libcurl's are told as libcurl tells them: 7.88.1 calls some of them a
 * connection that could not be made, and these are NETWORK. (yyjson has no memory of its own: json.c gives it ours.)
 * What OpenSSL allocates is not counted: the scenes speak plain HTTP.
 */
#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "scenes.h"

enum {
    ALLOCATIONS_MAX = 20000, /* of a scene; more is a loop without end */
    RESOLVER_MS = 10 * 1000
};

/* ---- memory: ours and libcurl's in one count ---- */

/* Where an address cannot be copied, libcurl asks its resolver instead, which is a thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
    _Atomic(tst_memory *) counted;  /* NULL: nothing is counted now */
    atomic_bool           did_fail; /* it was libcurl that got nothing */
} curls;

static void *take(void *user, size_t size)
{
    castor_allocator allocator = tst_allocator(user);

    pthread_mutex_lock(&lock);
    void *block = allocator.allocate(allocator.user, size);
    pthread_mutex_unlock(&lock);
    return block;
}

static void *take_more(void *user, void *block, size_t old_size, size_t size)
{
    castor_allocator allocator = tst_allocator(user);

    pthread_mutex_lock(&lock);
    void *moved = allocator.reallocate(allocator.user, block, old_size, size);
    pthread_mutex_unlock(&lock);
    return moved;
}

static void give_back(void *user, void *block)
{
    castor_allocator allocator = tst_allocator(user);

    pthread_mutex_lock(&lock);
    allocator.release(allocator.user, block);
    pthread_mutex_unlock(&lock);
}

typedef union curl_block {
    struct {
        tst_memory *owner; /* NULL: not counted */
        size_t      size;
    } is;
    max_align_t align;
} curl_block;

static void *curl_malloc(size_t size)
{
    tst_memory *owner = curls.counted;
    curl_block *block = owner ? take(owner, sizeof *block + size) : malloc(sizeof *block + size);

    if (!block) {
        curls.did_fail = true;
        return NULL;
    }
    block->is.owner = owner;
    block->is.size = size;
    return block + 1;
}

static void curl_free_block(void *pointer)
{
    if (!pointer) return;
    curl_block *block = (curl_block *)pointer - 1;
    if (block->is.owner) give_back(block->is.owner, block);
    else free(block);
}

static void *curl_realloc(void *pointer, size_t size)
{
    size_t old_size = pointer ? ((curl_block *)pointer - 1)->is.size : 0;
    void  *moved = curl_malloc(size);

    if (!moved || !pointer) return moved;
    memcpy(moved, pointer, old_size < size ? old_size : size);
    curl_free_block(pointer);
    return moved;
}

static char *curl_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char  *copy = curl_malloc(size);

    return copy ? memcpy(copy, text, size) : NULL;
}

static void *curl_calloc(size_t count, size_t size)
{
    void *block = curl_malloc(count * size);

    return block ? memset(block, 0, count * size) : NULL;
}

/* ---- playing ---- */

static tst_server server;

typedef struct attempt {
    tst_memory   memory;
    tst_played   played;
    castor_error error;   /* of making the client */
    bool         did_fail_in_curl;
} attempt;

/* Whatever failed, there is memory again: the client answers. */
static void check_client(castor_client *client)
{
    tst_played played = { .count = 0 };

    tst_scene_ask(client, &played);
    if (played.told[0].verdict != CASTOR_VERDICT_COMPLETE) {
        tst_played_show(&played);
        fail_msg("the client does not recover");
    }
    tst_played_free(&played);
}

/* The resolver's thread has no handle to wait for. */
static void await_resolver(const tst_memory *memory)
{
    for (int ms = 0; ms < RESOLVER_MS; ms++) {
        pthread_mutex_lock(&lock);
        bool is_done = memory->live_blocks == 0;
        pthread_mutex_unlock(&lock);
        if (is_done) return;
        nanosleep(&(struct timespec){ 0, 1000 * 1000 }, NULL);
    }
}

static void play(const tst_scene *scene, attempt *out)
{
    const castor_allocator allocator = { take, take_more, give_back, &out->memory };
    castor_client         *client = NULL;

    curls.counted = &out->memory;
    curls.did_fail = false;
    castor_status status = tst_scene_client(&client, scene, &server, &allocator, &out->error);
    assert_int_equal(status == CASTOR_OK, client != NULL);
    if (status == CASTOR_OK) scene->play(client, &out->played);
    out->did_fail_in_curl = curls.did_fail;
    out->memory.fail_at = 0;
    out->memory.stays_empty = false;
    if (client) check_client(client);
    castor_client_free(client);
    castor_stream_close(out->played.left_open);
    await_resolver(&out->memory);
    curls.counted = NULL;
    assert_int_equal(out->memory.live_bytes, 0);
    assert_int_equal(out->memory.live_blocks, 0);
    assert_false(out->memory.has_lied);
}

typedef struct tally {
    long total;
    long in_curl;
    long unharmed;
    long no_memory;
    long network;
} tally;

static void judge(const attempt *got, const attempt *whole, tally *count)
{
    castor_status status = got->error.status ? got->error.status : tst_played_status(&whole->played, &got->played);
    const char   *wrong = tst_played_judge(&whole->played, &got->played);

    if (!wrong && status != CASTOR_OK && status != CASTOR_NO_MEMORY && !got->did_fail_in_curl) wrong = "not NO_MEMORY";
    if (wrong) {
        (void)fprintf(stderr, "allocation %ld of about %ld failed%s: %s\n", count->total, whole->memory.asked,
                      got->did_fail_in_curl ? " in libcurl" : "", wrong);
        tst_played_show(&got->played);
        fail();
    }
    count->in_curl += got->did_fail_in_curl;
    count->unharmed += status == CASTOR_OK;
    count->no_memory += status == CASTOR_NO_MEMORY;
    count->network += status != CASTOR_OK && status != CASTOR_NO_MEMORY;
}

static void fail_each(const tst_scene *scene, bool stays_empty, tally *count)
{
    attempt whole = { .memory = { 0 } };
    bool    did_fail = true;

    play(scene, &whole); /* what libcurl makes once and for all is made here */
    tst_played_free(&whole.played);
    whole = (attempt){ .memory = { 0 } };
    play(scene, &whole);
    assert_true(tst_played_is_good(&whole.played, scene));
    for (long nth = 1; did_fail && nth < ALLOCATIONS_MAX; nth++) {
        attempt got = { .memory = { .fail_at = nth, .stays_empty = stays_empty } };
        play(scene, &got);
        did_fail = got.memory.did_fail;
        count->total += did_fail;
        if (did_fail) judge(&got, &whole, count);
        else assert_true(tst_played_is_same(&whole.played, &got.played));
        tst_played_free(&got.played);
    }
    assert_false(did_fail);
    tst_played_free(&whole.played);
}

static void every_allocation_fails(void **state)
{
    const tst_scene *scene = *state;
    tally            count = { 0 };

    fail_each(scene, false, &count);
    fail_each(scene, true, &count);
    (void)printf("%ld allocations failed, %ld of them libcurl's: %ld unharmed, %ld NO_MEMORY, %ld NETWORK\n",
                 count.total, count.in_curl, count.unharmed, count.no_memory, count.network);
}

int main(void)
{
    struct CMUnitTest tests[64];

    assert(tst_scene_count <= sizeof tests / sizeof *tests);
    for (size_t i = 0; i < tst_scene_count; i++) {
        void *scene = (void *)(uintptr_t)&tst_scenes[i];
        tests[i] = (struct CMUnitTest){ tst_scenes[i].name, every_allocation_fails, NULL, NULL, scene };
    }
    /* Before the library asks for it: what comes first counts. */
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, curl_free_block, curl_realloc, curl_strdup,
                             curl_calloc) != CURLE_OK) return 1;
    tst_scenes_serve(&server);
    int failed = _cmocka_run_group_tests("every allocation fails", tests, tst_scene_count, NULL, NULL);
    tst_server_stop(&server);
    curl_global_cleanup();
    return failed;
}
