/* interrupt.h -- Ctrl-C and SIGTERM: end the answer, keep what was shown.
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include "castor/castor.h"

/* From now on the first SIGINT or SIGTERM cancels the watched stream, or ends the process when there is none; a second
 * one ends the process at once. Signals that the parent had ignored stay ignored. */
void cli_interrupt_install(void);

/* The stream to cancel; NULL for none. */
void cli_interrupt_watch(castor_stream *stream);

/* The signal that came; 0 for none. */
int cli_interrupt_signal(void);

#endif
