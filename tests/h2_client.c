/* h2_client.c -- a client of HTTP/2 for the tests.
 * SPDX-License-Identifier: MIT
 */
#include "h2_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static tst_h2_stream *find(tst_h2 *h, int32_t id)
{
    for (size_t i = 0; i < h->stream_count; i++) {
        if (h->streams[i]->id == id) return h->streams[i];
    }
    return NULL;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
    tst_h2_stream *s = find(user, frame->hd.stream_id);
    size_t         used;

    (void)session;
    (void)flags;
    if (!s) return 0;
    if (name_len == 7 && memcmp(name, ":status", 7) == 0) {
        int status = atoi((const char *)value);
        if (status < 200) s->informational = status;
        else s->status = status;
    }
    used = strlen(s->head);
    snprintf(s->head + used, sizeof s->head - used, "%.*s: %.*s\n", (int)name_len, name, (int)value_len, value);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len, void *user)
{
    tst_h2_stream *s = find(user, id);

    (void)session;
    (void)flags;
    if (!s) return 0;
    s->body = realloc(s->body, s->len + len + 1);
    assert_non_null(s->body);
    memcpy(s->body + s->len, data, len);
    s->len += len;
    s->body[s->len] = '\0';
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    tst_h2        *h = user;
    tst_h2_stream *s = find(h, frame->hd.stream_id);

    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        h->has_goaway = true;
        h->goaway_code = frame->goaway.error_code;
    }
    if (!s) return 0;
    if (frame->hd.type == NGHTTP2_DATA && s->frame_count < TST_H2_FRAMES_MAX) {
        s->frames[s->frame_count++] = frame->hd.length;
    }
    if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
        s->is_whole = true;
    }
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    tst_h2_stream *s = find(user, id);

    (void)session;
    if (!s) return 0;
    s->is_over = true;
    s->code = code;
    return 0;
}

tst_h2 *tst_h2_new(int fd, tst_tls *tls)
{
    nghttp2_session_callbacks *callbacks;
    tst_h2                    *h = calloc(1, sizeof *h);

    assert_non_null(h);
    h->fd = fd;
    h->tls = tls;
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    assert_int_equal(nghttp2_session_client_new(&h->session, callbacks, h), 0);
    nghttp2_session_callbacks_del(callbacks);
    assert_int_equal(nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, NULL, 0), 0);
    return h;
}

tst_h2 *tst_h2_connect(int port)
{
    return tst_h2_new(tst_connect_to(port).fd, NULL);
}

void tst_h2_hang_up(tst_h2 *h)
{
    tst_link l = { .fd = h->fd };

    nghttp2_session_del(h->session);
    for (size_t i = 0; i < h->stream_count; i++) {
        free(h->streams[i]->body);
        free(h->streams[i]);
    }
    if (h->tls) tst_tls_hang_up(h->tls);
    else tst_hang_up(&l);
    free(h);
}

static ssize_t read_upload(nghttp2_session *session, int32_t id, uint8_t *out, size_t most, uint32_t *flags,
                           nghttp2_data_source *source, void *user)
{
    tst_h2_stream *s = source->ptr;
    size_t         count = s->upload_len - s->uploaded < most ? s->upload_len - s->uploaded : most;

    (void)session;
    (void)id;
    (void)user;
    memcpy(out, s->upload + s->uploaded, count);
    s->uploaded += count;
    if (s->uploaded == s->upload_len) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)count;
}

static nghttp2_nv pair(const char *name, const char *value)
{
    return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value),
                         NGHTTP2_NV_FLAG_NONE };
}

tst_h2_stream *tst_h2_request(tst_h2 *h, const char *method, const char *path, const char *const *headers,
                              const char *body, size_t len)
{
    enum { PAIRS_MAX = 200 };
    nghttp2_nv            pairs[PAIRS_MAX] = { pair(":method", method), pair(":path", path), pair(":scheme", "http"),
                                               pair(":authority", "localhost") };
    size_t                count = 4;
    tst_h2_stream        *s = calloc(1, sizeof *s);
    nghttp2_data_provider source = { .source.ptr = s, .read_callback = read_upload };

    assert_non_null(s);
    assert_true(h->stream_count < TST_H2_STREAMS_MAX);
    for (; headers && *headers; headers += 2) {
        assert_true(count < PAIRS_MAX);
        pairs[count++] = pair(headers[0], headers[1]);
    }
    s->body = calloc(1, 1);
    s->upload = body;
    s->upload_len = len;
    s->id = nghttp2_submit_request(h->session, NULL, pairs, count, body ? &source : NULL, NULL);
    assert_true(s->id > 0);
    h->streams[h->stream_count++] = s;
    return s;
}

static void send_all(tst_h2 *h)
{
    const uint8_t *bytes;
    ssize_t        len;

    while ((len = nghttp2_session_mem_send(h->session, &bytes)) > 0) {
        tst_link l = { .fd = h->fd };
        if (h->tls) tst_tls_send(h->tls, (const char *)bytes, (size_t)len);
        else tst_send(&l, (const char *)bytes, (size_t)len);
    }
    assert_int_equal(len, 0);
}

bool tst_h2_step(tst_h2 *h)
{
    static char buffer[65536];
    ssize_t     count;

    if (h->is_over) return false;
    send_all(h);
    if (h->tls) {
        count = (ssize_t)tst_tls_read(h->tls, buffer, sizeof buffer, &h->end);
    } else {
        count = recv(h->fd, buffer, sizeof buffer, 0);
        if (count < 0) h->error = errno;
    }
    if (count <= 0) {
        h->is_over = true;
        return false;
    }
    assert_int_equal(nghttp2_session_mem_recv(h->session, (const uint8_t *)buffer, (size_t)count), count);
    send_all(h);
    return true;
}

void tst_h2_finish(tst_h2 *h, const tst_h2_stream *stream)
{
    while (!stream->is_over && tst_h2_step(h)) continue;
}
