/* server.c -- the listening socket, the connections it accepted, and how all of it ends.
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* accept4 */

#include "http/server.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/connection.h"

enum {
    DESCRIPTORS_OF_OUR_OWN = 64, /* the loop's, scripts, connections to another server */
    TRY_AGAIN_MS           = 100,
    GUESTS_A_TURN          = 64 /* then those who are served have their turn */
};

/* ---- accepting: by ourselves, since libuv turns guests away, or tries without end, when descriptors are short ---- */

static int listening_socket(const plx_server *server)
{
    uv_os_fd_t fd = -1;

    return uv_fileno((const uv_handle_t *)&server->listener, &fd) == 0 ? fd : -1;
}

/* Leaves those who come where they are, in the kernel's queue. So nothing spins, and nobody is turned away. */
static void let_wait(plx_server *server)
{
    if (!server->has_guests_waiting) {
        plx_log_say(&server->log, "%zu connections are open; more have to wait.", server->connection_count);
    }
    server->has_guests_waiting = true;
    uv_poll_stop(&server->arrivals);
}

static void accept_some(plx_server *server);

static void on_arrival(uv_poll_t *arrivals, int status, int events)
{
    (void)status; /* whatever it is, accept tells */
    (void)events;
    accept_some(arrivals->data);
}

static void look_again(plx_server *server)
{
    uv_poll_start(&server->arrivals, UV_READABLE, on_arrival);
}

static void on_try_again(uv_timer_t *timer)
{
    look_again(timer->data);
}

static void try_again_later(plx_server *server)
{
    let_wait(server);
    uv_timer_start(&server->try_again, on_try_again, TRY_AGAIN_MS, 0);
}

/* Of those who come, some leave before they are accepted. All other errors are want of something. */
static bool has_left(int error)
{
    return error == ECONNABORTED || error == EINTR || error == EPROTO || error == ENETDOWN || error == EHOSTUNREACH;
}

/* True: one was served, or has left. */
static bool accept_one(plx_server *server)
{
    int guest = accept4(listening_socket(server), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (guest < 0 && has_left(errno)) return true;
    if (guest < 0 && errno != EAGAIN) try_again_later(server);
    if (guest < 0) return false;
    server->has_guests_waiting = false;
    if (plx_connection_begin(server, guest)) return true;
    close(guest);
    try_again_later(server);
    return false;
}

static void accept_some(plx_server *server)
{
    size_t most = server->limits.connections_max;

    if (server->connection_count >= most) let_wait(server);
    for (int i = 0; i < GUESTS_A_TURN && server->connection_count < most; i++) {
        if (!accept_one(server)) return;
    }
}

/* A connection that only waits for a time holds no handle of the loop open, so the loop is held here. */
void plx_server_has_one_more(plx_server *server)
{
    if (server->connection_count++ == 0) uv_ref((uv_handle_t *)&server->plumbing.before_sleep);
}

void plx_server_has_lost_one(plx_server *server)
{
    if (--server->connection_count == 0) uv_unref((uv_handle_t *)&server->plumbing.before_sleep);
    if (server->has_guests_waiting && !server->is_stopping) look_again(server);
}

/* Answers need descriptors too: connections leave them some. */
static uint32_t connections_max(const plx_limits *limits)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) return limits->connections_max;
    rlim_t room = files.rlim_cur > 2 * DESCRIPTORS_OF_OUR_OWN ? files.rlim_cur - DESCRIPTORS_OF_OUR_OWN
                                                              : files.rlim_cur / 2;
    return room < limits->connections_max ? (uint32_t)room : limits->connections_max;
}

/* ---- beginning ---- */

static bool explain(char *why, size_t why_size, const plx_server_options *options, int error)
{
    bool is_port = error == UV_EADDRINUSE || error == UV_EACCES;

    snprintf(why, why_size, "Cannot listen on %s port %d: %s.%s", options->host, options->port, uv_strerror(error),
             is_port ? " Choose another with --port, or 0 for any free one." : "");
    return false;
}

static int bind_to(plx_server *server, const plx_server_options *options)
{
    struct sockaddr_in  v4;
    struct sockaddr_in6 v6;

    if (uv_ip4_addr(options->host, options->port, &v4) == 0) {
        return uv_tcp_bind(&server->listener, (const struct sockaddr *)&v4, 0);
    }
    int error = uv_ip6_addr(options->host, options->port, &v6);
    return error ? error : uv_tcp_bind(&server->listener, (const struct sockaddr *)&v6, 0);
}

static int begin_to_listen(plx_server *server, const plx_server_options *options)
{
    int error = uv_tcp_init(server->loop, &server->listener);

    if (error) return error;
    error = bind_to(server, options);
    /* That the port is taken libuv keeps for its own listen; the socket is then bound to nothing. */
    if (!error && plx_server_port(server) == 0) error = UV_EADDRINUSE;
    if (!error && listen(listening_socket(server), PLX_BACKLOG) != 0) error = uv_translate_sys_error(errno);
    if (!error) error = uv_poll_init_socket(server->loop, &server->arrivals, listening_socket(server));
    if (error) {
        uv_close((uv_handle_t *)&server->listener, NULL);
        return error;
    }
    server->arrivals.data = server;
    look_again(server);
    return 0;
}

bool plx_server_open(plx_server *server, uv_loop_t *loop, const plx_server_options *options, plx_handler handler,
                     char *why, size_t why_size)
{
    server->loop = loop;
    server->handler = handler;
    server->limits = options->limits;
    server->limits.connections_max = connections_max(&options->limits);
    server->grace_ms = options->grace_ms;
    server->is_stopping = server->has_guests_waiting = false;
    server->connections = NULL;
    server->connection_count = 0;

    int error = uv_timer_init(loop, &server->grace);
    if (!error) error = uv_timer_init(loop, &server->try_again);
    if (!error) error = plx_plumbing_open(&server->plumbing, loop, &server->limits);
    if (!error) error = begin_to_listen(server, options);
    if (error) return explain(why, why_size, options, error);

    server->plumbing.tls = options->tls;
    server->grace.data = server->try_again.data = server;
    uv_unref((uv_handle_t *)&server->grace); /* the loop ends when listener and connections have ended */
    plx_log_open(&server->log, options->is_quiet);
    return true;
}

int plx_server_port(const plx_server *server)
{
    struct sockaddr_storage address;
    int                     len = sizeof address;

    if (uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &len) != 0) return 0;
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

/* ---- ending ---- */

/* Each call takes one connection or none from the list, so the next one is looked up before. */
static void for_each_connection(plx_server *server, void (*call)(plx_connection *connection))
{
    for (plx_connection *one = server->connections; one;) {
        plx_connection *next = one->next;
        call(one);
        one = next;
    }
}

static void on_grace_over(uv_timer_t *timer)
{
    plx_server *server = timer->data;

    for_each_connection(server, plx_connection_cut);
}

void plx_server_stop(plx_server *server)
{
    if (server->is_stopping) {
        for_each_connection(server, plx_connection_cut);
        return;
    }
    server->is_stopping = true;
    uv_close((uv_handle_t *)&server->try_again, NULL);
    uv_close((uv_handle_t *)&server->arrivals, NULL); /* before its socket */
    uv_close((uv_handle_t *)&server->listener, NULL);
    uv_timer_start(&server->grace, on_grace_over, server->grace_ms, 0);
    for_each_connection(server, plx_connection_finish);
}

void plx_server_free(plx_server *server)
{
    plx_log_close(&server->log);
}
