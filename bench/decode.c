/* decode.c -- what decoding costs: bytes of an event stream to events, against framing + yyjson and memcpy.
 * SPDX-License-Identifier: MIT
 *
 *     decode [-n ROUNDS] [-e EVENTS]
 *
 * The streams are made here, in the layout of the real service; one has an id that is new in each event, so that none is
 * like the one before. They reach every method in windows of 64 KiB that are
 * copied to one work buffer first, as after recv: a hot buffer would flatter all of them. Methods take turns in each
 * round, and ratios are taken inside a round, so that a machine whose speed drifts drifts for all. Every method must
 * come to the same text. Time is CPU time of the process.
 *
 * Prints one JSON object a line:
 *     {"bench": "decode", "layout", "method", "bytes", "events", ...}  ratios to yyjson and to memcpy
 *     {"bench": "event", "kind", "memory", "megabytes", ...}           one large event; ratio to one of 1 MB
 *     {"bench": "memory", "what", "bytes"}                             of one decoder, by the allocator's own count
 */
#include <castor/castor.h>

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <yyjson.h>

enum {
    ROUNDS_MAX = 1000,
    WINDOW = 64 << 10,
    TEXT_MAX = 4096, /* of one event, escaped */
    MEGABYTE = 1000 * 1000,
    BLOCK_HEAD = 16  /* where the counting allocator notes a block's size */
};

static void check(bool holds, const char *what)
{
    if (holds) return;
    (void)fprintf(stderr, "decode: %s\n", what);
    exit(1);
}

static double cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* ---- bytes that grow ---- */

typedef struct bytes {
    char  *data;
    size_t len;
    size_t capacity;
} bytes;

static void put(bytes *out, const char *text, size_t len)
{
    if (out->len + len > out->capacity) {
        out->capacity = (out->len + len) * 2;
        out->data = realloc(out->data, out->capacity);
        check(out->data != NULL, "out of memory");
    }
    memcpy(out->data + out->len, text, len);
    out->len += len;
}

static void put_text(bytes *out, const char *text)
{
    put(out, text, strlen(text));
}

/* ---- the streams ---- */

typedef struct stream {
    const char    *layout;
    castor_dialect dialect;
    bool           is_unlike; /* an id of its own in each event */
    bytes          wire;
    size_t         events;
    size_t        *windows; /* lengths: 64 KiB and what is missing to the end of an event */
    size_t         window_count;
} stream;

static uint32_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 16);
}

/* What a model writes: words, some of other scripts, and the escapes that the service makes of quotes and markup. */
static size_t make_text(uint64_t *state, size_t len_min, char *out)
{
    static const char *const words[] = {
        "the", "river", "is", "held", "by", "a", "dam", "of", "branches", "and", "mud", "**Note**", "which", "(slowly)",
        "raises", "water", "-", "0.25", "m", "while", "beavers", "build", "lodge", "entrance", "below", "surface",
    };
    static const char *const foreign[] = { "caf\xC3\xA9", "\xE6\xB0\xB4\xE8\xBE\xBA", "\xD0\xB1\xD0\xBE\xD0\xB1\xD1\x80",
                                           "\xF0\x9F\xA6\xAB", "\xE2\x80\x94", "\xEF\xBC\x81" };
    static const char *const escapes[] = { "\\n", "\\n\\n", "\\\"", "\\u003c", "\\u003e", "\\u0026", "\\ud83e\\uddab" };
    size_t len = 0;

    while (len < len_min) {
        uint32_t    kind = draw(state) % 100;
        const char *word = kind < 80   ? words[draw(state) % (sizeof words / sizeof *words)]
                           : kind < 88 ? foreign[draw(state) % (sizeof foreign / sizeof *foreign)]
                                       : escapes[draw(state) % (sizeof escapes / sizeof *escapes)];
        len += (size_t)snprintf(out + len, TEXT_MAX - len, "%s ", word);
    }
    return len;
}

static size_t print_gemini(char *out, size_t size, const char *text, size_t tokens, size_t id, bool is_last)
{
    return (size_t)snprintf(
        out, size,
        "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"%s\"}],\"role\": \"model\"},%s\"index\": 0}],"
        "\"usageMetadata\": {\"promptTokenCount\": 8,\"candidatesTokenCount\": %zu,\"totalTokenCount\": %zu,"
        "\"promptTokensDetails\": [{\"modality\": \"TEXT\",\"tokenCount\": 8}]},"
        "\"modelVersion\": \"gemini-3.8-flash\",\"responseId\": \"q1S5aN_zGeWxkdUP%07zu\"}\r\n\r\n",
        text, is_last ? "\"finishReason\": \"STOP\"," : "", tokens, tokens + 8, id);
}

static size_t print_openai(char *out, size_t size, const char *text, bool is_last)
{
    return (size_t)snprintf(
        out, size,
        "data: {\"choices\":[{\"delta\":{\"content\":\"%s\",\"role\":\"assistant\"},%s\"index\":0}],"
        "\"created\":1770000000,\"id\":\"q1S5aN_zGeWxkdUP4uCfoAM\",\"model\":\"gemini-3.8-flash\","
        "\"object\":\"chat.completion.chunk\"}\n\n%s",
        text, is_last ? "\"finish_reason\":\"stop\"," : "", is_last ? "data: [DONE]\n\n" : "");
}

static void note_window(stream *on, size_t *start, size_t end)
{
    on->windows = realloc(on->windows, (on->window_count + 1) * sizeof *on->windows);
    check(on->windows != NULL, "out of memory");
    on->windows[on->window_count++] = end - *start;
    *start = end;
}

static void make_stream(stream *out, size_t events)
{
    static char text[TEXT_MAX], event[TEXT_MAX * 2];
    uint64_t    state = 88172645463325252u;
    size_t      tokens = 0, start = 0;

    for (size_t i = 0; i < events; i++) {
        bool is_last = i + 1 == events;
        tokens += make_text(&state, 20 + draw(&state) % 181, text) / 4;
        size_t id = out->is_unlike ? i : 0;
        size_t len = out->dialect == CASTOR_DIALECT_GEMINI
                         ? print_gemini(event, sizeof event, text, tokens, id, is_last)
                         : print_openai(event, sizeof event, text, is_last);
        put(&out->wire, event, len);
        if (out->wire.len - start >= WINDOW || is_last) note_window(out, &start, out->wire.len);
    }
    out->events = events;
}

/* ---- the methods: one window each, text into `out` ---- */

typedef struct run {
    const stream   *input;
    bytes           text;
    size_t          events;
    size_t          sum;     /* of what else was looked at, so that it cannot be left out */
    castor_decoder *decoder;
} run;

static void copy_window(run *on, char *window, size_t len)
{
    on->text.len = 0;
    put(&on->text, window, len);
}

/* The data of the next event, whose one line it is; NULL: no more. */
static char *next_data(char **at, char *end, size_t *len)
{
    while (*at < end) {
        char *line = *at, *newline = memchr(line, '\n', (size_t)(end - line));
        if (!newline) return NULL;
        *at = newline + 1;
        size_t line_len = (size_t)(newline - line);
        if (line_len > 0 && line[line_len - 1] == '\r') line_len--;
        if (line_len < 6 || memcmp(line, "data: ", 6) != 0) continue;
        *len = line_len - 6;
        return line + 6;
    }
    return NULL;
}

static void frame_window(run *on, char *window, size_t len)
{
    size_t data_len;

    for (char *at = window; next_data(&at, window + len, &data_len) != NULL; on->events++) on->sum += data_len;
}

static yyjson_val *text_of(yyjson_val *root, castor_dialect dialect)
{
    if (dialect == CASTOR_DIALECT_OPENAI) {
        yyjson_val *choice = yyjson_arr_get_first(yyjson_obj_get(root, "choices"));
        return yyjson_obj_get(yyjson_obj_get(choice, "delta"), "content");
    }
    yyjson_val *candidate = yyjson_arr_get_first(yyjson_obj_get(root, "candidates"));
    yyjson_val *parts = yyjson_obj_get(yyjson_obj_get(candidate, "content"), "parts");
    return yyjson_obj_get(yyjson_arr_get_first(parts), "text");
}

/* The text alone is looked at: no raw parts, counts, ids or finish reasons. */
static void parse_window(run *on, char *window, size_t len)
{
    static char pool[1 << 20];
    size_t      data_len;
    yyjson_alc  alc;

    for (char *at = window, *data; (data = next_data(&at, window + len, &data_len)) != NULL; on->events++) {
        if (data_len == 6 && memcmp(data, "[DONE]", 6) == 0) continue;
        yyjson_alc_pool_init(&alc, pool, sizeof pool);
        yyjson_doc *doc = yyjson_read_opts(data, data_len, 0, &alc, NULL);
        check(doc != NULL, "yyjson refuses the stream");
        yyjson_val *text = text_of(yyjson_doc_get_root(doc), on->input->dialect);
        put(&on->text, yyjson_get_str(text), yyjson_get_len(text));
    }
}

static void take_events(run *on)
{
    castor_event event;
    castor_step  step;

    while ((step = castor_decoder_next(on->decoder, &event, NULL)) == CASTOR_STEP_EVENT) {
        on->events++;
        on->sum += event.raw.len + event.record.len + event.signature.len;
        if (event.type == CASTOR_EVENT_TEXT) put(&on->text, event.text.data, event.text.len);
        else on->sum += (size_t)castor_decoder_usage(on->decoder).total_tokens.value;
    }
    check(step == CASTOR_STEP_WAIT || step == CASTOR_STEP_DONE, "the stream does not come to a good end");
}

static void decode_window(run *on, char *window, size_t len)
{
    check(castor_decoder_feed(on->decoder, window, len, NULL) == CASTOR_OK, "a feed failed");
    take_events(on);
}

typedef struct method {
    const char *name;
    void (*take)(run *on, char *window, size_t len);
    bool gives_text;
} method;

static const method methods[] = {
    { "memcpy", copy_window, false },
    { "framing", frame_window, false },
    { "yyjson", parse_window, true },
    { "castor", decode_window, true },
};
enum { MEMCPY = 0, YYJSON = 2, METHODS = sizeof methods / sizeof *methods };

static castor_decoder *new_decoder(castor_dialect dialect, size_t event_bytes_max, const castor_allocator *allocator)
{
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;
    castor_decoder        *decoder;

    options.dialect = dialect;
    options.content_type = "text/event-stream";
    options.event_bytes_max = event_bytes_max;
    options.allocator = allocator;
    check(castor_decoder_new(&decoder, &options, NULL) == CASTOR_OK, "no decoder");
    return decoder;
}

static double time_method(const method *how, run *on)
{
    static char window[WINDOW + TEXT_MAX * 2];
    const char *from = on->input->wire.data;

    on->text.len = on->events = 0;
    double start = cpu_ns();
    on->decoder = new_decoder(on->input->dialect, 0, NULL);
    for (size_t i = 0; i < on->input->window_count; i++) {
        size_t len = on->input->windows[i];
        memcpy(window, from, len);
        how->take(on, window, len);
        from += len;
    }
    castor_decoder_end(on->decoder, CASTOR_END_CLEAN);
    if (how->take == decode_window) take_events(on);
    double spent = cpu_ns() - start;
    castor_decoder_free(on->decoder);
    return spent;
}

/* ---- figures ---- */

typedef struct figures {
    double median, min, max;
} figures;

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static figures figures_of(const double *values, size_t count)
{
    static double sorted[ROUNDS_MAX];

    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, compare);
    return (figures){ sorted[count / 2], sorted[0], sorted[count - 1] };
}

/* Pair by pair. */
static figures ratios_of(const double *values, const double *to, size_t count)
{
    static double ratios[ROUNDS_MAX];

    for (size_t i = 0; i < count; i++) ratios[i] = values[i] / to[i];
    return figures_of(ratios, count);
}

static void print_figures(const char *name, figures what)
{
    printf(", \"%s\": %.3f, \"%s_min\": %.3f, \"%s_max\": %.3f", name, what.median, name, what.min, name, what.max);
}

static void print_method(const stream *input, size_t m, double times[METHODS][ROUNDS_MAX], size_t rounds)
{
    figures time = figures_of(times[m], rounds);

    printf("{\"bench\": \"decode\", \"layout\": \"%s\", \"method\": \"%s\", \"bytes\": %zu, \"events\": %zu, "
           "\"rounds\": %zu, \"cpu_ms\": %.2f, \"cpu_ms_min\": %.2f, \"cpu_ms_max\": %.2f, \"ns_event\": %.1f, "
           "\"mb_s\": %.0f", input->layout, methods[m].name, input->wire.len, input->events, rounds, time.median / 1e6,
           time.min / 1e6, time.max / 1e6, time.median / (double)input->events, (double)input->wire.len / time.median * 1e3);
    print_figures("to_yyjson", ratios_of(times[m], times[YYJSON], rounds));
    print_figures("to_memcpy", ratios_of(times[m], times[MEMCPY], rounds));
    printf("}\n");
}

static void bench_stream(stream input, size_t events, size_t rounds)
{
    static double times[METHODS][ROUNDS_MAX];
    static run    runs[METHODS];

    make_stream(&input, events);
    for (size_t round = 0; round < rounds + 1; round++) { /* the first is to warm up */
        for (size_t m = 0; m < METHODS; m++) {
            runs[m].input = &input;
            times[m][round > 0 ? round - 1 : 0] = time_method(&methods[m], &runs[m]);
        }
    }
    for (size_t m = 0; m < METHODS; m++) {
        bool is_same = runs[m].text.len == runs[YYJSON].text.len &&
                       memcmp(runs[m].text.data, runs[YYJSON].text.data, runs[m].text.len) == 0;
        check(is_same || !methods[m].gives_text, "the methods come to different texts");
        print_method(&input, m, times, rounds);
    }
    for (size_t m = 0; m < METHODS; m++) {
        free(runs[m].text.data);
        runs[m] = (run){ 0 };
    }
    free(input.wire.data);
    free(input.windows);
}

/* ---- one large event ---- */

static void make_event(bytes *out, bool is_media, size_t len)
{
    static char text[TEXT_MAX];
    uint64_t    state = 2463534242u;

    put_text(out, is_media ? "data: {\"candidates\": [{\"content\": {\"parts\": [{\"inlineData\": {\"mimeType\": "
                             "\"image/png\",\"data\": \""
                           : "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"");
    while (out->len < len) {
        size_t piece = make_text(&state, TEXT_MAX / 2, text);
        for (size_t i = 0; is_media && i < piece; i++) text[i] = (char)('A' + (unsigned char)text[i] % 26);
        put(out, text, piece);
    }
    put_text(out, is_media ? "\"}}],\"role\": \"model\"},\"finishReason\": \"STOP\",\"index\": 0}]}\r\n\r\n"
                           : "\"}],\"role\": \"model\"},\"finishReason\": \"STOP\",\"index\": 0}]}\r\n\r\n");
}

static double time_event(const bytes *wire)
{
    static char window[WINDOW];
    castor_event event;
    size_t       sum = 0;

    double          start = cpu_ns();
    castor_decoder *decoder = new_decoder(CASTOR_DIALECT_GEMINI, (size_t)1 << 30, NULL);
    for (size_t at = 0; at < wire->len; at += sizeof window) {
        size_t len = wire->len - at < sizeof window ? wire->len - at : sizeof window;
        memcpy(window, wire->data + at, len);
        check(castor_decoder_feed(decoder, window, len, NULL) == CASTOR_OK, "a feed failed");
        while (castor_decoder_next(decoder, &event, NULL) == CASTOR_STEP_EVENT) sum += event.text.len + event.data.len;
    }
    castor_decoder_end(decoder, CASTOR_END_CLEAN);
    check(castor_decoder_next(decoder, &event, NULL) == CASTOR_STEP_DONE && sum > wire->len / 2, "a large event is lost");
    castor_decoder_free(decoder);
    return (cpu_ns() - start) / (double)wire->len;
}

/* glibc gives memory of 1 MB back to the system sooner or later than memory of 64, and a page that is new costs more than
 * its bytes do: so all of it is new each time, or all of it is kept. */
static void bench_events(bool is_media, bool is_kept, size_t rounds)
{
    static const size_t megabytes[] = { 1, 8, 64 };
    enum { SIZES = sizeof megabytes / sizeof *megabytes };
    static double times[SIZES][ROUNDS_MAX];
    bytes         wires[SIZES] = { { 0 } };

    check(mallopt(M_MMAP_THRESHOLD, is_kept ? INT32_MAX : 64 << 10) == 1, "glibc's mallopt fails");
    check(mallopt(M_TRIM_THRESHOLD, is_kept ? INT32_MAX : 64 << 10) == 1, "glibc's mallopt fails");
    for (size_t i = 0; i < SIZES; i++) make_event(&wires[i], is_media, megabytes[i] * MEGABYTE);
    for (size_t round = 0; round < rounds + 1; round++) {
        for (size_t i = 0; i < SIZES; i++) {
            if (!is_kept) (void)malloc_trim(0);
            times[i][round > 0 ? round - 1 : 0] = time_event(&wires[i]);
        }
    }
    for (size_t i = 0; i < SIZES; i++) {
        printf("{\"bench\": \"event\", \"kind\": \"%s\", \"memory\": \"%s\", \"megabytes\": %zu, \"rounds\": %zu",
               is_media ? "media" : "text", is_kept ? "kept" : "new", megabytes[i], rounds);
        print_figures("ns_byte", figures_of(times[i], rounds));
        print_figures("to_1mb", ratios_of(times[i], times[0], rounds));
        printf("}\n");
        free(wires[i].data);
    }
}

/* ---- memory of one decoder ---- */

typedef struct tally {
    size_t live;
    size_t peak;
} tally;

static void *count_allocate(void *user, size_t size)
{
    tally *on = user;
    char  *block = malloc(size + BLOCK_HEAD);

    if (!block) return NULL;
    memcpy(block, &size, sizeof size);
    on->live += size;
    if (on->live > on->peak) on->peak = on->live;
    return block + BLOCK_HEAD;
}

static void count_release(void *user, void *block)
{
    tally *on = user;
    char  *start = (char *)block - BLOCK_HEAD;
    size_t size;

    memcpy(&size, start, sizeof size);
    on->live -= size;
    free(start);
}

static void *count_reallocate(void *user, void *block, size_t old_size, size_t size)
{
    void *moved = count_allocate(user, size);

    if (!moved) return NULL;
    memcpy(moved, block, old_size < size ? old_size : size);
    count_release(user, block);
    return moved;
}

static void print_memory(const char *what, size_t count)
{
    printf("{\"bench\": \"memory\", \"what\": \"%s\", \"bytes\": %zu}\n", what, count);
}

/* Fed an event at a time, as a paced stream arrives. */
static void bench_memory(void)
{
    tally                  count = { 0 };
    const castor_allocator allocator = { count_allocate, count_reallocate, count_release, &count };
    castor_decoder        *decoder = new_decoder(CASTOR_DIALECT_GEMINI, 0, &allocator);
    char                   event[TEXT_MAX];
    castor_event           taken;

    print_memory("decoder, new", count.live);
    for (size_t i = 1; i <= 100; i++) {
        size_t len = print_gemini(event, sizeof event, "Beavers build dams of branches and mud, and live behind them.",
                                  i * 12, 0, false);
        check(castor_decoder_feed(decoder, event, len, NULL) == CASTOR_OK, "a feed failed");
        while (castor_decoder_next(decoder, &taken, NULL) == CASTOR_STEP_EVENT) continue;
        if (i == 1) print_memory("decoder, after one event", count.live);
    }
    print_memory("decoder, after 100 events", count.live);
    print_memory("decoder, most at any time", count.peak);
    castor_decoder_free(decoder);
    check(count.live == 0, "a decoder leaves memory behind");
}

int main(int argc, char **argv)
{
    size_t rounds = 11, events = 200000;

    for (int option; (option = getopt(argc, argv, "n:e:")) != -1;) {
        if (option == 'n') rounds = strtoul(optarg, NULL, 10);
        else if (option == 'e') events = strtoul(optarg, NULL, 10);
        else return 2;
    }
    check(rounds >= 1 && rounds <= ROUNDS_MAX && events >= 1, "-n and -e are whole numbers from 1; -n to 1000");
    bench_stream((stream){ .layout = "gemini", .dialect = CASTOR_DIALECT_GEMINI }, events, rounds);
    bench_stream((stream){ .layout = "openai", .dialect = CASTOR_DIALECT_OPENAI }, events, rounds);
    bench_stream((stream){ .layout = "gemini, unlike", .dialect = CASTOR_DIALECT_GEMINI, .is_unlike = true }, events,
                 rounds);
    for (int i = 0; i < 4; i++) bench_events(i % 2 == 1, i / 2 == 1, rounds);
    bench_memory();
    return 0;
}
