/* dump.c -- a recording as a script that pollux plays.
 * SPDX-License-Identifier: MIT
 *
 * Every byte that is not printable ASCII is escaped, so that the file survives mail and editors. A `~` line stands
 * between two pieces even when no time passed: there the network cut.
 */
#include "dump.h"

/* What the answer was like when it ended, in the words of a script. */
typedef enum how_it_ended { ENDED_CLEAN, ENDED_LOST, ENDED_CLOSED, FELL_SILENT } how_it_ended;

/* Where we stopped reading, nobody knows what would have followed: silence, if that is why we stopped. */
static how_it_ended how_it_ended_of(const cst_recorder *recorder, const cst_dump_facts *facts)
{
    bool was_silent = facts->verdict == CASTOR_VERDICT_TIMEOUT || facts->verdict == CASTOR_VERDICT_CANCELLED ||
                      facts->verdict == CASTOR_VERDICT_NONE;

    if (recorder->end == CST_RECORD_LOST) return ENDED_LOST;
    if (recorder->end == CST_RECORD_CLOSED) return ENDED_CLOSED;
    return recorder->end == CST_RECORD_OPEN && was_silent ? FELL_SILENT : ENDED_CLEAN;
}

/* ---- prose ---- */

/* What others said, as a script would say it. */
static castor_status print_ascii(cst_buf *out, castor_str text)
{
    castor_status status = CASTOR_OK;

    for (size_t i = 0; status == CASTOR_OK && i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        status = byte < 0x80 ? cst_buf_append(out, &byte, 1) : cst_buf_append_format(out, "\\x%02x", byte);
    }
    return status;
}

static castor_status print_outcome(cst_buf *out, const cst_dump_facts *facts)
{
    if (facts->verdict == CASTOR_VERDICT_NONE) return cst_buf_append_text(out, "It was still under way.\n");
    castor_status status = cst_buf_append_format(out, "It came to %s%s", castor_verdict_name(facts->verdict),
                                                 facts->message ? ": " : "");
    if (status == CASTOR_OK) status = print_ascii(out, castor_str_of(facts->message));
    return status == CASTOR_OK ? cst_buf_append_text(out, ".\n") : status;
}

static castor_status print_missing(cst_buf *out, const cst_recorder *recorder, size_t skipped, cst_framing framing)
{
    const char *rest = framing == CST_FRAMING_SSE ? "what follows begins with the first whole event that is left"
                                                  : "without them the rest is no JSON, and cannot come to the same";

    if (recorder->dropped == 0) return CASTOR_OK;
    return cst_buf_append_format(out, "The recorder was full: the first %llu bytes are missing, and %s.\n",
                                 (unsigned long long)recorder->dropped + skipped, rest);
}

static castor_status print_prose(cst_buf *out, const cst_recorder *recorder, size_t skipped,
                                 const cst_dump_facts *facts)
{
    const char *query = facts->url.len ? memchr(facts->url.data, '?', facts->url.len) : NULL;
    castor_str  url = { facts->url.data, query ? (size_t)(query - facts->url.data) : facts->url.len };

    castor_status status = cst_buf_append_text(out, "# An answer recorded by castor " CASTOR_VERSION "\n\nPOST ");
    if (status == CASTOR_OK) status = print_ascii(out, url);
    if (status == CASTOR_OK) status = cst_buf_append_format(out, ", attempt %zu.\n", recorder->attempt_count);
    if (status == CASTOR_OK) status = print_outcome(out, facts);
    if (status == CASTOR_OK) status = print_missing(out, recorder, skipped, facts->framing);
    if (status != CASTOR_OK) return status;
    return cst_buf_append_text(out, "Key and question are not in here. To play it again: pollux --script FILE, then "
                                    "ask it anything.\n\n");
}

/* ---- settings ---- */

static const char *fault_without_answer(how_it_ended end)
{
    return end == FELL_SILENT ? "ignore" : end == ENDED_CLOSED ? "cut@head" : "refuse";
}

/* What a script says beside status, type and a connection that is reset, it says as a fault. */
static castor_status print_fault(cst_buf *out, const cst_recorder *recorder, how_it_ended end)
{
    long long   retry_after_s = (long long)(recorder->retry_after_ms.value + 999) / 1000;
    const char *cut = end == ENDED_CLOSED ? "cut@end" : "";

    if (recorder->http_status == 0) return cst_buf_append_format(out, "@ fault: %s\n", fault_without_answer(end));
    if (recorder->redirected_to[0]) {
        return cst_buf_append_format(out, "@ fault: redirect=%d:%s\n", (int)recorder->http_status,
                                     recorder->redirected_to);
    }
    if (!recorder->retry_after_ms.is_set) return *cut ? cst_buf_append_format(out, "@ fault: %s\n", cut) : CASTOR_OK;
    return cst_buf_append_format(out, "@ fault: retryafter=%lld%s%s\n", retry_after_s, *cut ? "," : "", cut);
}

static castor_status print_settings(cst_buf *out, const cst_recorder *recorder, const cst_dump_facts *facts)
{
    const char   *type = recorder->content_type;
    how_it_ended  end = how_it_ended_of(recorder, facts);

    castor_status status = cst_buf_append_format(out, "## A recorded answer, to whatever is asked\n? *\n"
                                                      "@ dialect: %s\n", castor_dialect_name(facts->dialect));
    if (status == CASTOR_OK) status = print_fault(out, recorder, end);
    if (status != CASTOR_OK || recorder->http_status == 0) return status;
    status = cst_buf_append_format(out, "@ status: %d\n@ content-type: ", (int)recorder->http_status);
    for (const char *at = type; status == CASTOR_OK && *at; at++) {
        status = cst_buf_append(out, (unsigned char)*at < 0x80 ? at : "?", 1);
    }
    if (status != CASTOR_OK) return status;
    return cst_buf_append_format(out, "%s\n@ end: %s\n", *type ? "" : "none", end == ENDED_LOST ? "lost" : "clean");
}

/* ---- bytes ---- */

static castor_status print_byte(cst_buf *out, unsigned char byte, bool is_last)
{
    static const char names[] = "\r\n\t\0\\", letters[] = "rnt0\\";
    const char       *name = memchr(names, byte, sizeof names - 1);

    if (name) return cst_buf_append_format(out, "\\%c", letters[name - names]);
    if (byte > ' ' && byte < 0x7F) return cst_buf_append(out, &byte, 1);
    if (byte == ' ' && !is_last) return cst_buf_append(out, &byte, 1);
    return cst_buf_append_format(out, "\\x%02x", byte);
}

/* One line of the script: up to the end of a line of the body. */
static castor_status print_line(cst_buf *out, castor_str line)
{
    castor_status status = cst_buf_append_text(out, "<\\ ");

    for (size_t i = 0; status == CASTOR_OK && i < line.len; i++) {
        status = print_byte(out, (unsigned char)line.data[i], i + 1 == line.len);
    }
    return status == CASTOR_OK ? cst_buf_append_text(out, "\n") : status;
}

static castor_status print_bytes(cst_buf *out, castor_str bytes)
{
    castor_status status = CASTOR_OK;

    while (status == CASTOR_OK && bytes.len > 0) {
        size_t      most = bytes.len < CST_DUMP_LINE_MAX ? bytes.len : CST_DUMP_LINE_MAX;
        const char *newline = memchr(bytes.data, '\n', most);
        size_t      len = newline ? (size_t)(newline - bytes.data) + 1 : most;
        status = print_line(out, (castor_str){ bytes.data, len });
        bytes = (castor_str){ bytes.data + len, bytes.len - len };
    }
    return status;
}

static castor_status print_wait(cst_buf *out, uint32_t wait_ms)
{
    return cst_buf_append_format(out, "~ %u\n", (unsigned)wait_ms);
}

/* All but the first `skipped` bytes. */
static castor_status print_pieces(cst_buf *out, cst_recorder *recorder, size_t skipped)
{
    size_t          count;
    const cst_mark *marks = cst_recorder_marks(recorder, &count);
    castor_str      left = cst_recorder_bytes(recorder);
    castor_status   status = CASTOR_OK;

    for (size_t i = 0; status == CASTOR_OK && i < count; i++) {
        size_t     skip = marks[i].len < skipped ? marks[i].len : skipped;
        castor_str piece = { left.data + skip, marks[i].len - skip };
        left = (castor_str){ left.data + marks[i].len, left.len - marks[i].len };
        skipped -= skip;
        if (piece.len == 0) continue;
        status = print_wait(out, marks[i].wait_ms);
        if (status == CASTOR_OK) status = print_bytes(out, piece);
    }
    return status;
}

static castor_status print_end(cst_buf *out, const cst_recorder *recorder, const cst_dump_facts *facts)
{
    bool is_silent = how_it_ended_of(recorder, facts) == FELL_SILENT;

    return print_wait(out, is_silent ? (uint32_t)CST_NEVER_MS : recorder->end_wait_ms);
}

/* ---- where it begins ---- */

static size_t line_end_length(castor_str bytes, size_t at)
{
    if (at >= bytes.len || (bytes.data[at] != '\r' && bytes.data[at] != '\n')) return 0;
    return bytes.data[at] == '\r' && at + 1 < bytes.len && bytes.data[at + 1] == '\n' ? 2 : 1;
}

/* The offset behind the first blank line: there an event begins. */
static size_t first_event(castor_str bytes)
{
    for (size_t at = 0; at < bytes.len;) {
        size_t line_end = line_end_length(bytes, at);
        size_t blank = line_end ? line_end_length(bytes, at + line_end) : 0;
        if (blank) return at + line_end + blank;
        at += line_end ? line_end : 1;
    }
    return bytes.len;
}

castor_status cst_dump_print(cst_recorder *recorder, const cst_dump_facts *facts)
{
    bool     is_whole = recorder->dropped == 0 || facts->framing != CST_FRAMING_SSE;
    size_t   skipped = is_whole ? 0 : first_event(cst_recorder_bytes(recorder));
    cst_buf *out = &recorder->script;

    out->len = 0;
    castor_status status = print_prose(out, recorder, skipped, facts);
    if (status != CASTOR_OK) return status;
    if (!recorder->is_connected) return cst_buf_append_text(out, "There was no connection: nothing can be played.\n");
    status = print_settings(out, recorder, facts);
    if (status != CASTOR_OK || recorder->http_status == 0) return status;
    status = print_pieces(out, recorder, skipped);
    return status == CASTOR_OK ? print_end(out, recorder, facts) : status;
}
