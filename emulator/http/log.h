/* log.h -- lines on stderr that never make anybody wait: what it does not take is dropped, and counted.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_LOG_H
#define PLX_LOG_H

#include "http/head.h"

typedef struct plx_log {
    int      fd;       /* stderr, in a way that does not block */
    bool     is_own;   /* and to be closed */
    bool     is_socket;
    bool     is_quiet; /* no line per request */
    uint64_t dropped;
} plx_log;

void plx_log_open(plx_log *log, bool is_quiet);
void plx_log_close(plx_log *log);

/* "pollux: " and the sentence. */
void plx_log_say(plx_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same from where there is no log: what stderr does not take at once is dropped, and not counted. */
void plx_log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What a request's line begins with: method and path, without the query, where a key may stand. Held until the answer
 * has ended, when the head is long gone; NULL when there is no memory or no need. To be freed. */
char *plx_log_label(const plx_log *log, const plx_head *head);
void  plx_log_reply(plx_log *log, const char *label, int status, uint64_t bytes, const char *note);

#endif
