/* fds.h -- what the adapters share: a pointer for each descriptor. Not part of the interface.
 * SPDX-License-Identifier: MIT
 *
 * Descriptors are small numbers that are used again, so a plain array does.
 */
#ifndef CASTOR_ADAPTERS_FDS_H
#define CASTOR_ADAPTERS_FDS_H

#include <castor/castor.h>
#include <stdlib.h>

typedef struct castor_fds {
    void **slots;
    int    count;
} castor_fds;

/* The slot of `fd`, made where there is none yet; NULL without memory. */
static inline void **castor_fds_slot(castor_fds *fds, int fd)
{
    if (fd >= fds->count) {
        int    count = fd < 32 ? 64 : fd * 2;
        void **slots = (void **)realloc(fds->slots, (size_t)count * sizeof *slots);
        if (!slots) return NULL;
        for (int i = fds->count; i < count; i++) slots[i] = NULL;
        fds->slots = slots;
        fds->count = count;
    }
    return &fds->slots[fd];
}

/* What stands there; NULL: nothing. */
static inline void *castor_fds_get(const castor_fds *fds, int fd)
{
    return fd < fds->count ? fds->slots[fd] : NULL;
}

/* The adapter's own want of memory, told as the library tells its own. */
static inline castor_status castor_fds_no_memory(castor_error *err)
{
    static const char sentence[] = "out of memory: the adapter of the loop could not be made";

    if (!err) return CASTOR_NO_MEMORY;
    memset(err, 0, sizeof *err);
    err->status = CASTOR_NO_MEMORY;
    memcpy(err->message, sentence, sizeof sentence);
    return CASTOR_NO_MEMORY;
}

#endif
