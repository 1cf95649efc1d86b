/* resources.h -- what clients make and come back for: files, uploads, caches, batches.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_RESOURCES_H
#define PLX_RESOURCES_H

#include "api/batches.h"
#include "api/caches.h"
#include "api/files.h"
#include "api/uploads.h"

typedef struct plx_resource_times {
    uint32_t file_processing_ms;
    uint32_t batch_ms;           /* from a batch's creation to its results */
} plx_resource_times;

#define PLX_RESOURCE_TIMES_DEFAULT ((plx_resource_times){ PLX_FILE_PROCESSING_MS, PLX_BATCH_MS })

struct plx_resources {
    plx_files   *files;
    plx_uploads *uploads;
    plx_caches  *caches;
    plx_batches *batches;
};

plx_resources *plx_resources_new(const plx_resource_times *times); /* NULL: no memory */
void           plx_resources_free(plx_resources *resources);

/* Forgets all of it (`resources` is a plx_resources): for plx_world_add_store. */
void plx_resources_empty(void *resources);

#endif
