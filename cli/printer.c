/* printer.c -- shows an answer in one of the three forms: text, json, jsonl.
 * SPDX-License-Identifier: MIT
 */
#include "printer.h"

#include <errno.h>

#include "json.h"
#include "utf8.h"

void cli_printer_init(cli_printer *printer, const cli_options *options, cli_output *out, cli_notes *notes)
{
    *printer = (cli_printer){ .form = (cli_form)options->form, .out = out, .notes = notes };
    printer->wants_thoughts = options->wants_thoughts;
    printer->thoughts = cli_text_init(CLI_ANSWER_BYTES_MAX);
    printer->calls = cli_text_init(CLI_ANSWER_BYTES_MAX);
    printer->parts = cli_text_init(CLI_ANSWER_BYTES_MAX);
    for (int i = 0; i < CLI_CANDIDATES_MAX; i++) {
        printer->candidates[i].text = cli_text_init(CLI_ANSWER_BYTES_MAX);
        printer->candidates[i].finish = cli_text_init(CLI_ANSWER_BYTES_MAX);
    }
}

void cli_printer_free(cli_printer *printer)
{
    cli_text_free(&printer->thoughts);
    cli_text_free(&printer->calls);
    cli_text_free(&printer->parts);
    for (int i = 0; i < CLI_CANDIDATES_MAX; i++) {
        cli_text_free(&printer->candidates[i].text);
        cli_text_free(&printer->candidates[i].finish);
    }
}

/* NULL for an index that we do not keep. */
static cli_candidate *candidate_of(cli_printer *printer, const castor_event *event)
{
    if (event->candidate < 0 || event->candidate >= CLI_CANDIDATES_MAX) return NULL;
    cli_candidate *candidate = &printer->candidates[event->candidate];
    candidate->is_seen = true;
    return candidate;
}

static bool has_several(const cli_printer *printer)
{
    for (int i = 1; i < CLI_CANDIDATES_MAX; i++) {
        if (printer->candidates[i].is_seen) return true;
    }
    return false;
}

/* What was kept and could not be: an error of the output, as a full disk is. */
static bool keep(cli_printer *printer, cli_text *kept, castor_str text)
{
    cli_text_add_str(kept, text);
    if (kept->state == CLI_TEXT_OK) return true;
    printer->out->error = kept->state == CLI_TEXT_NO_MEMORY ? ENOMEM : EFBIG;
    return false;
}

/* What was kept is not of the answer that comes now. */
static void discard(cli_printer *printer)
{
    printer->thoughts.len = printer->calls.len = printer->parts.len = 0;
    for (int i = 0; i < CLI_CANDIDATES_MAX; i++) {
        printer->candidates[i].text.len = printer->candidates[i].finish.len = 0;
        printer->candidates[i].is_seen = false;
    }
}

/* ---- text ---- */

static void note_call(cli_printer *printer, const castor_event *event)
{
    castor_str args = event->args.data ? event->args : CASTOR_STR("");
    bool is_long = args.len > CLI_NOTE_ARGS_BYTES;
    if (is_long) args.len = cli_utf8_whole((castor_str){ args.data, CLI_NOTE_ARGS_BYTES });
    cli_note(printer->notes, "the model calls %.*s(%.*s%s)%s", CASTOR_ARG(event->name), CASTOR_ARG(args),
             is_long ? "..." : "", event->is_partial ? ", but the call is cut off" : "");
}

/* Of the bytes that base64 stands for. */
static size_t decoded_size(castor_str base64)
{
    size_t len = base64.len;
    while (len > 0 && base64.data[len - 1] == '=') len--;
    return len / 4 * 3 + len % 4 * 3 / 4;
}

static void note_media(cli_printer *printer, const castor_event *event)
{
    castor_str type = event->mime_type.data ? event->mime_type : CASTOR_STR("media");
    if (event->data.data) {
        cli_note(printer->notes, "the answer has %.*s of %zu bytes here; --output jsonl shows it", CASTOR_ARG(type),
                 decoded_size(event->data));
    } else {
        cli_note(printer->notes, "the answer has %.*s here: %.*s", CASTOR_ARG(type), CASTOR_ARG(event->uri));
    }
}

/* Candidate 0 is shown as it comes; the others wait, because two answers at once cannot be read. */
static bool print_text(cli_printer *printer, const castor_event *event)
{
    cli_candidate *candidate = candidate_of(printer, event);
    if (!candidate) return true;
    if (event->candidate > 0) return keep(printer, &candidate->text, event->text);
    cli_notes_end_line(printer->notes); /* thoughts */
    cli_output_add(printer->out, event->text);
    return cli_output_settle(printer->out);
}

static void note_event(cli_printer *printer, const castor_event *event)
{
    switch (event->type) {
    case CASTOR_EVENT_THOUGHT:
        if (printer->wants_thoughts && event->candidate == 0) cli_notes_think(printer->notes, event->text);
        break;
    case CASTOR_EVENT_FUNCTION_CALL: note_call(printer, event); break;
    case CASTOR_EVENT_MEDIA: note_media(printer, event); break;
    case CASTOR_EVENT_CODE: cli_note(printer->notes, "the model runs code; --output jsonl shows it"); break;
    default: break;
    }
}

/* What stands above cannot be taken back, and is marked. */
static bool print_restart(cli_printer *printer)
{
    discard(printer);
    cli_notes_end_line(printer->notes);
    cli_output_end_line(printer->out);
    cli_output_add(printer->out, CASTOR_STR("--- the answer begins anew ---\n"));
    return cli_output_flush(printer->out);
}

static bool print_event_as_text(cli_printer *printer, const castor_event *event)
{
    switch (event->type) {
    case CASTOR_EVENT_TEXT: return print_text(printer, event);
    case CASTOR_EVENT_RESTART: return print_restart(printer);
    case CASTOR_EVENT_USAGE:
    case CASTOR_EVENT_FINISH: return true;
    default: break;
    }
    /* A note must not overtake the text that stands before it. */
    if (!cli_output_flush(printer->out)) return false;
    note_event(printer, event);
    return true;
}

static bool print_end_as_text(cli_printer *printer)
{
    cli_notes_end_line(printer->notes);
    cli_output_end_line(printer->out);
    for (int i = 1; i < CLI_CANDIDATES_MAX; i++) {
        if (!printer->candidates[i].is_seen) continue;
        cli_text_format(&printer->out->pending, "--- candidate %d ---\n", i);
        cli_output_add(printer->out, cli_text_view(&printer->candidates[i].text));
        cli_output_end_line(printer->out);
    }
    return cli_output_flush(printer->out);
}

/* ---- jsonl ---- */

static bool print_event_as_line(cli_printer *printer, const castor_event *event, const castor_usage *usage)
{
    cli_event_line(&printer->out->pending, event, usage, false);
    return cli_output_settle(printer->out);
}

static bool print_end_as_line(cli_printer *printer, const cli_facts *facts)
{
    cli_end_line(&printer->out->pending, facts, &printer->tally);
    return cli_output_flush(printer->out);
}

/* ---- json ---- */

static bool keep_element(cli_printer *printer, cli_text *array, const castor_event *event, const castor_usage *usage)
{
    if (array->len > 0) cli_text_add_byte(array, ',');
    cli_text_add_byte(array, '{');
    cli_event_members(array, event, usage);
    cli_text_add_byte(array, '}');
    return keep(printer, array, (castor_str){ NULL, 0 });
}

static bool keep_event(cli_printer *printer, const castor_event *event, const castor_usage *usage)
{
    if (event->type == CASTOR_EVENT_RESTART) {
        discard(printer);
        return true;
    }
    cli_candidate *candidate = candidate_of(printer, event);
    switch (event->type) {
    case CASTOR_EVENT_TEXT: return !candidate || keep(printer, &candidate->text, event->text);
    case CASTOR_EVENT_THOUGHT: return event->candidate != 0 || keep(printer, &printer->thoughts, event->text);
    case CASTOR_EVENT_FUNCTION_CALL: return keep_element(printer, &printer->calls, event, usage);
    case CASTOR_EVENT_USAGE: return true; /* the last counts are in the facts */
    case CASTOR_EVENT_FINISH:
        if (candidate) candidate->finish.len = 0;
        return !candidate || keep(printer, &candidate->finish, event->finish_reason);
    default: return keep_element(printer, &printer->parts, event, usage);
    }
}

static castor_str text_of(const cli_candidate *candidate)
{
    return candidate->text.len > 0 ? cli_text_view(&candidate->text) : CASTOR_STR("");
}

static void put_candidates(cli_text *out, const cli_printer *printer)
{
    cli_json_key(out, "candidates");
    cli_text_add_byte(out, '[');
    for (int i = 0; i < CLI_CANDIDATES_MAX; i++) {
        const cli_candidate *candidate = &printer->candidates[i];
        if (!candidate->is_seen) continue;
        cli_json_comma(out);
        cli_text_add_byte(out, '{');
        cli_json_put_integer(out, "candidate", i);
        cli_json_put_str(out, "text", text_of(candidate));
        cli_json_put_str(out, "finish", cli_text_view(&candidate->finish));
        cli_text_add_byte(out, '}');
    }
    cli_text_add_byte(out, ']');
}

static void put_array(cli_text *out, const char *key, const cli_text *elements)
{
    if (elements->len == 0) return;
    cli_json_key(out, key);
    cli_text_add_byte(out, '[');
    cli_text_add_str(out, cli_text_view(elements));
    cli_text_add_byte(out, ']');
}

static bool print_end_as_object(cli_printer *printer, const cli_facts *facts)
{
    cli_text *out = &printer->out->pending;
    cli_text_add_byte(out, '{');
    cli_json_put_str(out, "text", text_of(&printer->candidates[0]));
    cli_json_put_str(out, "thoughts", cli_text_view(&printer->thoughts));
    if (has_several(printer)) put_candidates(out, printer);
    put_array(out, "function_calls", &printer->calls);
    put_array(out, "parts", &printer->parts);
    cli_facts_members(out, facts, NULL);
    cli_text_put(out, "}\n");
    return cli_output_flush(printer->out);
}

/* ---- all three ---- */

bool cli_printer_event(cli_printer *printer, const castor_event *event, const castor_usage *usage)
{
    cli_tally_add(&printer->tally, event);
    switch (printer->form) {
    case CLI_FORM_JSON: return keep_event(printer, event, usage);
    case CLI_FORM_JSONL: return print_event_as_line(printer, event, usage);
    default: return print_event_as_text(printer, event);
    }
}

bool cli_printer_end(cli_printer *printer, const cli_facts *facts)
{
    switch (printer->form) {
    case CLI_FORM_JSON: return print_end_as_object(printer, facts);
    case CLI_FORM_JSONL: return print_end_as_line(printer, facts);
    default: return print_end_as_text(printer);
    }
}
