/* calls.c -- system calls that fail on request.
 * SPDX-License-Identifier: MIT
 */
#include "calls/calls.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of each thread; nothing is spoilt while `fault.call` is NULL. */
static _Thread_local struct {
    tst_call_fault fault;
    int            seen;
    bool           did_fail;
} own;

void tst_calls_spoil(const tst_call_fault *fault)
{
    own.fault = *fault;
    own.seen = 0;
    own.did_fail = false;
}

bool tst_calls_restore(void)
{
    own.fault.call = NULL;
    return own.did_fail;
}

/* Whether this call has its turn. */
static bool is_spoilt(const char *call, int fd)
{
    const tst_call_fault *fault = &own.fault;

    if (!fault->call || strcmp(fault->call, call) != 0) return false;
    if (fault->fd >= 0 && fault->fd != fd) return false;
    own.seen++;
    return own.seen >= fault->nth && (fault->times == 0 || own.seen < fault->nth + fault->times);
}

static bool fails(const char *call, int fd)
{
    if (own.fault.error == TST_CALL_SHORT || !is_spoilt(call, fd)) return false;
    own.did_fail = true;
    errno = own.fault.error;
    return true;
}

/* How many of `len` bytes are moved. */
static size_t share_of(const char *call, int fd, size_t len)
{
    if (own.fault.error != TST_CALL_SHORT || len <= 1 || !is_spoilt(call, fd)) return len;
    own.did_fail = true;
    return 1;
}

/* glibc hides it from who asks for POSIX alone; with _GNU_SOURCE its sockaddr is a union that cannot be spelled here. */
#ifndef RTLD_NEXT
#define RTLD_NEXT ((void *)-1L)
#endif

/* POSIX wants the cast by way of an integer. */
#define REAL(type, name) ((type)(uintptr_t)dlsym(RTLD_NEXT, name))

typedef int     socket_fn(int, int, int);
typedef int     socketpair_fn(int, int, int, int[2]);
typedef int     connect_fn(int, const struct sockaddr *, socklen_t);
typedef ssize_t recv_fn(int, void *, size_t, int);
typedef ssize_t send_fn(int, const void *, size_t, int);
typedef ssize_t read_fn(int, void *, size_t);
typedef ssize_t write_fn(int, const void *, size_t);
typedef int     poll_fn(struct pollfd *, nfds_t, int);
typedef int     name_fn(int, struct sockaddr *restrict, socklen_t *restrict);
typedef int     getsockopt_fn(int, int, int, void *restrict, socklen_t *restrict);
typedef int     setsockopt_fn(int, int, int, const void *, socklen_t);
typedef int     epoll_create1_fn(int);
typedef int     epoll_ctl_fn(int, int, int, struct epoll_event *);
typedef int     epoll_wait_fn(int, struct epoll_event *, int, int);
typedef int     eventfd_fn(unsigned, int);
typedef int     fcntl_fn(int, int, ...);
typedef int     open_fn(const char *, int, ...);
typedef int     close_fn(int);
typedef FILE   *fopen_fn(const char *, const char *);
typedef char   *fgets_fn(char *, int, FILE *);
typedef DIR    *opendir_fn(const char *);
typedef int     stat_fn(const char *restrict, struct stat *restrict);

#define VISIBLE __attribute__((visibility("default")))

VISIBLE int socket(int domain, int type, int protocol)
{
    return fails("socket", -1) ? -1 : REAL(socket_fn *, "socket")(domain, type, protocol);
}

VISIBLE int socketpair(int domain, int type, int protocol, int ends[2])
{
    return fails("socketpair", -1) ? -1 : REAL(socketpair_fn *, "socketpair")(domain, type, protocol, ends);
}

VISIBLE int connect(int fd, const struct sockaddr *address, socklen_t len)
{
    return fails("connect", fd) ? -1 : REAL(connect_fn *, "connect")(fd, address, len);
}

VISIBLE ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    return fails("recv", fd) ? -1 : REAL(recv_fn *, "recv")(fd, bytes, share_of("recv", fd, len), flags);
}

VISIBLE ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    return fails("send", fd) ? -1 : REAL(send_fn *, "send")(fd, bytes, share_of("send", fd, len), flags);
}

VISIBLE ssize_t read(int fd, void *bytes, size_t len)
{
    return fails("read", fd) ? -1 : REAL(read_fn *, "read")(fd, bytes, share_of("read", fd, len));
}

VISIBLE ssize_t write(int fd, const void *bytes, size_t len)
{
    return fails("write", fd) ? -1 : REAL(write_fn *, "write")(fd, bytes, share_of("write", fd, len));
}

VISIBLE int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    return fails("poll", -1) ? -1 : REAL(poll_fn *, "poll")(fds, count, timeout_ms);
}

VISIBLE int getsockname(int fd, struct sockaddr *restrict name, socklen_t *restrict len)
{
    return fails("getsockname", fd) ? -1 : REAL(name_fn *, "getsockname")(fd, name, len);
}

VISIBLE int getpeername(int fd, struct sockaddr *restrict name, socklen_t *restrict len)
{
    return fails("getpeername", fd) ? -1 : REAL(name_fn *, "getpeername")(fd, name, len);
}

VISIBLE int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict len)
{
    return fails("getsockopt", fd) ? -1 : REAL(getsockopt_fn *, "getsockopt")(fd, level, name, value, len);
}

VISIBLE int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    return fails("setsockopt", fd) ? -1 : REAL(setsockopt_fn *, "setsockopt")(fd, level, name, value, len);
}

VISIBLE int epoll_create1(int flags)
{
    return fails("epoll_create1", -1) ? -1 : REAL(epoll_create1_fn *, "epoll_create1")(flags);
}

VISIBLE int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    return fails("epoll_ctl", fd) ? -1 : REAL(epoll_ctl_fn *, "epoll_ctl")(epoll, what, fd, event);
}

VISIBLE int epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms)
{
    return fails("epoll_wait", epoll) ? -1 : REAL(epoll_wait_fn *, "epoll_wait")(epoll, events, count, timeout_ms);
}

VISIBLE int eventfd(unsigned value, int flags)
{
    return fails("eventfd", -1) ? -1 : REAL(eventfd_fn *, "eventfd")(value, flags);
}

VISIBLE int fcntl(int fd, int what, ...)
{
    va_list args;

    va_start(args, what);
    void *argument = va_arg(args, void *); /* a number or a pointer: all of them fit into one register */
    va_end(args);
    return fails("fcntl", fd) ? -1 : REAL(fcntl_fn *, "fcntl")(fd, what, argument);
}

VISIBLE int open(const char *path, int flags, ...)
{
    va_list args;

    va_start(args, flags);
    int mode = flags & O_CREAT ? va_arg(args, int) : 0;
    va_end(args);
    return fails("open", -1) ? -1 : REAL(open_fn *, "open")(path, flags, mode);
}

/* The descriptor is gone all the same, as on Linux it is. */
VISIBLE int close(int fd)
{
    bool is_bad = fails("close", fd);
    int  error = errno, result = REAL(close_fn *, "close")(fd);

    if (is_bad) errno = error;
    return is_bad ? -1 : result;
}

/* Of files with certificates: within the C library nobody can step between these and the kernel. */
FILE *fopen64(const char *path, const char *mode);

VISIBLE FILE *fopen(const char *path, const char *mode)
{
    return fails("fopen", -1) ? NULL : REAL(fopen_fn *, "fopen")(path, mode);
}

VISIBLE FILE *fopen64(const char *path, const char *mode)
{
    return fails("fopen", -1) ? NULL : REAL(fopen_fn *, "fopen64")(path, mode);
}

VISIBLE char *fgets(char *line, int size, FILE *file)
{
    return fails("fgets", -1) ? NULL : REAL(fgets_fn *, "fgets")(line, size, file);
}

VISIBLE DIR *opendir(const char *path)
{
    return fails("opendir", -1) ? NULL : REAL(opendir_fn *, "opendir")(path);
}

VISIBLE int stat(const char *restrict path, struct stat *restrict out)
{
    return fails("stat", -1) ? -1 : REAL(stat_fn *, "stat")(path, out);
}
