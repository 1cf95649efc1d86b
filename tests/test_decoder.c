/* test_decoder.c -- the decoder's promises to those who have their own transport: views that stay good, bounded memory.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#define TWO_PARTS "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"one\"},{\"text\":\"two\"}]}}]}\n\n"
#define STOP "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"three\"}]},\"finishReason\":\"STOP\"}]}\n\n"

static castor_decoder *new_decoder(tst_memory *memory, castor_dialect dialect, size_t event_bytes_max)
{
    static castor_allocator allocator;
    castor_decoder_options  options = CASTOR_DECODER_OPTIONS_INIT;
    castor_decoder         *decoder;
    castor_error            err;

    allocator = tst_allocator(memory);
    options.dialect = dialect;
    options.event_bytes_max = event_bytes_max;
    options.allocator = &allocator;
    assert_int_equal(castor_decoder_new(&decoder, &options, &err), CASTOR_OK);
    return decoder;
}

static void feed(castor_decoder *decoder, const char *text)
{
    castor_error err;

    assert_int_equal(castor_decoder_feed(decoder, text, strlen(text), &err), CASTOR_OK);
}

/* The test allocator moves every block that grows, so that a view that was not moved along points to freed memory. */
static void events_that_wait_stay_good_while_more_is_fed(void **state)
{
    tst_memory      memory = { 0 };
    castor_decoder *decoder = new_decoder(&memory, CASTOR_DIALECT_GEMINI, 0);
    castor_event    event;
    castor_error    err;

    (void)state;
    feed(decoder, TWO_PARTS);
    assert_int_equal(castor_decoder_next(decoder, &event, &err), CASTOR_STEP_EVENT);
    for (int i = 0; i < 100; i++) feed(decoder, STOP);
    assert_int_equal(castor_decoder_next(decoder, &event, &err), CASTOR_STEP_EVENT);
    assert_true(cst_str_is(event.text, "two"));
    assert_true(cst_str_is(event.raw, "{\"text\":\"two\"}"));
    assert_true(cst_str_starts_with(event.record, "{\"candidates\""));
    assert_int_equal(castor_decoder_next(decoder, &event, &err), CASTOR_STEP_EVENT);
    assert_true(cst_str_is(event.text, "three"));
    castor_decoder_free(decoder);
    assert_int_equal(memory.live_bytes, 0);
}

/* A server that says something new in every record must not make us remember all of it. */
static void facts_that_change_take_no_more_memory(void **state)
{
    tst_memory      memory = { 0 };
    castor_decoder *decoder = new_decoder(&memory, CASTOR_DIALECT_GEMINI, 0);
    castor_event    event;
    castor_error    err;
    char            record[4096];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        snprintf(record, sizeof record, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]},\"finishReason\":\"STOP\","
                 "\"finishMessage\":\"%01000d\"}],\"responseId\":\"%0900d\",\"modelVersion\":\"m%d\"}\n\n", i, i, i);
        feed(decoder, record);
        while (castor_decoder_next(decoder, &event, &err) == CASTOR_STEP_EVENT) continue;
    }
    assert_true(memory.peak_bytes < 256 << 10);
    assert_true(cst_str_is(castor_decoder_model_version(decoder), "m19999"));
    castor_decoder_free(decoder);
}

/* The longest id that is kept whole, and one byte more. */
static void a_label_is_kept_up_to_its_maximum_and_cut_beyond(void **state)
{
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        tst_memory      memory = { 0 };
        castor_decoder *decoder = new_decoder(&memory, CASTOR_DIALECT_GEMINI, 0);
        castor_event    event;
        castor_error    err;
        char            record[2 * CST_LABEL_MAX];
        snprintf(record, sizeof record, "data: {\"usageMetadata\":{},\"responseId\":\"%0*d\"}\n\n", CST_LABEL_MAX + extra, 7);
        feed(decoder, record);
        while (castor_decoder_next(decoder, &event, &err) == CASTOR_STEP_EVENT) continue;
        castor_str id = castor_decoder_response_id(decoder);
        assert_int_equal(id.len, CST_LABEL_MAX);
        assert_int_equal(id.data[id.len - 1], extra ? '0' : '7');
        castor_decoder_free(decoder);
    }
}

/* The longest that a call may have, and one byte more. */
static void the_parts_of_a_tool_call_have_limits_of_their_own(void **state)
{
    static const struct {
        const char *before;
        size_t      max;
        const char *behind;
    } parts[] = {
        { "\"id\":\"", CST_LABEL_MAX, "\",\"function\":{\"name\":\"f\"}" },
        { "\"id\":\"a\",\"function\":{\"name\":\"", CST_LABEL_MAX, "\"}" },
        { "\"id\":\"a\",\"function\":{\"name\":\"f\"},\"extra_content\":\"", CST_EXTRA_MAX - 2, "\"" }, /* its quotes */
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof parts / sizeof *parts; i++) {
        size_t          extra = i % 2;
        tst_memory      memory = { 0 };
        castor_decoder *decoder = new_decoder(&memory, CASTOR_DIALECT_OPENAI, 0);
        castor_str      filler = tst_repeat("x", parts[i / 2].max + extra);
        castor_event    event;
        castor_error    err;
        feed(decoder, "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,");
        feed(decoder, parts[i / 2].before);
        feed(decoder, filler.data);
        feed(decoder, parts[i / 2].behind);
        feed(decoder, "}]},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n");
        castor_decoder_end(decoder, CASTOR_END_CLEAN);
        while (castor_decoder_next(decoder, &event, &err) == CASTOR_STEP_EVENT) continue;
        assert_int_equal(castor_decoder_verdict(decoder), extra ? CASTOR_VERDICT_MALFORMED : CASTOR_VERDICT_COMPLETE);
        if (extra) assert_int_equal(err.status, CASTOR_LIMIT);
        castor_decoder_free(decoder);
        free((void *)(uintptr_t)filler.data);
    }
}

/* The largest that may be joined, and one byte more. */
static void joined_arguments_have_the_limit_of_an_event(void **state)
{
    enum { LIMIT = 4096 };
    static const char head[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":"
                               "{\"name\":\"f\",\"arguments\":\"0\"}}]}}]}\n\n";

    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        tst_memory      memory = { 0 };
        castor_decoder *decoder = new_decoder(&memory, CASTOR_DIALECT_OPENAI, LIMIT);
        castor_event    event;
        castor_error    err;
        for (int i = 0; i < LIMIT + extra; i++) {
            feed(decoder, head);
            if (castor_decoder_next(decoder, &event, &err) == CASTOR_STEP_ERROR) break;
        }
        castor_decoder_end(decoder, CASTOR_END_CLEAN);
        while (castor_decoder_next(decoder, &event, &err) == CASTOR_STEP_EVENT) continue;
        assert_int_equal(err.status, extra ? CASTOR_LIMIT : CASTOR_INCOMPLETE);
        castor_decoder_free(decoder);
        assert_int_equal(memory.live_bytes, 0);
    }
}

static void an_endless_error_body_is_judged_by_its_first_mebibyte(void **state)
{
    castor_decoder_options options = CASTOR_DECODER_OPTIONS_INIT;
    castor_decoder        *decoder;
    castor_event           event;
    castor_error           err;
    static char            page[64 << 10];
    castor_step            step = CASTOR_STEP_WAIT;

    (void)state;
    memset(page, 'x', sizeof page);
    options.http_status = 500;
    assert_int_equal(castor_decoder_new(&decoder, &options, &err), CASTOR_OK);
    for (int i = 0; i < 17 && step == CASTOR_STEP_WAIT; i++) {
        assert_int_equal(castor_decoder_feed(decoder, page, sizeof page, &err), CASTOR_OK);
        step = castor_decoder_next(decoder, &event, &err);
    }
    assert_int_equal(step, CASTOR_STEP_ERROR);
    assert_int_equal(err.http_status, 500);
    castor_decoder_free(decoder);
}

static void what_was_promised_fits_before_feed_says_limit(void **state)
{
    enum { LIMIT = 64 << 10 };
    tst_memory      memory = { 0 };
    castor_decoder *decoder = new_decoder(&memory, CASTOR_DIALECT_GEMINI, LIMIT);
    castor_event    event;
    castor_error    err;
    static char     event_text[LIMIT];

    (void)state;
    int head = snprintf(event_text, sizeof event_text, "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"");
    memset(event_text + head, 'x', sizeof event_text - (size_t)head);
    memcpy(event_text + sizeof event_text - 12, "\"}]}}]}\n\n\n\n", 12);
    for (int i = 0; i < 100; i++) { /* one event is taken each time, one waits: used bytes must make room */
        assert_int_equal(castor_decoder_feed(decoder, event_text, sizeof event_text - 1, &err), CASTOR_OK);
        if (i > 0) assert_int_equal(castor_decoder_next(decoder, &event, &err), CASTOR_STEP_EVENT);
    }
    castor_decoder_free(decoder);
    assert_int_equal(memory.live_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_that_wait_stay_good_while_more_is_fed),
        cmocka_unit_test(facts_that_change_take_no_more_memory),
        cmocka_unit_test(a_label_is_kept_up_to_its_maximum_and_cut_beyond),
        cmocka_unit_test(the_parts_of_a_tool_call_have_limits_of_their_own),
        cmocka_unit_test(joined_arguments_have_the_limit_of_an_event),
        cmocka_unit_test(an_endless_error_body_is_judged_by_its_first_mebibyte),
        cmocka_unit_test(what_was_promised_fits_before_feed_says_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
