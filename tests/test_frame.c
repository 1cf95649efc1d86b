/* test_frame.c -- bytes into records: event streams by the standard, JSON in three framings, and what is neither.
 * SPDX-License-Identifier: MIT
 *
 * Every body is fed whole, byte by byte, at every two-way cut and at random; the records must not depend on it.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

#include "frame.h"

enum { MIB = 1 << 20 };

/* ---- runs ---- */

static void put(cst_buf *out, const char *text)
{
    assert_int_equal(cst_buf_append_text(out, text), CASTOR_OK);
}

/* "message 7 "data"", with " id" and " unfinished" where they apply. */
static void print_record(cst_buf *out, const cst_record *record)
{
    tst_print_string(out, record->event.data ? record->event : CASTOR_STR("message"));
    put(out, " ");
    tst_print_string(out, record->data);
    if (record->id.len > 0) {
        put(out, " id ");
        tst_print_string(out, record->id);
    }
    put(out, record->is_unfinished ? " unfinished\n" : "\n");
}

static void print_end(cst_buf *out, cst_scan scan, const cst_problem *problem)
{
    switch (scan) {
    case CST_SCAN_END: put(out, "END\n"); break;
    case CST_SCAN_CUT: put(out, "CUT\n"); break;
    case CST_SCAN_BAD:
        assert_non_null(problem->why);
        cst_buf_append_format(out, "BAD %s %llu\n", castor_status_name(problem->status),
                              (unsigned long long)problem->offset);
        break;
    case CST_SCAN_MORE: put(out, "MORE\n"); break;
    case CST_SCAN_RECORD:
    default: fail();
    }
}

typedef struct run {
    cst_buf    records;
    castor_i64 retry_ms;
    size_t     record_count;
    size_t     data_len; /* of all records */
    size_t     peak_bytes;
} run;

/* `keeps_text`: false for bodies too large to print. */
static void run_frame(castor_str body, const char *content_type, size_t event_bytes_max, tst_cuts cuts,
                      bool keeps_text, run *out)
{
    tst_memory       memory = { 0 };
    castor_allocator allocator = tst_allocator(&memory);
    cst_frame        frame;
    cst_record       record;
    cst_problem      problem = { 0 };
    cst_scan         found = CST_SCAN_MORE;

    *out = (run){ .record_count = 0 };
    cst_buf_init(&out->records, cst_allocator_default(), SIZE_MAX / 2);
    put(&out->records, "");
    cst_frame_init(&frame, &allocator, castor_str_of(content_type), event_bytes_max);
    for (size_t at = 0; at <= body.len && found == CST_SCAN_MORE;) {
        size_t len = at < body.len ? tst_cuts_next(&cuts, at, body.len - at) : 0;
        if (at < body.len) assert_int_equal(cst_frame_feed(&frame, body.data + at, len), CASTOR_OK);
        else cst_frame_end(&frame, false);
        at += len > 0 ? len : 1;
        while ((found = cst_frame_next(&frame, &record, &problem)) == CST_SCAN_RECORD) {
            out->record_count++;
            out->data_len += record.data.len;
            if (keeps_text) print_record(&out->records, &record);
            assert_true(record.offset <= body.len);
        }
    }
    print_end(&out->records, found, &problem);
    out->retry_ms = frame.sse.retry_ms;
    cst_frame_free(&frame);
    out->peak_bytes = memory.peak_bytes;
    assert_int_equal(memory.live_bytes, 0);
    assert_false(memory.has_lied);
}

static void check_run(castor_str body, const char *content_type, tst_cuts cuts, const char *expected)
{
    run  got;
    char how[64];

    run_frame(body, content_type, CST_EVENT_BYTES_MAX, cuts, true, &got);
    bool is_right = cst_str_is(cst_buf_view(&got.records), expected);
    if (!is_right) {
        cst_buf printed;
        cst_buf_init(&printed, cst_allocator_default(), SIZE_MAX / 2);
        tst_print_string(&printed, body);
        tst_cuts_describe(&cuts, how);
        (void)fprintf(stderr, "body %s, %s, seed %llu\n", printed.data, how, (unsigned long long)tst_seed());
        tst_show_difference(castor_str_of(expected), cst_buf_view(&got.records));
        cst_buf_free(&printed);
    }
    cst_buf_free(&got.records);
    assert_true(is_right);
}

/* In every way to cut it. */
static void check_view(castor_str body, const char *content_type, const char *expected)
{
    check_run(body, content_type, (tst_cuts){ .kind = TST_WHOLE }, expected);
    check_run(body, content_type, (tst_cuts){ .kind = TST_BYTES }, expected);
    for (size_t at = 1; at < body.len; at++) {
        check_run(body, content_type, (tst_cuts){ .kind = TST_ONCE, .value = at }, expected);
    }
    for (uint64_t i = 0; i < 4; i++) {
        check_run(body, content_type, (tst_cuts){ .kind = TST_RANDOM, .value = tst_seed() + i }, expected);
    }
}

static void check_events(const char *body, const char *expected)
{
    check_view(castor_str_of(body), "text/event-stream", expected);
}

static void check_json(const char *body, const char *expected)
{
    check_view(castor_str_of(body), "application/json", expected);
}

/* ---- event streams ---- */

static void a_newline_cut_in_two_by_the_network_still_ends_the_line(void **state)
{
    (void)state;
    check_events("data: a\r\n\r\ndata: b\r\n\r\n", "\"message\" \"a\"\n\"message\" \"b\"\nEND\n");
    check_events("data: a\r\rdata: b\r\r", "\"message\" \"a\"\n\"message\" \"b\"\nEND\n");
    check_events("data: a\n\ndata: b\n\n", "\"message\" \"a\"\n\"message\" \"b\"\nEND\n");
    check_events("data: a\r\ndata: b\rdata: c\ndata: d\n\r\n", "\"message\" \"a\\nb\\nc\\nd\"\nEND\n");
    check_events("data: a\r\n\rdata: b\n\r", "\"message\" \"a\"\n\"message\" \"b\"\nEND\n");
}

static void one_space_behind_the_colon_belongs_to_the_field(void **state)
{
    (void)state;
    check_events("data:a\ndata: b\ndata:  c\ndata:\td\n\n", "\"message\" \"a\\nb\\n c\\n\\td\"\nEND\n");
    check_events("data: a:b: c\n\n", "\"message\" \"a:b: c\"\nEND\n");
}

static void a_field_needs_no_colon(void **state)
{
    (void)state;
    check_events("data\n\ndata\ndata\n\ndata: x\ndata\n\n",
                 "\"message\" \"\"\n\"message\" \"\\n\"\n\"message\" \"x\\n\"\nEND\n");
}

static void unknown_fields_and_comments_are_skipped(void **state)
{
    (void)state;
    check_events(": c\n data: a\nDATA: b\ndatas: c\ndat: d\n:data: e\ndata: x\nlodge\n\n", "\"message\" \"x\"\nEND\n");
    check_events("data: a\n:\ndata: b\n:x\n\n", "\"message\" \"a\\nb\"\nEND\n");
}

static void an_event_without_data_is_none(void **state)
{
    (void)state;
    check_events("event: ping\n\nid: 1\n\ndata: x\n\n", "\"message\" \"x\" id \"1\"\nEND\n");
    check_events("\n\n\n\ndata: x\n\n\n\n", "\"message\" \"x\"\nEND\n");
    check_events(":\n\n", "END\n");
}

static void the_type_is_for_one_event_and_the_id_for_all_that_follow(void **state)
{
    (void)state;
    check_events("event: a\nid: 1\ndata: x\n\ndata: y\n\nid\ndata: z\n\nevent: a\nevent: b\ndata: w\n\n",
                 "\"a\" \"x\" id \"1\"\n\"message\" \"y\" id \"1\"\n\"message\" \"z\"\n\"b\" \"w\"\nEND\n");
    check_events("event: a\nevent\ndata: x\n\n", "\"message\" \"x\"\nEND\n");
}

static void an_id_with_a_nul_or_beyond_all_measure_is_ignored(void **state)
{
    (void)state;
    castor_str body = { "id: 1\ndata: x\n\nid: 2\0 3\ndata: y\n\n", 34 };
    check_view(body, "text/event-stream", "\"message\" \"x\" id \"1\"\n\"message\" \"y\" id \"1\"\nEND\n");

    cst_buf    text;
    castor_str long_id = tst_repeat("i", CST_SSE_FIELD_MAX + 1);
    run        got;
    cst_buf_init(&text, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_append_format(&text, "id: 1\ndata: x\n\nid: %s\ndata: y\n\n", long_id.data);
    run_frame(cst_buf_view(&text), "text/event-stream", CST_EVENT_BYTES_MAX, (tst_cuts){ 0 }, true, &got);
    assert_string_equal(got.records.data, "\"message\" \"x\" id \"1\"\n\"message\" \"y\" id \"1\"\nEND\n");
    cst_buf_free(&got.records);
    cst_buf_free(&text);
    free((void *)(uintptr_t)long_id.data);
}

static void check_retry(const char *body, int64_t expected)
{
    run got;

    run_frame(castor_str_of(body), "text/event-stream", CST_EVENT_BYTES_MAX, (tst_cuts){ .kind = TST_BYTES }, true,
              &got);
    assert_int_equal(got.retry_ms.is_set ? got.retry_ms.value : -1, expected);
    cst_buf_free(&got.records);
}

static void a_reconnection_time_is_digits_and_nothing_else(void **state)
{
    (void)state;
    check_retry("retry: 2500\n\n", 2500);
    check_retry("retry:0\n\n", 0);
    check_retry("retry: 7\nretry: x\n\n", 7);
    check_retry("retry: -1\n\n", -1);
    check_retry("retry: 1.5\n\n", -1);
    check_retry("retry:\n\n", -1);
    check_retry("retry\n\n", -1);
    check_retry("retry: 99999999999999999999999\n\n", -1);
}

static void an_unfinished_last_event_is_given_and_marked(void **state)
{
    (void)state;
    check_events("data: a\n\ndata: b\n", "\"message\" \"a\"\n\"message\" \"b\" unfinished\nEND\n");
    check_events("data: a\n\ndata: b", "\"message\" \"a\"\n\"message\" \"b\" unfinished\nEND\n");
    check_events("data: a\r\n\r\nevent: e\ndata: b\r", "\"message\" \"a\"\n\"e\" \"b\" unfinished\nEND\n");
    check_events("data: a\n\nid: 7", "\"message\" \"a\"\nEND\n");
}

static void a_byte_order_mark_counts_only_at_the_start(void **state)
{
    (void)state;
    check_events("\xEF\xBB\xBF" "data: a\n\n", "\"message\" \"a\"\nEND\n");
    check_events("\xEF\xBB\xBF\xEF\xBB\xBF" "data: a\n\ndata: b\n\n", "\"message\" \"b\"\nEND\n");
    check_events("data: a\n\n\xEF\xBB\xBF" "data: b\n\ndata: c\n\n", "\"message\" \"a\"\n\"message\" \"c\"\nEND\n");
    check_events("\xEF\xBB", "BAD PROTOCOL 0\n");
    check_events("\xEF\xBB\xBF", "END\n");
}

static void a_line_that_is_passed_over_must_be_text(void **state)
{
    (void)state;
    check_events("x: \xC3\xA4\ndata: a\n\n", "\"message\" \"a\"\nEND\n");
    check_events("data: a\n\nx\xC3" "data: b\n\ndata: c\n\n", "\"message\" \"a\"\nBAD PROTOCOL 10\n");
    check_events("data: a\n\nthe end is cut off: \xC3", "\"message\" \"a\"\nEND\n");
    check_events(": a comment is anything: \xFF\r\ndata: b\r\n\r\n", "\"message\" \"b\"\nEND\n");
}

static void json_between_events_is_a_record_of_its_own(void **state)
{
    (void)state;
    check_events("data: a\n\n{\"x\":\n \"}\\\"{\"\n}\ndata: b\n\n",
                 "\"message\" \"a\"\n\"message\" \"{\\\"x\\\":\\n \\\"}\\\\\\\"{\\\"\\n}\"\n\"message\" \"b\"\nEND\n");
    check_events("data: a\n{\"x\":1}\n\n", "\"message\" \"a\"\n\"message\" \"{\\\"x\\\":1}\"\nEND\n");
    check_events("data: a\n\n[{\"x\":1}\r\n,{\"y\":2}]\r\n\r\ndata: b\n\n",
                 "\"message\" \"a\"\n\"message\" \"{\\\"x\\\":1}\"\n\"message\" \"{\\\"y\\\":2}\"\n"
                 "\"message\" \"b\"\nEND\n");
    check_events("data: a\n\n{\"x\":1", "\"message\" \"a\"\nCUT\n");
    check_events("data: a\n\n{\"x\":1}{\"y\":2}\n\n",
                 "\"message\" \"a\"\n\"message\" \"{\\\"x\\\":1}\"\n\"message\" \"{\\\"y\\\":2}\"\nEND\n");
    check_events("data: a\n\n[]\n\ndata: b\n\n", "\"message\" \"a\"\n\"message\" \"b\"\nEND\n");
}

static void no_field_and_no_comment_is_no_event_stream(void **state)
{
    (void)state;
    check_events("upstream request timeout", "BAD PROTOCOL 0\n");
    check_events("Bad\nGateway\n\n", "BAD PROTOCOL 0\n");
    check_events("", "END\n");
    check_events("\n \n", "END\n");
}

static void the_offset_of_a_record_is_where_its_data_begin(void **state)
{
    (void)state;
    const char  *body = "\xEF\xBB\xBF: c\r\n\r\nid: 1\r\ndata: first\r\n\r\ndata:second\n\n{\"third\":1}\n\n"
                        "data: fourth\n\n";
    const char  *words[] = { "first", "second", "{\"third\":1}", "fourth" };
    cst_frame    frame;
    cst_record   record;
    cst_problem  problem;
    size_t       count = 0;

    cst_frame_init(&frame, cst_allocator_default(), CASTOR_STR("text/event-stream"), CST_EVENT_BYTES_MAX);
    for (const char *at = body; *at; at++) {
        assert_int_equal(cst_frame_feed(&frame, at, 1), CASTOR_OK);
        while (cst_frame_next(&frame, &record, &problem) == CST_SCAN_RECORD) {
            assert_true(count < 4);
            assert_true(cst_str_is(record.data, words[count]));
            assert_memory_equal(body + record.offset, words[count], strlen(words[count]));
            count++;
        }
    }
    assert_int_equal(count, 4);
    cst_frame_free(&frame);
}

/* ---- against a plain reading of the standard ---- */

typedef struct plain_event {
    cst_buf data;
    cst_buf type;
    cst_buf id;
    bool    has_data;
} plain_event;

static void end_plain_event(plain_event *event, cst_buf *out, bool is_unfinished)
{
    if (event->has_data) {
        print_record(out, &(cst_record){ .data = { event->data.data, event->data.len - 1 }, /* without the last LF */
                                         .event = event->type.len ? cst_buf_view(&event->type) : CST_NONE,
                                         .id = cst_buf_view(&event->id), .is_unfinished = is_unfinished });
    }
    event->has_data = false;
    event->data.len = event->type.len = 0;
}

static void set(cst_buf *buf, castor_str value)
{
    buf->len = 0;
    cst_buf_append_str(buf, value);
}

static bool read_plain_line(plain_event *event, castor_str line, cst_buf *out)
{
    const char *colon = line.len ? memchr(line.data, ':', line.len) : NULL;
    castor_str  name = { line.data, colon ? (size_t)(colon - line.data) : line.len };
    castor_str  value = { line.data + name.len + 1, colon ? line.len - name.len - 1 : 0 };

    if (line.len == 0) {
        end_plain_event(event, out, false);
        return false;
    }
    if (value.len > 0 && value.data[0] == ' ') value = (castor_str){ value.data + 1, value.len - 1 };
    if (cst_str_is(name, "data")) {
        cst_buf_append_str(&event->data, value);
        cst_buf_append_text(&event->data, "\n");
        event->has_data = true;
    } else if (cst_str_is(name, "event")) {
        set(&event->type, value);
    } else if (cst_str_is(name, "id") && !(value.len && memchr(value.data, '\0', value.len))) {
        set(&event->id, value);
    }
    return name.len == 0 || cst_str_is(name, "data") || cst_str_is(name, "event") || cst_str_is(name, "id") ||
           cst_str_is(name, "retry");
}

/* The whole body at once, line by line, as the standard has it; with our word for an unfinished event. */
static void read_plainly(castor_str body, cst_buf *out)
{
    plain_event event = { .has_data = false };
    bool        saw_field = false, is_blank = cst_str_trim(body).len == 0;

    cst_buf_init(&event.data, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_init(&event.type, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_init(&event.id, cst_allocator_default(), SIZE_MAX / 2);
    for (size_t at = 0; at < body.len;) {
        size_t end = at;
        while (end < body.len && body.data[end] != '\n' && body.data[end] != '\r') end++;
        saw_field |= read_plain_line(&event, (castor_str){ body.data + at, end - at }, out);
        at = end + 1;
        if (end + 1 < body.len && body.data[end] == '\r' && body.data[end + 1] == '\n') at++;
    }
    end_plain_event(&event, out, true);
    put(out, saw_field || is_blank ? "END\n" : "BAD PROTOCOL 0\n");
    cst_buf_free(&event.data);
    cst_buf_free(&event.type);
    cst_buf_free(&event.id);
}

static void random_streams_read_as_the_standard_has_it(void **state)
{
    static const castor_str tokens[] = {
        { "data", 4 }, { "data:", 5 }, { "data: ", 6 }, { "event: ", 7 }, { "id:", 3 }, { "id: ", 4 },
        { "retry: 1", 8 }, { ":", 1 }, { " ", 1 }, { "x", 1 }, { "y", 1 }, { "\0", 1 }, { "\xC3\xA4", 2 },
        { "\r", 1 }, { "\n", 1 }, { "\n", 1 }, { "\r\n", 2 }, { "\n\n", 2 }, { "\r\r", 2 }, { "\r\n\r\n", 4 },
    };
    uint64_t random = tst_seed();

    (void)state;
    for (int round = 0; round < 3000; round++) {
        cst_buf body, expected;
        size_t  length = tst_random_below(&random, 40);
        cst_buf_init(&body, cst_allocator_default(), SIZE_MAX / 2);
        cst_buf_init(&expected, cst_allocator_default(), SIZE_MAX / 2);
        put(&body, "");
        put(&expected, "");
        for (size_t i = 0; i < length; i++) {
            cst_buf_append_str(&body, tokens[tst_random_below(&random, sizeof tokens / sizeof *tokens)]);
        }
        castor_str view = cst_buf_view(&body);
        read_plainly(view, &expected);
        check_run(view, "text/event-stream", (tst_cuts){ .kind = TST_WHOLE }, expected.data);
        check_run(view, "text/event-stream", (tst_cuts){ .kind = TST_BYTES }, expected.data);
        for (int i = 0; i < 4; i++) {
            tst_cuts once = { .kind = TST_ONCE, .value = tst_random_below(&random, view.len + 1) };
            check_run(view, "text/event-stream", once, expected.data);
        }
        cst_buf_free(&body);
        cst_buf_free(&expected);
    }
}

/* ---- JSON ---- */

static void elements_of_an_array_are_records(void **state)
{
    (void)state;
    check_json("[1]", "\"message\" \"1\"\nEND\n");
    check_json(" [ {\"a\":1} \r\n,\r\n [2] , \"]\" ,null,-1.5e3, true ]\n\n",
               "\"message\" \"{\\\"a\\\":1}\"\n\"message\" \"[2]\"\n\"message\" \"\\\"]\\\"\"\n"
               "\"message\" \"null\"\n\"message\" \"-1.5e3\"\n"
               "\"message\" \"true\"\nEND\n");
    check_json("[]", "END\n");
    check_json("[ ]  ", "END\n");
}

static void top_level_values_are_records(void **state)
{
    (void)state;
    check_json("{}", "\"message\" \"{}\"\nEND\n");
    check_json("{\"a\":1}\n{\"b\":2}\n", "\"message\" \"{\\\"a\\\":1}\"\n\"message\" \"{\\\"b\\\":2}\"\nEND\n");
    check_json("{\"a\":1}{\"b\":2}", "\"message\" \"{\\\"a\\\":1}\"\n\"message\" \"{\\\"b\\\":2}\"\nEND\n");
    check_json("\"a\\\\\\\"b\"", "\"message\" \"\\\"a\\\\\\\\\\\\\\\"b\\\"\"\nEND\n");
    check_json("12", "\"message\" \"12\" unfinished\nEND\n");
    check_json("null \n", "\"message\" \"null\"\nEND\n");
}

static void what_stands_in_the_wrong_place_is_told_with_its_offset(void **state)
{
    (void)state;
    check_json("[1,]", "\"message\" \"1\"\nBAD PROTOCOL 3\n");
    check_json("[,1]", "BAD PROTOCOL 1\n");
    check_json("[1 2]", "\"message\" \"1\"\nBAD PROTOCOL 3\n");
    check_json("[1\"x\"]", "\"message\" \"1\"\nBAD PROTOCOL 2\n");
    check_json("[1}", "\"message\" \"1\"\nBAD PROTOCOL 2\n");
    check_json("[] x", "BAD PROTOCOL 3\n");
    check_json("[][]", "BAD PROTOCOL 2\n");
    check_json("{} x", "\"message\" \"{}\"\nBAD PROTOCOL 3\n");
    check_json("{}[1]", "\"message\" \"{}\"\nBAD PROTOCOL 2\n");
    check_json("1 {}", "\"message\" \"1\"\nBAD PROTOCOL 2\n");
}

static void a_body_that_ends_inside_a_value_is_cut(void **state)
{
    (void)state;
    check_json("[", "CUT\n");
    check_json("[1", "CUT\n");
    check_json("[1,", "\"message\" \"1\"\nCUT\n");
    check_json("[1 ", "\"message\" \"1\"\nCUT\n");
    check_json("{\"a", "CUT\n");
    check_json("{\"a\\\"}", "CUT\n");
    check_json("\"a", "CUT\n");
    check_json("{}\n{", "\"message\" \"{}\"\nCUT\n");
}

/* `depth` brackets, open and closed. */
static castor_str nest(size_t depth)
{
    char *text = malloc(depth * 2 + 1);

    assert_non_null(text);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[depth * 2] = '\0';
    return (castor_str){ text, depth * 2 };
}

static void nesting_ends_at_its_maximum(void **state)
{
    (void)state;
    run got;

    castor_str deepest = nest(CST_JSON_DEPTH_MAX + 1); /* the outer array is none of its elements */
    run_frame(deepest, "application/json", CST_EVENT_BYTES_MAX, (tst_cuts){ .kind = TST_BYTES }, false, &got);
    assert_string_equal(got.records.data, "END\n");
    assert_int_equal(got.record_count, 1);
    cst_buf_free(&got.records);
    free((void *)(uintptr_t)deepest.data);

    castor_str deeper = nest(CST_JSON_DEPTH_MAX + 2);
    run_frame(deeper, "application/json", CST_EVENT_BYTES_MAX, (tst_cuts){ .kind = TST_BYTES }, false, &got);
    assert_string_equal(got.records.data, "BAD LIMIT 257\n");
    cst_buf_free(&got.records);
    free((void *)(uintptr_t)deeper.data);

    castor_str absurd = nest(10000);
    run_frame(absurd, "application/json", CST_EVENT_BYTES_MAX, (tst_cuts){ 0 }, false, &got);
    assert_string_equal(got.records.data, "BAD LIMIT 257\n");
    cst_buf_free(&got.records);
    free((void *)(uintptr_t)absurd.data);
}

/* ---- recognition ---- */

static void check_framing(const char *content_type, const char *body, cst_framing expected)
{
    const tst_cuts cuts[] = { { .kind = TST_WHOLE }, { .kind = TST_BYTES } };

    for (size_t i = 0; i < 2; i++) {
        cst_frame   frame;
        cst_record  record;
        cst_problem problem;
        tst_cuts    cut = cuts[i];
        cst_frame_init(&frame, cst_allocator_default(), castor_str_of(content_type), CST_EVENT_BYTES_MAX);
        for (size_t at = 0, len = strlen(body); at < len;) {
            size_t piece = tst_cuts_next(&cut, at, len - at);
            assert_int_equal(cst_frame_feed(&frame, body + at, piece), CASTOR_OK);
            at += piece;
            (void)cst_frame_next(&frame, &record, &problem);
        }
        cst_frame_end(&frame, false);
        (void)cst_frame_next(&frame, &record, &problem);
        if (frame.framing != expected) {
            fail_msg("%s under \"%s\" is framing %d", body, content_type ? content_type : "", (int)frame.framing);
        }
        cst_frame_free(&frame);
    }
}

static void the_framing_is_told_by_the_bytes_and_then_by_the_content_type(void **state)
{
    (void)state;
    const char *const types[] = {
        NULL, "", "text/event-stream", "TEXT/EVENT-STREAM; charset=utf-8", "application/json",
        "application/json; charset=UTF-8", "text/html", "text/plain", "application/octet-stream",
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        check_framing(types[i], "{\"a\":1}", CST_FRAMING_JSON);
        check_framing(types[i], " \r\n\t[1]", CST_FRAMING_JSON);
        check_framing(types[i], "\xEF\xBB\xBF{}", CST_FRAMING_JSON);
        check_framing(types[i], "<html>", CST_FRAMING_OPAQUE);
        check_framing(types[i], "data: x\n\n", CST_FRAMING_SSE);
        check_framing(types[i], "data\ndata\n\n", CST_FRAMING_SSE);
        check_framing(types[i], "\r\n\r\ndata:x\n\n", CST_FRAMING_SSE);
        check_framing(types[i], ": ping\n\n", CST_FRAMING_SSE);
        check_framing(types[i], "event: a\ndata: x\n\n", CST_FRAMING_SSE);
        check_framing(types[i], "id: 1\n\n", CST_FRAMING_SSE);
        check_framing(types[i], "retry: 1\n\n", CST_FRAMING_SSE);
    }
    check_framing(NULL, "true", CST_FRAMING_JSON);
    check_framing(NULL, "\"text\"", CST_FRAMING_JSON);
    check_framing(NULL, "-1", CST_FRAMING_JSON);
    check_framing("application/json", "dat", CST_FRAMING_JSON);
    check_framing("application/json", "Bad gateway", CST_FRAMING_JSON);
    check_framing("text/html", "Bad gateway", CST_FRAMING_OPAQUE);
    check_framing("text/plain", "Bad gateway", CST_FRAMING_OPAQUE);
    check_framing("text/plain", "dam", CST_FRAMING_OPAQUE);
    check_framing("text/event-stream", "Bad gateway", CST_FRAMING_SSE);
    check_framing(NULL, "", CST_FRAMING_UNKNOWN);
    check_framing(NULL, " \n ", CST_FRAMING_UNKNOWN);
}

/* ---- large bodies ---- */

static castor_str large_event(size_t data_len)
{
    char *body = malloc(data_len + 16);

    assert_non_null(body);
    memcpy(body, "data: ", 6);
    memset(body + 6, 'x', data_len);
    body[6] = body[5 + data_len] = '"';
    memcpy(body + 6 + data_len, "\n\n", 3);
    return (castor_str){ body, data_len + 8 };
}

static void check_large(castor_str body, size_t event_bytes_max, tst_cuts cuts, const char *expected, size_t data_len)
{
    run got;

    run_frame(body, "text/event-stream", event_bytes_max, cuts, false, &got);
    assert_string_equal(got.records.data, expected);
    assert_int_equal(got.data_len, data_len);
    /* Grown by doubling, and moved once more when it grows. */
    assert_true(got.peak_bytes <= 4 * (body.len < event_bytes_max ? body.len : event_bytes_max) + 4 * MIB);
    cst_buf_free(&got.records);
}

static void a_line_of_20_mib_passes(void **state)
{
    (void)state;
    castor_str body = large_event(20 * MIB);

    check_large(body, CST_EVENT_BYTES_MAX, (tst_cuts){ .kind = TST_WHOLE }, "END\n", 20 * MIB);
    check_large(body, CST_EVENT_BYTES_MAX, (tst_cuts){ .kind = TST_EVERY, .value = 16384 }, "END\n", 20 * MIB);
    check_large(body, CST_EVENT_BYTES_MAX, (tst_cuts){ .kind = TST_EVERY, .value = 1000 }, "END\n", 20 * MIB);
    free((void *)(uintptr_t)body.data);
}

static void an_event_beyond_the_maximum_is_refused_with_bounded_memory(void **state)
{
    (void)state;
    castor_str body = large_event(20 * MIB);
    run        got;

    run_frame(body, "text/event-stream", MIB, (tst_cuts){ .kind = TST_EVERY, .value = 16384 }, false, &got);
    assert_string_equal(got.records.data, "BAD LIMIT 0\n");
    assert_true(got.peak_bytes <= 4 * MIB);
    cst_buf_free(&got.records);
    free((void *)(uintptr_t)body.data);
}

static void the_default_maximum_holds_on_both_sides(void **state)
{
    (void)state;
    size_t     room = CST_EVENT_BYTES_MAX - 64;
    castor_str fits = large_event(room), does_not = large_event(CST_EVENT_BYTES_MAX + 1);
    run        got;

    run_frame(fits, "text/event-stream", CST_EVENT_BYTES_MAX, (tst_cuts){ .kind = TST_EVERY, .value = MIB }, false,
              &got);
    assert_string_equal(got.records.data, "END\n");
    assert_int_equal(got.data_len, room);
    cst_buf_free(&got.records);
    run_frame(does_not, "text/event-stream", CST_EVENT_BYTES_MAX, (tst_cuts){ .kind = TST_EVERY, .value = MIB },
              false, &got);
    assert_string_equal(got.records.data, "BAD LIMIT 0\n");
    cst_buf_free(&got.records);
    free((void *)(uintptr_t)fits.data);
    free((void *)(uintptr_t)does_not.data);
}

/* Every size around a small maximum, in every way to cut it: one answer for all. */
static void whether_an_event_is_too_large_does_not_depend_on_the_cuts(void **state)
{
    (void)state;
    for (size_t len = 30; len < 60; len++) {
        char body[128], expected[256] = "";
        (void)snprintf(body, sizeof body, "data: \"a\"\n\ndata: %.*s\r\n\r\ndata: \"b\"\n\n", (int)len,
                       "\"0123456789012345678901234567890123456789012345678901234567890");
        castor_str view = castor_str_of(body);
        for (size_t at = 0; at <= view.len; at++) {
            run      got;
            tst_cuts cuts = at == 0 ? (tst_cuts){ .kind = TST_BYTES } : (tst_cuts){ .kind = TST_ONCE, .value = at };
            run_frame(view, "text/event-stream", 48, cuts, true, &got);
            if (at == 0) (void)snprintf(expected, sizeof expected, "%s", got.records.data);
            if (strcmp(expected, got.records.data) != 0) {
                fail_msg("%zu bytes of data, maximum 48: byte by byte\n%s, cut at %zu\n%s", len, expected, at,
                         got.records.data);
            }
            cst_buf_free(&got.records);
        }
    }
}

static void a_feed_that_is_refused_takes_nothing(void **state)
{
    (void)state;
    cst_frame   frame;
    cst_record  record;
    cst_problem problem;
    castor_str  events = tst_repeat("data: x\n\n", MIB / 9);
    size_t      fed = 0, count = 0;

    cst_frame_init(&frame, cst_allocator_default(), CASTOR_STR("text/event-stream"), MIB);
    while (cst_frame_feed(&frame, events.data, events.len) == CASTOR_OK) fed++;
    assert_true(fed >= 2 && fed <= 4);
    assert_int_equal(cst_frame_feed(&frame, events.data, events.len), CASTOR_LIMIT);
    while (cst_frame_next(&frame, &record, &problem) == CST_SCAN_RECORD) count++;
    assert_int_equal(count, fed * (MIB / 9));
    assert_int_equal(cst_frame_feed(&frame, events.data, events.len), CASTOR_OK);
    while (cst_frame_next(&frame, &record, &problem) == CST_SCAN_RECORD) count++;
    assert_int_equal(count, (fed + 1) * (MIB / 9));
    cst_frame_free(&frame);
    free((void *)(uintptr_t)events.data);
}

/* Bodies that a careless scanner reads again and again. They take minutes if it does. */
static void check_quickly(const char *unit, size_t count, const char *content_type, size_t records)
{
    castor_str body = tst_repeat(unit, count);
    run        got;

    run_frame(body, content_type, CST_EVENT_BYTES_MAX, (tst_cuts){ .kind = TST_BYTES }, false, &got);
    if (got.record_count != records) {
        fail_msg("\"%.20s\" %zu times: %zu records, %s", unit, count, got.record_count, got.records.data);
    }
    cst_buf_free(&got.records);
    free((void *)(uintptr_t)body.data);
}

static void a_mebibyte_byte_by_byte_is_read_once(void **state)
{
    (void)state;
    check_quickly("data: x\r\r", MIB / 9, "text/event-stream", MIB / 9);
    check_quickly("data: x\n\n", MIB / 9, "text/event-stream", MIB / 9);
    check_quickly("data\r", MIB / 5, "text/event-stream", 1);
    check_quickly("data\n", MIB / 5, "text/event-stream", 1);
    check_quickly("data: x", MIB / 7, "text/event-stream", 1);
    check_quickly(": ping\n\n", MIB / 8, "text/event-stream", 0);
    check_quickly(": ping\r", MIB / 7, "text/event-stream", 0);
    check_quickly("{}\n", MIB / 3, "application/json", MIB / 3);
    check_quickly("\"\\\\", MIB / 3, "application/json", 1);
    check_quickly("[", MIB, "application/json", 0);
    check_quickly("{\"a\":1}", MIB / 7, "text/event-stream", MIB / 7);
}

static void a_mebibyte_of_white_space_byte_by_byte_is_read_once(void **state)
{
    (void)state;
    check_quickly("\n", MIB, "text/event-stream", 0);
    check_quickly(" ", MIB, "application/json", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_newline_cut_in_two_by_the_network_still_ends_the_line),
        cmocka_unit_test(one_space_behind_the_colon_belongs_to_the_field),
        cmocka_unit_test(a_field_needs_no_colon),
        cmocka_unit_test(unknown_fields_and_comments_are_skipped),
        cmocka_unit_test(an_event_without_data_is_none),
        cmocka_unit_test(the_type_is_for_one_event_and_the_id_for_all_that_follow),
        cmocka_unit_test(an_id_with_a_nul_or_beyond_all_measure_is_ignored),
        cmocka_unit_test(a_reconnection_time_is_digits_and_nothing_else),
        cmocka_unit_test(an_unfinished_last_event_is_given_and_marked),
        cmocka_unit_test(a_byte_order_mark_counts_only_at_the_start),
        cmocka_unit_test(a_line_that_is_passed_over_must_be_text),
        cmocka_unit_test(json_between_events_is_a_record_of_its_own),
        cmocka_unit_test(no_field_and_no_comment_is_no_event_stream),
        cmocka_unit_test(the_offset_of_a_record_is_where_its_data_begin),
        cmocka_unit_test(random_streams_read_as_the_standard_has_it),
        cmocka_unit_test(elements_of_an_array_are_records),
        cmocka_unit_test(top_level_values_are_records),
        cmocka_unit_test(what_stands_in_the_wrong_place_is_told_with_its_offset),
        cmocka_unit_test(a_body_that_ends_inside_a_value_is_cut),
        cmocka_unit_test(nesting_ends_at_its_maximum),
        cmocka_unit_test(the_framing_is_told_by_the_bytes_and_then_by_the_content_type),
        cmocka_unit_test(a_line_of_20_mib_passes),
        cmocka_unit_test(an_event_beyond_the_maximum_is_refused_with_bounded_memory),
        cmocka_unit_test(the_default_maximum_holds_on_both_sides),
        cmocka_unit_test(whether_an_event_is_too_large_does_not_depend_on_the_cuts),
        cmocka_unit_test(a_feed_that_is_refused_takes_nothing),
        cmocka_unit_test(a_mebibyte_byte_by_byte_is_read_once),
        cmocka_unit_test(a_mebibyte_of_white_space_byte_by_byte_is_read_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
