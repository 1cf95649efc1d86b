/* decode.c -- recorded bytes in, one JSON object a line out.
 * SPDX-License-Identifier: MIT
 *
 * Memory is bounded by the largest event, however long the recording is.
 */
#include "decode.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "event_json.h"
#include "fault.h"
#include "file.h"

typedef struct decoding {
    castor_decoder *decoder;
    cli_output     *out;
    bool            wants_raw;
    bool            is_live; /* the bytes may still be on their way: show what we have before we wait for more */
    cli_tally       tally;
    castor_error    error;   /* once it ended in an error; else its status is OK */
} decoding;

/* Prints the events at hand. Returns what came after them: WAIT, DONE or ERROR; ERROR too when the output failed. */
static castor_step drain(decoding *job)
{
    for (;;) {
        castor_event event;
        castor_step step = castor_decoder_next(job->decoder, &event, &job->error);
        if (step != CASTOR_STEP_EVENT) return step;
        castor_usage usage = { 0 };
        if (event.type == CASTOR_EVENT_USAGE) usage = castor_decoder_usage(job->decoder);
        cli_tally_add(&job->tally, &event);
        cli_event_line(&job->out->pending, &event, &usage, job->wants_raw);
        if (!cli_output_settle(job->out)) return CASTOR_STEP_ERROR;
    }
}

/* Feeds all of `fd`. False when bytes were lost on our side; whatever else fails is in job->error or in the output. */
static bool feed_all(decoding *job, int fd, const char *name, cli_fault *fault)
{
    char block[CLI_READ_BYTES];
    for (;;) {
        if (job->is_live && !cli_output_flush(job->out)) return true;
        long count = cli_file_read_some(fd, block, sizeof block);
        if (count < 0) return cli_fault_set(fault, CLI_EXIT_FAILED, "cannot read %s: %s", name, strerror(errno));
        if (count == 0) return true;
        castor_error err = { 0 };
        if (castor_decoder_feed(job->decoder, block, (size_t)count, &err) != CASTOR_OK) {
            return cli_fault_set(fault, CLI_EXIT_FAILED, "%s", err.message);
        }
        if (drain(job) != CASTOR_STEP_WAIT) return true;
    }
}

static cli_facts facts_of(const decoding *job)
{
    cli_facts facts = { .verdict = castor_decoder_verdict(job->decoder) };
    facts.error = job->error.status != CASTOR_OK ? &job->error : NULL;
    facts.finish_reason = castor_decoder_finish_reason(job->decoder);
    facts.block_reason = castor_decoder_block_reason(job->decoder);
    facts.model_version = castor_decoder_model_version(job->decoder);
    facts.response_id = castor_decoder_response_id(job->decoder);
    facts.usage = castor_decoder_usage(job->decoder);
    return facts;
}

/* Says that the bytes ended, prints what that brought to light, and the end line. */
static int finish(decoding *job, castor_end end)
{
    if (job->out->error != 0) return CLI_EXIT_FAILED;
    castor_decoder_end(job->decoder, end);
    (void)drain(job);
    if (job->out->error != 0) return CLI_EXIT_FAILED;
    cli_facts facts = facts_of(job);
    cli_end_line(&job->out->pending, &facts, &job->tally);
    return cli_output_flush(job->out) ? castor_verdict_exit(facts.verdict) : CLI_EXIT_FAILED;
}

static bool is_file(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

static bool open_decoder(decoding *job, const cli_options *options, cli_fault *fault)
{
    castor_decoder_options settings = CASTOR_DECODER_OPTIONS_INIT;
    settings.dialect = (castor_dialect)options->dialect;
    settings.content_type = options->content_type;
    settings.http_status = (int32_t)options->http_status.value;
    castor_error err = { 0 };
    castor_status status = castor_decoder_new(&job->decoder, &settings, &err);
    if (status == CASTOR_OK) return true;
    return cli_fault_set(fault, status == CASTOR_INVALID ? CLI_EXIT_USAGE : CLI_EXIT_FAILED, "%s", err.message);
}

static bool decode_file(decoding *job, const cli_options *options, const char *path, int *exit_status,
                        cli_fault *fault)
{
    int fd = cli_file_open(path, fault);
    if (fd < 0) return false;
    job->is_live = !is_file(fd);
    bool is_read = feed_all(job, fd, cli_file_name(path), fault);
    cli_file_close(fd);
    if (is_read) *exit_status = finish(job, options->is_lost ? CASTOR_END_LOST : CASTOR_END_CLEAN);
    else (void)cli_output_flush(job->out);
    return is_read;
}

int cli_decode(const cli_options *options, cli_output *out, cli_notes *notes)
{
    decoding job = { .out = out, .wants_raw = options->wants_raw };
    cli_fault fault = { 0 };
    int exit_status = CLI_EXIT_FAILED;
    const char *path = options->word_count > 0 ? options->words[0] : "-";
    if (!open_decoder(&job, options, &fault) || !decode_file(&job, options, path, &exit_status, &fault)) {
        cli_complain(notes, "%s", fault.message);
        exit_status = fault.exit_status;
    }
    castor_decoder_free(job.decoder);
    return exit_status;
}
