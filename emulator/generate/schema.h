/* schema.h -- makes up a small document that fits a schema: Gemini's own kind or JSON Schema. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_SCHEMA_H
#define PLX_SCHEMA_H

#include "json.h"
#include "json_writer.h"

/*
 * Knows type (either case, lists too), nullable, enum, const, properties, required, their ordering,
 * additionalProperties and minProperties, items, prefixItems, minItems, maxItems, anyOf, oneOf and allOf (the first;
 * deep down, one that is no reference), $ref into the same document by path or $anchor, minimum, maximum, their
 * exclusive kin, multipleOf, minLength, maxLength, the common formats, and patterns as far as pattern.h goes. Cycles
 * end where a member may be left out or be something else. Strings say `text`. LIMIT: the document is too long, or took
 * too many steps.
 *
 * `root`: the document that references are followed in; often the schema itself. Status is the writer's.
 */
void plx_schema_print_example(cst_json_writer *writer, const cst_json *root, const cst_json *schema, castor_str text);

/* What a schema comes to when references and choices are followed. `steps_left`: how many values may be looked at for
 * that, by one who began with PLX_SCHEMA_STEPS_MAX; with none left a reference leads nowhere. */
const cst_json *plx_schema_resolve(const cst_json *root, const cst_json *schema, size_t *steps_left);

/* "string", "object", ... as the schema says it, or as its members tell. */
castor_str plx_schema_type(const cst_json *schema);

/* Whether `required` names the property. */
bool plx_schema_requires(const cst_json *schema, castor_str property);

/* The first value of a list of strings, at the top of the schema; absent when there is none. */
castor_str plx_schema_first_choice(const cst_json *schema);

#endif
