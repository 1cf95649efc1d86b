/* interrupt.c -- Ctrl-C and SIGTERM.
 * SPDX-License-Identifier: MIT
 *
 * The only variables of the command that outlive a call: a signal handler is given nothing else.
 */
#include "interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "fault.h"

static _Atomic(castor_stream *) watched;
static volatile sig_atomic_t    caught;

static void on_signal(int number)
{
    int saved_errno = errno;
    castor_stream *stream = atomic_load(&watched);
    caught = number;
    if (!stream) _exit(CLI_EXIT_SIGNAL + number);
    castor_stream_cancel(stream);
    errno = saved_errno;
}

static void install(int number)
{
    struct sigaction old;
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_IGN) return;

    /* RESETHAND: the second one kills. No RESTART: a blocked write must come back. */
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
    sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
}

void cli_interrupt_install(void)
{
    install(SIGINT);
    install(SIGTERM);
}

void cli_interrupt_watch(castor_stream *stream)
{
    atomic_store(&watched, stream);
}

int cli_interrupt_signal(void)
{
    return caught;
}
