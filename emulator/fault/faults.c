/* faults.c -- the table of all that can go wrong on request. `pollux faults`, the manual and the parser live on it.
 * SPDX-License-Identifier: MIT
 */
#include "fault/reply_head.h"
#include "fault/canned.h"
#include "fault/edit.h"
#include "fault/strike.h"

#define NUMBER(word, from, to) { .name = word, .type = PLX_SLOT_NUMBER, .least = (from), .most = (to) }
#define WORD(word, list) { .name = word, .type = PLX_SLOT_WORD, .words = (list) }
#define SECONDS(word) { .name = word, .type = PLX_SLOT_SECONDS }
#define TEXT(word) { .name = word, .type = PLX_SLOT_TEXT }

enum {
    BODY = PLX_AT_EVENT | PLX_AT_BYTE | PLX_AT_PERCENT | PLX_AT_END, /* where something can be put in */
    ANYWHERE = BODY | PLX_AT_HEAD,
    MS_MAX = PLX_WAIT_MS_MAX,
    GAP_MS_MAX = 60 * 1000,
    BYTES_MAX = PLX_EVENT_BYTES_MAX / 2,
};

static const char *const eols[] = { "lf", "cr", "crlf", "mixed", NULL };
static const char *const halves[] = { "high", "low", NULL };
static const char *const nuls[] = { "raw", "escaped", NULL };
static const char *const hollows[] = { "noparts", "empty", "absent", NULL };
static const char *const commas[] = { "comma", "lf", "spaced", NULL };
static const char *const afters[] = { "seconds", "date", NULL };

const plx_fault_kind plx_fault_kinds[] = {
    /* ---- connections ---- */
    { "refuse", .places = PLX_AT_HEAD, .place = "head", .strike = plx_strike_reset, .is_chaotic = true,
      .does = "reset without an answer; by a control call without a path already when the connection is accepted" },
    { "ignore", .places = PLX_AT_HEAD, .place = "head", .strike = plx_strike_stall,
      .does = "accept, and never answer; by a control call without a path nothing is even read" },
    { "nowindow", .places = PLX_AT_HEAD, .place = "head", .strike = plx_strike_stall, .prepare = plx_prepare_no_window,
      .does = "take none of the request's body, never open the HTTP/2 window, never answer" },
    { "rst", { WORD("CODE", plx_http2_codes) }, .argument = "internal_error", .places = ANYWHERE, .place = "event=1",
      .strike = plx_strike_reset, .is_chaotic = true,
      .does = "TCP reset; over HTTP/2 RST_STREAM with this code" },
    { "cut", .places = ANYWHERE, .place = "event=1", .strike = plx_strike_cut, .is_chaotic = true,
      .does = "the connection closes (FIN) before the body is whole; over TLS with close_notify" },
    { "silent", .places = ANYWHERE, .place = "event=1", .strike = plx_strike_silent, .is_chaotic = true,
      .does = "the same, over TLS without close_notify" },
    { "goaway", { WORD("CODE", plx_http2_codes) }, .argument = "internal_error", .places = ANYWHERE,
      .place = "event=1", .strike = plx_strike_goaway, .is_chaotic = true,
      .does = "HTTP/2 GOAWAY with this code, then the connection closes; over HTTP/1.1 as cut" },

    /* ---- time and packets ---- */
    { "stall", { NUMBER("MS", 0, MS_MAX) }, .places = ANYWHERE, .place = "event=1", .strike = plx_strike_stall,
      .does = "send nothing for so long, then go on; without MS never go on" },
    { "slowhead", { NUMBER("MS", 1, GAP_MS_MAX) }, .argument = "20", .prepare = plx_prepare_slow_head,
      .does = "status line and headers leave byte by byte, so far apart; over HTTP/2 they come as late" },
    { "slow", { NUMBER("MS", 1, GAP_MS_MAX), NUMBER("BYTES", 1, BYTES_MAX) }, .argument = "10:16",
      .prepare = plx_prepare_slow, .does = "the body leaves in pieces of so many bytes, so far apart" },
    { "bytewise", { NUMBER("GAP_US", 0, GAP_MS_MAX * 1000) }, .argument = "1000", .prepare = plx_prepare_bytewise,
      .does = "one byte a packet (HTTP/2: a frame), headers too, so far apart; without a gap the kernel joins some "
              "again" },
    { "packets", { NUMBER("BYTES", 1, BYTES_MAX), NUMBER("GAP_US", 0, GAP_MS_MAX * 1000) }, .argument = "7:0",
      .prepare = plx_prepare_packets, .does = "so many bytes a packet (HTTP/2: a frame), so far apart" },
    { "splits", { NUMBER("SEED", 0, INT32_MAX), NUMBER("BYTES", 1, BYTES_MAX) }, .argument = "1:64",
      .prepare = plx_prepare_random_packets, .is_chaotic = true,
      .does = "packets of random sizes from 1 to BYTES, drawn by the seed" },
    { "split", { WORD("WHERE", plx_split_names) }, .argument = "utf8", .prepare = plx_prepare_split, .is_chaotic = true,
      .does = "part the body inside each UTF-8 character, each escape of JSON, or each CR LF, 1 ms apart" },
    { "together", .holds = true, .does = "the whole body leaves at once, when its last piece is due" },

    /* ---- HTTP ---- */
    { "badchunk", { TEXT("TEXT") }, .argument = "zz", .places = BODY, .place = "event=1",
      .strike = plx_strike_bad_chunk, .is_chaotic = true,
      .does = "this in the place of a chunk size, then FIN; over HTTP/2 the stream is reset" },
    { "nolastchunk", .places = PLX_AT_END, .place = "end", .strike = plx_strike_cut, .is_chaotic = true,
      .does = "the body is whole, but not its end: FIN without the last chunk" },
    { "chunkext", .prepare = plx_prepare_chunk_extensions,
      .does = "chunk extensions and trailers, which are legal; then the connection closes" },
    { "length", { NUMBER("DIFFERENCE", -BYTES_MAX, BYTES_MAX) }, .argument = "10", .prepare = plx_prepare_length,
      .holds = true, .is_chaotic = true,
      .does = "a Content-Length that is so much more than the body has, or less; over HTTP/1.1 FIN follows" },
    { "untilclose", .head = plx_head_until_close,
      .does = "neither length nor chunks: the body ends with the connection, which is legal" },
    { "gzip", .prepare = plx_prepare_gzip, .does = "the body compressed, whether or not that was offered" },
    { "gzipcut", { NUMBER("BYTES", 1, BYTES_MAX) }, .argument = "12", .prepare = plx_prepare_gzip,
      .does = "the same without its last bytes, in a body that ends well" },
    { "type", { TEXT("MIME") }, .argument = "other", .head = plx_head_type, .is_chaotic = true,
      .does = "another content type; other: JSON for events and events for all else; none: no such header" },
    { "noheader", { TEXT("NAME") }, .argument = "content-type", .head = plx_head_remove,
      .does = "leave this header out" },
    { "retryafter", { NUMBER("SECONDS", 0, INT32_MAX), WORD("FORM", afters) }, .argument = "2:seconds",
      .head = plx_head_retry_after, .does = "a Retry-After header: in seconds, or that far ahead as a date" },
    { "retryafterms", { NUMBER("MS", 0, INT32_MAX) }, .argument = "250", .head = plx_head_retry_after_ms,
      .does = "a retry-after-ms header" },

    /* ---- other answers ---- */
    { "status", { NUMBER("CODE", 400, 599), WORD("DETAIL", plx_error_details) }, .argument = "503:plain",
      .answer = plx_canned_status, .is_chaotic = true,
      .does = "this error instead; 429 with the quota rpm, tpm, rpd, zero; 400 with key, expired, field, location; "
              "403 with leaked, nokey, disabled" },
    { "retryinfo", { SECONDS("SECONDS") }, .argument = "1.5",
      .does = "the delay that errors asked for beside it tell in RetryInfo and text; none: no RetryInfo" },
    { "unavailable", { NUMBER("TIMES", 1, INT32_MAX) }, .argument = "2", .answer = plx_canned_unavailable,
      .is_counted = true, .is_chaotic = true,
      .does = "503 so many times, then the real answer; counted for each request id, key and path" },
    { "html", { NUMBER("CODE", 200, 599) }, .argument = "502", .answer = plx_canned_html, .is_chaotic = true,
      .does = "a page of HTML with this status, as a front end sends" },
    { "empty", { NUMBER("CODE", 200, 599) }, .argument = "200", .answer = plx_canned_empty, .is_chaotic = true,
      .does = "this status and not one byte of body" },
    { "emptylist", .answer = plx_canned_empty_list, .is_chaotic = true, .does = "200 and [] as JSON" },
    { "redirect", { NUMBER("CODE", 300, 399), TEXT("URL") }, .argument = "302:http://elsewhere.invalid",
      .answer = plx_canned_redirect, .does = "to another host; the request's path is added to a URL that has none" },

    /* ---- ends ---- */
    { "nofinish", .edit = plx_edit_no_finish, .is_chaotic = true,
      .does = "a clean end without a finish reason" },
    { "finishtwice", .edit = plx_edit_finish_twice, .is_chaotic = true,
      .does = "one more event with the finish reason and no text" },
    { "finishall", .edit = plx_edit_finish_all, .is_chaotic = true, .does = "a finish reason on every event" },
    { "finish", { TEXT("REASON") }, .argument = "POLLUX_UNKNOWN", .edit = plx_edit_finish,
      .does = "this finish reason in the place of the real one" },
    { "error", { WORD("FORM", plx_error_forms), NUMBER("CODE", 400, 599) }, .argument = "event:503",
      .places = BODY, .place = "event=1", .strike = plx_strike_error, .is_chaotic = true,
      .does = "an error in mid-stream: as an event, as bare JSON indented, in a line, in a list, behind another key "
              "(traced), or none but a closed connection; then the end" },
    { "done", .places = BODY, .place = "end", .strike = plx_strike_done, .does = "an event [DONE]" },
    { "nodone", .edit = plx_edit_no_done, .does = "leave the event [DONE] out" },

    /* ---- events ---- */
    { "dup", .places = PLX_AT_EVENT, .place = "event=1", .edit = plx_edit_duplicate, .is_chaotic = true,
      .does = "this event comes twice" },
    { "drop", .places = PLX_AT_EVENT, .place = "event=1", .edit = plx_edit_drop, .is_chaotic = true,
      .does = "this event is missing" },
    { "swap", .places = PLX_AT_EVENT, .place = "event=1", .edit = plx_edit_swap, .is_chaotic = true,
      .does = "this event comes behind the next one" },
    { "torn", .places = PLX_AT_EVENT, .place = "event=1", .edit = plx_edit_torn, .is_chaotic = true,
      .does = "half of this event's JSON is missing; the stream goes on" },
    { "hollow", { WORD("FORM", hollows) }, .argument = "noparts", .places = PLX_AT_EVENT, .place = "event=1",
      .edit = plx_edit_hollow, .does = "one more event, whose content has no parts, is empty, or is absent" },
    { "commas", { WORD("FORM", commas) }, .argument = "comma", .prepare = plx_prepare_commas,
      .does = "what parts the elements of a JSON array: a comma alone, LF comma CR LF LF, or with blanks around" },
    { "nousage", .edit = plx_edit_no_usage, .does = "no token counts" },
    { "noindex", .edit = plx_edit_no_index, .does = "no index on candidates, choices and steps" },
    { "quoted", .edit = plx_edit_quoted, .does = "numbers as strings, as proto3 JSON has long ones" },
    { "unknown", .places = PLX_AT_EVENT, .place = "event=1", .edit = plx_edit_unknown,
      .does = "a part of an unknown kind, and an unknown field" },

    /* ---- JSON ---- */
    { "surrogate", { WORD("HALF", halves) }, .argument = "high", .places = PLX_AT_EVENT, .place = "event=1",
      .edit = plx_edit_surrogate, .is_chaotic = true, .does = "half of a surrogate pair, escaped, in the text" },
    { "badutf8", .places = PLX_AT_EVENT, .place = "event=1", .edit = plx_edit_utf8, .is_chaotic = true,
      .does = "bytes that are no UTF-8 in the text" },
    { "nul", { WORD("FORM", nuls) }, .argument = "raw", .places = PLX_AT_EVENT, .place = "event=1",
      .edit = plx_edit_nul, .is_chaotic = true, .does = "a NUL in the text, as it is or escaped" },
    { "separators", .places = PLX_AT_EVENT, .place = "event=1", .edit = plx_edit_separators, .is_chaotic = true,
      .does = "U+0085, U+2028, U+2029 and escaped CR, LF, VT, FF in the text, which end no line" },
    { "big", { NUMBER("BYTES", 1, BYTES_MAX) }, .argument = "20971520", .places = PLX_AT_EVENT, .place = "event=1",
      .edit = plx_edit_big, .does = "so many bytes more in the text of one event, in one line" },
    { "nest", { NUMBER("DEPTH", 1, BYTES_MAX / 4) }, .argument = "10000", .places = PLX_AT_EVENT, .place = "event=1",
      .edit = plx_edit_nest, .is_chaotic = true, .does = "an unknown field with arrays nested so deep" },
    { "nan", .places = PLX_AT_EVENT, .place = "event=1", .edit = plx_edit_nan, .is_chaotic = true,
      .does = "a number that JSON does not have" },
    { "twicekey", .places = PLX_AT_EVENT, .place = "event=1", .edit = plx_edit_twice_key, .is_chaotic = true,
      .does = "the first field twice, null at first" },
    { "garbage", { NUMBER("BYTES", 1, BYTES_MAX), NUMBER("SEED", 0, INT32_MAX) }, .argument = "64:1", .places = BODY,
      .place = "event=1", .strike = plx_strike_garbage, .is_chaotic = true,
      .does = "random bytes, drawn by the seed, between two others" },

    /* ---- lines of text/event-stream ---- */
    { "eol", { WORD("END", eols) }, .argument = "lf", .lines = plx_lines_eol, .is_chaotic = true,
      .does = "lines end so; mixed: in all ways, event by event" },
    { "comment", { TEXT("TEXT") }, .argument = "ping", .lines = plx_lines_comment, .is_chaotic = true,
      .does = "a comment line in each event" },
    { "event", { TEXT("NAME") }, .argument = "message", .lines = plx_lines_event, .is_chaotic = true,
      .does = "an event: line in each event" },
    { "id", { TEXT("PREFIX") }, .argument = "pollux-", .lines = plx_lines_id, .is_chaotic = true,
      .does = "an id: line in each event" },
    { "retry", { NUMBER("MS", 0, INT32_MAX) }, .argument = "3000", .lines = plx_lines_retry, .is_chaotic = true,
      .does = "a retry: line in each event" },
    { "nospace", .lines = plx_lines_no_space, .is_chaotic = true, .does = "no space behind the colon of a line" },
    { "multiline", { NUMBER("LINES", 2, 64) }, .argument = "3", .lines = plx_lines_multiline, .is_chaotic = true,
      .does = "the JSON of an event over so many data: lines" },
    { "bom", .places = PLX_AT_EVENT | PLX_AT_BYTE, .place = "byte=0", .strike = plx_strike_bom, .is_chaotic = true,
      .does = "a byte order mark" },
    { "noblank", .prepare = plx_prepare_no_blank_line, .is_chaotic = true,
      .does = "no empty line behind the last event" },
};

const size_t plx_fault_kind_count = sizeof plx_fault_kinds / sizeof plx_fault_kinds[0];

const plx_fault_kind *plx_fault_kind_find(castor_str name)
{
    for (size_t i = 0; i < plx_fault_kind_count; i++) {
        if (cst_str_is(name, plx_fault_kinds[i].name)) return &plx_fault_kinds[i];
    }
    return NULL;
}
