/* strike.h -- the faults that happen at a place of an answer, and those that change how all of it leaves.
 * SPDX-License-Identifier: MIT
 *
 * Each is described in the table (faults.c).
 */
#ifndef PLX_STRIKE_H
#define PLX_STRIKE_H

#include "fault/spoiler.h"

typedef castor_status plx_strike_fn(const plx_fault *fault, plx_spoiler *spoiler);
typedef void          plx_prepare_fn(const plx_fault *fault, plx_spoiler *spoiler);

plx_strike_fn plx_strike_reset, plx_strike_cut, plx_strike_silent, plx_strike_goaway, plx_strike_stall;
plx_strike_fn plx_strike_bad_chunk, plx_strike_error, plx_strike_bom, plx_strike_garbage, plx_strike_done;

plx_prepare_fn plx_prepare_slow_head, plx_prepare_slow, plx_prepare_bytewise, plx_prepare_packets;
plx_prepare_fn plx_prepare_random_packets, plx_prepare_split, plx_prepare_gzip, plx_prepare_length;
plx_prepare_fn plx_prepare_chunk_extensions, plx_prepare_no_blank_line, plx_prepare_no_window, plx_prepare_commas;

/* The names of `error`'s forms, of HTTP/2's codes, of what `split` goes through. NULL behind the last. */
extern const char *const plx_error_forms[];
extern const char *const plx_http2_codes[];
extern const char *const plx_split_names[];

#endif
