/* magic.h -- the media type of a file, by its first bytes. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_MAGIC_H
#define CLI_MAGIC_H

#include "castor/castor.h"

/* The type as the Gemini API names it, "text/plain" for anything that is UTF-8 without NUL, or NULL. */
const char *cli_media_type(castor_str file);

#endif
