/* embedding.c -- vectors for texts.
 * SPDX-License-Identifier: MIT
 */
#include "generate/embedding.h"

#include <stdio.h>

#include "generate/pace.h"

enum { STEM_LEN = 5, BITS = 64 };

static const float  common_weight = 0.1f;
static const float  stem_weight = 0.6f;
static const double task_share = 0.1; /* of the length */
static const double whole_share = 0.05;

/* `go` fills whole words of bits. */
_Static_assert(PLX_DIMENSIONS_MAX % BITS == 0, "a vector must have room for the last word of bits");

typedef struct vector {
    float  values[PLX_DIMENSIONS_MAX];
    size_t count;
} vector;

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static uint64_t hash(uint64_t state, castor_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        state = (state ^ (unsigned char)lower(text.data[i])) * 1099511628211u; /* FNV-1a */
    }
    return state;
}

static const uint64_t word_seed = 14695981039346656037u;
static const uint64_t stem_seed = 7809847782465536322u;
static const uint64_t task_seed = 4354685564936845354u;
static const uint64_t whole_seed = 1442695040888963407u;

/* The square root, without the mathematics library, which whoever links libpollux.a would need as well. */
static double root(double square)
{
    double guess = square > 1.0 ? square : 1.0;

    for (int i = 0; i < 64; i++) guess = (guess + square / guess) / 2.0;
    return guess;
}

static double length(const float *values, size_t count)
{
    double square = 0.0;

    for (size_t i = 0; i < count; i++) square += (double)values[i] * (double)values[i];
    return root(square);
}

/* ---- directions ---- */

/* To a corner of the cube: a bit a dimension. A long text comes here ten thousand times, so it takes four at once. */
static void go(vector *v, uint64_t direction, float far)
{
    static const float corners[16][4] = {
        { -1, -1, -1, -1 }, { 1, -1, -1, -1 }, { -1, 1, -1, -1 }, { 1, 1, -1, -1 },
        { -1, -1, 1, -1 },  { 1, -1, 1, -1 },  { -1, 1, 1, -1 },  { 1, 1, 1, -1 },
        { -1, -1, -1, 1 },  { 1, -1, -1, 1 },  { -1, 1, -1, 1 },  { 1, 1, -1, 1 },
        { -1, -1, 1, 1 },   { 1, -1, 1, 1 },   { -1, 1, 1, 1 },   { 1, 1, 1, 1 },
    };
    plx_chance chance = { direction };
    float     *at = v->values;

    for (const float *end = at + v->count; at < end;) {
        uint64_t bits = plx_chance_next(&chance);
        for (int i = 0; i < BITS / 4; i++, at += 4, bits >>= 4) {
            const float *corner = corners[bits & 15];
            for (int k = 0; k < 4; k++) at[k] += far * corner[k];
        }
    }
}

/* Anywhere inside the cube, so that values differ. The average length of such a step is `far`. */
static void stray(vector *v, uint64_t direction, double far)
{
    plx_chance chance = { direction };
    double     side = far / root((double)v->count / 3.0);

    for (size_t i = 0; i < v->count; i++) {
        double part = (double)(plx_chance_next(&chance) >> 11) / 4503599627370496.0 - 1.0; /* -1 to 1 */
        v->values[i] += (float)(part * side);
    }
}

/* ---- words ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

/* The length of the word at the front; 0: none stands there. Scripts without spaces (in UTF-8 three bytes a character
 * and more) have a word a character. */
static size_t word_at(const char *at, const char *end)
{
    const char *from = at;

    while (at < end && is_letter(*at)) {
        if ((unsigned char)*at >= 0xE0) {
            size_t len = cst_utf8_length(at, end);
            return at > from ? (size_t)(at - from) : len > 0 ? len : 1;
        }
        at++;
    }
    return (size_t)(at - from);
}

static bool is_common(castor_str word)
{
    static const char *const words[] = {
        "a", "an", "and", "are", "as", "at", "be", "by", "can", "did", "do", "does", "for", "from", "has", "have",
        "how", "i", "in", "is", "it", "its", "not", "of", "on", "or", "that", "the", "their", "they", "this", "to",
        "was", "we", "were", "what", "when", "where", "which", "who", "why", "with", "you",
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (cst_str_equal_nocase(word, castor_str_of(words[i]))) return true;
    }
    return false;
}

static void add_word(vector *v, castor_str word)
{
    float weight = is_common(word) ? common_weight : 1.0f;

    if (word.len > 3 && lower(word.data[word.len - 1]) == 's' && lower(word.data[word.len - 2]) != 's') word.len--;
    go(v, hash(word_seed, word), weight);
    if (word.len >= STEM_LEN) go(v, hash(stem_seed, (castor_str){ word.data, STEM_LEN }), stem_weight);
}

static void add_words(vector *v, castor_str text)
{
    const char *end = text.data + text.len;

    for (const char *at = text.data; at < end;) {
        size_t len = word_at(at, end);
        if (len > 0) add_word(v, (castor_str){ at, len });
        at += len > 0 ? len : 1;
    }
}

void plx_embedding_fill(float *values, size_t count, const plx_model *model, castor_str text, castor_str task)
{
    vector v = { .count = (size_t)model->dimensions_most };
    double size;

    if (count > v.count) count = v.count;
    if (text.len > 0) add_words(&v, text);
    size = length(v.values, v.count);
    if (size < (double)common_weight) size = 1.0; /* no word in it */
    if (task.len > 0 && model->knows_tasks) stray(&v, hash(task_seed, task), size * task_share);
    stray(&v, hash(whole_seed, text), size * whole_share);
    size = length(v.values, model->is_unit ? count : v.count);
    for (size_t i = 0; i < count; i++) values[i] = (float)((double)v.values[i] / size);
}

/* Nine digits tell all floats apart. */
void plx_embedding_put(cst_json_writer *writer, const float *values, size_t count)
{
    char text[32];

    cst_json_open_array(writer);
    for (size_t i = 0; i < count; i++) {
        int len = snprintf(text, sizeof text, "%.9g", (double)values[i]);
        cst_json_put_raw(writer, (castor_str){ text, (size_t)len });
    }
    cst_json_close_array(writer);
}
