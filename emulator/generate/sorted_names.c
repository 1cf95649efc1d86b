/* sorted_names.c -- names in their order.
 * SPDX-License-Identifier: MIT
 */
#include "generate/sorted_names.h"

#include <stdlib.h>

#include "proto/fields.h"

static int compare_text(castor_str a, castor_str b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int compare(const void *a, const void *b)
{
    return compare_text(((const plx_sorted_name *)a)->name, ((const plx_sorted_name *)b)->name);
}

static plx_sorted_names begin(size_t count_max)
{
    return (plx_sorted_names){ malloc((count_max + 1) * sizeof(plx_sorted_name)), 0 };
}

static void add(plx_sorted_names *names, castor_str name, size_t rank)
{
    if (name.data) names->list[names->count++] = (plx_sorted_name){ name, rank };
}

static plx_sorted_names sort(plx_sorted_names names)
{
    if (names.count > 0) qsort(names.list, names.count, sizeof *names.list, compare);
    return names;
}

plx_sorted_names plx_sorted_names_of_list(const cst_json *list)
{
    plx_list         each = plx_list_of(list);
    plx_sorted_names names = begin(plx_list_count(list));
    const cst_json  *name;

    for (size_t i = 0; names.list && (name = plx_list_next(&each)); i++) add(&names, cst_json_string(name), i);
    return sort(names);
}

plx_sorted_names plx_sorted_names_of_members(const cst_json *object)
{
    bool              is_object = cst_json_type_of(object) == CST_JSON_OBJECT;
    cst_json_iterator each = cst_json_iterate(object);
    plx_sorted_names  names = begin(is_object ? cst_json_count(object) : 0);
    castor_str        name;

    for (size_t i = 0; is_object && names.list && cst_json_next(&each, &name); i++) add(&names, name, i);
    return sort(names);
}

void plx_sorted_names_free(plx_sorted_names *names) { free(names->list); }

const plx_sorted_name *plx_sorted_names_find(const plx_sorted_names *names, castor_str name)
{
    plx_sorted_name wanted = { name, 0 };

    if (names->count == 0 || !name.data) return NULL;
    return bsearch(&wanted, names->list, names->count, sizeof wanted, compare);
}
