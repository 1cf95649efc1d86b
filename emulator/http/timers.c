/* timers.c -- any number of times to wake up at, on one timer of the loop.
 * SPDX-License-Identifier: MIT
 *
 * A pairing heap: the root is due first, and no timer is due before its parent.
 */
#include "http/timers.h"

/* ---- the heap ---- */

/* Both are roots, or NULL. */
static plx_timer *meld(plx_timer *a, plx_timer *b)
{
    if (!a) return b;
    if (!b) return a;
    if (b->due_us < a->due_us) {
        plx_timer *later = a;
        a = b;
        b = later;
    }
    b->previous = a;
    b->next = a->child;
    if (b->next) b->next->previous = b;
    a->child = b;
    return a;
}

/* One root from a row of siblings: first each with its neighbour, then all pairs from the last to the first. */
static plx_timer *meld_row(plx_timer *first)
{
    plx_timer *pairs = NULL; /* the last one first, through `next` */
    plx_timer *root = NULL;

    while (first) {
        plx_timer *a = first, *b = first->next;
        first = b ? b->next : NULL;
        a->next = a->previous = NULL;
        if (b) b->next = b->previous = NULL;
        plx_timer *pair = meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    while (pairs) {
        plx_timer *pair = pairs;
        pairs = pair->next;
        pair->next = NULL;
        root = meld(root, pair);
    }
    return root;
}

static void take_out(plx_timers *timers, plx_timer *timer)
{
    plx_timer *children = meld_row(timer->child);

    if (timer == timers->root) {
        timers->root = children;
    } else {
        if (timer->previous->child == timer) timer->previous->child = timer->next;
        else timer->previous->next = timer->next;
        if (timer->next) timer->next->previous = timer->previous;
        timers->root = meld(timers->root, children);
    }
    timer->child = timer->next = timer->previous = NULL;
    timer->due_us = 0;
}

/* ---- the loop's timer ---- */

static void on_handle_due(uv_timer_t *handle);

/* In whole milliseconds of the loop's clock, rounded up: it must not ring before its time. */
static void arm(plx_timers *timers)
{
    uint64_t now_ms = uv_now(timers->handle.loop);
    uint64_t due_ms;

    if (!timers->root) {
        uv_timer_stop(&timers->handle);
        return;
    }
    due_ms = timers->root->due_us / 1000 + (timers->root->due_us % 1000 != 0);
    uv_timer_start(&timers->handle, on_handle_due, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void on_handle_due(uv_timer_t *handle)
{
    plx_timers *timers = handle->data;

    timers->running_us = plx_now_us();
    while (timers->root && timers->root->due_us <= timers->running_us) {
        plx_timer *due = timers->root;
        take_out(timers, due);
        due->on_due(due);
    }
    timers->running_us = 0;
    arm(timers);
}

int plx_timers_init(plx_timers *timers, uv_loop_t *loop)
{
    int error = uv_timer_init(loop, &timers->handle);

    timers->root = NULL;
    timers->running_us = 0;
    timers->handle.data = timers;
    return error;
}

void plx_timers_close(plx_timers *timers)
{
    timers->root = NULL;
    if (!uv_is_closing((uv_handle_t *)&timers->handle)) uv_close((uv_handle_t *)&timers->handle, NULL);
}

void plx_timers_set(plx_timers *timers, plx_timer *timer, uint64_t due_us, plx_timer_fn *on_due)
{
    if (plx_timer_is_set(timer)) take_out(timers, timer);
    /* One that is set while timers run waits for the next round, or those that set themselves would never end. */
    if (due_us <= timers->running_us) due_us = timers->running_us + 1;
    timer->due_us = due_us ? due_us : 1;
    timer->on_due = on_due;
    timers->root = meld(timers->root, timer);
    if (!timers->running_us && timers->root == timer) arm(timers);
}

void plx_timers_stop(plx_timers *timers, plx_timer *timer)
{
    if (plx_timer_is_set(timer)) take_out(timers, timer); /* the loop may ring in vain: cheaper than arming again */
}
