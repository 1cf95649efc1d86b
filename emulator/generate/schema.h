/* schema.h -- makes up a small document that fits a schema.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_SCHEMA_H
#define PLX_SCHEMA_H

#include "json.h"
#include "json_writer.h"

/* Knows type (either case), enum, const, properties and their ordering, items, prefixItems, minItems, maxItems, anyOf,
 * oneOf and allOf (the first), $ref into the same schema, minimum, maximum, maxLength and the common formats. Patterns
 * are not obeyed. Strings say `text`. Status is the writer's. */
void plx_schema_print_example(cst_json_writer *writer, const cst_json *schema, castor_str text);

/* The first value of a list of strings, at the top of the schema; absent when there is none. */
castor_str plx_schema_first_choice(const cst_json *schema);

#endif
