/* server.c -- the listening socket, the connections it accepted, and how all of it ends.
 * SPDX-License-Identifier: MIT
 */
#include "http/server.h"

#include <stdio.h>
#include <sys/resource.h>

#include "http/connection.h"

enum {
    DESCRIPTORS_OF_OUR_OWN = 64, /* the loop's, scripts, connections to another server */
    TRY_AGAIN_MS           = 100
};

/* ---- accepting ---- */

static void accept_one(plx_server *server);

static void on_try_again(plx_timer *timer)
{
    accept_one((plx_server *)((char *)timer - offsetof(plx_server, try_again)));
}

/* Leaves the connection where it is, and those behind it in the kernel's queue: libuv asks for no other before this one
 * was taken. So nothing spins, and nobody is turned away. */
static void let_wait(plx_server *server)
{
    if (!server->has_guest_waiting) {
        plx_log_say(&server->log, "%zu connections are open; more have to wait.", server->connection_count);
    }
    server->has_guest_waiting = true;
}

static void accept_one(plx_server *server)
{
    if (server->is_stopping) return;
    if (server->connection_count >= server->limits.connections_max) {
        let_wait(server);
    } else if (plx_connection_accept(server)) {
        server->has_guest_waiting = false;
    } else {
        let_wait(server);
        plx_timers_set(&server->plumbing.timers, &server->try_again, plx_now_us() + TRY_AGAIN_MS * 1000, on_try_again);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status == 0) accept_one(listener->data);
}

/* A connection that only waits for a time holds no handle of the loop open, so the loop is held here. */
void plx_server_has_one_more(plx_server *server)
{
    if (server->connection_count++ == 0) uv_ref((uv_handle_t *)&server->plumbing.before_sleep);
}

void plx_server_has_lost_one(plx_server *server)
{
    if (--server->connection_count == 0) uv_unref((uv_handle_t *)&server->plumbing.before_sleep);
    if (server->has_guest_waiting && !server->is_stopping) {
        plx_timers_set(&server->plumbing.timers, &server->try_again, plx_now_us(), on_try_again);
    }
}

/* A connection that could not be given a descriptor would be lost. */
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
    server->listener.data = server;
    error = bind_to(server, options);
    if (!error) error = uv_listen((uv_stream_t *)&server->listener, PLX_BACKLOG, on_connection);
    if (error) uv_close((uv_handle_t *)&server->listener, NULL);
    return error;
}

bool plx_server_open(plx_server *server, uv_loop_t *loop, const plx_server_options *options, plx_handler handler,
                     char *why, size_t why_size)
{
    server->loop = loop;
    server->handler = handler;
    server->limits = options->limits;
    server->limits.connections_max = connections_max(&options->limits);
    server->grace_ms = options->grace_ms;
    server->is_stopping = server->has_guest_waiting = false;
    server->try_again = (plx_timer){ .due_us = 0 };
    server->connections = NULL;
    server->connection_count = 0;

    int error = uv_timer_init(loop, &server->grace);
    if (!error) error = plx_plumbing_open(&server->plumbing, loop, &server->limits);
    if (!error) error = begin_to_listen(server, options);
    if (error) return explain(why, why_size, options, error);

    server->plumbing.tls = options->tls;
    server->grace.data = server;
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
    uv_close((uv_handle_t *)&server->listener, NULL);
    uv_timer_start(&server->grace, on_grace_over, server->grace_ms, 0);
    for_each_connection(server, plx_connection_finish);
}

void plx_server_free(plx_server *server)
{
    plx_log_close(&server->log);
}
