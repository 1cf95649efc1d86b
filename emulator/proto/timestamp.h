/* timestamp.h -- times and durations as proto3 JSON has them: RFC 3339 text, and seconds with an "s". Pure.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_TIMESTAMP_H
#define PLX_TIMESTAMP_H

#include "base.h"

/* Room for any text that the printers below make, with its NUL. */
enum { PLX_TIME_TEXT_SIZE = 48 };

/* Unix time, in microseconds, as "2026-11-20T10:00:00.123456Z". A time outside of the years 1 to 9999 is brought to the
 * nearer of their ends. */
void plx_timestamp_print(char out[PLX_TIME_TEXT_SIZE], int64_t us);

/* The same with nine digits, as a few fields have it: "2026-11-20T10:00:00.123456000Z". */
void plx_timestamp_print_ns(char out[PLX_TIME_TEXT_SIZE], int64_t us);

/* Reads RFC 3339 with any number of fraction digits up to nine, and any offset. False: it is no such time. */
bool plx_timestamp_parse(castor_str text, int64_t *us);

/* "10s", "3.5s", "0.000001s": the fraction has 3 or 6 digits, or is left out. */
void plx_duration_print(char out[PLX_TIME_TEXT_SIZE], int64_t us);

/* Reads "300s", "3.5s", "-1s". False: it is no duration, or beyond what proto3 allows (315,576,000,000 s). */
bool plx_duration_parse(castor_str text, int64_t *us);

#endif
