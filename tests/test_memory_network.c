/* test_memory_network.c -- every allocation fails in turn while the network is used: ours, libcurl's and OpenSSL's.
 * SPDX-License-Identifier: MIT
 *
 * Each scene is played once for each allocation that it makes; that one fails, or that one and all that follow until
 * the scene is over. Then each stream is as it was, or it is told that it failed and what it gave is good; the same
 * client, if it could be made, answers the next question; and when it is gone not a byte is left of ours or libcurl's.
 * (OpenSSL keeps things for itself: what it loses the address sanitizer knows.)
 *
 * Our own failures are told as NO_MEMORY. Others' are told as libcurl tells them: 7.88.1 calls some of its own a
 * connection that could not be made, and OpenSSL's come as a handshake that failed, or as one that is never told to go
 * on: these are NETWORK, INCOMPLETE behind some text, or TIMEOUT. (yyjson has no memory of its own: json.c gives it
 * ours. What zlib takes, libcurl takes for it. nghttp2 asks malloc, as libcurl 7.88.1 has it, and that does not fail.)
 *
 * Usage: test_memory_network [clear|tls|h2]. With CASTOR_FAILURES=all it takes minutes over TLS; else it looks at as many
 * as there is time for every day.
 */
#include <assert.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "scenes.h"

#ifndef RTLD_NEXT
#define RTLD_NEXT ((void *)-1L) /* glibc hides it from who asks for POSIX alone */
#endif

enum {
    ALLOCATIONS_MAX = 200000, /* of a scene; more is a loop without end */
    RESOLVER_MS = 10 * 1000
};

/* ---- what fails ---- */

typedef enum kind { OURS, CURLS, OPENSSLS, KINDS } kind;

static const char *const kind_names[] = { [OURS] = "our", [CURLS] = "libcurl's", [OPENSSLS] = "OpenSSL's" };

/* Where an address cannot be copied, libcurl asks its resolver instead, which is a thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
    tst_memory memory[OPENSSLS]; /* of ours and libcurl's */
    bool       is_counting;
    kind       of;               /* the kind of which ... */
    long       asked;
    long       fail_at;          /* ... this one fails, from 1; 0: none */
    bool       stays_empty;      /* all that follow fail too, of all kinds */
    long       failed[KINDS];
} plan;

static _Thread_local bool is_storing_session; /* see below */

/* Whether whoever asks gets nothing. */
static bool fails(kind of)
{
    bool is_its_turn = false;

    if (!plan.is_counting || plan.fail_at == 0 || is_storing_session) return false;
    if (of == plan.of) is_its_turn = ++plan.asked == plan.fail_at;
    if (!is_its_turn && !(plan.stays_empty && plan.failed[plan.of] > 0)) return false;
    plan.failed[of]++;
    return true;
}

/* ---- memory of all three ---- */

static void *take(kind of, size_t size)
{
    castor_allocator allocator = tst_allocator(&plan.memory[of]);

    pthread_mutex_lock(&lock);
    void *block = fails(of) ? NULL : allocator.allocate(allocator.user, size);
    pthread_mutex_unlock(&lock);
    return block;
}

static void give_back(kind of, void *block)
{
    castor_allocator allocator = tst_allocator(&plan.memory[of]);

    pthread_mutex_lock(&lock);
    allocator.release(allocator.user, block);
    pthread_mutex_unlock(&lock);
}

static void *our_allocate(void *user, size_t size)
{
    (void)user;
    return take(OURS, size);
}

static void *our_reallocate(void *user, void *block, size_t old_size, size_t size)
{
    castor_allocator allocator = tst_allocator(&plan.memory[OURS]);

    (void)user;
    pthread_mutex_lock(&lock);
    void *moved = fails(OURS) ? NULL : allocator.reallocate(allocator.user, block, old_size, size);
    pthread_mutex_unlock(&lock);
    return moved;
}

static void our_release(void *user, void *block)
{
    (void)user;
    give_back(OURS, block);
}

/* ---- libcurl ---- */

/* It does not tell the size when it gives a block back. */
typedef union curl_block {
    struct {
        bool   is_counted; /* it was made while a scene was played */
        size_t size;
    } is;
    max_align_t align;
} curl_block;

static void *curl_malloc(size_t size)
{
    bool        is_counted = plan.is_counting;
    curl_block *block = is_counted ? take(CURLS, sizeof *block + size) : malloc(sizeof *block + size);

    if (!block) return NULL;
    block->is.is_counted = is_counted;
    block->is.size = size;
    return block + 1;
}

static void curl_release(void *pointer)
{
    if (!pointer) return;
    curl_block *block = (curl_block *)pointer - 1;
    if (block->is.is_counted) give_back(CURLS, block);
    else free(block);
}

static void *curl_realloc(void *pointer, size_t size)
{
    size_t old_size = pointer ? ((curl_block *)pointer - 1)->is.size : 0;
    void  *moved = curl_malloc(size);

    if (!moved || !pointer) return moved;
    memcpy(moved, pointer, old_size < size ? old_size : size);
    curl_release(pointer);
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

/* What libcurl asks for when it stores a session of TLS does not fail. Where the last of it cannot be copied, 7.88.1
 * (Curl_ssl_addsessionid in lib/vtls/vtls.c) frees the host's name and leaves it in its table; the next session, which
 * comes with the same bytes, frees it again. We could only do without its table, and so without such sessions. */
static int (*store_session)(SSL *, SSL_SESSION *);

static int store_session_safely(SSL *ssl, SSL_SESSION *session)
{
    is_storing_session = true;
    int is_taken = store_session(ssl, session);
    is_storing_session = false;
    return is_taken;
}

/* In place of OpenSSL's own: what the program defines, libcurl uses too. */
__attribute__((visibility("default"))) void SSL_CTX_sess_set_new_cb(SSL_CTX *context, int (*fn)(SSL *, SSL_SESSION *))
{
    typedef void set_fn(SSL_CTX *, int (*)(SSL *, SSL_SESSION *));
    set_fn      *set = (set_fn *)(uintptr_t)dlsym(RTLD_NEXT, "SSL_CTX_sess_set_new_cb");

    store_session = fn;
    set(context, store_session_safely);
}

/* ---- OpenSSL: asked by the thread that plays, and not by pollux ---- */

static _Thread_local bool is_player;

static bool openssl_fails(void)
{
    if (!is_player) return false;
    pthread_mutex_lock(&lock);
    bool is_failed = fails(OPENSSLS);
    pthread_mutex_unlock(&lock);
    return is_failed;
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size == 0 || openssl_fails() ? NULL : malloc(size);
}

static void openssl_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    free(block);
}

static void *openssl_realloc(void *block, size_t size, const char *file, int line)
{
    if (!block) return openssl_malloc(size, file, line);
    if (size > 0) return openssl_fails() ? NULL : realloc(block, size);
    openssl_free(block, file, line);
    return NULL;
}

/* ---- playing ---- */

static tst_stage stage;

typedef struct attempt {
    tst_played   played;
    castor_error error; /* of making the client */
    long         asked;
    long         failed[KINDS];
} attempt;

/* The resolver's thread has no handle to wait for. */
static void await_resolver(void)
{
    for (int ms = 0; ms < RESOLVER_MS; ms++) {
        pthread_mutex_lock(&lock);
        bool is_done = plan.memory[CURLS].live_blocks == 0;
        pthread_mutex_unlock(&lock);
        if (is_done) return;
        nanosleep(&(struct timespec){ 0, 1000 * 1000 }, NULL);
    }
}

static void check_memory(void)
{
    for (kind of = OURS; of <= CURLS; of++) {
        assert_int_equal(plan.memory[of].live_bytes, 0);
        assert_int_equal(plan.memory[of].live_blocks, 0);
    }
    assert_false(plan.memory[OURS].has_lied);
}

static void play(const tst_scene *scene, kind of, long fail_at, bool stays_empty, attempt *out)
{
    const castor_allocator allocator = { our_allocate, our_reallocate, our_release, NULL };
    castor_client         *client = NULL;
    char                   what[96];

    *out = (attempt){ .asked = 0 };
    tst_stage_spoil(&stage, scene->fault);
    plan.of = of;
    plan.asked = 0;
    memset(plan.failed, 0, sizeof plan.failed);
    plan.stays_empty = stays_empty;
    plan.fail_at = fail_at;
    plan.is_counting = true;
    castor_status status = tst_scene_client(&client, scene, &stage, &allocator, &out->error);
    assert_int_equal(status == CASTOR_OK, client != NULL);
    if (status == CASTOR_OK) scene->play(client, &out->played);
    plan.fail_at = 0;
    out->asked = plan.asked;
    memcpy(out->failed, plan.failed, sizeof out->failed);
    tst_stage_spoil(&stage, NULL);
    (void)snprintf(what, sizeof what, "a want of %s allocation %ld%s", kind_names[of], fail_at,
                   stays_empty ? " and all that followed" : "");
    if (client) tst_scene_check_client(scene, client, what);
    castor_client_free(client);
    castor_stream_close(out->played.left_open);
    await_resolver();
    plan.is_counting = false;
    check_memory();
}

/* ---- judging ---- */

typedef struct tally {
    long failed[KINDS]; /* runs, by what failed first */
    long unharmed;
    long no_memory;
    long network;
    long timeout;
} tally;

static const char *judge(const attempt *got, const attempt *whole, castor_status status)
{
    const char *wrong = tst_played_judge(&whole->played, &got->played);
    bool        is_ours = got->failed[CURLS] + got->failed[OPENSSLS] == 0;

    if (wrong || status == CASTOR_OK || status == CASTOR_NO_MEMORY) return wrong;
    if (is_ours) return "not NO_MEMORY";
    bool is_lost = status == CASTOR_NETWORK || status == CASTOR_INCOMPLETE || status == CASTOR_TIMEOUT;
    return is_lost ? NULL : "neither NO_MEMORY nor the network's";
}

static void count_one(const attempt *got, kind of, castor_status status, tally *count)
{
    if (got->failed[of] == 0) return;
    count->failed[of]++;
    count->unharmed += status == CASTOR_OK;
    count->no_memory += status == CASTOR_NO_MEMORY;
    count->network += status == CASTOR_NETWORK || status == CASTOR_INCOMPLETE;
    count->timeout += status == CASTOR_TIMEOUT;
}

static bool fail_one(const tst_scene *scene, kind of, long nth, bool stays_empty, const attempt *whole, tally *count)
{
    attempt got;

    play(scene, of, nth, stays_empty, &got);
    got.played.may_be_late = got.failed[CURLS] + got.failed[OPENSSLS] > 0;
    castor_status status = got.error.status ? got.error.status : tst_played_status(&whole->played, &got.played);
    const char   *wrong = got.failed[of] ? judge(&got, whole, status) : NULL;
    if (!got.failed[of] && !tst_played_is_same(&whole->played, &got.played)) wrong = "nothing failed, and it differs";
    if (wrong) {
        (void)fprintf(stderr, "%s allocation %ld of about %ld failed%s: %s\n", kind_names[of], nth, whole->asked,
                      stays_empty ? " and all that followed" : "", wrong);
        tst_played_show(&got.played);
        fail();
    }
    count_one(&got, of, status, count);
    tst_played_free(&got.played);
    return got.failed[of] > 0;
}

/* ---- how thorough ---- */

typedef struct pace {
    long first;
    long step;
} pace;

/* A handshake asks OpenSSL for memory some 4,500 times, and it is the same in all scenes: the first of them goes
 * through all that there are, or as many as there is time for; of the others each looks at some. So it is over TLS with
 * what is ours and libcurl's: the clear wire has all of that, every day. (Where several streams wait, a want that lasts
 * may let a handshake stand until its limit, which is two seconds.) */
static pace pace_of(const tst_scene *scene, kind of)
{
    const char *given = getenv("CASTOR_FAILURES");
    bool        wants_all = given && strcmp(given, "all") == 0;
    long        number = (long)(scene - tst_scenes), step = 1;

    if (of == OPENSSLS) step = !wants_all ? 2819 : number == 0 ? 1 : 401;
    else if (stage.wire != TST_CLEAR) step = !wants_all ? 29 : number == 0 ? 1 : 5;
    return (pace){ .first = 1 + number % step, .step = step };
}

static void fail_each(const tst_scene *scene, kind of, tally *count)
{
    pace at = pace_of(scene, of);

    for (int stays_empty = 0; stays_empty <= 1; stays_empty++) {
        attempt whole;
        long    nth = at.first;
        play(scene, of, ALLOCATIONS_MAX, false, &whole);
        assert_true(tst_played_is_good(&whole.played, scene->verdict));
        while (fail_one(scene, of, nth, stays_empty, &whole, count)) {
            nth += at.step;
            assert_true(nth < ALLOCATIONS_MAX);
        }
        tst_played_free(&whole.played);
    }
}

static void every_allocation_fails(void **state)
{
    const tst_scene *scene = *state;
    attempt          first;
    tally            count = { .unharmed = 0 };

    is_player = true;
    play(scene, OURS, 0, false, &first); /* what is made once and for all is made here */
    tst_played_free(&first.played);
    fail_each(scene, OURS, &count);
    fail_each(scene, CURLS, &count);
    if (stage.wire != TST_CLEAR) fail_each(scene, OPENSSLS, &count);
    (void)printf("failed: %ld of ours, %ld of libcurl's, %ld of OpenSSL's: %ld unharmed, %ld NO_MEMORY, %ld NETWORK, "
                 "%ld TIMEOUT\n",
                 count.failed[OURS], count.failed[CURLS], count.failed[OPENSSLS], count.unharmed, count.no_memory,
                 count.network, count.timeout);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[64];
    tst_wire          wire = tst_wire_of(argc > 1 ? argv[1] : NULL);

    /* Before anybody asks for any: what comes first counts. */
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1) return 1;
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, curl_release, curl_realloc, curl_strdup,
                             curl_calloc) != CURLE_OK) return 1;
    tst_stage_open(&stage, wire);
    size_t count = tst_scene_tests(wire, every_allocation_fails, tests, sizeof tests / sizeof *tests);
    int    failed = _cmocka_run_group_tests("every allocation fails", tests, count, NULL, NULL);
    tst_stage_close(&stage);
    curl_global_cleanup();
    return failed;
}
