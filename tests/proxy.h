/* proxy.h -- a small proxy on loopback for the tests: HTTP, CONNECT, SOCKS 4, 4a and 5. One thread, one connection
 * after another. Wherever it is asked to go, it goes to one port of loopback, so that a test can ask for names that
 * nobody has.
 * SPDX-License-Identifier: MIT
 */
#ifndef TST_PROXY_H
#define TST_PROXY_H

#include <pthread.h>

typedef struct tst_proxy {
    pthread_t   thread;
    int         listener;
    int         port;
    int         destination;
    const char *credentials; /* "user:password" that it asks for; NULL: none */
    char        asked[2048]; /* a line for each: "CONNECT host:port", "HTTP http://...", "SOCKS5 host:port". Read when
                                stopped */
    char        heads[8192]; /* of HTTP and CONNECT, as they came to the proxy */
} tst_proxy;

void tst_proxy_start(tst_proxy *proxy, int destination, const char *credentials);
void tst_proxy_stop(tst_proxy *proxy);

#endif
