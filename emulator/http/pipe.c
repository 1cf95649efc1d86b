/* pipe.c -- the bytes of one connection, over TCP or TLS.
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* POLLRDHUP */

#include "http/pipe.h"

#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A write that the socket did not take at once. Its bytes follow it. */
typedef struct late_write {
    uv_write_t request;
    plx_pipe  *pipe;
    char       bytes[];
} late_write;

static void enter_gone(plx_pipe *pipe, bool is_reset);

bool plx_pipe_is_alive(const plx_pipe *pipe)
{
    return (pipe->state == PLX_PIPE_OPENING || pipe->state == PLX_PIPE_OPEN) && !pipe->is_broken;
}

static int descriptor(const plx_pipe *pipe)
{
    uv_os_fd_t fd = -1;

    return uv_fileno((const uv_handle_t *)&pipe->tcp, &fd) == 0 ? fd : -1;
}

/* ---- patience ---- */

/* Whether the kernel has heard that the client is gone. Needed while nothing is read. */
static bool has_socket_error(const plx_pipe *pipe)
{
    int       error = 0;
    socklen_t len = sizeof error;

    return getsockopt(descriptor(pipe), SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0;
}

static bool has_client_left(const plx_pipe *pipe)
{
    struct pollfd one = { .fd = descriptor(pipe), .events = POLLRDHUP };

    return poll(&one, 1, 0) != 0;
}

/* Has a reset nothing left to wait for? */
static bool is_all_acknowledged(const plx_pipe *pipe)
{
    int unsent = 0;

    return plx_pipe_queued(pipe) == 0 && (ioctl(descriptor(pipe), SIOCOUTQ, &unsent) != 0 || unsent == 0);
}

static void on_patience_over(plx_timer *timer);

static void set_patience(plx_pipe *pipe, plx_patience waits_for, uint64_t due_us)
{
    pipe->waits_for = waits_for;
    plx_timers_set(&pipe->plumbing->timers, &pipe->patience, due_us, on_patience_over);
}

static void poll_for(plx_pipe *pipe, plx_patience waits_for)
{
    uint64_t wait_ms = pipe->state == PLX_PIPE_RESETTING ? 1 : pipe->plumbing->limits->half_closed_poll_ms;

    set_patience(pipe, waits_for, plx_now_us() + wait_ms * 1000);
}

static void poll_again(plx_pipe *pipe)
{
    poll_for(pipe, PLX_PATIENCE_WATCH);
}

static bool is_reader_moving(plx_pipe *pipe)
{
    size_t queued = plx_pipe_queued(pipe);

    return pipe->waits_for == PLX_PATIENCE_READER && queued < pipe->queued_then;
}

static void on_patience_over(plx_timer *timer)
{
    plx_pipe *pipe = (plx_pipe *)((char *)timer - offsetof(plx_pipe, patience));
    bool      is_over = plx_now_us() >= pipe->over_us;

    if (pipe->is_broken) {
        enter_gone(pipe, false);
    } else if (pipe->state == PLX_PIPE_RESETTING) {
        if (is_over || is_all_acknowledged(pipe)) enter_gone(pipe, true);
        else poll_again(pipe);
    } else if (pipe->state == PLX_PIPE_IGNORED) {
        if (is_over || has_client_left(pipe)) enter_gone(pipe, false);
        else poll_again(pipe);
    } else if (is_reader_moving(pipe)) {
        plx_pipe_wait_for_reader(pipe);
    } else if (pipe->waits_for == PLX_PATIENCE_WATCH && !has_socket_error(pipe)) {
        poll_again(pipe);
    } else if (pipe->waits_for == PLX_PATIENCE_SENDER && !has_client_left(pipe)) {
        poll_for(pipe, PLX_PATIENCE_SENDER);
    } else {
        enter_gone(pipe, false);
    }
}

void plx_pipe_wait_until(plx_pipe *pipe, uint64_t due_us)
{
    if (plx_pipe_is_alive(pipe)) set_patience(pipe, PLX_PATIENCE_PLAIN, due_us);
}

void plx_pipe_wait_ms(plx_pipe *pipe, uint64_t wait_ms)
{
    plx_pipe_wait_until(pipe, plx_now_us() + wait_ms * 1000);
}

/* Not anew while it goes on: what the client takes counts, not what else it does. */
void plx_pipe_wait_for_reader(plx_pipe *pipe)
{
    bool is_waiting = pipe->waits_for == PLX_PATIENCE_READER && plx_timer_is_set(&pipe->patience);

    if (is_waiting || pipe->state == PLX_PIPE_GONE || pipe->is_broken) return;
    pipe->queued_then = plx_pipe_queued(pipe);
    set_patience(pipe, PLX_PATIENCE_READER, plx_now_us() + pipe->plumbing->limits->reader_stall_ms * 1000ull);
}

/* With probes, as its machine may go without a word. */
static void watch(plx_pipe *pipe, plx_patience waits_for)
{
    if (!plx_pipe_is_alive(pipe)) return;
    uv_tcp_keepalive(&pipe->tcp, 1, PLX_KEEPALIVE_S);
    poll_for(pipe, waits_for);
}

/* A client that has closed its socket looks like one that only sends no more, until its kernel has forgotten it and
 * answers our probes with a reset. */
void plx_pipe_watch(plx_pipe *pipe)
{
    watch(pipe, PLX_PATIENCE_WATCH);
}

void plx_pipe_watch_sender(plx_pipe *pipe)
{
    watch(pipe, PLX_PATIENCE_SENDER);
}

void plx_pipe_rest(plx_pipe *pipe)
{
    if (plx_pipe_is_alive(pipe)) plx_timers_stop(&pipe->plumbing->timers, &pipe->patience);
}

void plx_pipe_give_up(plx_pipe *pipe)
{
    if (pipe->state == PLX_PIPE_GONE) return;
    pipe->is_broken = true;
    plx_timers_set(&pipe->plumbing->timers, &pipe->patience, plx_now_us(), on_patience_over);
}

/* ---- the end ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    plx_pipe *pipe = handle->data;

    plx_tls_free(pipe->tls);
    pipe->user->on_closed(pipe);
}

static void enter_gone(plx_pipe *pipe, bool is_reset)
{
    plx_plumbing *plumbing = pipe->plumbing;

    if (pipe->state == PLX_PIPE_GONE) return;
    pipe->state = PLX_PIPE_GONE;
    plx_timers_stop(&plumbing->timers, &pipe->patience);
    plx_plumbing_forget(pipe);
    if (!is_reset || uv_tcp_close_reset(&pipe->tcp, on_handle_closed) != 0) {
        uv_close((uv_handle_t *)&pipe->tcp, on_handle_closed);
    }
    pipe->user->on_gone(pipe);
}

static void shut(plx_pipe *pipe)
{
    pipe->is_shut = true;
    if (shutdown(descriptor(pipe), SHUT_WR) != 0 || pipe->saw_end) enter_gone(pipe, false);
    else set_patience(pipe, PLX_PATIENCE_PLAIN, plx_now_us() + pipe->plumbing->limits->drain_ms * 1000ull);
}

/* ---- writing ---- */

static void on_written(uv_write_t *request, int status)
{
    late_write *done = (late_write *)request;
    plx_pipe   *pipe = done->pipe;

    free(done);
    if (pipe->state == PLX_PIPE_GONE) return;
    if (status != 0) {
        enter_gone(pipe, false);
    } else if (pipe->state == PLX_PIPE_OPEN) {
        plx_pipe_rest(pipe); /* it moved; whether it still has to, on_progress knows */
        pipe->user->on_progress(pipe);
    } else if (pipe->state == PLX_PIPE_DRAINING && !pipe->is_shut && plx_pipe_queued(pipe) == 0) {
        shut(pipe);
    }
}

static void write_late(plx_pipe *pipe, castor_str bytes)
{
    late_write *late = malloc(sizeof *late + bytes.len);

    if (!late) {
        plx_pipe_give_up(pipe);
        return;
    }
    late->pipe = pipe;
    memcpy(late->bytes, bytes.data, bytes.len);
    uv_buf_t buf = uv_buf_init(late->bytes, (unsigned)bytes.len);
    if (uv_write(&late->request, (uv_stream_t *)&pipe->tcp, &buf, 1, on_written) != 0) {
        free(late);
        plx_pipe_give_up(pipe);
    } else if (pipe->state == PLX_PIPE_OPEN) {
        plx_pipe_wait_for_reader(pipe);
    }
}

/* What the socket takes now, at once; the rest when it can. */
void plx_pipe_put(plx_pipe *pipe, castor_str bytes)
{
    if (pipe->is_broken || pipe->state == PLX_PIPE_GONE || bytes.len == 0) return;
    if (uv_stream_get_write_queue_size((uv_stream_t *)&pipe->tcp) == 0) {
        uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.len);
        int      count = uv_try_write((uv_stream_t *)&pipe->tcp, &buf, 1);
        if (count < 0 && count != UV_EAGAIN) {
            plx_pipe_give_up(pipe);
            return;
        }
        if (count > 0) bytes = (castor_str){ bytes.data + count, bytes.len - (size_t)count };
    }
    if (bytes.len > 0) write_late(pipe, bytes);
}

static void put_ciphertext(void *user, castor_str bytes)
{
    plx_pipe_put(user, bytes);
}

/* ---- reading ---- */

static void end_of_input(plx_pipe *pipe)
{
    if (pipe->saw_end) return;
    pipe->saw_end = true;
    plx_pipe_read(pipe, false);
    if (pipe->state == PLX_PIPE_OPEN) pipe->user->on_end(pipe);
    else if (pipe->state == PLX_PIPE_OPENING || pipe->is_shut) enter_gone(pipe, false);
}

/* TLS was expected and HTTP came: say so in the clear, as it will be read. */
static void refuse_clear(plx_pipe *pipe)
{
    plx_pipe_put(pipe, CASTOR_STR("HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 43\r\n"
                                 "connection: close\r\n\r\nThis port speaks TLS: the URL is https://.\n"));
    plx_pipe_finish(pipe, true);
}

static void decrypt(plx_pipe *pipe, castor_str bytes)
{
    plx_plumbing *plumbing = pipe->plumbing;

    plx_tls_feed(pipe->tls, bytes);
    while (pipe->state == PLX_PIPE_OPENING || pipe->state == PLX_PIPE_OPEN) {
        castor_str plain = CST_NONE;
        switch (plx_tls_next(pipe->tls, plumbing->plain, sizeof plumbing->plain, &plain)) {
        case PLX_TLS_WAIT: return;
        case PLX_TLS_OPEN:
            pipe->state = PLX_PIPE_OPEN;
            pipe->user->on_open(pipe);
            break;
        case PLX_TLS_BYTES: pipe->user->on_bytes(pipe, plain); break;
        case PLX_TLS_END: end_of_input(pipe); return;
        case PLX_TLS_CLEAR: refuse_clear(pipe); return;
        case PLX_TLS_FAILED: plx_pipe_finish(pipe, true); return; /* behind the alert */
        }
    }
}

/* libuv reads up to 32 times from a socket that has more, which are thousands of requests to serve while everybody else
 * waits. No room for a second time makes it go on with the next one; epoll tells again of what is left. */
static void on_allocate(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    plx_pipe     *pipe = handle->data;
    plx_plumbing *plumbing = pipe->plumbing;
    bool          had_its_turn = plumbing->last_reader == pipe;

    (void)wanted;
    plumbing->last_reader = pipe;
    *buf = uv_buf_init(plumbing->read_buffer, had_its_turn ? 0 : sizeof plumbing->read_buffer);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    plx_pipe *pipe = stream->data;

    if (count == 0 || count == UV_ENOBUFS || pipe->state == PLX_PIPE_GONE) return;
    if (count == UV_EOF) {
        end_of_input(pipe);
    } else if (count < 0) {
        enter_gone(pipe, false);
    } else if (pipe->state == PLX_PIPE_OPENING || pipe->state == PLX_PIPE_OPEN) {
        castor_str bytes = { buf->base, (size_t)count };
        if (pipe->tls) decrypt(pipe, bytes);
        else pipe->user->on_bytes(pipe, bytes);
    } /* else it is dropped */
}

void plx_pipe_read(plx_pipe *pipe, bool wants_bytes)
{
    if (!wants_bytes && pipe->is_reading) {
        uv_read_stop((uv_stream_t *)&pipe->tcp);
        pipe->is_reading = false;
    } else if (wants_bytes && !pipe->is_reading && !pipe->saw_end && pipe->state != PLX_PIPE_GONE) {
        pipe->is_reading = uv_read_start((uv_stream_t *)&pipe->tcp, on_allocate, on_read) == 0;
        if (!pipe->is_reading) plx_pipe_give_up(pipe);
    }
}

/* ---- beginning and ending ---- */

bool plx_pipe_take(plx_pipe *pipe, plx_plumbing *plumbing, const plx_pipe_user *user)
{
    pipe->plumbing = plumbing;
    pipe->user = user;
    if (uv_tcp_init(plumbing->loop, &pipe->tcp) != 0) return false;
    pipe->tcp.data = pipe;
    return true;
}

bool plx_pipe_adopt(plx_pipe *pipe, int socket)
{
    if (uv_tcp_open(&pipe->tcp, socket) == 0) return true;
    close(socket);
    plx_pipe_cut(pipe);
    return false;
}

void plx_pipe_open(plx_pipe *pipe)
{
    plx_plumbing *plumbing = pipe->plumbing;

    uv_tcp_nodelay(&pipe->tcp, 1); /* every token leaves at its own time */
    if (plumbing->tls) {
        pipe->tls = plx_tls_new(plumbing->tls, put_ciphertext, pipe);
        if (!pipe->tls) {
            plx_pipe_give_up(pipe);
            return;
        }
        plx_pipe_wait_ms(pipe, plumbing->limits->handshake_ms);
        plx_pipe_read(pipe, true);
        return;
    }
    pipe->state = PLX_PIPE_OPEN;
    pipe->user->on_open(pipe);
}

void plx_pipe_ignore(plx_pipe *pipe)
{
    pipe->state = PLX_PIPE_IGNORED;
    pipe->over_us = plx_now_us() + pipe->plumbing->limits->ignored_ms * 1000ull;
    poll_again(pipe);
}

void plx_pipe_finish(plx_pipe *pipe, bool is_silent)
{
    if (pipe->state == PLX_PIPE_IGNORED) {
        enter_gone(pipe, false);
        return;
    }
    if (pipe->state != PLX_PIPE_OPENING && pipe->state != PLX_PIPE_OPEN) return;
    plx_plumbing_flush(pipe);
    if (pipe->tls && !is_silent) plx_tls_close(pipe->tls);
    if (pipe->is_broken) return; /* its end is near already */
    pipe->state = PLX_PIPE_DRAINING;
    if (plx_pipe_queued(pipe) > 0) plx_pipe_wait_for_reader(pipe);
    else shut(pipe);
    plx_pipe_read(pipe, true);
}

void plx_pipe_reset(plx_pipe *pipe)
{
    if (pipe->state == PLX_PIPE_GONE) return;
    plx_plumbing_flush(pipe);
    plx_pipe_read(pipe, false);
    pipe->state = PLX_PIPE_RESETTING;
    pipe->over_us = plx_now_us() + pipe->plumbing->limits->lost_wait_ms * 1000ull;
    if (pipe->is_broken || is_all_acknowledged(pipe)) enter_gone(pipe, true);
    else poll_again(pipe);
}

void plx_pipe_cut(plx_pipe *pipe)
{
    enter_gone(pipe, false);
}
