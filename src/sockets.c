/* sockets.c -- the sockets that are watched, and who waits for them: we ourselves, or the caller's loop.
 * SPDX-License-Identifier: MIT
 */
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif

#include "error.h"

static castor_status fail(castor_error *err, const char *what)
{
    char why[128] = "";

    (void)strerror_r(errno, why, sizeof why);
    return cst_fail(err, CASTOR_NETWORK, "%s: %s", what, why);
}

/* ---- the call that wakes ---- */

#ifdef __linux__
static bool open_wake(cst_sockets *sockets)
{
    sockets->wake_read = sockets->wake_write = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return sockets->wake_read >= 0;
}
#else
static bool open_wake(cst_sockets *sockets)
{
    int ends[2];

    if (pipe(ends) != 0) return false;
    for (int i = 0; i < 2; i++) {
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    sockets->wake_read = ends[0];
    sockets->wake_write = ends[1];
    return true;
}
#endif

static void close_wake(cst_sockets *sockets)
{
    if (sockets->wake_read >= 0) close(sockets->wake_read);
    if (sockets->wake_write >= 0 && sockets->wake_write != sockets->wake_read) close(sockets->wake_write);
}

void cst_sockets_wake(const cst_sockets *sockets)
{
    const uint64_t one = 1; /* what an eventfd wants; a pipe takes anything */
    ssize_t        written;

    do written = write(sockets->wake_write, &one, sizeof one);
    while (written < 0 && errno == EINTR); /* full: it is awake already */
}

void cst_sockets_be_awake(const cst_sockets *sockets)
{
    char    sink[64]; /* more than an eventfd has */
    ssize_t got;

    do got = read(sockets->wake_read, sink, sizeof sink);
    while (got == (ssize_t)sizeof sink);
}

/* ---- the list ---- */

static size_t place_of(const cst_sockets *sockets, int fd)
{
    return fd >= 0 && (size_t)fd < sockets->place_count ? (size_t)sockets->places[fd].at : 0;
}

void *cst_sockets_owner(const cst_sockets *sockets, int fd)
{
    return place_of(sockets, fd) > 0 ? sockets->places[fd].owner : NULL;
}

static bool has_room(cst_sockets *sockets, int fd)
{
    if (sockets->count == sockets->capacity) {
        size_t         capacity = sockets->capacity ? sockets->capacity * 2 : 8, size = sizeof *sockets->watched;
        struct pollfd *watched = cst_resize(sockets->allocator, sockets->watched, sockets->capacity * size,
                                            capacity * size);
        if (!watched) return false;
        sockets->watched = watched;
        sockets->capacity = capacity;
    }
    if ((size_t)fd >= sockets->place_count) {
        size_t            count = ((size_t)fd + 1) * 2, size = sizeof *sockets->places;
        cst_socket_place *places = cst_resize(sockets->allocator, sockets->places, sockets->place_count * size,
                                              count * size);
        if (!places) return false;
        memset(places + sockets->place_count, 0, (count - sockets->place_count) * size);
        sockets->places = places;
        sockets->place_count = count;
    }
    return true;
}

static int32_t interest_of(const struct pollfd *one)
{
    return (one->events & POLLIN ? CASTOR_READ : 0) | (one->events & POLLOUT ? CASTOR_WRITE : 0);
}

static short events_of(int32_t interest)
{
    return (short)((interest & CASTOR_READ ? POLLIN : 0) | (interest & CASTOR_WRITE ? POLLOUT : 0));
}

/* Trouble is found out by whoever reads or writes. */
static int32_t ready_of(short events)
{
    if (events & ~(POLLIN | POLLOUT)) return CASTOR_READ | CASTOR_WRITE;
    return (events & POLLIN ? CASTOR_READ : 0) | (events & POLLOUT ? CASTOR_WRITE : 0);
}

static void forget(cst_sockets *sockets, size_t place)
{
    struct pollfd *hole = &sockets->watched[place - 1], *last = &sockets->watched[sockets->count - 1];

    sockets->places[hole->fd].at = 0;
    if (hole != last) {
        *hole = *last;
        sockets->places[hole->fd].at = (int32_t)place;
    }
    sockets->count--;
}

/* ---- epoll ---- */

#ifdef __linux__
static uint32_t epoll_events_of(int32_t interest)
{
    return (interest & CASTOR_READ ? (uint32_t)EPOLLIN : 0) | (interest & CASTOR_WRITE ? (uint32_t)EPOLLOUT : 0);
}

/* A closed descriptor has left by itself: that is no error. */
static bool tell_epoll(cst_sockets *sockets, int fd, int32_t interest)
{
    struct epoll_event event = { .events = epoll_events_of(interest), .data.fd = fd };
    cst_socket_place  *place = &sockets->places[fd];
    short              wanted = events_of(interest);

    if (place->told == wanted) return true;
    int what = wanted == 0 ? EPOLL_CTL_DEL : place->told == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    sockets->epoll_calls++;
    bool is_told = epoll_ctl(sockets->epoll, what, fd, &event) == 0 || wanted == 0;
    if (!is_told && what == EPOLL_CTL_ADD && errno == EEXIST) { /* one that could not be taken out is still in there */
        is_told = epoll_ctl(sockets->epoll, EPOLL_CTL_MOD, fd, &event) == 0;
    }
    if (is_told) place->told = wanted;
    return is_told;
}

/* Another answer may want it at once. */
static bool tell_epoll_late(cst_sockets *sockets, int fd)
{
    if (!sockets->places[fd].is_lasting || sockets->late_count == CST_SOCKETS_LATE) return false;
    sockets->late[sockets->late_count++] = fd;
    return true;
}

static void tell_what_is_late(cst_sockets *sockets)
{
    for (size_t i = 0; i < sockets->late_count; i++) {
        if (sockets->places[sockets->late[i]].at == 0) (void)tell_epoll(sockets, sockets->late[i], 0);
    }
    sockets->late_count = 0;
}

static void end_epoll(cst_sockets *sockets)
{
    for (size_t i = 0; i < sockets->place_count; i++) sockets->places[i].told = 0;
    if (sockets->epoll >= 0) close(sockets->epoll);
    sockets->epoll = -1;
    sockets->late_count = 0;
}

/* Where there is no epoll to be had, poll goes on. */
static void begin_epoll(cst_sockets *sockets)
{
    sockets->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; sockets->epoll >= 0 && i < sockets->count; i++) {
        const struct pollfd *one = &sockets->watched[i];
        if (!tell_epoll(sockets, one->fd, interest_of(one))) end_epoll(sockets);
    }
}

static int wait_epoll(cst_sockets *sockets, int timeout_ms, cst_socket_fn *fn, void *user)
{
    struct epoll_event batch[CST_SOCKETS_BATCH];
    size_t             seen = 0;
    int                count;

    tell_what_is_late(sockets);
    /* All that is ready now, but not what becomes ready over and over while we are at it. */
    do {
        count = epoll_wait(sockets->epoll, batch, CST_SOCKETS_BATCH, seen ? 0 : timeout_ms);
        for (int i = 0; i < count; i++) {
            if (place_of(sockets, batch[i].data.fd) == 0) continue; /* forgotten meanwhile */
            /* POLLIN and EPOLLIN, and so on, are the same bits on Linux. */
            fn(user, batch[i].data.fd, ready_of((short)batch[i].events));
        }
        seen += CST_SOCKETS_BATCH;
    } while (count == CST_SOCKETS_BATCH && seen <= sockets->count);
    return count;
}
#else
static bool tell_epoll(cst_sockets *sockets, int fd, int32_t interest)
{
    (void)sockets, (void)fd, (void)interest;
    return true;
}

static bool tell_epoll_late(cst_sockets *sockets, int fd)
{
    (void)sockets, (void)fd;
    return false;
}

static void end_epoll(cst_sockets *sockets)
{
    (void)sockets;
}

static void begin_epoll(cst_sockets *sockets)
{
    (void)sockets;
}

static int wait_epoll(cst_sockets *sockets, int timeout_ms, cst_socket_fn *fn, void *user)
{
    (void)sockets, (void)timeout_ms, (void)fn, (void)user;
    return 0;
}
#endif

/* ---- watching ---- */

static bool tell(cst_sockets *sockets, int fd, int32_t interest)
{
    if (sockets->loop) return sockets->loop->watch(sockets->loop->user, fd, interest) == 0;
    if (sockets->epoll < 0 || (interest == 0 && tell_epoll_late(sockets, fd))) return true;
    return tell_epoll(sockets, fd, interest);
}

castor_status cst_sockets_watch(cst_sockets *sockets, int fd, int32_t interest, void *owner)
{
    size_t place = place_of(sockets, fd);

    if (interest == 0) {
        if (place == 0) return CASTOR_OK;
        forget(sockets, place);
        (void)tell(sockets, fd, 0);
        return CASTOR_OK;
    }
    bool is_new = place == 0;
    if (is_new) {
        if (!has_room(sockets, fd)) return CASTOR_NO_MEMORY;
        sockets->watched[sockets->count++] = (struct pollfd){ .fd = fd };
        place = sockets->count;
        sockets->places[fd].at = (int32_t)place;
    }
    sockets->places[fd].owner = owner;
    if (!is_new && sockets->watched[place - 1].events == events_of(interest)) return CASTOR_OK;
    sockets->watched[place - 1].events = events_of(interest);
    if (tell(sockets, fd, interest)) {
        if (!sockets->loop && sockets->epoll < 0 && sockets->count > CST_POLL_SOCKETS_MAX) begin_epoll(sockets);
        return CASTOR_OK;
    }
    if (is_new) forget(sockets, place);
    return CASTOR_NO_MEMORY;
}

void cst_sockets_opened(cst_sockets *sockets, int fd)
{
    if (!has_room(sockets, fd)) return; /* then it is one of which we know nothing */
    if (sockets->places[fd].told) (void)tell_epoll(sockets, fd, 0); /* of another that had this number */
    sockets->places[fd].is_lasting = true;
}

void cst_sockets_closed(cst_sockets *sockets, int fd)
{
    if (fd < 0 || (size_t)fd >= sockets->place_count) return;
    (void)cst_sockets_watch(sockets, fd, 0, NULL);
    if (sockets->places[fd].told) (void)tell_epoll(sockets, fd, 0);
    sockets->places[fd].is_lasting = false;
    sockets->places[fd].port = 0;
}

void cst_sockets_kept(cst_sockets *sockets, int fd, int port)
{
    if (fd < 0 || (size_t)fd >= sockets->place_count || !sockets->places[fd].is_lasting) return;
    sockets->places[fd].port = port;
}

/* -1: there is none, or more than one. */
static int kept_with_port(const cst_sockets *sockets, int port)
{
    int found = -1;

    for (size_t fd = 0; fd < sockets->place_count; fd++) {
        if (sockets->places[fd].port != port) continue;
        if (found >= 0) return -1;
        found = (int)fd;
    }
    return found;
}

bool cst_sockets_was_silent(const cst_sockets *sockets, int port)
{
    int  fd = port > 0 ? kept_with_port(sockets, port) : -1;
    char byte;

    if (fd < 0) return true;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

castor_status cst_sockets_attach(cst_sockets *sockets, const castor_loop *loop)
{
    for (size_t i = 0; sockets->loop && i < sockets->count; i++) {
        (void)sockets->loop->watch(sockets->loop->user, sockets->watched[i].fd, 0);
    }
    sockets->loop = loop;
    if (!loop) return CASTOR_OK;
    end_epoll(sockets);
    for (size_t i = 0; i < sockets->count; i++) {
        if (loop->watch(loop->user, sockets->watched[i].fd, interest_of(&sockets->watched[i])) == 0) continue;
        while (i-- > 0) (void)loop->watch(loop->user, sockets->watched[i].fd, 0);
        sockets->loop = NULL;
        return CASTOR_NO_MEMORY;
    }
    return CASTOR_OK;
}

/* ---- waiting ---- */

/* From the back: what is forgotten meanwhile is replaced by what we have seen, and what is new has not been asked. */
static int wait_poll(cst_sockets *sockets, int timeout_ms, cst_socket_fn *fn, void *user)
{
    int count = poll(sockets->watched, (nfds_t)sockets->count, timeout_ms);

    for (size_t i = sockets->count; count > 0 && i-- > 0;) {
        if (i >= sockets->count || sockets->watched[i].revents == 0) continue;
        short events = sockets->watched[i].revents;
        sockets->watched[i].revents = 0;
        fn(user, sockets->watched[i].fd, ready_of(events));
    }
    return count;
}

castor_status cst_sockets_wait(cst_sockets *sockets, int timeout_ms, cst_socket_fn *fn, void *user, castor_error *err)
{
    int count = sockets->epoll >= 0 ? wait_epoll(sockets, timeout_ms, fn, user)
                                    : wait_poll(sockets, timeout_ms, fn, user);

    bool is_over = count >= 0 || errno == EINTR || errno == EAGAIN; /* and who wants more asks again */
    return is_over ? CASTOR_OK : fail(err, "waiting for the network failed");
}

/* ---- life ---- */

castor_status cst_sockets_init(cst_sockets *sockets, const cst_allocator *allocator, castor_error *err)
{
    *sockets = (cst_sockets){ .allocator = allocator, .epoll = -1, .wake_read = -1, .wake_write = -1 };
    if (open_wake(sockets)) {
        cst_sockets_opened(sockets, sockets->wake_read);
        return CASTOR_OK;
    }
    return fail(err, "no descriptor could be had to be woken by");
}

void cst_sockets_free(cst_sockets *sockets)
{
    close_wake(sockets);
    end_epoll(sockets);
    cst_release(sockets->allocator, sockets->watched);
    cst_release(sockets->allocator, sockets->places);
}
