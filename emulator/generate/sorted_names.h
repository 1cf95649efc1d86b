/* sorted_names.h -- names in their order, so that one of thousands is found in no time. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_SORTED_NAMES_H
#define PLX_SORTED_NAMES_H

#include "json.h"

typedef struct plx_sorted_name {
    castor_str name;
    size_t     rank;  /* where it stood */
} plx_sorted_name;

typedef struct plx_sorted_names {
    plx_sorted_name *list;  /* NULL: no memory was left */
    size_t           count;
} plx_sorted_names;

/* The texts of a list, or those of an object's members; of something else none. Views; the memory is the caller's. */
plx_sorted_names plx_sorted_names_of_list(const cst_json *list);
plx_sorted_names plx_sorted_names_of_members(const cst_json *object);
void             plx_sorted_names_free(plx_sorted_names *names);

/* NULL: it is not among them. */
const plx_sorted_name *plx_sorted_names_find(const plx_sorted_names *names, castor_str name);

#endif
