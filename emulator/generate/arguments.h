/* arguments.h -- arguments for a function: what the prompt says where that fits, else what the schema allows. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_ARGUMENTS_H
#define PLX_ARGUMENTS_H

#include "generate/ask.h"

/* What a prompt offers, in its order. Views into it. */
typedef struct plx_offers {
    castor_str prompt;
    castor_str quoted[PLX_OFFERS_MAX];  /* "..." and '...' */
    size_t     quoted_count;
    castor_str names[PLX_OFFERS_MAX];   /* words with a capital inside a sentence: "San Francisco, CA" is one */
    size_t     name_count;
    castor_str numbers[PLX_OFFERS_MAX];
    size_t     number_count;
    size_t     bytes_left;              /* of it that may still be searched, in all the searches together */
    size_t     steps_left;              /* through schemas; as plx_schema_resolve has it */
} plx_offers;

plx_offers plx_offers_read(castor_str prompt);

/* How many calls of the function the prompt asks for: one for each name in it if just one text is to be filled in. */
size_t plx_arguments_calls(const plx_function *function, plx_offers *offers);

/* Prints the arguments of the `nth` of them as one object. */
castor_status plx_arguments_print(const plx_function *function, plx_offers *offers, size_t nth, cst_buf *out);

/* Whether the word stands in the text by itself, in any case; and where. */
bool plx_word_find(castor_str text, castor_str word, size_t *at);

#endif
