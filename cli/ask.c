/* ask.c -- one question to a model, and the answer on standard output.
 * SPDX-License-Identifier: MIT
 *
 *     options, standard input, files --> input --> castor_request --> castor_stream --> printer --> output
 */
#include "ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fault.h"
#include "file.h"
#include "input.h"
#include "interrupt.h"
#include "printer.h"
#include "record.h"
#include "settings.h"
#include "usage.h"

#define DEFAULT_MODEL         "gemini-3.8-flash"
#define DEFAULT_MESSAGE_MODEL "chat-bison-001"

/* Everything that one question needs; zeroed it can be freed. */
typedef struct question {
    const cli_options *options;
    cli_output        *out;
    cli_notes         *notes;
    cli_input          input;
    cli_text           extra; /* -o */
    castor_turn        turn;
    castor_request     request;
    castor_client     *client;
    cli_record         record;
    int32_t            restarts;
    const char        *fallback_model; /* the last that was asked; NULL: none */
} question;

/* ---- the request ---- */

static const char *model_of(const cli_options *options)
{
    const char *from_environment = getenv("CASTOR_MODEL");
    if (options->model) return options->model;
    if (from_environment && *from_environment) return from_environment;
    return options->dialect == CASTOR_DIALECT_MESSAGE ? DEFAULT_MESSAGE_MODEL : DEFAULT_MODEL;
}

/* In the gemini dialect most settings stand below generationConfig; the other dialects have them at the top. */
static bool print_extra(question *asked, cli_fault *fault)
{
    const cli_options *options = asked->options;
    bool is_gemini = options->dialect == CASTOR_DIALECT_DEFAULT || options->dialect == CASTOR_DIALECT_GEMINI;
    asked->extra = cli_text_init(CLI_PROMPT_BYTES_MAX);
    if (!cli_settings_print(&asked->extra, options->settings, options->setting_count,
                            is_gemini ? "generationConfig" : NULL, fault)) {
        return false;
    }
    if (asked->extra.state == CLI_TEXT_OK) return true;
    return cli_fault_set(fault, CLI_EXIT_FAILED, "out of memory");
}

static void fill_request(question *asked)
{
    const cli_options *options = asked->options;
    asked->turn.role = CASTOR_USER;
    asked->turn.text = cli_text_view(&asked->input.prompt);
    asked->turn.parts = asked->input.parts;
    asked->turn.part_count = asked->input.part_count;

    castor_request *request = &asked->request;
    *request = CASTOR_REQUEST_INIT;
    request->dialect = (castor_dialect)options->dialect;
    request->model = model_of(options);
    request->system_instruction = castor_str_of(options->system);
    request->turns = &asked->turn;
    request->turn_count = 1;
    request->temperature = options->temperature;
    request->max_output_tokens = options->max_output_tokens;
    request->candidate_count = options->candidate_count;
    request->thinking_level = options->thinking_level;
    request->thinking_budget = options->thinking_budget;
    request->include_thoughts = options->wants_thoughts;
    request->response_schema = cli_text_view(&asked->input.schema);
    request->extra_json = cli_text_view(&asked->extra);
    request->total_timeout_ms = options->timeout_ms.value;
    request->is_unary = options->is_unary;
    request->recorder_bytes = options->record_path ? CLI_RECORD_BYTES_MAX : 0;
}

static void log_line(void *user, const char *line)
{
    cli_report(user, "* %s", line);
}

static void wipe(char *secret, size_t size)
{
    volatile char *bytes = secret;
    while (size-- > 0) bytes[size] = 0;
}

/* ---- attempts ---- */

/* What became of one, in a few words. */
static void print_cause(char *text, size_t size, const castor_error *error)
{
    bool        has_both = error->code[0] && error->reason[0];
    const char *name = castor_verdict_name(error->verdict);

    if (error->code[0] || error->reason[0]) {
        (void)snprintf(text, size, "%s%s%s", error->code, has_both ? " " : "", error->reason);
    } else {
        (void)snprintf(text, size, "%s: %s", name, error->message);
    }
}

/* The name as it was given on the command line; the library's own lives only as long as the call. */
static const char *fallback_named(const cli_options *options, castor_str name)
{
    for (size_t i = 0; i < options->fallback_model_count; i++) {
        const char *model = options->fallback_models[i];
        if (strlen(model) == name.len && memcmp(model, name.data, name.len) == 0) return model;
    }
    return NULL;
}

static void note_attempt(void *user, castor_stream *stream, const castor_attempt *attempt)
{
    question *asked = user;
    bool is_elsewhere = attempt->model.data != attempt->next_model.data;
    bool is_worth_a_line = is_elsewhere || attempt->is_restart || attempt->delay_ms >= CLI_NOTED_WAIT_MS;
    char cause[CLI_MESSAGE_BYTES];
    (void)stream;
    if (is_elsewhere) asked->fallback_model = fallback_named(asked->options, attempt->next_model);
    if (!is_worth_a_line && !asked->options->is_verbose) return;
    (void)cli_output_flush(asked->out); /* a note must not overtake the text that stands before it */
    print_cause(cause, sizeof cause, attempt->error);
    if (is_elsewhere) {
        cli_note(asked->notes, "%s; asking %.*s; attempt %d of %d", cause, CASTOR_ARG(attempt->next_model),
                 attempt->number + 1, attempt->attempts_max);
    } else {
        cli_note(asked->notes, "%s; waiting %.*f s%s; attempt %d of %d", cause, attempt->delay_ms < 10000,
                 (double)attempt->delay_ms / 1000.0, attempt->error->retry_after_ms.is_set ? " as the server asks" : "",
                 attempt->number + 1, attempt->attempts_max);
    }
}

static castor_retry_options retry_options(question *asked)
{
    const cli_options *options = asked->options;
    castor_retry_options retry = CASTOR_RETRY_OPTIONS_INIT;
    if (options->retries.is_set) retry.attempts_max = (int32_t)options->retries.value + 1;
    retry.budget_ms = options->retry_budget_ms.value;
    retry.restart = (int32_t)options->restarts.value;
    retry.fallback_models = options->fallback_models;
    retry.fallback_model_count = options->fallback_model_count;
    retry.on_attempt = note_attempt;
    retry.on_attempt_user = asked;
    return retry;
}

/* ---- the client ---- */

static bool open_client(question *asked, cli_fault *fault)
{
    char key[CLI_KEY_BYTES_MAX] = "";
    const cli_options *options = asked->options;
    if (options->key_path && !cli_file_read_key(key, options->key_path, fault)) {
        wipe(key, sizeof key);
        return false;
    }
    castor_client_options settings = CASTOR_CLIENT_OPTIONS_INIT;
    settings.api_key = options->key_path ? key : NULL;
    settings.base_url = options->base_url;
    settings.dialect = (castor_dialect)options->dialect;
    settings.proxy = options->proxy;
    settings.no_proxy = options->no_proxy;
    settings.ca_file = options->ca_path;
    settings.client_cert_file = options->cert_path;
    settings.client_key_file = options->cert_key_path;
    settings.client_key_password = options->cert_path ? getenv("CASTOR_CERT_PASSWORD") : NULL;
    settings.log = options->is_verbose ? log_line : NULL;
    settings.log_user = asked->notes;
    settings.connect_timeout_ms = options->connect_timeout_ms.value;
    settings.tls_timeout_ms = options->tls_timeout_ms.value;
    settings.first_byte_timeout_ms = options->first_byte_timeout_ms.value;
    settings.idle_timeout_ms = options->idle_timeout_ms.value;
    castor_retry_options retry = retry_options(asked);
    settings.retry = &retry;

    castor_error err = { 0 };
    castor_status status = castor_client_new(&asked->client, &settings, &err);
    wipe(key, sizeof key);
    if (status == CASTOR_OK) return true;
    return cli_fault_set(fault, status == CASTOR_INVALID ? CLI_EXIT_USAGE : CLI_EXIT_FAILED, "%s", err.message);
}

static bool prepare(question *asked, cli_fault *fault)
{
    if (!cli_input_read(&asked->input, asked->options, asked->notes, fault)) return false;
    if (cli_input_is_empty(&asked->input)) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "the prompt is empty. See 'castor --help'.");
    }
    if (!print_extra(asked, fault)) return false;
    fill_request(asked);
    if (!open_client(asked, fault)) return false;
    return !asked->options->record_path || cli_record_open(&asked->record, asked->options->record_path, fault);
}

static void free_question(question *asked)
{
    castor_client_free(asked->client);
    cli_record_close(&asked->record);
    cli_text_free(&asked->extra);
    cli_input_free(&asked->input);
}

/* ---- what cannot be sent ---- */

static int refuse_without_key(cli_notes *notes)
{
    cli_complain(notes, "no API key. Get one at https://aistudio.google.com/apikey and put it in GOOGLE_API_KEY or "
                 "GEMINI_API_KEY. To try without a key, start 'pollux' and run 'GEMINI_API_KEY=test-key castor "
                 "--base-url http://127.0.0.1:PORT ...' with the port that it tells.");
    return castor_verdict_exit(CASTOR_VERDICT_AUTH);
}

/* The request was not sent. What was wrong with it has the name that it has in the request: a file has its own. */
static int refuse(const question *asked, castor_status status, const castor_error *err)
{
    const char *schema_path = asked->options->schema_path;
    bool is_schema = schema_path && strncmp(err->message, "response_schema", strlen("response_schema")) == 0;
    if (err->verdict == CASTOR_VERDICT_AUTH) return refuse_without_key(asked->notes);
    if (is_schema) {
        cli_complain(asked->notes, "--schema %s: %s", cli_file_name(schema_path), err->message);
    } else {
        cli_complain(asked->notes, "%s", err->message[0] ? err->message : castor_status_name(status));
    }
    return status == CASTOR_INVALID ? CLI_EXIT_USAGE : CLI_EXIT_FAILED;
}

static int print_preview(question *asked)
{
    castor_str preview;
    castor_error err = { 0 };
    castor_status status = castor_client_preview(asked->client, &asked->request, &preview, &err);
    if (status != CASTOR_OK) return refuse(asked, status, &err);
    cli_output_add(asked->out, preview);
    cli_output_end_line(asked->out);
    (void)cli_output_flush(asked->out);
    return CLI_EXIT_OK;
}

/* -v: the first line of the request. */
static void note_request_line(question *asked)
{
    castor_str preview;
    if (castor_client_preview(asked->client, &asked->request, &preview, NULL) != CASTOR_OK) {
        return;
    }
    const char *line_end = memchr(preview.data, '\n', preview.len);
    if (line_end) preview.len = (size_t)(line_end - preview.data);
    cli_report(asked->notes, "> %.*s", CASTOR_ARG(preview));
}

/* ---- the end ---- */

static cli_facts facts_of(const question *asked, const castor_stream *stream, const castor_timing *timing)
{
    cli_facts facts = { .verdict = castor_stream_verdict(stream), .timing = timing };
    facts.error = castor_stream_error(stream);
    facts.finish_reason = castor_stream_finish_reason(stream);
    facts.model_version = castor_stream_model_version(stream);
    facts.response_id = castor_stream_response_id(stream);
    facts.usage = castor_stream_usage(stream);
    facts.block_reason = castor_stream_block_reason(stream);
    facts.attempts = castor_stream_attempts(stream);
    facts.restarts = asked->restarts;
    facts.fallback_model = asked->fallback_model;
    return facts;
}

static void today(char day[static 11])
{
    time_t now = time(NULL);
    struct tm parts;
    if (!gmtime_r(&now, &parts) || strftime(day, 11, "%Y-%m-%d", &parts) == 0) day[0] = '\0';
}

/* One line on what became of the answer. */
static void complain_of(cli_notes *notes, const cli_facts *facts)
{
    const char *message = facts->error ? facts->error->message : "the answer did not come to an end";
    cli_complain(notes, "%s: %s", castor_verdict_name(facts->verdict), message);
}

static void report_usage(const question *asked, cli_facts facts)
{
    char day[11];
    castor_timing timing = *facts.timing;
    if (asked->options->is_unary) timing.first_text_ms.is_set = 0; /* all came at once: a rate would mean nothing */
    facts.timing = &timing;
    today(day);
    cli_usage_report(asked->notes, asked->request.model, &facts, day);
}

/* Prints the rest of the answer and what it came to, and returns the exit status. */
static int conclude(question *asked, cli_printer *printer, const castor_stream *stream)
{
    castor_timing timing = castor_stream_timing(stream);
    cli_facts facts = facts_of(asked, stream, &timing);
    if (asked->out->error != 0 || !cli_printer_end(printer, &facts)) return CLI_EXIT_FAILED;

    if (facts.verdict != CASTOR_VERDICT_COMPLETE) complain_of(asked->notes, &facts);
    if (asked->options->wants_usage) report_usage(asked, facts);
    bool is_interrupted = facts.verdict == CASTOR_VERDICT_CANCELLED && cli_interrupt_signal() != 0;
    return is_interrupted ? CLI_EXIT_SIGNAL + cli_interrupt_signal() : castor_verdict_exit(facts.verdict);
}

/* --record. An answer that was whole, but is not recorded, is not what was asked for. */
static int write_record(question *asked, castor_stream *stream, int exit_status)
{
    cli_fault fault = { 0 };
    castor_error err = { 0 };
    castor_str script;
    if (!asked->options->record_path) return exit_status;
    if (castor_stream_dump(stream, &script, &err) != CASTOR_OK) {
        (void)cli_fault_set(&fault, CLI_EXIT_FAILED, "--record: %s", err.message);
    } else if (cli_record_write(&asked->record, script, &fault)) {
        return exit_status;
    }
    cli_complain(asked->notes, "%s", fault.message);
    return exit_status == CLI_EXIT_OK ? fault.exit_status : exit_status;
}

/* ---- the call ---- */

/* Shows events as they come. All that is at hand is printed in one write before we wait for more. */
static void follow(question *asked, cli_printer *printer, castor_stream *stream)
{
    castor_error err = { 0 };
    for (;;) {
        castor_event event;
        castor_step step = castor_stream_poll(stream, &event, &err);
        if (step == CASTOR_STEP_EVENT) {
            castor_usage usage = castor_stream_usage(stream);
            asked->restarts += event.type == CASTOR_EVENT_RESTART;
            if (!cli_printer_event(printer, &event, &usage)) return;
        } else if (step != CASTOR_STEP_WAIT) {
            return;
        } else if (!cli_output_flush(asked->out) ||
                   castor_client_wait(asked->client, CASTOR_NO_LIMIT, &err) != CASTOR_OK) {
            return;
        }
    }
}

static int ask_stream(question *asked, cli_printer *printer)
{
    castor_stream *stream = NULL;
    castor_error err = { 0 };
    castor_status status = castor_stream_open(&stream, asked->client, &asked->request, &err);
    if (status != CASTOR_OK) return refuse(asked, status, &err);

    cli_interrupt_watch(stream);
    follow(asked, printer, stream);
    int exit_status = conclude(asked, printer, stream);
    cli_interrupt_watch(NULL);
    exit_status = write_record(asked, stream, exit_status);
    castor_stream_close(stream);
    return exit_status;
}

static int send(question *asked)
{
    cli_printer printer;
    cli_printer_init(&printer, asked->options, asked->out, asked->notes);
    if (asked->options->is_verbose) note_request_line(asked);
    int exit_status = ask_stream(asked, &printer);
    cli_printer_free(&printer);
    return exit_status;
}

int cli_ask(const cli_options *options, cli_output *out, cli_notes *notes)
{
    question asked = { .options = options, .out = out, .notes = notes };
    cli_fault fault = { 0 };
    int exit_status;
    if (!prepare(&asked, &fault)) {
        cli_complain(notes, "%s", fault.message);
        exit_status = fault.exit_status;
    } else {
        exit_status = options->is_dry_run ? print_preview(&asked) : send(&asked);
    }
    free_question(&asked);
    return exit_status;
}
