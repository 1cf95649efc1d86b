/* timers.h -- any number of times to wake up at, on one timer of the loop.
 * SPDX-License-Identifier: MIT
 *
 * Every time is absolute, in microseconds on the clock of plx_now_us, so that delays do not add up. A timer is 40 bytes
 * in the object that it belongs to and setting one cannot fail: a pairing heap through the timers' own links.
 */
#ifndef PLX_TIMERS_H
#define PLX_TIMERS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

typedef struct plx_timer plx_timer;
typedef void plx_timer_fn(plx_timer *timer);

/* Zeroed: not set. */
struct plx_timer {
    uint64_t      due_us; /* 0: not set */
    plx_timer_fn *on_due;
    plx_timer    *child;  /* the first of those that are due no earlier */
    plx_timer    *next;   /* sibling */
    plx_timer    *previous; /* sibling; of a first child the parent; of the root NULL */
};

typedef struct plx_timers {
    uv_timer_t handle;
    plx_timer *root;      /* the one that is due first */
    uint64_t   running_us; /* the time for which timers are being run; 0: none are */
} plx_timers;

static inline uint64_t plx_now_us(void) { return uv_hrtime() / 1000; }

int  plx_timers_init(plx_timers *timers, uv_loop_t *loop); /* 0, or libuv's error */
void plx_timers_close(plx_timers *timers);                 /* what is still set is forgotten */

/* Calls on_due once, at `due_us` or as soon after it as can be, from the loop. A time given later replaces it. */
void plx_timers_set(plx_timers *timers, plx_timer *timer, uint64_t due_us, plx_timer_fn *on_due);
void plx_timers_stop(plx_timers *timers, plx_timer *timer); /* also when it is not set */

static inline bool plx_timer_is_set(const plx_timer *timer) { return timer->due_us != 0; }

#endif
