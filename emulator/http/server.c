/* server.c -- the listening socket, the connections it accepted, and how all of it ends.
 * SPDX-License-Identifier: MIT
 */
#include "http/server.h"

#include <stdio.h>

#include "http/connection.h"

static void on_connection(uv_stream_t *listener, int status)
{
    if (status == 0) plx_connection_accept(listener->data);
}

static void on_grace_over(uv_timer_t *timer)
{
    plx_server *server = timer->data;

    for (plx_connection *one = server->connections; one;) {
        plx_connection *next = plx_connection_next(one);
        plx_connection_cut(one);
        one = next;
    }
}

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

bool plx_server_open(plx_server *server, uv_loop_t *loop, const plx_server_options *options, plx_handler handler,
                     char *why, size_t why_size)
{
    server->loop = loop;
    server->handler = handler;
    server->grace_ms = options->grace_ms;
    server->is_quiet = options->is_quiet;
    server->is_stopping = false;
    server->connections = NULL;
    server->connection_count = 0;

    int error = uv_timer_init(loop, &server->grace);
    if (!error) error = uv_tcp_init(loop, &server->listener);
    if (error) return explain(why, why_size, options, error);
    server->listener.data = server;
    error = bind_to(server, options);
    if (!error) error = uv_listen((uv_stream_t *)&server->listener, PLX_BACKLOG, on_connection);
    if (error) {
        uv_close((uv_handle_t *)&server->listener, NULL);
        return explain(why, why_size, options, error);
    }

    server->grace.data = server;
    uv_unref((uv_handle_t *)&server->grace); /* the loop ends when listener and connections have ended */
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

void plx_server_stop(plx_server *server)
{
    if (server->is_stopping) {
        on_grace_over(&server->grace);
        return;
    }
    server->is_stopping = true;
    uv_close((uv_handle_t *)&server->listener, NULL);
    uv_timer_start(&server->grace, on_grace_over, server->grace_ms, 0);
    for (plx_connection *one = server->connections; one;) {
        plx_connection *next = plx_connection_next(one);
        plx_connection_finish(one);
        one = next;
    }
}
