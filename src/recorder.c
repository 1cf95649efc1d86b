/* recorder.c -- the flight recorder of a stream.
 * SPDX-License-Identifier: MIT
 */
#include "recorder.h"

#include "error.h"

/* ---- rings ---- */

static bool fits(const cst_ring *ring, size_t more)
{
    return more <= ring->capacity - ring->len;
}

static void reverse(char *data, size_t from, size_t to)
{
    while (from + 1 < to) {
        char first = data[from];
        data[from++] = data[--to];
        data[to] = first;
    }
}

/* Turns the ring until its oldest byte stands in front, without memory of its own. */
static void straighten(cst_ring *ring)
{
    if (ring->start == 0) return;
    reverse(ring->data, 0, ring->start);
    reverse(ring->data, ring->start, ring->capacity);
    reverse(ring->data, 0, ring->capacity);
    ring->start = 0;
}

static void make_room(cst_ring *ring, size_t more, const cst_allocator *allocator)
{
    size_t wanted = ring->capacity ? ring->capacity : CST_RECORDER_BYTES_FIRST;

    if (fits(ring, more) || ring->capacity == ring->max) return;
    while (wanted < ring->max && wanted - ring->len < more) wanted *= 2;
    if (wanted > ring->max) wanted = ring->max;
    straighten(ring);
    char *data = cst_resize(allocator, ring->data, ring->capacity, wanted);
    if (!data) {
        ring->max = ring->capacity; /* from here on the oldest make room */
        return;
    }
    ring->data = data;
    ring->capacity = wanted;
}

static void put(cst_ring *ring, const void *data, size_t len)
{
    size_t end = ring->start + ring->len;
    size_t at = end < ring->capacity ? end : end - ring->capacity;
    size_t first = len < ring->capacity - at ? len : ring->capacity - at;

    memcpy(ring->data + at, data, first);
    if (first < len) memcpy(ring->data, (const char *)data + first, len - first);
    ring->len += len;
}

static void drop(cst_ring *ring, size_t len)
{
    ring->start += len;
    if (ring->start >= ring->capacity) ring->start -= ring->capacity;
    ring->len -= len;
}

static void forget(cst_ring *ring)
{
    ring->start = ring->len = 0;
}

/* ---- recording ---- */

cst_recorder *cst_recorder_new(size_t bytes_max, const cst_allocator *allocator)
{
    cst_recorder *recorder = cst_alloc(allocator, sizeof *recorder);
    size_t        mark_count = bytes_max / (4 * sizeof(cst_mark)) + 1;

    if (!recorder) return NULL;
    *recorder = (cst_recorder){ .allocator = allocator, .bytes.max = bytes_max };
    recorder->marks.max = mark_count * sizeof(cst_mark);
    cst_buf_init(&recorder->script, allocator, CST_DUMP_BYTES_MAX(bytes_max));
    return recorder;
}

void cst_recorder_free(cst_recorder *recorder)
{
    if (!recorder) return;
    cst_release(recorder->allocator, recorder->bytes.data);
    cst_release(recorder->allocator, recorder->marks.data);
    cst_buf_free(&recorder->script);
    cst_release(recorder->allocator, recorder);
}

void cst_recorder_begin(cst_recorder *recorder, int64_t now_ms)
{
    if (recorder->is_over) return;
    forget(&recorder->bytes);
    forget(&recorder->marks);
    recorder->attempt_count++;
    recorder->is_connected = false;
    recorder->last_ms = now_ms;
    recorder->dropped = 0;
    recorder->http_status = 0;
    recorder->retry_after_ms = (castor_i64){ 0, 0 };
    recorder->content_type[0] = recorder->redirected_to[0] = '\0';
    recorder->end = CST_RECORD_OPEN;
    recorder->end_wait_ms = 0;
}

/* Since the last time that something came. */
static uint32_t wait_until(cst_recorder *recorder, int64_t now_ms)
{
    int64_t wait_ms = now_ms - recorder->last_ms;

    recorder->last_ms = now_ms;
    return wait_ms < 0 ? 0 : wait_ms > CST_NEVER_MS ? (uint32_t)CST_NEVER_MS : (uint32_t)wait_ms;
}

void cst_recorder_connect(cst_recorder *recorder, int64_t now_ms)
{
    if (recorder->is_over) return;
    recorder->is_connected = true;
    recorder->last_ms = now_ms;
}

void cst_recorder_head(cst_recorder *recorder, int32_t http_status, castor_str content_type, castor_i64 retry_after_ms)
{
    if (recorder->is_over) return;
    recorder->http_status = http_status;
    recorder->retry_after_ms = retry_after_ms;
    cst_error_copy(recorder->content_type, sizeof recorder->content_type, content_type);
}

/* No more of it than where it leads: the rest may hold secrets. */
void cst_recorder_redirect(cst_recorder *recorder, castor_str location)
{
    bool   is_http = cst_str_starts_with(location, "http://") || cst_str_starts_with(location, "https://");
    size_t len = is_http ? strlen(location.data[4] == 's' ? "https://" : "http://") : 0;

    while (is_http && len < location.len && !strchr("/?#,", location.data[len])) len++;
    if (recorder->is_over || !is_http || memchr(location.data, '@', len)) return;
    cst_error_copy(recorder->redirected_to, sizeof recorder->redirected_to, (castor_str){ location.data, len });
}

static void drop_oldest(cst_recorder *recorder)
{
    cst_mark oldest;

    memcpy(&oldest, recorder->marks.data + recorder->marks.start, sizeof oldest);
    drop(&recorder->marks, sizeof oldest);
    drop(&recorder->bytes, oldest.len);
    recorder->dropped += oldest.len;
}

void cst_recorder_take(cst_recorder *recorder, const char *bytes, size_t len, int64_t now_ms)
{
    cst_mark mark = { .wait_ms = wait_until(recorder, now_ms) };

    if (recorder->is_over) return;
    make_room(&recorder->bytes, len, recorder->allocator);
    make_room(&recorder->marks, sizeof mark, recorder->allocator);
    while (recorder->marks.len > 0 && (!fits(&recorder->bytes, len) || !fits(&recorder->marks, sizeof mark))) {
        drop_oldest(recorder);
    }
    size_t kept = fits(&recorder->bytes, len) ? len : recorder->bytes.capacity; /* of one larger than all the ring */
    if (!fits(&recorder->marks, sizeof mark)) kept = 0;
    recorder->dropped += len - kept;
    mark.len = (uint32_t)kept;
    if (kept == 0) return;
    put(&recorder->bytes, bytes + (len - kept), kept);
    put(&recorder->marks, &mark, sizeof mark);
}

void cst_recorder_end(cst_recorder *recorder, cst_record_end end, int64_t now_ms)
{
    if (recorder->is_over) return;
    recorder->end = end;
    recorder->end_wait_ms = wait_until(recorder, now_ms);
}

/* ---- looking at it ---- */

castor_str cst_recorder_bytes(cst_recorder *recorder)
{
    straighten(&recorder->bytes);
    return (castor_str){ recorder->bytes.data, recorder->bytes.len };
}

const cst_mark *cst_recorder_marks(cst_recorder *recorder, size_t *count)
{
    straighten(&recorder->marks);
    *count = recorder->marks.len / sizeof(cst_mark);
    return (const cst_mark *)(const void *)recorder->marks.data;
}

void cst_recorder_finish(cst_recorder *recorder, castor_str secret)
{
    castor_str bytes = cst_recorder_bytes(recorder);

    recorder->is_over = true;
    cst_redact(recorder->content_type, strlen(recorder->content_type), secret);
    cst_redact(recorder->redirected_to, strlen(recorder->redirected_to), secret);
    if (bytes.len > 0) cst_redact(recorder->bytes.data, bytes.len, secret);
    for (size_t part = secret.len; recorder->dropped > 0 && part-- > CST_SECRET_PART_MIN;) {
        if (part > bytes.len || memcmp(bytes.data, secret.data + secret.len - part, part) != 0) continue;
        memset(recorder->bytes.data, '*', part);
        return;
    }
}
