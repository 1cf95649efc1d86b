/* timestamp.c -- times and durations as proto3 JSON has them.
 * SPDX-License-Identifier: MIT
 */
#include "proto/timestamp.h"

#include <inttypes.h>
#include <stdio.h>

#define US_PER_S 1000000
#define US_PER_DAY (86400ll * US_PER_S)
#define FIRST_DAY (-719162)                 /* 0001-01-01, counted from 1970-01-01 */
#define LAST_DAY 2932896                    /* 9999-12-31 */
#define DURATION_S_MAX 315576000000ll       /* 10,000 years, says proto3 */

/* ---- days and dates: the proleptic Gregorian calendar; its years begin in March here, so that leap days come last */

static int64_t day_of_date(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400; /* years are positive */
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void date_of_day(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t from_march = days + 719468;
    int64_t era = from_march / 146097; /* from the year 1 on this is not negative */
    int64_t day_of_era = from_march - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;

    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = year_of_era + era * 400 + (*month <= 2 ? 1 : 0);
}

static int64_t days_in_month(int64_t year, int64_t month)
{
    static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool                 is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && is_leap ? 29 : days[month - 1];
}

/* ---- printing ---- */

static void print(char out[PLX_TIME_TEXT_SIZE], int64_t us, const char *more_digits)
{
    int64_t days = us / US_PER_DAY;
    int64_t rest = us % US_PER_DAY;
    int64_t year, month, day;

    if (rest < 0) {
        rest += US_PER_DAY;
        days--;
    }
    if (days < FIRST_DAY || days > LAST_DAY) {
        rest = days < FIRST_DAY ? 0 : US_PER_DAY - 1;
        days = days < FIRST_DAY ? FIRST_DAY : LAST_DAY;
    }
    date_of_day(days, &year, &month, &day);

    int64_t second = rest / US_PER_S; /* small types, so that the compiler sees that the text has room */
    snprintf(out, PLX_TIME_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06u%sZ", (uint16_t)year, (uint8_t)month,
             (uint8_t)day, (uint8_t)(second / 3600), (uint8_t)(second / 60 % 60), (uint8_t)(second % 60),
             (unsigned)((uint64_t)rest % US_PER_S), more_digits);
}

void plx_timestamp_print(char out[PLX_TIME_TEXT_SIZE], int64_t us)
{
    print(out, us, "");
}

void plx_timestamp_print_ns(char out[PLX_TIME_TEXT_SIZE], int64_t us)
{
    print(out, us, "000");
}

void plx_duration_print(char out[PLX_TIME_TEXT_SIZE], int64_t us)
{
    uint64_t    size = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    uint64_t    fraction = size % US_PER_S;
    const char *sign = us < 0 ? "-" : "";

    if (fraction == 0) {
        snprintf(out, PLX_TIME_TEXT_SIZE, "%s%" PRIu64 "s", sign, size / US_PER_S);
    } else if (fraction % 1000 == 0) {
        snprintf(out, PLX_TIME_TEXT_SIZE, "%s%" PRIu64 ".%03" PRIu64 "s", sign, size / US_PER_S, fraction / 1000);
    } else {
        snprintf(out, PLX_TIME_TEXT_SIZE, "%s%" PRIu64 ".%06" PRIu64 "s", sign, size / US_PER_S, fraction);
    }
}

/* ---- parsing: each takes from the front of the text ---- */

static bool take_char(castor_str *text, const char *choices)
{
    if (text->len == 0 || text->data[0] == '\0' || !strchr(choices, text->data[0])) return false;
    *text = (castor_str){ text->data + 1, text->len - 1 };
    return true;
}

static bool is_digit(castor_str text)
{
    return text.len > 0 && text.data[0] >= '0' && text.data[0] <= '9';
}

/* Exactly so many digits. */
static bool take_digits(castor_str *text, int count, int64_t *out)
{
    *out = 0;
    for (; count > 0; count--) {
        if (!is_digit(*text)) return false;
        *out = *out * 10 + (text->data[0] - '0');
        *text = (castor_str){ text->data + 1, text->len - 1 };
    }
    return true;
}

/* ".5" and the like, or nothing. What is below a microsecond is dropped. */
static bool take_fraction(castor_str *text, int64_t *us)
{
    int64_t unit = US_PER_S / 10;
    int     digits = 0;

    *us = 0;
    if (!take_char(text, ".")) return true;
    for (; is_digit(*text); digits++, unit /= 10) {
        *us += (text->data[0] - '0') * unit;
        *text = (castor_str){ text->data + 1, text->len - 1 };
    }
    return digits >= 1 && digits <= 9;
}

/* "Z" or "+01:30": how far the local time is ahead. */
static bool take_offset(castor_str *text, int64_t *s)
{
    int64_t hours, minutes;
    bool    is_behind;

    *s = 0;
    if (take_char(text, "Zz")) return true;
    is_behind = text->len > 0 && text->data[0] == '-';
    if (!take_char(text, "+-") || !take_digits(text, 2, &hours) || !take_char(text, ":") ||
        !take_digits(text, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *s = (hours * 3600 + minutes * 60) * (is_behind ? -1 : 1);
    return true;
}

bool plx_timestamp_parse(castor_str text, int64_t *us)
{
    int64_t year, month, day, hour, minute, second, fraction, offset;

    if (!take_digits(&text, 4, &year) || !take_char(&text, "-") || !take_digits(&text, 2, &month) ||
        !take_char(&text, "-") || !take_digits(&text, 2, &day) || !take_char(&text, "Tt") ||
        !take_digits(&text, 2, &hour) || !take_char(&text, ":") || !take_digits(&text, 2, &minute) ||
        !take_char(&text, ":") || !take_digits(&text, 2, &second) || !take_fraction(&text, &fraction) ||
        !take_offset(&text, &offset) || text.len > 0) {
        return false;
    }
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 59) {
        return false;
    }
    *us = (day_of_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset) * US_PER_S + fraction;
    return true;
}

bool plx_duration_parse(castor_str text, int64_t *us)
{
    bool    is_negative = take_char(&text, "-");
    int64_t seconds = 0, fraction;

    if (!is_digit(text)) return false;
    while (is_digit(text)) {
        seconds = seconds * 10 + (text.data[0] - '0');
        if (seconds > DURATION_S_MAX) return false;
        text = (castor_str){ text.data + 1, text.len - 1 };
    }
    if (!take_fraction(&text, &fraction) || !take_char(&text, "s") || text.len > 0) return false;
    *us = seconds * US_PER_S + fraction;
    if (is_negative) *us = -*us;
    return true;
}
