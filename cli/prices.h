/* prices.h -- what an answer cost, as far as the price of its model is known. Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_PRICES_H
#define CLI_PRICES_H

#include <stdbool.h>

#include "castor/castor.h"

/* The month in which the table was last compared with the published prices: "2026-11". */
const char *cli_prices_month(void);

/* US dollars at the standard tier's text prices on a day such as "2026-11-21". `served` is the model that answered,
 * `asked` the one in the request; either may be absent. False when the price or the counts are not known. */
bool cli_prices_cost(castor_str asked, castor_str served, const castor_usage *usage, const char *day, double *dollars);

#endif
