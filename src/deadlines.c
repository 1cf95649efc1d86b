/* deadlines.c -- what must happen at a time, earliest first: a pairing heap whose nodes live in their owners.
 * SPDX-License-Identifier: MIT
 */
#include "deadlines.h"

static void set_first(cst_deadlines *heap, cst_deadline *root)
{
    heap->first = root;
    if (root) root->link = &heap->first;
}

/* One heap of two; the roots have no siblings. */
static cst_deadline *meld(cst_deadline *a, cst_deadline *b)
{
    if (!a || !b) return a ? a : b;
    cst_deadline *parent = b->at_ms < a->at_ms ? b : a, *child = parent == a ? b : a;

    child->next = parent->child;
    if (child->next) child->next->link = &child->next;
    child->link = &parent->child;
    parent->child = child;
    return parent;
}

/* In pairs from the front, then all pairs from the back: this order is what keeps the heap shallow. */
static cst_deadline *meld_all(cst_deadline *list)
{
    cst_deadline *pairs = NULL, *whole = NULL;

    while (list) {
        cst_deadline *a = list, *b = a->next;
        list = b ? b->next : NULL;
        a->next = NULL;
        if (b) b->next = NULL;
        cst_deadline *pair = meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    while (pairs) {
        cst_deadline *pair = pairs;
        pairs = pair->next;
        pair->next = NULL;
        whole = meld(whole, pair);
    }
    return whole;
}

void cst_deadlines_drop(cst_deadlines *heap, cst_deadline *one)
{
    if (!one->link) return;
    *one->link = one->next;
    if (one->next) one->next->link = one->link;
    cst_deadline *orphans = meld_all(one->child);
    one->child = one->next = NULL;
    one->link = NULL;
    set_first(heap, meld(heap->first, orphans));
}

void cst_deadlines_put(cst_deadlines *heap, cst_deadline *one, int64_t at_ms)
{
    if (one->link && at_ms >= one->at_ms) return;
    cst_deadlines_drop(heap, one);
    one->at_ms = at_ms;
    set_first(heap, meld(heap->first, one));
}
