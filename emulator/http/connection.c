/* connection.c -- one connection of a server: its pipe, and the protocol that is spoken through it.
 * SPDX-License-Identifier: MIT
 *
 * ALPN tells the protocol. Without it the first bytes do: HTTP/2 by prior knowledge begins with a preface that is no
 * request of HTTP/1.1, however much of it has come.
 */
#include "http/connection.h"

#include <stdlib.h>

#include "http/protocol.h"

static const char preface[PLX_PREFACE_BYTES + 1] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static plx_connection *of_pipe(plx_pipe *pipe)
{
    return (plx_connection *)((char *)pipe - offsetof(plx_connection, pipe));
}

static bool speak(plx_connection *c, const plx_protocol *protocol)
{
    if (!protocol->open(c)) {
        plx_pipe_give_up(&c->pipe);
        return false;
    }
    c->protocol = protocol;
    return true;
}

static void on_open(plx_pipe *pipe)
{
    plx_connection  *c = of_pipe(pipe);
    const plx_limits *limits = c->server->plumbing.limits;

    plx_pipe_wait_ms(pipe, limits->request_idle_ms);
    plx_pipe_read(pipe, true);
    if (pipe->tls) {
        switch (plx_tls_alpn(pipe->tls)) {
        case PLX_ALPN_HTTP_2: speak(c, &plx_http2_protocol); return;
        case PLX_ALPN_HTTP_1_1: speak(c, &plx_http1_protocol); return;
        case PLX_ALPN_NONE: break;
        }
    }
}

/* Looks at the first bytes. What they were held back for is given to the protocol before them. */
static void choose_by_preface(plx_connection *c, castor_str bytes)
{
    size_t before = c->preface_len, count = 0;

    while (count < bytes.len && before + count < PLX_PREFACE_BYTES && bytes.data[count] == preface[before + count]) {
        count++;
    }
    bool is_http2 = before + count == PLX_PREFACE_BYTES;
    if (!is_http2 && count == bytes.len) {
        if (before == 0) plx_pipe_wait_ms(&c->pipe, c->server->plumbing.limits->head_ms);
        c->preface_len = (unsigned char)(before + count);
        return;
    }
    if (!speak(c, is_http2 ? &plx_http2_protocol : &plx_http1_protocol)) return;
    if (before > 0) c->protocol->on_bytes(c, (castor_str){ preface, before });
    if (c->pipe.state == PLX_PIPE_OPEN) c->protocol->on_bytes(c, bytes);
}

static void on_bytes(plx_pipe *pipe, castor_str bytes)
{
    plx_connection *c = of_pipe(pipe);

    if (pipe->is_broken) return;
    if (c->protocol) c->protocol->on_bytes(c, bytes);
    else choose_by_preface(c, bytes);
}

static void on_end(plx_pipe *pipe)
{
    plx_connection *c = of_pipe(pipe);

    if (c->protocol) c->protocol->on_end(c);
    else plx_pipe_finish(pipe, false);
}

static void on_progress(plx_pipe *pipe)
{
    plx_connection *c = of_pipe(pipe);

    if (c->protocol) c->protocol->on_progress(c);
}

static void on_flush(plx_pipe *pipe)
{
    plx_connection *c = of_pipe(pipe);

    if (c->protocol && c->protocol->on_flush) c->protocol->on_flush(c);
}

static void on_gone(plx_pipe *pipe)
{
    plx_connection *c = of_pipe(pipe);

    if (c->protocol) c->protocol->on_gone(c);
    *c->link = c->next;
    if (c->next) c->next->link = c->link;
    plx_server_has_lost_one(c->server);
}

static void on_closed(plx_pipe *pipe)
{
    plx_connection *c = of_pipe(pipe);

    if (c->protocol) c->protocol->free_state(c);
    free(c);
}

static const plx_pipe_user pipe_user = { on_open, on_bytes, on_end, on_progress, on_flush, on_gone, on_closed };

bool plx_connection_begin(plx_server *server, int socket)
{
    plx_connection *c = calloc(1, sizeof *c);

    if (!c) return false;
    c->server = server;
    if (!plx_pipe_take(&c->pipe, &server->plumbing, &pipe_user)) {
        free(c);
        return false;
    }
    c->next = server->connections;
    c->link = &server->connections;
    if (c->next) c->next->link = &c->next;
    server->connections = c;
    plx_server_has_one_more(server);
    if (!plx_pipe_adopt(&c->pipe, socket)) return true;

    switch (server->handler.welcome ? server->handler.welcome(server->handler.user) : PLX_WELCOME_SERVE) {
    case PLX_WELCOME_REFUSE: plx_pipe_reset(&c->pipe); break;
    case PLX_WELCOME_IGNORE: plx_pipe_ignore(&c->pipe); break;
    case PLX_WELCOME_SERVE: plx_pipe_open(&c->pipe); break;
    }
    return true;
}

void plx_connection_finish(plx_connection *connection)
{
    if (connection->protocol) connection->protocol->finish(connection);
    else plx_pipe_finish(&connection->pipe, false);
}

void plx_connection_cut(plx_connection *connection)
{
    plx_pipe_cut(&connection->pipe);
}
