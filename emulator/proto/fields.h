/* fields.h -- reads request bodies by the proto3 JSON rules, and names what does not belong there.
 * SPDX-License-Identifier: MIT
 *
 * A name may be camelCase or snake_case; one object may stand where a list is expected; null is the same as absent.
 */
#ifndef PLX_FIELDS_H
#define PLX_FIELDS_H

#include "json.h"
#include "json_writer.h"
#include "proto/refusal.h"

typedef struct plx_message_type plx_message_type;

typedef enum plx_kind {
    PLX_ANY = 0, /* not looked into; with a type: a message of it, or a list of such */
    PLX_MESSAGE, /* of the field's type */
    PLX_MAP,     /* from any names to messages of the field's type */
    PLX_STRUCT,  /* any object */
    PLX_STRING,
    PLX_BYTES,   /* base64 in either alphabet */
    PLX_BOOL,
    PLX_INT32,
    PLX_INT64,
    PLX_FLOAT,
    PLX_DOUBLE,
    PLX_ENUM     /* one of the field's choices, by name or number */
} plx_kind;

typedef struct plx_choices {
    const char        *name;        /* as error texts have it */
    const char *const *names;       /* in the order of their numbers, NULL behind the last */
    bool               in_any_case; /* lower case will do */
} plx_choices;

typedef struct plx_field {
    const char             *name;    /* camelCase */
    const plx_message_type *type;    /* NULL: it has no members that are known */
    plx_kind                kind;
    bool                    is_list;
    const plx_choices      *choices;
    const char             *one_of;  /* of the fields that name the same group only one may be there; NULL: no group */
} plx_field;

struct plx_message_type {
    const char      *name;        /* as error texts have it */
    const plx_field *fields;
    size_t           field_count;
};

/* False: `object` is no such message, or holds what the message does not have; `refusal` lists it. */
bool plx_fields_check(const cst_json *object, const plx_message_type *type, plx_refusal *refusal);

/* The same for a body that is one field of the method's request: that field begins each path in error texts. */
bool plx_fields_check_in(const char *field, const cst_json *object, const plx_message_type *type,
                         plx_refusal *refusal);

/* Whether `key` is the camelCase `name`, or its snake_case form; and that form, which paths in error texts have. */
bool plx_field_is(castor_str key, const char *name);
void plx_field_snake(char *out, size_t size, const char *name);

/* A member by its camelCase name; absent when null. */
const cst_json *plx_field_get(const cst_json *object, const char *name);

/* The name of an enum's value, whichever way it is given; NULL when it is none of the choices. */
const char *plx_choice_of(const cst_json *value, const plx_choices *choices);

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

/* The bytes that base64 of either alphabet stands for, padded or not; negative: it is no base64. */
int64_t plx_base64_size(castor_str text);

/* Prints a value as it was, but for white space. */
void plx_json_put(cst_json_writer *writer, const cst_json *value);

#endif
