/* resources.c -- what clients make and come back for.
 * SPDX-License-Identifier: MIT
 */
#include "api/resources.h"

#include <stdlib.h>

plx_resources *plx_resources_new(const plx_resource_times *times)
{
    plx_resources *resources = calloc(1, sizeof *resources);

    if (!resources) return NULL;
    resources->files = plx_files_new(times->file_processing_ms);
    resources->uploads = plx_uploads_new();
    resources->caches = plx_caches_new();
    resources->batches = plx_batches_new(times->batch_ms);
    if (resources->files && resources->uploads && resources->caches && resources->batches) return resources;
    plx_resources_free(resources);
    return NULL;
}

void plx_resources_free(plx_resources *resources)
{
    if (!resources) return;
    plx_batches_free(resources->batches); /* before the files, whose contents they may read */
    plx_caches_free(resources->caches);
    plx_uploads_free(resources->uploads);
    plx_files_free(resources->files);
    free(resources);
}

void plx_resources_empty(void *resources)
{
    plx_resources *r = resources;

    plx_shelf_clear(plx_batches_shelf(r->batches));
    plx_shelf_clear(plx_caches_shelf(r->caches));
    plx_uploads_empty(r->uploads);
    plx_shelf_clear(plx_files_shelf(r->files));
}
