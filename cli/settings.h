/* settings.h -- the settings of -o KEY VALUE as one JSON object. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "fault.h"
#include "options.h"
#include "text.h"

/* Adds nothing when there are no settings. `parent` is where keys without a leading dot belong: "generationConfig", or
 * NULL for the top level. Later settings replace earlier ones of the same key. */
bool cli_settings_print(cli_text *out, const cli_setting *settings, size_t count, const char *parent, cli_fault *fault);

#endif
