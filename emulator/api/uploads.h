/* uploads.h -- uploads that take several requests: what has come, and what it was said to be.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_UPLOADS_H
#define PLX_UPLOADS_H

#include "api/world.h"

typedef struct plx_uploads plx_uploads;

plx_uploads *plx_uploads_new(void); /* NULL: no memory */
void         plx_uploads_free(plx_uploads *uploads);
void         plx_uploads_empty(plx_uploads *uploads); /* requests that bring bytes are told so at their end */

#endif
