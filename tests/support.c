/* support.c -- what the tests share.
 * SPDX-License-Identifier: MIT
 */
#include "support.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "decoder.h"

/* ---- memory ---- */

typedef union block_head {
    size_t      size;
    max_align_t align;
} block_head;

static atomic_long blocks; /* of all memories */

static void *take(tst_memory *memory, size_t size)
{
    memory->asked++;
    if (memory->asked == memory->fail_at || (memory->did_fail && memory->stays_empty)) {
        memory->did_fail = true;
        return NULL;
    }
    block_head *head = malloc(sizeof *head + size);
    assert_non_null(head);
    head->size = size;
    memset(head + 1, 0xA5, size);
    memory->live_blocks++;
    atomic_fetch_add(&blocks, 1);
    memory->live_bytes += size;
    if (memory->live_bytes > memory->peak_bytes) memory->peak_bytes = memory->live_bytes;
    return head + 1;
}

static void *allocate(void *user, size_t size)
{
    return take(user, size);
}

static void release(void *user, void *block)
{
    tst_memory *memory = user;

    if (!block) return;
    block_head *head = (block_head *)block - 1;
    memory->live_blocks--;
    atomic_fetch_sub(&blocks, 1);
    memory->live_bytes -= head->size;
    memset(block, 0x5A, head->size);
    free(head);
}

static void *reallocate(void *user, void *block, size_t old_size, size_t size)
{
    tst_memory *memory = user;

    if (!block) return take(memory, size);
    block_head *head = (block_head *)block - 1;
    if (head->size != old_size) memory->has_lied = true;
    void *moved = take(memory, size);
    if (!moved) return NULL;
    memcpy(moved, block, head->size < size ? head->size : size);
    release(memory, block);
    return moved;
}

castor_allocator tst_allocator(tst_memory *memory)
{
    return (castor_allocator){ allocate, reallocate, release, memory };
}

/* ---- randomness ---- */

uint64_t tst_seed(void)
{
    static uint64_t seed;
    static bool     is_chosen;

    if (!is_chosen) {
        const char *given = getenv("CASTOR_SEED");
        seed = given && *given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
        is_chosen = true;
        printf("seed: %llu (CASTOR_SEED=%llu cuts the same way again)\n", (unsigned long long)seed,
               (unsigned long long)seed);
        (void)fflush(stdout);
    }
    return seed;
}

/* splitmix64 */
uint64_t tst_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

size_t tst_random_below(uint64_t *state, size_t limit)
{
    return limit ? (size_t)(tst_random(state) % limit) : 0;
}

/* ---- what a test may leave behind ---- */

enum { SETTLE_MS = 10 * 1000 };

static int count_entries(const char *path)
{
    DIR *directory = opendir(path);
    int  count = 0;

    assert_non_null(directory);
    for (const struct dirent *one; (one = readdir(directory)) != NULL;) count += one->d_name[0] != '.';
    (void)closedir(directory);
    return count;
}

tst_stock tst_take_stock(void)
{
    return (tst_stock){ count_entries("/proc/self/fd"), count_entries("/proc/self/task"), atomic_load(&blocks) };
}

void tst_check_stock(const tst_stock *before)
{
    tst_stock now = tst_take_stock();

    for (int ms = 0; ms < SETTLE_MS; ms++, now = tst_take_stock()) {
        if (now.descriptors <= before->descriptors && now.threads <= before->threads && now.blocks <= before->blocks) {
            return;
        }
        nanosleep(&(struct timespec){ 0, 1000 * 1000 }, NULL);
    }
    fail_msg("left behind: %d descriptors, %d threads, %ld blocks of memory", now.descriptors - before->descriptors,
             now.threads - before->threads, now.blocks - before->blocks);
}

/* ---- files and texts ---- */

castor_str tst_read_file(const char *path)
{
    FILE      *file = fopen(path, "rb");
    castor_str text = { NULL, 0 };
    long       size;

    if (!file) return text;
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 && fseek(file, 0, SEEK_SET) == 0) {
        char *bytes = malloc((size_t)size + 1);
        assert_non_null(bytes);
        text = (castor_str){ bytes, fread(bytes, 1, (size_t)size, file) };
        bytes[text.len] = '\0';
    }
    (void)fclose(file);
    return text;
}

castor_str tst_repeat(const char *text, size_t count)
{
    size_t len = strlen(text);
    char  *bytes = malloc(len * count + 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++) memcpy(bytes + i * len, text, len);
    bytes[len * count] = '\0';
    return (castor_str){ bytes, len * count };
}

const char *tst_find(castor_str haystack, castor_str needle)
{
    if (needle.len == 0) return haystack.data;
    for (size_t at = 0; at + needle.len <= haystack.len; at++) {
        const char *hit = memchr(haystack.data + at, needle.data[0], haystack.len - needle.len - at + 1);
        if (!hit) return NULL;
        if (memcmp(hit, needle.data, needle.len) == 0) return hit;
        at = (size_t)(hit - haystack.data);
    }
    return NULL;
}

bool tst_is_utf8(castor_str text)
{
    const unsigned char *at = (const unsigned char *)(text.data ? text.data : ""), *end = at + text.len;

    while (at < end) {
        unsigned c = *at++, more = c < 0x80 ? 0 : c < 0xC2 ? 9 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : c < 0xF5 ? 3 : 9;
        unsigned value = more == 1 ? c & 0x1F : more == 2 ? c & 0x0F : c & 0x07;
        if (more == 0) continue;
        if (more > (size_t)(end - at)) return false;
        for (unsigned i = 0; i < more; i++, at++) {
            if ((*at & 0xC0) != 0x80) return false;
            value = value << 6 | (*at & 0x3Fu);
        }
        if ((more == 2 && value < 0x800) || (more == 3 && (value < 0x10000 || value > 0x10FFFF))) return false;
        if (value >= 0xD800 && value <= 0xDFFF) return false;
    }
    return true;
}

/* ---- cuts ---- */

size_t tst_cuts_next(tst_cuts *cuts, size_t at, size_t left)
{
    size_t len = left;

    switch (cuts->kind) {
    case TST_WHOLE: break;
    case TST_BYTES: len = 1; break;
    case TST_ONCE: len = at < cuts->value ? (size_t)cuts->value - at : left; break;
    case TST_EVERY: len = (size_t)cuts->value; break;
    case TST_RANDOM:
        /* Small pieces, middling ones and large ones, each about as often. */
        len = (size_t)1 << tst_random_below(&cuts->value, 14);
        len = 1 + tst_random_below(&cuts->value, len);
        break;
    case TST_SIZES:
        if (cuts->size_count > 0) {
            len = *cuts->sizes++;
            cuts->size_count--;
        }
        break;
    }
    if (len == 0) len = 1;
    return len < left ? len : left;
}

void tst_cuts_describe(const tst_cuts *cuts, char out[64])
{
    unsigned long long value = cuts->value;

    switch (cuts->kind) {
    case TST_WHOLE: (void)snprintf(out, 64, "whole"); break;
    case TST_BYTES: (void)snprintf(out, 64, "byte by byte"); break;
    case TST_ONCE: (void)snprintf(out, 64, "cut at byte %llu", value); break;
    case TST_EVERY: (void)snprintf(out, 64, "in pieces of %llu bytes", value); break;
    case TST_RANDOM: (void)snprintf(out, 64, "cut at random, state %llu", value); break;
    case TST_SIZES: (void)snprintf(out, 64, "cut as the server did"); break;
    }
}

/* ---- events as text ---- */

static void put(cst_buf *out, const char *text)
{
    assert_int_equal(cst_buf_append_text(out, text), CASTOR_OK);
}

static void put_view(cst_buf *out, castor_str text)
{
    assert_int_equal(cst_buf_append_str(out, text), CASTOR_OK);
}

/* The length of an invisible character at `at`, and its number: controls, U+0080-U+00A0, U+2028, U+2029, U+FEFF. */
static size_t invisible(const unsigned char *at, size_t left, unsigned *number)
{
    *number = at[0];
    if (at[0] < 0x20 || at[0] == 0x7F) return 1;
    if (left >= 2 && at[0] == 0xC2 && at[1] <= 0xA0) {
        *number = at[1];
        return 2;
    }
    if (left < 3) return 0;
    *number = (at[0] & 0x0Fu) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu);
    if (at[0] == 0xE2 && at[1] == 0x80 && (at[2] == 0xA8 || at[2] == 0xA9)) return 3;
    if (at[0] == 0xEF && at[1] == 0xBB && at[2] == 0xBF) return 3;
    return 0;
}

void tst_print_string(cst_buf *out, castor_str text)
{
    const unsigned char *at = (const unsigned char *)(text.data ? text.data : ""), *end = at + text.len;
    char                 escape[8];
    unsigned             number;

    put(out, "\"");
    while (at < end) {
        size_t len = invisible(at, (size_t)(end - at), &number);
        if (*at == '"' || *at == '\\') {
            (void)snprintf(escape, sizeof escape, "\\%c", *at);
        } else if (len > 0) {
            if (number == '\n' || number == '\r' || number == '\t') {
                (void)snprintf(escape, sizeof escape, "\\%c", number == '\n' ? 'n' : number == '\r' ? 'r' : 't');
            } else {
                (void)snprintf(escape, sizeof escape, "\\u%04x", number & 0xFFFF);
            }
        } else {
            const unsigned char *run = at;
            while (at < end && *at != '"' && *at != '\\' && invisible(at, (size_t)(end - at), &number) == 0) at++;
            put_view(out, (castor_str){ (const char *)run, (size_t)(at - run) });
            continue;
        }
        put(out, escape);
        at += len > 0 ? len : 1;
    }
    put(out, "\"");
}

static void put_quoted(cst_buf *out, const char *before, castor_str text)
{
    put(out, before);
    tst_print_string(out, text);
}

static void put_count(cst_buf *out, const char *name, castor_i64 count)
{
    if (count.is_set) assert_int_equal(cst_buf_append_format(out, " %s=%lld", name, (long long)count.value), CASTOR_OK);
}

void tst_print_usage(cst_buf *out, const castor_usage *usage)
{
    put(out, "usage");
    put_count(out, "prompt", usage->prompt_tokens);
    put_count(out, "cached", usage->cached_tokens);
    put_count(out, "output", usage->output_tokens);
    put_count(out, "thoughts", usage->thought_tokens);
    put_count(out, "tool", usage->tool_prompt_tokens);
    put_count(out, "total", usage->total_tokens);
}

static void print_call(cst_buf *out, const castor_event *event)
{
    put(out, "call ");
    put_view(out, event->name);
    put(out, " ");
    put_view(out, event->args);
    if (event->id.data) put_quoted(out, " id ", event->id);
    if (event->signature.data) put_quoted(out, " signature ", event->signature);
    if (event->is_partial) put(out, " partial");
}

static void print_media(cst_buf *out, const castor_event *event)
{
    put(out, "media ");
    put_view(out, event->mime_type.data ? event->mime_type : CASTOR_STR("-"));
    if (event->uri.data) put_quoted(out, " uri ", event->uri);
    else put_quoted(out, " ", event->data);
}

void tst_print_event(cst_buf *out, const castor_event *event, const castor_usage *usage)
{
    if (event->candidate != 0) assert_int_equal(cst_buf_append_format(out, "[%d] ", (int)event->candidate), CASTOR_OK);
    switch (event->type) {
    case CASTOR_EVENT_TEXT: put_quoted(out, "text ", event->text); break;
    case CASTOR_EVENT_THOUGHT: put_quoted(out, "thought ", event->text); break;
    case CASTOR_EVENT_FUNCTION_CALL: print_call(out, event); return;
    case CASTOR_EVENT_MEDIA: print_media(out, event); break;
    case CASTOR_EVENT_CODE:
        put(out, "code ");
        put_view(out, event->language.data ? event->language : CASTOR_STR("-"));
        put_quoted(out, " ", event->text);
        break;
    case CASTOR_EVENT_CODE_RESULT:
        put(out, "result ");
        put_view(out, event->outcome.data ? event->outcome : CASTOR_STR("-"));
        put_quoted(out, " ", event->text);
        break;
    case CASTOR_EVENT_SIGNATURE: put_quoted(out, "signature ", event->signature); return;
    case CASTOR_EVENT_OTHER:
        put(out, "other ");
        put_view(out, event->raw);
        break;
    case CASTOR_EVENT_USAGE: tst_print_usage(out, usage); return;
    case CASTOR_EVENT_FINISH:
        put(out, "finish ");
        put_view(out, event->finish_reason);
        if (event->finish_message.data) put_quoted(out, " ", event->finish_message);
        return;
    case CASTOR_EVENT_NONE:
    default: put(out, "an event of no known type"); return;
    }
    if (event->signature.data) put_quoted(out, " signature ", event->signature);
}

/* ---- runs ---- */

static void complain(tst_outcome *out, const char *what, castor_str where)
{
    if (out->complaint[0]) return;
    (void)snprintf(out->complaint, sizeof out->complaint, "%s: %.*s", what, (int)(where.len < 120 ? where.len : 120),
                   where.data ? where.data : "");
}

/* The same bytes: events that waited while more was fed are copies. */
static bool is_within(castor_str part, castor_str whole)
{
    return whole.data && tst_find(whole, part);
}

/* What must hold for every event of every input. */
static void check_event(tst_outcome *out, const castor_event *event, castor_dialect dialect)
{
    const castor_str all[] = {
        event->text, event->raw, event->record, event->signature, event->id, event->name, event->args, event->mime_type,
        event->data, event->uri, event->language, event->outcome, event->finish_reason, event->finish_message,
    };
    bool             is_joined = dialect == CASTOR_DIALECT_OPENAI && event->type == CASTOR_EVENT_FUNCTION_CALL;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!tst_is_utf8(all[i])) complain(out, "an event's view is not UTF-8", event->record);
        if (!all[i].data && all[i].len > 0) complain(out, "an absent view has a length", event->record);
    }
    if (event->candidate < 0) complain(out, "a candidate below zero", event->record);
    if (!event->raw.data) complain(out, "an event without its raw JSON", event->record);
    else if (!is_joined && !is_within(event->raw, event->record)) complain(out, "raw is not in the record", event->raw);
    if (event->type == CASTOR_EVENT_FUNCTION_CALL && event->args.len == 0) {
        complain(out, "a call without args", event->raw);
    }
    if ((event->type == CASTOR_EVENT_TEXT || event->type == CASTOR_EVENT_THOUGHT) && event->text.len == 0) {
        complain(out, "an empty delta", event->raw);
    }
}

/* A part of a kind that we do not know is content; a whole record of such a kind is not. */
static bool is_content(const castor_event *event)
{
    if (event->type == CASTOR_EVENT_OTHER) return event->raw.data != event->record.data;
    return event->type != CASTOR_EVENT_USAGE && event->type != CASTOR_EVENT_FINISH &&
           event->type != CASTOR_EVENT_SIGNATURE;
}

/* FNV-1a, going on from `sum` */
static uint64_t add_sum(uint64_t sum, castor_str text)
{
    for (size_t i = 0; i < text.len; i++) sum = (sum ^ (unsigned char)text.data[i]) * 1099511628211u;
    return sum * 31 + text.len;
}

static void take_event(tst_outcome *out, const castor_decoder *decoder, const castor_event *event)
{
    castor_usage usage = castor_decoder_usage(decoder);

    out->sum = add_sum(add_sum(out->sum, event->raw), event->record);
    check_event(out, event, castor_decoder_dialect(decoder));
    out->event_count++;
    out->content_count += is_content(event);
    out->call_count += event->type == CASTOR_EVENT_FUNCTION_CALL;
    out->media_count += event->type == CASTOR_EVENT_MEDIA && event->data.data;
    if (event->candidate == 0 && event->type == CASTOR_EVENT_TEXT) put_view(&out->text, event->text);
    if (event->candidate == 0 && event->type == CASTOR_EVENT_THOUGHT) put_view(&out->thoughts, event->text);
    tst_print_event(&out->events, event, &usage);
    put(&out->events, "\n");
}

/* All that there are, but for callers that take `count_max` at most and feed on. */
static castor_step take_events(tst_outcome *out, castor_decoder *decoder, size_t count_max)
{
    castor_event event;
    castor_step  step = CASTOR_STEP_EVENT;

    while (count_max-- > 0 && (step = castor_decoder_next(decoder, &event, &out->error)) == CASTOR_STEP_EVENT) {
        take_event(out, decoder, &event);
    }
    return step;
}

static castor_status feed_piece(castor_decoder *decoder, const char *bytes, size_t len, castor_error *err)
{
    char *piece = malloc(len);

    assert_non_null(piece);
    memcpy(piece, bytes, len);
    castor_status status = castor_decoder_feed(decoder, piece, len, err);
    memset(piece, 0xEE, len); /* who kept a pointer will see this */
    free(piece);
    return status;
}

static bool is_same_number(castor_i64 a, castor_i64 b)
{
    return a.is_set == b.is_set && (!a.is_set || a.value == b.value);
}

static bool is_same_error(const castor_error *a, const castor_error *b)
{
    return a->status == b->status && a->verdict == b->verdict && a->time_limit == b->time_limit &&
           a->http_status == b->http_status && a->is_transient == b->is_transient &&
           is_same_number(a->retry_after_ms, b->retry_after_ms) && is_same_number(a->offset, b->offset) &&
           strcmp(a->code, b->code) == 0 && strcmp(a->reason, b->reason) == 0 && strcmp(a->detail, b->detail) == 0 &&
           strcmp(a->message, b->message) == 0;
}

static void check_error_text(tst_outcome *out, const char *text)
{
    if (!tst_is_utf8(castor_str_of(text))) complain(out, "an error's text is not UTF-8", castor_str_of(text));
    for (; *text; text++) {
        bool is_control = (unsigned char)*text < ' ' || *text == 0x7F;
        if (is_control) complain(out, "an error's text moves the cursor", castor_str_of(text));
    }
}

/* The end must be told once and for all: again the same, whatever one does. */
static void check_end(tst_outcome *out, castor_decoder *decoder, castor_step step)
{
    castor_event event;
    castor_error again = { 0 };
    bool         is_complete = castor_decoder_verdict(decoder) == CASTOR_VERDICT_COMPLETE;

    out->verdict = castor_decoder_verdict(decoder);
    (void)castor_decoder_feed(decoder, "x", 1, NULL);
    castor_decoder_end(decoder, CASTOR_END_LOST);
    if (castor_decoder_next(decoder, &event, &again) != step) {
        complain(out, "asked again, the end is another", CST_NONE);
    }
    if (!is_same_error(&again, &out->error)) {
        complain(out, "asked again, the error is another", castor_str_of(again.message));
    }
    if (castor_decoder_verdict(decoder) != out->verdict) complain(out, "the verdict changed after the end", CST_NONE);
    if (out->verdict == CASTOR_VERDICT_NONE) complain(out, "ended without a verdict", CST_NONE);
    if ((step == CASTOR_STEP_DONE) != is_complete) complain(out, "DONE and COMPLETE do not go together", CST_NONE);
    if (step == CASTOR_STEP_ERROR) {
        if (out->error.status == CASTOR_OK) complain(out, "an error with status OK", castor_str_of(out->error.message));
        if (out->error.verdict != out->verdict) {
            complain(out, "the error has another verdict", castor_str_of(out->error.message));
        }
        if (out->error.message[0] == '\0') complain(out, "an error without a sentence", CST_NONE);
        check_error_text(out, out->error.message);
        check_error_text(out, out->error.code);
        check_error_text(out, out->error.reason);
        check_error_text(out, out->error.detail);
    }
}

static void init_outcome(tst_outcome *out)
{
    *out = (tst_outcome){ .verdict = CASTOR_VERDICT_NONE };
    cst_buf_init(&out->events, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_init(&out->text, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_init(&out->thoughts, cst_allocator_default(), SIZE_MAX / 2);
    put(&out->events, ""); /* never absent */
    put(&out->text, "");
    put(&out->thoughts, "");
}

void tst_run(const tst_body *body, tst_cuts cuts, tst_outcome *out)
{
    tst_memory             memory = { 0 };
    castor_allocator       allocator = tst_allocator(&memory);
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;
    castor_decoder        *decoder = NULL;
    castor_step            step = CASTOR_STEP_WAIT;
    bool                   is_lazy = cuts.kind == TST_RANDOM; /* does not take all events before feeding on */
    size_t                 piece_max = body->event_bytes_max ? body->event_bytes_max : (size_t)CST_EVENT_BYTES_MAX;

    init_outcome(out);
    options.dialect = body->dialect;
    options.content_type = body->content_type;
    options.http_status = body->http_status;
    options.event_bytes_max = body->event_bytes_max;
    options.allocator = &allocator;
    assert_int_equal(castor_decoder_new(&decoder, &options, NULL), CASTOR_OK);
    decoder->prediction.is_off = body->is_unpredicted;

    for (size_t at = 0; at < body->bytes.len;) {
        size_t len = tst_cuts_next(&cuts, at, body->bytes.len - at);
        if (len > piece_max) len = piece_max;
        if (feed_piece(decoder, body->bytes.data + at, len, &out->error) != CASTOR_OK) {
            complain(out, "feed failed", castor_str_of(out->error.message));
            break;
        }
        at += len;
        step = take_events(out, decoder, is_lazy ? tst_random_below(&cuts.value, 4) : SIZE_MAX);
    }
    if (step == CASTOR_STEP_WAIT || step == CASTOR_STEP_EVENT) {
        castor_decoder_end(decoder, body->end);
        step = take_events(out, decoder, SIZE_MAX);
    }
    if (step == CASTOR_STEP_WAIT) complain(out, "waits for more after the end", CST_NONE);
    check_end(out, decoder, step);
    out->usage = castor_decoder_usage(decoder);
    out->dialect = castor_decoder_dialect(decoder);
    cst_copy_text(out->finish, sizeof out->finish, castor_decoder_finish_reason(decoder));
    cst_copy_text(out->block, sizeof out->block, castor_decoder_block_reason(decoder));
    castor_decoder_free(decoder);
    if (memory.live_bytes || memory.live_blocks) complain(out, "memory was not given back", CST_NONE);
    if (memory.has_lied) complain(out, "reallocate was told a wrong old_size", CST_NONE);
}

void tst_outcome_free(tst_outcome *outcome)
{
    cst_buf_free(&outcome->events);
    cst_buf_free(&outcome->text);
    cst_buf_free(&outcome->thoughts);
}

bool tst_is_same(const tst_outcome *a, const tst_outcome *b)
{
    return a->verdict == b->verdict && a->sum == b->sum &&
           cst_str_equal(cst_buf_view(&a->events), cst_buf_view(&b->events)) &&
           a->dialect == b->dialect && strcmp(a->finish, b->finish) == 0 && strcmp(a->block, b->block) == 0 &&
           is_same_error(&a->error, &b->error);
}

castor_str tst_take_line(castor_str *text)
{
    const char *end = text->len ? memchr(text->data, '\n', text->len) : NULL;
    castor_str  line = { text->data, end ? (size_t)(end - text->data) : text->len };
    size_t      used = end ? line.len + 1 : line.len;

    text->data += used;
    text->len -= used;
    return line;
}

static void show(const char *title, castor_str text, castor_str other)
{
    enum { LINES_MAX = 40, LINE_MAX_BYTES = 400 };
    bool has_differed = false;

    (void)fprintf(stderr, "  %s\n", title);
    for (int count = 0; text.len > 0 && count < LINES_MAX; count++) {
        castor_str line = tst_take_line(&text), beside = tst_take_line(&other);
        bool       differs = !has_differed && !cst_str_equal(line, beside);
        has_differed |= differs;
        (void)fprintf(stderr, "  %c   %.*s\n", differs ? '>' : ' ',
                      (int)(line.len < LINE_MAX_BYTES ? line.len : LINE_MAX_BYTES), line.data);
    }
}

void tst_show_difference(castor_str expected, castor_str actual)
{
    show("expected", expected, actual);
    show("actual", actual, expected);
}
