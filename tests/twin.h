/* twin.h -- pollux as the tests see it: a program on a port of the kernel's choice, spoken to over plain sockets.
 * SPDX-License-Identifier: MIT
 *
 * The program is the one that POLLUX names, or the one built beside the tests. Nothing waits for a time to pass: each
 * step waits for bytes, for the end of a connection or for the end of the child. What fails, fails the running test.
 */
#ifndef TST_TWIN_H
#define TST_TWIN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

enum { TST_PATIENCE_S = 60, TST_ARGS_MAX = 16, TST_CHUNKS_MAX = 4096 };

/* ---- the program ---- */

typedef struct tst_pollux {
    pid_t pid;
    int   port;
    int   errors; /* its stderr */
    char  authority[256]; /* the file of what its clients have to trust; "" without TLS, or with a given certificate */
} tst_pollux;

/* Starts it with these words, and gives its stdout. */
void tst_pollux_run(tst_pollux *p, int *out, const char *const *args);

/* Starts it on a free port, and waits until it listens. */
tst_pollux tst_pollux_start(const char *const *args);
#define TST_POLLUX(...) tst_pollux_start((const char *const[TST_ARGS_MAX]){ "--port", "0", __VA_ARGS__ })

/* SIGTERM; it must exit with 0. */
void tst_pollux_stop(tst_pollux *p);

/* One that answers at once, for all tests of a program: set-up and tear-down of their group. */
extern tst_pollux tst_shared;
int tst_shared_start(void **state);
int tst_shared_stop(void **state);
int  tst_exit_status(pid_t pid);

/* All that comes until the end, or `size - 1` bytes. */
size_t tst_read_all(int fd, char *text, size_t size);
/* Reads up to a newline and no further. */
void tst_read_line(int fd, char *text, size_t size);

/* ---- connections ---- */

typedef struct tst_link {
    int    fd;
    char  *data; /* what was read ... */
    size_t len;
    size_t at;   /* ... and how much of it was used */
    size_t size;
    int    error;
} tst_link;

tst_link tst_connect(const tst_pollux *p);
tst_link tst_connect_to(int port);
void     tst_hang_up(tst_link *l);
void     tst_send(tst_link *l, const char *bytes, size_t len);
void     tst_send_text(tst_link *l, const char *text);

/* Reads once. False at the end; `error` is set if that was no clean one. */
bool tst_read_more(tst_link *l);

/* The offset just behind `text`, from `at` on, reading as needed; 0: the connection ended before. */
size_t tst_find_behind(tst_link *l, const char *text);

/* ---- requests and answers ---- */

#define KEY "x-goog-api-key: test-key\r\n"
#define STREAM "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
#define ARRAY "/v1beta/models/gemini-3.8-flash:streamGenerateContent"
#define WHOLE "/v1beta/models/gemini-3.8-flash:generateContent"
#define CHAT "/v1beta/openai/chat/completions"
#define MESSAGE "/v1beta2/models/chat-bison-001:generateMessage"
#define PROMPT(text) "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"" text "\"}]}]}"
#define PROMPT_WITH(text, config) \
    "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"" text "\"}]}],\"generationConfig\":" config "}"

typedef struct tst_answer {
    int    status;         /* 0: no answer came */
    char   head[4096];
    char  *body;           /* NUL-terminated */
    size_t len;
    size_t chunk_ends[TST_CHUNKS_MAX]; /* in `body` */
    size_t chunk_count;
    bool   is_whole;       /* the last chunk came */
} tst_answer;

/* Sends a request. `headers`: whole lines. `body` NULL: none. */
void tst_request(tst_link *l, const char *method, const char *path, const char *headers, const char *body);
void tst_post(tst_link *l, const char *path, const char *headers, const char *body);

/* Reads one whole answer: chunked, by its content-length, or to the end of the connection. To be forgotten. */
tst_answer tst_read_answer(tst_link *l);
void       tst_forget(tst_answer *a);

/* Each on a connection of its own. The first two POST; `headers` KEY where none are given. */
tst_answer tst_ask(const tst_pollux *p, const char *path, const char *body);
tst_answer tst_ask_with(const tst_pollux *p, const char *path, const char *headers, const char *body);
tst_answer tst_call(const tst_pollux *p, const char *method, const char *path, const char *headers, const char *body);

/* The steps of tst_read_answer, for tests that look in between. */
bool tst_read_head(tst_link *l, tst_answer *a);
bool tst_read_chunk(tst_link *l, tst_answer *a); /* false: it was the last, or the connection ended */

/* A header's value copied to `value`; false when the answer has none. The name in lower case. */
bool tst_header(const tst_answer *a, const char *name, char *value, size_t size);

void tst_contains(const tst_answer *a, const char *text);
void tst_lacks(const tst_answer *a, const char *text);

/* Compares with the body; `$` in `expected` stands for what differs each time: up to the next quote or comma. */
void tst_same_body(const tst_answer *a, const char *expected);

#endif
