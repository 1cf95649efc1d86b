/* json_style.h -- prints JSON with the white space and the escapes that Google's servers use. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_JSON_STYLE_H
#define PLX_JSON_STYLE_H

#include "base.h"

typedef enum plx_json_style {
    PLX_JSON_SPACED = 0, /* events: {"a": 1,"b": [2,3]} */
    PLX_JSON_INDENTED    /* bodies: two spaces a level, no line end after the last brace */
} plx_json_style;

/* Appends `json`, which must be valid and without white space, in the style. `<` and `>` become \u003c and \u003e,
 * as recorded answers have them; other text stays as it is. */
castor_status plx_json_print_styled(cst_buf *out, castor_str json, plx_json_style style);

/* Appends `json`, which must be valid, without the white space between its tokens. */
castor_status plx_json_squeeze(cst_buf *out, castor_str json);

#endif
