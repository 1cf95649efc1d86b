/* fields.h -- reads request bodies by the proto3 JSON rules, and names what does not belong there.
 * SPDX-License-Identifier: MIT
 *
 * A name may be camelCase or snake_case; one object may stand where a list is expected; null is the same as absent.
 */
#ifndef PLX_FIELDS_H
#define PLX_FIELDS_H

#include "json.h"
#include "proto/refusal.h"

typedef struct plx_message_type plx_message_type;

typedef struct plx_field {
    const char             *name; /* camelCase */
    const plx_message_type *type; /* NULL: anything, not looked into */
} plx_field;

struct plx_message_type {
    const char      *name;        /* as error texts have it */
    const plx_field *fields;
    size_t           field_count;
};

/* False: `object` is no such message, or holds names that the message does not have; `refusal` lists them. */
bool plx_fields_check(const cst_json *object, const plx_message_type *type, plx_refusal *refusal);

/* A member by its camelCase name; absent when null. */
const cst_json *plx_field_get(const cst_json *object, const char *name);

/* A list, or one value in its place. */
size_t          plx_list_count(const cst_json *value);
const cst_json *plx_list_at(const cst_json *value, size_t index);

/* The same, one after the other: looking each up by its index would take time by the square of their number. */
typedef struct plx_list {
    const cst_json   *only;
    cst_json_iterator each;
    bool              is_array;
} plx_list;

plx_list        plx_list_of(const cst_json *value);
const cst_json *plx_list_next(plx_list *list); /* NULL after the last */

/* A whole number, unset when absent. False: it is something else, or not from `least` to `most`. `path`: of the object,
 * as error texts have it, or empty. */
bool plx_field_integer(const cst_json *object, const char *name, const char *path, int64_t least, int64_t most,
                       castor_i64 *out, plx_refusal *refusal);

#endif
