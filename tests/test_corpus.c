/* test_corpus.c -- recorded bodies of real servers, against an oracle that nobody of this project wrote.
 * SPDX-License-Identifier: MIT
 *
 * CASTOR_CORPUS names the directory of the recordings, whose MANIFEST.tsv says what a right decoder gets out of each.
 * Each body is decoded whole, byte by byte when it is small, and in random cuts; the events may not depend on it.
 * Without CASTOR_CORPUS the tests are skipped.
 *
 * A row that the manifest has otherwise than we is an exception: it stands in a table with the reason, and one that is
 * no longer needed fails too.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "frame.h"
#include "json.h"
#include "sha256.h"

enum {
    ROWS_MAX = 4096,
    COLUMNS_MAX = 64,
    RANDOM_RUNS = 8,
    BYTEWISE_MAX = 20 << 10, /* larger bodies are not fed byte by byte */
    SIZES_MAX = 256
};

/* ---- exceptions ---- */

typedef struct exception {
    const char *path;
    const char *column; /* what differs */
    const char *reason;
} exception;

#define TAIL "the block stands in an unfinished last event, which we read; the column leaves it out"
#define LIST "a list of pieces as content has text too; the column counts strings only"
#define BARE "the object has no `error` around it, where alone the column looks"
#define ERRORS "openai-errors/maruel-genai/"
#define SCORE "__testdata__TestClient__Scoreboard__"
#define MISTRAL_LIST "openai-sse/ruby-llm/api.mistral.ai__chat_mistral_hybrid_reasoning_streams_thinking_separately_" \
                     "from_content.sse"

static const exception exceptions[] = {
    { "gemini-sse/firebase/googleai__streaming-failure-prompt-blocked-safety.sse", "block_reason", TAIL },
    { "gemini-sse/firebase/vertexai__streaming-failure-prompt-blocked-safety-with-message.sse", "block_reason", TAIL },
    { "gemini-unary/firebase/googleai__unary-failure-only-prompt-feedback.json", "block_reason",
      "the prompt was blocked and only the sentence says so: our word for that is BLOCKED" },
    { MISTRAL_LIST, "text_bytes", LIST },
    { MISTRAL_LIST, "text_sha256", LIST },
    { ERRORS "api.cerebras.ai__cerebras" SCORE "gpt-oss-120b_thinking__GenStreamMultiMo.json", "error_code", BARE },
    { ERRORS "api.cerebras.ai__cerebras" SCORE "gpt-oss-120b_thinking__GenStreamMultiMo.json", "error_status", BARE },
    { ERRORS "api.cerebras.ai__cerebras__testdata__TestClient__errors__bad_model__GenStream.json", "error_code", BARE },
    { ERRORS "api.cerebras.ai__cerebras__testdata__TestClient__errors__bad_model__GenStream.json", "error_status",
      BARE },
    { ERRORS "api.mistral.ai__mistral" SCORE "ministral-14b-2512__GenStreamMultiModal-A.json", "error_code", BARE },
    { ERRORS "api.mistral.ai__mistral" SCORE "ministral-14b-2512__GenStreamMultiModal-A.json", "error_status", BARE },
    { ERRORS "api.mistral.ai__mistral" SCORE "mistral-vibe-cli-latest__GenStreamMultiMo.json", "error_code", BARE },
    { ERRORS "api.mistral.ai__mistral" SCORE "mistral-vibe-cli-latest__GenStreamMultiMo.json", "error_status", BARE },
    { ERRORS "api.mistral.ai__mistral" SCORE "voxtral-small-latest__GenStreamMultiModal.json", "error_code", BARE },
    { ERRORS "api.mistral.ai__mistral" SCORE "voxtral-small-latest__GenStreamMultiModal.json", "error_status", BARE },
    { ERRORS "inference.baseten.co__baseten" SCORE "zai-org__GLM-5.2_thinking__GenStrea-2.json", "error_status", BARE },
    { "openai-errors/ruby-llm/api.x.ai__chat_error_handling_with_xai_grok-4-1-fast-non-reasoning_raises_appropriate_"
      "auth_error.json",
      "error_code", "`error` is the sentence, and the code stands beside it" },
};

enum { EXCEPTION_COUNT = sizeof exceptions / sizeof *exceptions };

static bool was_needed[EXCEPTION_COUNT];

/* ---- the manifest ---- */

typedef struct row {
    castor_str columns[COLUMNS_MAX];
} row;

static struct manifest {
    char      *directory;
    castor_str text;
    castor_str names[COLUMNS_MAX];
    row       *rows;
    size_t     row_count;
} manifest;

static size_t split(castor_str line, castor_str *columns)
{
    size_t count = 0;

    for (;;) {
        const char *tab = line.len ? memchr(line.data, '\t', line.len) : NULL;
        size_t      len = tab ? (size_t)(tab - line.data) : line.len;
        assert_true(count < COLUMNS_MAX);
        columns[count++] = (castor_str){ line.data, len };
        if (!tab) return count;
        line.data += len + 1;
        line.len -= len + 1;
    }
}

static void read_manifest(const char *directory)
{
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/MANIFEST.tsv", directory);
    manifest.text = tst_read_file(path);
    if (!manifest.text.data) {
        (void)fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    manifest.directory = strdup(directory);
    manifest.rows = calloc(ROWS_MAX, sizeof *manifest.rows);
    assert_non_null(manifest.rows);
    bool        is_head = true;
    const char *at = manifest.text.data, *end = at + manifest.text.len;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        castor_str  line = { at, newline ? (size_t)(newline - at) : (size_t)(end - at) };
        at += line.len + 1;
        if (line.len == 0) continue;
        assert_true(manifest.row_count < ROWS_MAX);
        split(line, is_head ? manifest.names : manifest.rows[manifest.row_count++].columns);
        is_head = false;
    }
}

/* Absent for "-". */
static castor_str column(const row *one, const char *name)
{
    for (size_t i = 0; i < COLUMNS_MAX; i++) {
        if (!manifest.names[i].data || !cst_str_is(manifest.names[i], name)) continue;
        return cst_str_is(one->columns[i], "-") ? CST_NONE : one->columns[i];
    }
    fail_msg("the manifest has no column %s", name);
    return CST_NONE;
}

static bool has_note(const row *one, const char *words)
{
    return cst_str_contains_nocase(column(one, "note"), words);
}

static long number(const row *one, const char *name)
{
    castor_str text = column(one, name);

    return text.data ? strtol(text.data, NULL, 10) : -1;
}

static castor_str read_row(const row *one)
{
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/%.*s", manifest.directory, CASTOR_ARG(column(one, "path")));
    castor_str bytes = tst_read_file(path);
    if (!bytes.data) fail_msg("%s: cannot be read", path);
    return bytes;
}

/* ---- one row on trial ---- */

typedef struct trial {
    const row  *row;
    const char *how; /* the dialect, or the HTTP status that was claimed */
    bool        is_right;
} trial;

static void object(trial *on, const char *what, castor_str wanted, castor_str got)
{
    castor_str path = column(on->row, "path");

    for (size_t i = 0; i < EXCEPTION_COUNT; i++) {
        if (!cst_str_is(path, exceptions[i].path) || strcmp(exceptions[i].column, what) != 0) continue;
        was_needed[i] = true;
        return;
    }
    if (on->is_right) (void)fprintf(stderr, "%.*s (%s)\n", CASTOR_ARG(path), on->how);
    on->is_right = false;
    (void)fprintf(stderr, "    %s: expected \"%.*s\", got \"%.*s\"\n", what, CASTOR_ARG(wanted),
                  (int)(got.len < 300 ? got.len : 300), got.data ? got.data : "");
}

/* `got` absent: "-". An absent column does not say. */
static void compare(trial *on, const char *name, castor_str got)
{
    castor_str wanted = column(on->row, name);

    if (!cst_str_equal(wanted, got.data ? got : CST_NONE)) object(on, name, wanted, got);
}

static void compare_number(trial *on, const char *name, castor_i64 got)
{
    char text[32] = "";

    if (got.is_set) (void)snprintf(text, sizeof text, "%lld", (long long)got.value);
    compare(on, name, got.is_set ? castor_str_of(text) : CST_NONE);
}

static void compare_digest(trial *on, const char *bytes_name, const char *digest_name, castor_str got)
{
    tst_sha256 sha;
    char       digest[65];

    if (!column(on->row, digest_name).data) return;
    compare_number(on, bytes_name, castor_some_i64((int64_t)got.len));
    tst_sha256_init(&sha);
    tst_sha256_add(&sha, got.data, got.len);
    tst_sha256_print(&sha, digest);
    compare(on, digest_name, castor_str_of(digest));
}

static void run_cut(trial *on, const tst_body *body, tst_cuts cuts, const tst_outcome *whole)
{
    tst_outcome again;
    char        how[64];

    tst_run(body, cuts, &again);
    tst_cuts_describe(&cuts, how);
    if (again.complaint[0]) object(on, "complaint", CST_NONE, castor_str_of(again.complaint));
    if (!tst_is_same(whole, &again)) {
        object(on, "cuts", CASTOR_STR("the same as whole"), castor_str_of(how));
        (void)fprintf(stderr, "    whole: %s \"%s\"; %s: %s \"%s\"\n", castor_verdict_name(whole->verdict),
                      whole->error.message,
                      how, castor_verdict_name(again.verdict), again.error.message);
        tst_show_difference(cst_buf_view(&whole->events), cst_buf_view(&again.events));
    }
    tst_outcome_free(&again);
}

/* Whole, for the caller to look at, and then in pieces. `flushes` are where the server cut, if known. */
static void run_row(trial *on, const tst_body *body, tst_cuts flushes, tst_outcome *whole)
{
    uint64_t seed = tst_seed() ^ (uint64_t)(uintptr_t)(on->row - manifest.rows) << 32;
    tst_body plain = *body;

    tst_run(body, (tst_cuts){ .kind = TST_WHOLE }, whole);
    if (whole->complaint[0]) object(on, "complaint", CST_NONE, castor_str_of(whole->complaint));
    plain.is_unpredicted = true;
    run_cut(on, &plain, (tst_cuts){ .kind = TST_WHOLE }, whole);
    if (flushes.size_count > 0) run_cut(on, body, flushes, whole);
    if (body->bytes.len <= BYTEWISE_MAX) run_cut(on, body, (tst_cuts){ .kind = TST_BYTES }, whole);
    for (int i = 0; i < RANDOM_RUNS; i++) {
        run_cut(on, body, (tst_cuts){ .kind = TST_RANDOM, .value = seed + (uint64_t)i * 7919 }, whole);
    }
}

/* ---- kinds ---- */

typedef struct tally {
    size_t rows;
    size_t right;
    size_t skipped;
} tally;

typedef struct kind {
    const char *name;
    bool (*judge)(const row *one, tally *count); /* counts skips itself */
} kind;

static char *text_of(castor_str view)
{
    char *text = NULL;

    if (!view.data) return NULL;
    text = malloc(view.len + 1);
    assert_non_null(text);
    memcpy(text, view.data, view.len);
    text[view.len] = '\0';
    return text;
}

/* What every answer is compared for. */
static void compare_answer(trial *on, const tst_outcome *got)
{
    bool        has_tail = column(on->row, "tail_text_sha256").data != NULL;
    bool        is_openai = cst_str_starts_with(column(on->row, "kind"), "openai");
    castor_str  note = column(on->row, "note");
    const char *tail = has_tail && note.data ? tst_find(note, CASTOR_STR("with the tail: ")) : NULL;

    compare_digest(on, has_tail ? "tail_text_bytes" : "text_bytes", has_tail ? "tail_text_sha256" : "text_sha256",
                   cst_buf_view(&got->text));
    /* The manifest counts `delta.reasoning` and the like nowhere. */
    if (!is_openai) compare_digest(on, "thought_bytes", "thought_sha256", cst_buf_view(&got->thoughts));
    if (tail) {
        char wanted[160], total[32] = "-";
        if (got->usage.total_tokens.is_set) {
            (void)snprintf(total, sizeof total, "%lld", (long long)got->usage.total_tokens.value);
        }
        (void)snprintf(wanted, sizeof wanted, "finish=%s total_tokens=%s", got->finish[0] ? got->finish : "-", total);
        if (!tst_find(note, castor_str_of(wanted))) object(on, "note", note, castor_str_of(wanted));
    } else {
        compare(on, "finish", got->finish[0] ? castor_str_of(got->finish) : CST_NONE);
        compare_number(on, "total_tokens", got->usage.total_tokens);
    }
    compare(on, "block_reason", got->block[0] ? castor_str_of(got->block) : CST_NONE);
    compare_number(on, "function_calls", castor_some_i64((int64_t)got->call_count));
    if (!is_openai) compare_number(on, "inline_data", castor_some_i64((int64_t)got->media_count));
}

/* "34.074824224s" as milliseconds, rounded up. */
static castor_i64 delay_ms(castor_str text)
{
    if (!text.data) return (castor_i64){ 0 };
    double seconds = strtod(text.data, NULL);
    int64_t ms = (int64_t)(seconds * 1000);
    return castor_some_i64((double)ms < seconds * 1000 ? ms + 1 : ms);
}

static void compare_error(trial *on, const castor_error *got)
{
    castor_i64 wanted = delay_ms(column(on->row, "retry_delay"));
    char       text[32];

    compare(on, "error_code", got->code[0] ? castor_str_of(got->code) : CST_NONE);
    compare(on, "error_status", got->reason[0] ? castor_str_of(got->reason) : CST_NONE);
    if (wanted.is_set != got->retry_after_ms.is_set || wanted.value != got->retry_after_ms.value) {
        (void)snprintf(text, sizeof text, "%lld ms", (long long)got->retry_after_ms.value);
        object(on, "retry_delay", column(on->row, "retry_delay"), castor_str_of(text));
    }
}

static bool is_complete_reason(castor_str finish)
{
    static const char *const words[] = { "STOP", "1", "stop", "tool_calls", "function_call" };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (cst_str_is(finish, words[i])) return true;
    }
    return false;
}

/* What the verdict must be at least, going by the manifest. */
static void compare_verdict(trial *on, const tst_outcome *got)
{
    bool is_complete = got->verdict == CASTOR_VERDICT_COMPLETE;
    bool has_shown = got->text.len > 0 || got->call_count > 0 || got->media_count > 0;
    bool is_palm = cst_str_is(column(on->row, "kind"), "palm"); /* knows no finish reasons */
    bool may_be = (is_palm || is_complete_reason(castor_str_of(got->finish))) && has_shown;

    if (column(on->row, "error_code").data || column(on->row, "error_status").data) {
        if (got->error.status != CASTOR_API_ERROR) {
            object(on, "verdict", CASTOR_STR("an API error"), castor_str_of(castor_verdict_name(got->verdict)));
        }
    } else if (is_complete && !may_be) {
        object(on, "verdict", CASTOR_STR("not COMPLETE"), CASTOR_STR("COMPLETE"));
    } else if (!is_complete && may_be && !column(on->row, "block_reason").data) {
        object(on, "verdict", CASTOR_STR("COMPLETE"), castor_str_of(castor_verdict_name(got->verdict)));
        (void)fprintf(stderr, "    \"%s\"\n", got->error.message);
    }
}

/* The events of a body by the standard's own rules: its bytes on their way through a frame. */
typedef struct passage {
    cst_frame  frame;
    castor_str bytes;
    size_t     at;
    tst_cuts   cuts;
} passage;

static void begin_passage(passage *on, castor_str bytes, tst_cuts cuts)
{
    *on = (passage){ .bytes = bytes, .cuts = cuts };
    cst_frame_init(&on->frame, cst_allocator_default(), CASTOR_STR("text/event-stream"), CST_EVENT_BYTES_MAX);
}

static void feed_more(passage *on)
{
    size_t left = on->bytes.len - on->at, len = left > 0 ? tst_cuts_next(&on->cuts, on->at, left) : 0;

    if (left > 0) assert_int_equal(cst_frame_feed(&on->frame, on->bytes.data + on->at, len), CASTOR_OK);
    else cst_frame_end(&on->frame, false);
    on->at += len;
}

/* False: there is none any more. */
static bool next_event(passage *on, cst_record *event, castor_str *type)
{
    cst_problem problem;
    cst_scan    found;

    while ((found = cst_frame_next(&on->frame, event, &problem)) == CST_SCAN_MORE ||
           (found == CST_SCAN_RECORD && event->is_unfinished)) {
        if (found == CST_SCAN_MORE) feed_more(on);
    }
    if (found != CST_SCAN_RECORD) return false;
    *type = event->event.data ? event->event : CASTOR_STR("message");
    return true;
}

/* As the manifest sums them. */
static void digest_events(castor_str bytes, tst_cuts cuts, char digest[65], size_t *count)
{
    passage    on;
    cst_record event;
    castor_str type;
    tst_sha256 sha;

    *count = 0;
    tst_sha256_init(&sha);
    begin_passage(&on, bytes, cuts);
    while (next_event(&on, &event, &type)) {
        tst_sha256_add(&sha, type.data, type.len);
        tst_sha256_add(&sha, "", 1);
        tst_sha256_add(&sha, event.id.data, event.id.len);
        tst_sha256_add(&sha, "", 1);
        tst_sha256_add(&sha, event.data.data, event.data.len);
        tst_sha256_add(&sha, "", 1);
        ++*count;
    }
    cst_frame_free(&on.frame);
    tst_sha256_print(&sha, digest);
}

static void compare_events(trial *on, castor_str bytes)
{
    const tst_cuts cuts[] = { { .kind = TST_WHOLE }, { .kind = TST_BYTES }, { .kind = TST_EVERY, .value = 3 },
                              { .kind = TST_RANDOM, .value = tst_seed() } };
    char           digest[65];
    size_t         count;

    if (!column(on->row, "sse_digest").data) return;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        digest_events(bytes, cuts[i], digest, &count);
        compare_number(on, "events", castor_some_i64((int64_t)count));
        compare(on, "sse_digest", castor_str_of(digest));
        if (!on->is_right) return;
    }
}

static bool judge_answer_as(const row *one, castor_str bytes, castor_dialect dialect, castor_dialect wanted,
                            tst_cuts flushes)
{
    trial       on = { one, castor_dialect_name(dialect), true };
    char       *content_type = text_of(column(one, "content_type"));
    tst_body    body = { .bytes = bytes, .dialect = dialect, .content_type = content_type };
    tst_outcome got;

    if (dialect == CASTOR_DIALECT_DEFAULT) on.how = "dialect by the bytes";
    run_row(&on, &body, flushes, &got);
    compare_answer(&on, &got);
    if (column(one, "error_code").data || column(one, "error_status").data) compare_error(&on, &got.error);
    compare_verdict(&on, &got);
    if (got.text.len > 0 && got.dialect != wanted) { /* a body with nothing in it gives nothing away */
        object(&on, "dialect", castor_str_of(castor_dialect_name(wanted)),
               castor_str_of(castor_dialect_name(got.dialect)));
    }
    tst_outcome_free(&got);
    free(content_type);
    return on.is_right;
}

static bool judge_answer(const row *one, castor_dialect dialect)
{
    castor_str bytes = read_row(one);
    trial      on = { one, "events by the standard", true };

    compare_events(&on, bytes);
    bool is_right = judge_answer_as(one, bytes, dialect, dialect, (tst_cuts){ 0 });
    is_right &= judge_answer_as(one, bytes, CASTOR_DIALECT_DEFAULT, dialect, (tst_cuts){ 0 });
    free((void *)(uintptr_t)bytes.data);
    return is_right && on.is_right;
}

static bool judge_gemini(const row *one, tally *count)
{
    (void)count;
    return judge_answer(one, CASTOR_DIALECT_GEMINI);
}

static bool judge_openai(const row *one, tally *count)
{
    if (has_note(one, "api=responses") || !column(one, "note").data) { /* not a protocol of ours */
        count->skipped++;
        return true;
    }
    return judge_answer(one, CASTOR_DIALECT_OPENAI);
}

static bool judge_palm(const row *one, tally *count)
{
    (void)count;
    return judge_answer(one, CASTOR_DIALECT_MESSAGE);
}

/* The sizes after "flushed:". */
static size_t read_flushes(const row *one, size_t sizes[SIZES_MAX])
{
    const char *at = tst_find(column(one, "note"), CASTOR_STR("flushed:"));
    size_t      count = 0;

    if (!at) return 0;
    for (at += strlen("flushed:"); count < SIZES_MAX && *at >= '0' && *at <= '9'; at += *at == ',') {
        char *end;
        sizes[count++] = (size_t)strtoul(at, &end, 10);
        at = end;
    }
    return count;
}

static bool judge_array(const row *one, tally *count)
{
    size_t     sizes[SIZES_MAX];
    castor_str bytes = read_row(one);
    tst_cuts   flushes = { .kind = TST_SIZES, .sizes = sizes, .size_count = read_flushes(one, sizes) };

    (void)count;
    bool is_right = judge_answer_as(one, bytes, CASTOR_DIALECT_GEMINI, CASTOR_DIALECT_GEMINI, flushes);
    is_right &= judge_answer_as(one, bytes, CASTOR_DIALECT_DEFAULT, CASTOR_DIALECT_GEMINI, flushes);
    free((void *)(uintptr_t)bytes.data);
    return is_right;
}

/* The same bodies as they came over the wire. What they must give stands in the row of the plain body. */
static const row *plain_row_of(const row *compressed)
{
    castor_str path = column(compressed, "path");
    char       plain[1024];

    /* gemini-json-array-gz/NAME.gz and gemini-json-array/NAME */
    size_t head = strlen("gemini-json-array"), rest = head + strlen("-gz");
    (void)snprintf(plain, sizeof plain, "gemini-json-array%.*s", (int)(path.len - rest - strlen(".gz")),
                   path.data + rest);
    for (size_t i = 0; i < manifest.row_count; i++) {
        if (cst_str_is(column(&manifest.rows[i], "path"), plain)) return &manifest.rows[i];
    }
    fail_msg("%s: the manifest has no such row", plain);
    return NULL;
}

static castor_str decompress(const row *one)
{
    static char bytes[1 << 20];
    char        command[4096];

    (void)snprintf(command, sizeof command, "gzip -dc '%s/%.*s'", manifest.directory, CASTOR_ARG(column(one, "path")));
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t len = fread(bytes, 1, sizeof bytes, pipe);
    assert_int_equal(pclose(pipe), 0);
    return (castor_str){ bytes, len };
}

static bool judge_gzip(const row *one, tally *count)
{
    size_t     sizes[SIZES_MAX];
    castor_str bytes = decompress(one);
    tst_cuts   flushes = { .kind = TST_SIZES, .sizes = sizes, .size_count = read_flushes(one, sizes) };

    (void)count;
    assert_true(flushes.size_count > 0);
    return judge_answer_as(plain_row_of(one), bytes, CASTOR_DIALECT_GEMINI, CASTOR_DIALECT_GEMINI, flushes);
}

/* With the status that the server sent, and as if it had come in a stream whose status was 200. */
static bool judge_error_with(const row *one, castor_str bytes, castor_dialect dialect, int32_t http_status)
{
    trial       on = { one, http_status ? "with its HTTP status" : "with HTTP 200", true };
    char       *content_type = text_of(column(one, "content_type"));
    tst_body    body = { .bytes = bytes, .dialect = dialect, .content_type = content_type, .http_status = http_status };
    tst_outcome got;
    bool        has_error = column(one, "error_code").data || column(one, "error_status").data;
    char        digits[16];

    run_row(&on, &body, (tst_cuts){ 0 }, &got);
    if (has_error || http_status) {
        if (got.error.status != CASTOR_API_ERROR) {
            object(&on, "status", CASTOR_STR("API_ERROR"), castor_str_of(castor_status_name(got.error.status)));
        }
        /* Where the body names no code, the HTTP status is the code. */
        (void)snprintf(digits, sizeof digits, "%d", (int)http_status);
        bool is_ours = http_status && !column(one, "error_code").data && strcmp(got.error.code, digits) == 0;
        if (is_ours) got.error.code[0] = '\0';
        compare_error(&on, &got.error);
    } else if (got.verdict == CASTOR_VERDICT_COMPLETE || got.text.len > 0) {
        object(&on, "verdict", CASTOR_STR("no answer"), castor_str_of(castor_verdict_name(got.verdict)));
    }
    tst_outcome_free(&got);
    free(content_type);
    return on.is_right;
}

static bool judge_error(const row *one, castor_dialect dialect)
{
    castor_str bytes = read_row(one);
    long       http_status = number(one, "http_status");
    bool       is_right = judge_error_with(one, bytes, dialect, 0);

    if (http_status >= 400) is_right &= judge_error_with(one, bytes, dialect, (int32_t)http_status);
    free((void *)(uintptr_t)bytes.data);
    return is_right;
}

static bool judge_gemini_error(const row *one, tally *count)
{
    (void)count;
    return judge_error(one, CASTOR_DIALECT_GEMINI);
}

static bool judge_openai_error(const row *one, tally *count)
{
    (void)count;
    return judge_error(one, CASTOR_DIALECT_OPENAI);
}

/* ---- event streams by the standard ---- */

/* The line of EXPECTED.jsonl for this file. */
static bool read_expected(castor_str path, cst_json_doc *doc)
{
    static castor_str all;
    char              name[4096];

    if (!all.data) {
        (void)snprintf(name, sizeof name, "%s/sse-conformance/EXPECTED.jsonl", manifest.directory);
        all = tst_read_file(name);
        assert_non_null(all.data);
    }
    for (const char *at = all.data, *end = at + all.len; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        castor_str  line = { at, newline ? (size_t)(newline - at) : (size_t)(end - at) };
        at += line.len + 1;
        if (cst_json_read(doc, line, NULL, NULL) != CASTOR_OK) continue;
        if (cst_str_equal(cst_json_string_in(cst_json_root(doc), "path"), path)) return true;
    }
    return false;
}

static void compare_expected(trial *on, castor_str bytes, const cst_json *expected, tst_cuts cuts)
{
    passage           way;
    cst_record        record;
    castor_str        type;
    cst_json_iterator events = cst_json_iterate(cst_json_get(expected, "events"));

    begin_passage(&way, bytes, cuts);
    while (next_event(&way, &record, &type)) {
        const cst_json *event = cst_json_next(&events, NULL);
        if (!cst_str_equal(cst_json_string_in(event, "type"), type)) {
            object(on, "type", cst_json_string_in(event, "type"), type);
        }
        if (!cst_str_equal(cst_json_string_in(event, "data"), record.data)) {
            object(on, "data", cst_json_string_in(event, "data"), record.data);
        }
        if (!cst_str_equal(cst_json_string_in(event, "id"), record.id)) {
            object(on, "id", cst_json_string_in(event, "id"), record.id);
        }
    }
    if (events.left > 0) object(on, "events", CASTOR_STR("more"), CST_NONE);
    castor_i64 retry = cst_json_integer(cst_json_get(expected, "retry"));
    if (retry.is_set != way.frame.sse.retry_ms.is_set || (retry.is_set && retry.value != way.frame.sse.retry_ms.value)) {
        object(on, "retry", CASTOR_STR("the other"), CST_NONE);
    }
    cst_frame_free(&way.frame);
}

static bool judge_sse(const row *one, tally *count)
{
    castor_str   bytes = read_row(one);
    trial        on = { one, "events by the standard", true };
    cst_json_doc doc;

    (void)count;
    compare_events(&on, bytes);
    cst_json_doc_init(&doc, cst_allocator_default());
    if (read_expected(column(one, "path"), &doc)) {
        compare_expected(&on, bytes, cst_json_root(&doc), (tst_cuts){ .kind = TST_WHOLE });
        compare_expected(&on, bytes, cst_json_root(&doc), (tst_cuts){ .kind = TST_BYTES });
        for (size_t at = 1; at < bytes.len; at++) {
            compare_expected(&on, bytes, cst_json_root(&doc), (tst_cuts){ .kind = TST_ONCE, .value = at });
        }
    } else {
        object(&on, "EXPECTED.jsonl", CASTOR_STR("a line"), CST_NONE);
    }
    cst_json_doc_free(&doc);
    free((void *)(uintptr_t)bytes.data);
    return on.is_right;
}

/* ---- JSON by the standard ---- */

static bool judge_json(const row *one, tally *count)
{
    castor_str   bytes = read_row(one), path = column(one, "path");
    const char  *name = path.data + path.len;
    trial        on = { one, "JSON by the standard", true };
    cst_json_doc doc;
    tst_outcome  got;
    tst_body     body = { .bytes = bytes, .dialect = CASTOR_DIALECT_GEMINI, .content_type = "application/json" };

    (void)count;
    while (name > path.data && name[-1] != '/') name--;
    cst_json_doc_init(&doc, cst_allocator_default());
    castor_status status = cst_json_read(&doc, bytes, NULL, NULL);
    bool          is_accepted = status == CASTOR_OK;
    if (name[0] == 'y' && !is_accepted) {
        object(&on, "cst_json_read", CASTOR_STR("accepted"), castor_str_of(castor_status_name(status)));
    }
    if (name[0] == 'n' && is_accepted) object(&on, "cst_json_read", CASTOR_STR("rejected"), CASTOR_STR("accepted"));
    cst_json_doc_free(&doc);

    run_row(&on, &body, (tst_cuts){ 0 }, &got);
    if (name[0] == 'y' && got.verdict == CASTOR_VERDICT_MALFORMED) {
        object(&on, "verdict", CASTOR_STR("not MALFORMED"), castor_str_of(got.error.message));
    }
    if (name[0] == 'n' && got.verdict == CASTOR_VERDICT_COMPLETE) {
        object(&on, "verdict", CASTOR_STR("not COMPLETE"), CST_NONE);
    }
    tst_outcome_free(&got);
    free((void *)(uintptr_t)bytes.data);
    return on.is_right;
}

/* ---- the tests ---- */

static const kind kinds[] = {
    { "gemini-sse", judge_gemini },
    { "gemini-json-array", judge_array },
    { "gemini-json-array-gz", judge_gzip },
    { "gemini-unary", judge_gemini },
    { "gemini-errors", judge_gemini_error },
    { "openai-sse", judge_openai },
    { "openai-unary", judge_openai },
    { "openai-errors", judge_openai_error },
    { "palm", judge_palm },
    { "sse-conformance", judge_sse },
    { "json-conformance", judge_json },
};

enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

static void every_row_of_its_kind_is_read_right(void **state)
{
    const kind *one = *state;
    tally       count = { 0 };

    if (!manifest.rows) skip();
    for (size_t i = 0; i < manifest.row_count; i++) {
        if (!cst_str_is(column(&manifest.rows[i], "kind"), one->name)) continue;
        size_t skipped = count.skipped;
        bool   is_right = one->judge(&manifest.rows[i], &count);
        count.rows++;
        count.right += is_right && skipped == count.skipped;
    }
    printf("%s: %zu rows, %zu right, %zu skipped\n", one->name, count.rows, count.right, count.skipped);
    (void)fflush(stdout);
    assert_true(count.rows > 0);
    assert_int_equal(count.right + count.skipped, count.rows);
}

static void no_exception_is_stale(void **state)
{
    (void)state;
    if (!manifest.rows) skip();
    for (size_t i = 0; i < EXCEPTION_COUNT; i++) {
        if (!was_needed[i]) {
            fail_msg("%s (%s) is right without its exception", exceptions[i].path, exceptions[i].column);
        }
    }
}

int main(void)
{
    struct CMUnitTest tests[KIND_COUNT + 1] = { 0 };
    const char       *directory = getenv("CASTOR_CORPUS");

    if (directory && *directory) read_manifest(directory);
    else printf("SKIPPED: CASTOR_CORPUS names no directory of recordings\n");
    for (size_t i = 0; i < KIND_COUNT; i++) {
        tests[i] = (struct CMUnitTest){ .name = kinds[i].name, .test_func = every_row_of_its_kind_is_read_right,
                                        .initial_state = (void *)(uintptr_t)&kinds[i] };
    }
    tests[KIND_COUNT] = (struct CMUnitTest){ .name = "no exception is stale", .test_func = no_exception_is_stale };

    int failed = cmocka_run_group_tests_name("recordings", tests, NULL, NULL);
    free(manifest.rows);
    free(manifest.directory);
    free((void *)(uintptr_t)manifest.text.data);
    return failed;
}
