/* steps.h -- scripts for the transport of memory, a step a word.
 * SPDX-License-Identifier: MIT
 */
#ifndef TST_STEPS_H
#define TST_STEPS_H

#include "transport_memory.h"

#define PHASE(phase) { CST_MEMORY_PHASE, phase, { NULL, 0 } }
#define WAIT(ms) { CST_MEMORY_WAIT, ms, { NULL, 0 } }
#define DELAY(ms) { CST_MEMORY_DELAY, ms, { NULL, 0 } }
#define HEAD(status, type) { CST_MEMORY_HEAD, status, { type, sizeof(type) - 1 } }
#define BYTES(text) { CST_MEMORY_BYTES, 0, { text, sizeof(text) - 1 } }
#define END { CST_MEMORY_END, 0, { NULL, 0 } }
#define LOSE(why) { CST_MEMORY_LOSE, 0, { why, sizeof(why) - 1 } }

#endif
