/* transfers.c -- requests of ours to another server, under way on the event loop.
 * SPDX-License-Identifier: MIT
 *
 * libcurl must not be called from within its own callbacks. So these only note what happened: bytes go to the transfer,
 * the transfer to the list of those with news; listeners hear of it when libcurl has returned.
 */
#include "upstream/transfers.h"

#include <curl/curl.h>
#include <stdlib.h>

struct plx_transfers {
    uv_loop_t    *loop;
    CURLM        *multi;
    uv_timer_t    alarm; /* when libcurl wants to be called */
    plx_transfer *news;  /* those whose listener has to hear, the latest first */
};

struct plx_transfer {
    plx_transfers     *all;
    plx_transfer      *next; /* in the list of news ... */
    plx_transfer     **link; /* ... and what points to us there; NULL: we are not in it */
    CURL              *easy;
    struct curl_slist *headers;
    cst_buf            inbox;
    bool               is_paused;
    bool               is_over;
    CURLcode           result;
    char               why[CURL_ERROR_SIZE];
    void             (*on_news)(void *user);
    void              *user;
};

/* A socket of libcurl's that the loop looks at. */
typedef struct watch {
    uv_poll_t      poll;
    plx_transfers *all;
    curl_socket_t  fd;
} watch;

/* ---- news ---- */

static void note_news(plx_transfer *t)
{
    if (t->link) return;
    t->next = t->all->news;
    t->link = &t->all->news;
    if (t->next) t->next->link = &t->next;
    t->all->news = t;
}

static void forget_news(plx_transfer *t)
{
    if (!t->link) return;
    *t->link = t->next;
    if (t->next) t->next->link = t->link;
    t->link = NULL;
}

static void note_ends(plx_transfers *all)
{
    CURLMsg *message;
    int      left;

    while ((message = curl_multi_info_read(all->multi, &left))) {
        char *user = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &user);
        plx_transfer *t = (plx_transfer *)(void *)user;
        t->is_over = true;
        t->result = message->data.result;
        if (t->result != CURLE_OK && !t->why[0]) {
            cst_copy_text(t->why, sizeof t->why, castor_str_of(curl_easy_strerror(t->result)));
        }
        note_news(t);
    }
}

static void act(plx_transfers *all, curl_socket_t fd, int what)
{
    int running;

    curl_multi_socket_action(all->multi, fd, what, &running);
    note_ends(all);
    while (all->news) {
        plx_transfer *t = all->news;
        forget_news(t);
        t->on_news(t->user);
    }
}

/* ---- what libcurl calls ---- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    watch *w = poll->data;
    int    what = 0;

    if (status < 0) what |= CURL_CSELECT_ERR;
    if (events & UV_READABLE) what |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE) what |= CURL_CSELECT_OUT;
    act(w->all, w->fd, what);
}

static void free_watch(uv_handle_t *poll)
{
    free(poll->data);
}

static watch *new_watch(plx_transfers *all, curl_socket_t fd)
{
    watch *w = malloc(sizeof *w);

    if (!w || uv_poll_init_socket(all->loop, &w->poll, fd) != 0) {
        free(w);
        return NULL;
    }
    w->poll.data = w;
    w->all = all;
    w->fd = fd;
    curl_multi_assign(all->multi, fd, w);
    return w;
}

/* Always 0: a refusal would end all transfers for good. One that nobody looks at ends by its listener's time limit. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *of_socket)
{
    watch *w = of_socket;
    int    events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) uv_close((uv_handle_t *)&w->poll, free_watch);
        return 0;
    }
    if (!w) w = new_watch(user, fd);
    if (w) uv_poll_start(&w->poll, events, on_poll);
    return 0;
}

static void on_alarm(uv_timer_t *alarm)
{
    act(alarm->data, CURL_SOCKET_TIMEOUT, 0);
}

static int set_alarm(CURLM *multi, long wait_ms, void *user)
{
    plx_transfers *all = user;

    (void)multi;
    uv_update_time(all->loop);
    if (wait_ms < 0) uv_timer_stop(&all->alarm);
    else uv_timer_start(&all->alarm, on_alarm, (uint64_t)wait_ms, 0);
    return 0;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *user)
{
    plx_transfer *t = user;
    size_t        len = size * count;

    note_news(t);
    if (t->inbox.len > 0 && t->inbox.len + len > PLX_UPSTREAM_INBOX_BYTES) {
        t->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    return cst_buf_append(&t->inbox, bytes, len) == CASTOR_OK ? len : 0;
}

/* ---- all ---- */

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void free_closed(uv_handle_t *alarm)
{
    free(alarm->data);
}

plx_transfers *plx_transfers_new(uv_loop_t *loop)
{
    static uv_once_t once = UV_ONCE_INIT;
    plx_transfers   *all = calloc(1, sizeof *all);

    if (!all) return NULL;
    uv_once(&once, init_curl);
    all->loop = loop;
    all->multi = curl_multi_init();
    if (!all->multi) {
        free(all);
        return NULL;
    }
    uv_timer_init(loop, &all->alarm);
    uv_unref((uv_handle_t *)&all->alarm); /* who waits for an answer holds the loop, not we */
    all->alarm.data = all;
    curl_multi_setopt(all->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(all->multi, CURLMOPT_SOCKETDATA, all);
    curl_multi_setopt(all->multi, CURLMOPT_TIMERFUNCTION, set_alarm);
    curl_multi_setopt(all->multi, CURLMOPT_TIMERDATA, all);
    curl_multi_setopt(all->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)PLX_UPSTREAM_CONNECTIONS_MAX);
    return all;
}

void plx_transfers_free(plx_transfers *all)
{
    if (!all) return;
    curl_multi_cleanup(all->multi);
    uv_close((uv_handle_t *)&all->alarm, free_closed);
}

/* ---- one ---- */

static bool add_header(plx_transfer *t, const char *name, const char *value)
{
    cst_buf            line;
    struct curl_slist *longer = NULL;

    cst_buf_init(&line, cst_allocator_default(), PLX_HEAD_BYTES_MAX);
    if (cst_buf_append_format(&line, "%s: %s", name, value) == CASTOR_OK) {
        longer = curl_slist_append(t->headers, line.data);
        cst_wipe(line.data, line.len);
    }
    cst_buf_free(&line);
    if (longer) t->headers = longer;
    return longer != NULL;
}

static bool set_up(plx_transfer *t, const plx_transfer_request *request)
{
    const char *authorization = request->authorization;

    if (!add_header(t, "Content-Type", "application/json") || !add_header(t, "Accept", "text/event-stream") ||
        !add_header(t, "Expect", "") || (authorization && !add_header(t, "Authorization", authorization))) {
        return false;
    }
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->why);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)PLX_UPSTREAM_CONNECT_MS);
    /* A paused HTTP/2 stream goes on buffering, and shares its connection; HTTP/1.1 waits in the kernel. */
    curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, ""); /* what libcurl can undo */
    curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, request->body.data);
    if (request->is_local) curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
    return curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "pollux/" CASTOR_VERSION) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_URL, request->url) == CURLE_OK;
}

plx_transfer *plx_transfer_post(plx_transfers *all, const plx_transfer_request *request)
{
    plx_transfer *t = calloc(1, sizeof *t);

    if (!t) return NULL;
    t->all = all;
    t->on_news = request->on_news;
    t->user = request->user;
    cst_buf_init(&t->inbox, cst_allocator_default(), PLX_UPSTREAM_INBOX_BYTES + CURL_MAX_WRITE_SIZE);
    t->easy = curl_easy_init();
    if (t->easy && set_up(t, request) && curl_multi_add_handle(all->multi, t->easy) == CURLM_OK) return t;
    plx_transfer_free(t);
    return NULL;
}

void plx_transfer_free(plx_transfer *t)
{
    if (!t) return;
    forget_news(t);
    if (t->easy) {
        curl_multi_remove_handle(t->all->multi, t->easy);
        curl_easy_cleanup(t->easy);
    }
    for (struct curl_slist *one = t->headers; one; one = one->next) cst_wipe(one->data, strlen(one->data));
    curl_slist_free_all(t->headers);
    cst_buf_free(&t->inbox);
    free(t);
}

castor_str plx_transfer_bytes(const plx_transfer *t)
{
    return cst_buf_view(&t->inbox);
}

void plx_transfer_use(plx_transfer *t, size_t count)
{
    cst_buf_drop_front(&t->inbox, count);
    if (!t->is_paused || t->inbox.len > 0) return;
    t->is_paused = false;
    curl_easy_pause(t->easy, CURLPAUSE_CONT);
}

bool plx_transfer_is_over(const plx_transfer *t, const char **why)
{
    *why = t->result == CURLE_OK ? NULL : t->why;
    return t->is_over;
}

int plx_transfer_status(const plx_transfer *t)
{
    long status = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

castor_str plx_transfer_content_type(const plx_transfer *t)
{
    char *type = NULL;

    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    return castor_str_of(type);
}

int64_t plx_transfer_retry_after_s(const plx_transfer *t)
{
    curl_off_t seconds = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &seconds);
    return seconds;
}
