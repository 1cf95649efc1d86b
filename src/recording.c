/* recording.c -- what the flight recorder of a stream has, for its caller.
 * SPDX-License-Identifier: MIT
 */
#include "dump.h"
#include "error.h"
#include "stream.h"

static cst_dump_facts facts_of(const castor_stream *stream)
{
    const castor_error *error = castor_stream_error(stream);

    return (cst_dump_facts){
        .url = cst_buf_view(&stream->call.url),
        .dialect = stream->call.dialect->id,
        .framing = stream->attempt.decoder ? stream->attempt.decoder->frame.framing : CST_FRAMING_UNKNOWN,
        .verdict = castor_stream_verdict(stream),
        .message = error ? error->message : NULL,
    };
}

castor_status castor_stream_dump(const castor_stream *stream, castor_str *out, castor_error *err)
{
    if (out) *out = CST_NONE;
    if (!stream || !out) return cst_fail(err, CASTOR_INVALID, "castor_stream_dump: an argument is NULL");
    if (!stream->attempt.recorder) {
        return cst_fail(err, CASTOR_INVALID, "nothing was recorded: set recorder_bytes in the request, or in the "
                                             "options of the client");
    }
    cst_dump_facts facts = facts_of(stream);
    cst_stream_finish_recording(stream);
    castor_status status = cst_dump_print(stream->attempt.recorder, &facts);
    if (status != CASTOR_OK) return cst_fail_plainly(err, status);
    *out = cst_buf_view(&stream->attempt.recorder->script);
    return CASTOR_OK;
}
