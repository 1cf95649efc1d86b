/* fates.c -- the table of what becomes of an answer that pollux spoils, and what its texts mean.
 * SPDX-License-Identifier: MIT
 *
 * Read a row as: this fault, what a stream comes to over HTTP/1.1, over HTTP/2 where that differs, what a whole answer
 * comes to, and why that is right. The verdicts are those of docs/architecture.md; of two that would fit, a row takes
 * the one that keeps the promise "half an answer is never called whole".
 */
#include "fates.h"

#define END(verdict, text, requests) { CASTOR_VERDICT_##verdict, text, requests }
#define SAME { CASTOR_VERDICT_NONE, NULL, 0 }

/* The endings that many rows share. */
#define ALL END(COMPLETE, "*", 1)       /* nothing to notice */
#define LOST END(NETWORK, "", 3)        /* nobody has seen content: asked again, and again in vain */
#define HALF END(TRUNCATED, "0", 1)     /* content was shown: never asked again */
#define UNENDED END(TRUNCATED, "*", 1)  /* all of it came, but the end of the body did not */
#define REFUSED END(FAILED, "", 1)
#define DOWN END(FAILED, "", 3)
#define NO_KEY END(AUTH, "", 1)
#define WAIT END(QUOTA_NOW, "", 1)      /* the delay that the server asks for is beyond what may be waited */
#define GARBLED END(MALFORMED, "", 1)
#define GARBLED_BEHIND END(MALFORMED, "*", 1)

const tst_fate tst_fates[] = {
    /* ---- connections ---- */
    { "refuse@head", { LOST }, "no byte of an answer came" },
    { "ignore@head", { END(TIMEOUT, "", 1) }, "the limit on the first byte; who thinks is not asked twice" },
    { "nowindow@head", { END(TIMEOUT, "", 1) }, "small requests are sent all the same; then as \"ignore\"" },
    { "rst=internal_error@head", { LOST }, "" },
    { "rst=refused_stream@head", { LOST }, "asked again as all else, not five times at once as libcurl would" },
    { "rst=internal_error@event=1", { END(TRUNCATED, "0?", 1), SAME, END(TRUNCATED, "*?", 1) },
      "a reset may overtake what came before it; libcurl throws away what HTTP/2 brought together with it" },
    { "rst=no_error@event=1", { END(TRUNCATED, "0?.", 1), SAME, END(TRUNCATED, "*?!.", 1) },
      "no error, and no end either; but behind all that Content-Length names, libcurl 8 misses nothing, and of a body "
      "that the reset has overtaken libcurl 7 says that there was none" },
    { "cut@head", { LOST }, "" },
    { "cut@byte=0", { LOST }, "a head is no content" },
    { "cut@byte=40", { LOST }, "half an event is no content" },
    { "cut@event=1", { HALF, SAME, UNENDED }, "half an answer is never called whole" },
    { "cut@end", { UNENDED }, "the finish was told, but that the body is whole was not" },
    { "silent@head", { LOST }, "" },
    { "silent@event=1", { HALF, SAME, UNENDED }, "without close_notify it may be an attacker's cut" },
    { "silent@end", { UNENDED }, "" },
    { "goaway=internal_error@head", { LOST }, "" },
    { "goaway=internal_error@event=1", { HALF, SAME, UNENDED }, "" },
    { "goaway=no_error@event=1", { HALF, SAME, UNENDED }, "the server leaves in good order, without its answer" },

    /* ---- time and packets ---- */
    { "stall@head", { END(TIMEOUT, "", 1) }, "the limit on the first byte" },
    { "stall@event=1", { END(TIMEOUT, "0", 1), SAME, END(TIMEOUT, "*", 1) }, "the limit between two bytes" },
    { "stall@end", { END(TIMEOUT, "*", 1) }, "the body might still bring something: it has not ended" },
    { "stall=30@event=1", { ALL }, "a pause within the limits" },
    { "slowhead=1", { ALL }, "" },
    { "slow=1:200", { ALL }, "" },
    { "bytewise=0", { ALL }, "every cut gives the same events" },
    { "packets=7:0", { ALL }, "" },
    { "splits=1:64", { ALL }, "" },
    { "split=utf8", { ALL }, "" },
    { "split=escape", { ALL }, "" },
    { "split=crlf", { ALL }, "" },
    { "together", { ALL }, "" },

    /* ---- HTTP ---- */
    { "badchunk=zz@event=1", { HALF, END(TRUNCATED, "0?", 1), UNENDED, END(TRUNCATED, "*?", 1) },
      "what is no chunk ends the body; over HTTP/2 a reset" },
    { "nolastchunk@end", { UNENDED }, "" },
    { "chunkext", { ALL }, "legal" },
    { "length=10", { UNENDED, END(TRUNCATED, "*?", 1), UNENDED, END(TRUNCATED, "*?", 1) },
      "ten bytes are missing; over HTTP/2 a breach of the protocol, on which libcurl resets the stream" },
    { "length=-7", { UNENDED, END(TRUNCATED, "*?", 1), END(TRUNCATED, "", 3), END(TRUNCATED, "*?", 1) },
      "the body ends inside the last event; of one JSON object nothing can be told, and so it is asked for again" },
    { "untilclose", { ALL }, "legal, and the finish was told" },
    { "gzip", { ALL }, "" },
    { "gzipcut=12", { ALL }, "only the checksum and the end mark are missing: what was told is whole" },
    { "gzipcut=150", { END(TRUNCATED, "*?", 1), SAME, END(TRUNCATED, "", 3) }, "here the finish is missing too" },
    { "type=other", { ALL }, "the bytes decide what they are" },
    { "type=none", { ALL }, "" },
    { "noheader=content-type", { ALL }, "" },
    { "retryafter=2:seconds", { ALL }, "says nothing beside an answer" },
    { "retryafterms=250", { ALL }, "" },
    { "status=503:plain,retryafter=60:seconds", { REFUSED }, "the delay is beyond what may be waited" },
    { "status=503:plain,retryafterms=20", { DOWN }, "a delay that can be waited" },

    /* ---- other answers ---- */
    { "status=400:plain", { REFUSED }, "" },
    { "status=400:key", { NO_KEY }, "" },
    { "status=400:expired", { NO_KEY }, "" },
    { "status=400:field", { REFUSED }, "" },
    { "status=400:location", { REFUSED }, "" },
    { "status=401:plain", { NO_KEY }, "" },
    { "status=403:plain", { NO_KEY }, "" },
    { "status=403:leaked", { NO_KEY }, "" },
    { "status=403:nokey", { NO_KEY }, "" },
    { "status=403:disabled", { NO_KEY }, "" },
    { "status=404:plain", { REFUSED }, "" },
    { "status=408:plain", { DOWN }, "" },
    { "status=429:plain", { END(QUOTA_NOW, "", 3) }, "a quota that says nothing of the day is one of the minute" },
    { "status=429:rpm", { WAIT }, "" },
    { "status=429:tpm", { WAIT }, "" },
    { "status=429:rpd", { END(QUOTA_DAY, "", 1) }, "no short wait mends it, whatever RetryInfo says" },
    { "status=429:zero", { END(QUOTA_DAY, "", 1) }, "" },
    { "status=429:rpm,retryinfo=0.01", { END(QUOTA_NOW, "", 3) }, "the server's own delay is kept" },
    { "status=429:rpm,retryinfo=none", { END(QUOTA_NOW, "", 3) }, "" },
    { "status=500:plain", { DOWN }, "" },
    { "status=501:plain", { REFUSED }, "" },
    { "status=502:plain", { DOWN }, "" },
    { "status=503:plain", { DOWN }, "" },
    { "status=504:plain", { DOWN }, "" },
    { "retryinfo=1.5", { ALL }, "no error stands beside it" },
    { "unavailable=2", { END(COMPLETE, "*", 3) }, "the third time it is there" },
    { "unavailable=9", { DOWN }, "" },
    { "html=502", { DOWN }, "" },
    { "html=200", { GARBLED }, "a login page, or a wrong base URL" },
    { "empty=200", { END(EMPTY, "", 1) }, "" },
    { "empty=502", { DOWN }, "" },
    { "emptylist", { END(EMPTY, "", 1) }, "" },
    { "redirect=302:http://elsewhere.invalid", { REFUSED }, "the key stays with its host" },
    { "nofinish", { UNENDED }, "every official client calls this a success" },
    { "finishtwice", { ALL }, "" },
    { "finishall", { ALL }, "the end of the body is the end, not the first reason" },
    { "finish=POLLUX_UNKNOWN", { END(FAILED, "*", 1) }, "an unknown reason is no stop" },
    { "finish=SAFETY", { END(BLOCKED, "*", 1) }, "" },
    { "finish=MAX_TOKENS", { END(MAX_TOKENS, "*", 1) }, "" },
    { "finish=MALFORMED_FUNCTION_CALL", { END(MALFORMED, "*", 1) }, "" },
    { "error=event:503@event=1", { END(FAILED, "0", 1), SAME, END(FAILED, "*", 1) }, "content was shown" },
    { "error=event:429@event=1", { END(QUOTA_NOW, "0", 1), SAME, END(QUOTA_NOW, "*", 1) }, "" },
    { "error=indented:503@event=1", { END(FAILED, "0", 1), SAME, END(FAILED, "*", 1) }, "" },
    { "error=line:503@event=1", { END(FAILED, "0", 1), SAME, END(FAILED, "*", 1) }, "" },
    { "error=list:503@event=1", { END(FAILED, "0", 1), SAME, GARBLED_BEHIND }, "a list is nothing behind an object" },
    { "error=traced:503@event=1", { END(FAILED, "0", 1), SAME, END(FAILED, "*", 1) }, "" },
    { "error=closed:503@event=1", { HALF, SAME, UNENDED }, "" },
    { "error=event:503@byte=0", { DOWN }, "no content was shown: as a status of 503" },
    { "done@end", { ALL, SAME, GARBLED_BEHIND }, "no part of this dialect, and passed over; JSON has no such thing" },
    { "done@event=1", { ALL, SAME, GARBLED_BEHIND }, "" },
    { "nodone", { ALL }, "this dialect has none; tests/test_verdicts.c has the one that has" },

    /* ---- events ---- */
    { "dup@event=1", { END(COMPLETE, "00*", 1), SAME, END(COMPLETE, "00", 1) }, "nothing tells it from an echo" },
    { "drop@event=1", { END(COMPLETE, "1*", 1), SAME, END(EMPTY, "", 1) }, "nothing tells that it is missing" },
    { "swap@event=1", { END(COMPLETE, "102*", 1), SAME, ALL }, "nothing tells the order" },
    { "torn@event=1", { GARBLED, SAME, END(TRUNCATED, "", 3) }, "JSON that breaks off" },
    { "torn@event=2", { END(MALFORMED, "0", 1), SAME, ALL }, "a whole answer has no second event" },
    { "hollow=noparts@event=1", { ALL }, "" },
    { "hollow=empty@event=1", { ALL }, "" },
    { "hollow=absent@event=1", { ALL }, "" },
    { "commas=comma", { ALL }, "of JSON arrays, which this library never asks for; the decoder has them (tests/wire)" },
    { "commas=lf", { ALL }, "" },
    { "commas=spaced", { ALL }, "" },
    { "nousage", { ALL }, "unknown is not zero" },
    { "noindex", { ALL }, "" },
    { "quoted", { ALL }, "" },
    { "unknown@event=1", { ALL }, "" },

    /* ---- JSON ---- */
    { "surrogate=high@event=1", { END(COMPLETE, "#*", 1) }, "real servers send it; it becomes U+FFFD" },
    { "surrogate=low@event=1", { END(COMPLETE, "#*", 1) }, "" },
    { "badutf8@event=1", { GARBLED }, "" },
    { "badutf8@event=2", { END(MALFORMED, "0", 1), SAME, ALL }, "" },
    { "nul=raw@event=1", { GARBLED }, "" },
    { "nul=escaped@event=1", { END(COMPLETE, "@*", 1) }, "texts have a length" },
    { "separators@event=1", { END(COMPLETE, "~*", 1) }, "none of them ends a line" },
    { "big=100000@event=1", { END(COMPLETE, "x*", 1) }, "" },
    { "big=20971520@event=1", { END(COMPLETE, "x*", 1) }, "" },
    { "nest=50@event=1", { ALL }, "" },
    { "nest=10000@event=1", { GARBLED }, "beyond what the parser's stack may hold" },
    { "nan@event=1", { GARBLED }, "" },
    { "nan@event=2", { END(MALFORMED, "0", 1), SAME, ALL }, "" },
    { "twicekey@event=1", { ALL }, "null is \"not set\"" },
    { "garbage=64:1@byte=0", { GARBLED }, "" },
    { "garbage=64:1@event=1", { END(MALFORMED, "0", 1), SAME, GARBLED_BEHIND }, "the event behind it is lost" },
    { "garbage=64:1@end", { ALL, SAME, GARBLED_BEHIND }, "no whole line, and no event can be in it" },

    /* ---- lines of text/event-stream ---- */
    { "eol=lf", { ALL }, "" },
    { "eol=cr", { ALL }, "" },
    { "eol=crlf", { ALL }, "" },
    { "eol=mixed", { ALL }, "" },
    { "comment=ping", { ALL }, "" },
    { "event=message", { ALL }, "" },
    { "id=pollux-", { ALL }, "" },
    { "retry=3000", { ALL }, "" },
    { "nospace", { ALL }, "" },
    { "multiline=3", { ALL }, "" },
    { "bom@byte=0", { ALL }, "" },
    { "bom@event=1", { END(COMPLETE, "02*", 1), SAME, GARBLED_BEHIND },
      "by the standard the mark is a part of the field's name, and the event is none" },
    { "noblank", { ALL }, "Google has been seen to do this; the last event is worth more than the rule" },
};

const size_t tst_fate_count = sizeof tst_fates / sizeof tst_fates[0];

/* Where chat completions differ: an event of their own is the end, whatever comes behind it, or does not. */
static const tst_fate chat_fates[] = {
    { "cut@end", { ALL, SAME, UNENDED }, "[DONE] was told" },
    { "silent@end", { ALL, SAME, UNENDED }, "" },
    { "stall@end", { ALL, SAME, END(TIMEOUT, "*", 1) }, "nobody waits behind [DONE]; of JSON more might come" },
    { "nolastchunk@end", { ALL, SAME, UNENDED }, "" },
    { "length=10", { ALL, END(TRUNCATED, "*?!", 1), UNENDED, END(TRUNCATED, "*?", 1) },
      "libcurl may reset the stream before [DONE] is read, or behind it" },
    { "done@event=1", { HALF, SAME, GARBLED_BEHIND }, "an end without a reason" },
    { "finish=MALFORMED_FUNCTION_CALL", { END(FAILED, "*", 1) }, "no reason of this dialect" },
};

/* Where the legacy method differs: JSON values in a row, of which the last one says that it is; no reasons. */
static const tst_fate message_fates[] = {
    { "cut@end", { ALL, SAME, UNENDED }, "\"done\": true was told" },
    { "silent@end", { ALL, SAME, UNENDED }, "" },
    { "nolastchunk@end", { ALL, SAME, UNENDED }, "" },
    { "length=10", { ALL, END(TRUNCATED, "*?!", 1), UNENDED, END(TRUNCATED, "*?", 1) }, "" },
    { "length=-7", { END(TRUNCATED, "*?", 1), SAME, END(TRUNCATED, "", 3), END(TRUNCATED, "*?", 1) }, "" },
    { "gzipcut=150", { END(TRUNCATED, "*?", 1), SAME, END(TRUNCATED, "?.", 1) },
      "of so small a body nothing may be left" },
    { "nofinish", { UNENDED, SAME, ALL }, "a whole answer never has one" },
    { "finish=POLLUX_UNKNOWN", { ALL }, "" },
    { "finish=SAFETY", { ALL }, "" },
    { "finish=MAX_TOKENS", { ALL }, "" },
    { "finish=MALFORMED_FUNCTION_CALL", { ALL }, "" },
    { "error=list:503@event=1", { END(MALFORMED, "0", 1), SAME, GARBLED_BEHIND }, "" },
    { "done@end", { GARBLED_BEHIND }, "JSON has no such thing" },
    { "done@event=1", { END(MALFORMED, "0", 1), SAME, GARBLED_BEHIND }, "" },
    { "torn@event=1", { END(TRUNCATED, "^", 3), SAME, END(TRUNCATED, "", 3) },
      "the value that breaks off swallows others, until one ends it, or all of them" },
    { "torn@event=2", { END(TRUNCATED, "0^", 1), SAME, ALL }, "" },
    { "garbage=64:1@end", { GARBLED_BEHIND }, "" },
    { "bom@event=1", { END(MALFORMED, "0", 1), SAME, GARBLED_BEHIND }, "" },
};

/* The table of a dialect beside that of Gemini. */
typedef struct other_fates {
    const tst_fate *rows;
    size_t          count;
} other_fates;

static const other_fates others[CASTOR_DIALECT_MESSAGE + 1] = {
    [CASTOR_DIALECT_OPENAI] = { chat_fates, sizeof chat_fates / sizeof *chat_fates },
    [CASTOR_DIALECT_MESSAGE] = { message_fates, sizeof message_fates / sizeof *message_fates },
};

static const tst_fate *fate_in(const tst_fate *fate, castor_dialect dialect)
{
    const other_fates *other = &others[dialect];

    for (size_t i = 0; i < other->count; i++) {
        if (strcmp(other->rows[i].fault, fate->fault) == 0) return &other->rows[i];
    }
    return fate;
}

const tst_ending *tst_fate_ending(const tst_fate *fate, castor_dialect dialect, tst_way way)
{
    const tst_fate   *row = fate_in(fate, dialect);
    const tst_ending *ending = &row->ends[way];

    while (ending > row->ends && ending->verdict == CASTOR_VERDICT_NONE) ending--;
    return ending;
}

static bool has_row(const char *fault)
{
    for (size_t i = 0; i < tst_fate_count; i++) {
        if (strcmp(tst_fates[i].fault, fault) == 0) return true;
    }
    return false;
}

const char *tst_fate_orphan(void)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        for (size_t j = 0; j < others[i].count; j++) {
            if (!has_row(others[i].rows[j].fault)) return others[i].rows[j].fault;
        }
    }
    return NULL;
}

size_t tst_ending_text_len(const tst_ending *ending)
{
    return strcspn(ending->text, "?!.^");
}

static bool has_all(const tst_came *came)
{
    size_t len = 0;

    for (size_t i = 0; i < came->sample->piece_count; i++) len += came->sample->pieces[i].len;
    return came->text.len == len;
}

bool tst_ending_has_verdict(const tst_ending *ending, const tst_came *came)
{
    bool may_be_nothing = strchr(ending->text, '?') && ending->verdict == CASTOR_VERDICT_TRUNCATED;

    if (may_be_nothing && came->text.len == 0 && came->verdict == CASTOR_VERDICT_NETWORK) return true;
    if (strchr(ending->text, '!') && came->verdict == CASTOR_VERDICT_COMPLETE) return has_all(came);
    if (strchr(ending->text, '.') && came->verdict == CASTOR_VERDICT_EMPTY) return came->text.len == 0;
    if (strchr(ending->text, '^') && came->verdict == CASTOR_VERDICT_MALFORMED) return true;
    return came->verdict == ending->verdict;
}

/* ---- texts ---- */

typedef enum match {
    FITS,
    BREAKS_OFF, /* the text ended before the pattern did */
    DIFFERS
} match;

static match take(castor_str wanted, castor_str *text)
{
    size_t len = wanted.len < text->len ? wanted.len : text->len;

    if (len > 0 && memcmp(text->data, wanted.data, len) != 0) return DIFFERS;
    text->data += len;
    text->len -= len;
    return len < wanted.len ? BREAKS_OFF : FITS;
}

static match take_any_x(castor_str *text)
{
    while (text->len > 0 && *text->data == 'x') (void)take(CASTOR_STR("x"), text);
    return FITS;
}

static match take_pieces(const tst_came *came, size_t from, size_t to, castor_str *text)
{
    match found = FITS;

    for (size_t i = from; i < to && i < came->sample->piece_count && found == FITS; i++) {
        found = take(came->sample->pieces[i], text);
    }
    return found;
}

static match take_mark(char mark, const tst_came *came, size_t *next, castor_str *text)
{
    size_t from = *next;

    switch (mark) {
    case '#': return take(CASTOR_STR("\xef\xbf\xbd"), text);
    case '@': return take((castor_str){ "\0", 1 }, text);
    case '~': return take(CASTOR_STR("\xc2\x85\xe2\x80\xa8\xe2\x80\xa9\r\n\v\f"), text);
    case 'x': return take_any_x(text);
    case '*': return take_pieces(came, from, came->sample->piece_count, text);
    default: *next = (size_t)(mark - '0') + 1; return take_pieces(came, *next - 1, *next, text);
    }
}

bool tst_ending_has_text(const tst_ending *ending, const tst_came *came)
{
    bool       may_break_off = strchr(ending->text, '?') != NULL;
    castor_str text = came->text;
    match      found = FITS;
    size_t     next = 0;

    for (size_t i = 0; i < tst_ending_text_len(ending) && found == FITS; i++) {
        found = take_mark(ending->text[i], came, &next, &text);
    }
    return text.len == 0 && (found == FITS || (found == BREAKS_OFF && may_break_off));
}
