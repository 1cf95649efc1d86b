/* book.h -- what the twins did, request by request, until each is judged.
 * SPDX-License-Identifier: MIT
 */
#ifndef SOAK_BOOK_H
#define SOAK_BOOK_H

#include "soak.h"

enum {
    BOOK_PAGES = 1 << 15, /* of requests that were hit; half of them is more than can wait to be judged */
    BOOK_HITS_MAX = 64,   /* attempts of one request that were hit: 16 hops with 4 each */
};

/* What was done to one attempt. */
typedef struct book_hit {
    const tst_fate *fate;   /* NULL: nothing but this: */
    bool            is_cut; /* its connection was closed for the sake of another answer */
} book_hit;

typedef struct book_page {
    uint64_t id;
    size_t   count;
    book_hit hits[BOOK_HITS_MAX]; /* in the order of the attempts */
} book_page;

typedef struct book book;

book *book_new(void); /* NULL: no memory */
void  book_free(book *of);

/* The faults that chaos may choose at a twin, as its "faults=" has them; `chance` is drawn from. */
void book_choose_faults(int place, uint64_t *chance, cst_buf *out);

/* False: there is no room, or nobody asked for such a fault. */
bool book_note(book *of, const tst_spoilt *one);

/* What is known of a request; with no hits: nothing is. Lives until the book is written to. */
const book_page *book_find(const book *of, uint64_t id);

/* It was judged: what is told of it afterwards is of no use. */
void book_close(book *of, uint64_t id);

/* How many attempts were spoilt so far, and how many were cut beside another. */
uint64_t book_spoilt(const book *of);
uint64_t book_cut(const book *of);

#endif
