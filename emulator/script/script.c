/* script.c -- reads wire cases and script documents.
 * SPDX-License-Identifier: MIT
 *
 * One line at a time. A case grows in the buffers of a `reader` and is copied into the script's arena when the next
 * heading, or the end of the file, closes it.
 */
#include "script/script.h"

#include <stdarg.h>
#include <stdio.h>

#include "bounds.h"

typedef struct reader {
    plx_script       *script;
    plx_script_error *error;
    size_t            line;          /* the one being read */

    plx_case  *current;              /* NULL before the first heading */
    plx_case **end_of_list;
    bool       has_marks;            /* of the current case */
    bool       has_bytes;
    bool       has_text;
    bool       has_thought;
    castor_str line_end;             /* of a `<` line */
    uint32_t   pending_wait_ms;
    bool       has_pending_wait;
    plx_case_part last_part;         /* where a wait behind the last line belongs */

    cst_buf bytes;
    cst_buf text;
    cst_buf thought;
    cst_buf prompts;                 /* castor_str each */
    cst_buf waits;                   /* plx_wait each */
    cst_buf expectations;            /* plx_expectation each */
} reader;

/* ---- complaints ---- */

__attribute__((format(printf, 2, 3))) static bool fail(reader *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(r->error->message, sizeof r->error->message, format, args);
    va_end(args);
    r->error->line = r->line;
    return false;
}

static bool check(reader *r, castor_status status)
{
    if (status == CASTOR_OK) return true;
    if (status == CASTOR_LIMIT) return fail(r, "This case is larger than %d bytes.", (int)PLX_CASE_BYTES_MAX);
    return fail(r, "Out of memory while reading the script.");
}

/* ---- values ---- */

static bool parse_number(castor_str text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (text.len == 0) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
        if (value > max) return false;
    }
    *out = value;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* The byte that an escape means; `*used` counts what stands after the backslash. -1: no such escape. */
static int decode_escape(castor_str rest, size_t *used)
{
    if (rest.len == 0) return -1;
    *used = 1;
    switch (rest.data[0]) {
    case 'r': return '\r';
    case 'n': return '\n';
    case 't': return '\t';
    case '0': return '\0';
    case '\\': return '\\';
    case 'x':
        if (rest.len < 3 || hex_digit(rest.data[1]) < 0 || hex_digit(rest.data[2]) < 0) return -1;
        *used = 3;
        return hex_digit(rest.data[1]) * 16 + hex_digit(rest.data[2]);
    default: return -1;
    }
}

static bool append_decoded(reader *r, castor_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.data[i];
        if (byte == '\\') {
            size_t used = 0;
            int    decoded = decode_escape((castor_str){ text.data + i + 1, text.len - i - 1 }, &used);
            if (decoded < 0) {
                return fail(r, "Unknown escape in column %zu; known are \\r \\n \\t \\0 \\\\ \\xHH.", i + 1);
            }
            byte = (char)decoded;
            i += used;
        }
        if (!check(r, cst_buf_append(&r->bytes, &byte, 1))) return false;
    }
    return true;
}

/* ---- marks ---- */

static size_t part_len(const reader *r, plx_case_part part)
{
    switch (part) {
    case PLX_PART_BYTES: return r->bytes.len;
    case PLX_PART_TEXT: return r->text.len;
    case PLX_PART_THOUGHT: return r->thought.len;
    }
    return 0;
}

/* A wait becomes known by what follows it, since that tells which part it belongs to. */
static bool place_wait(reader *r, plx_case_part part)
{
    plx_wait wait = { part, part_len(r, part), r->pending_wait_ms };

    r->last_part = part;
    if (!r->has_pending_wait) return true;
    r->has_pending_wait = false;
    r->pending_wait_ms = 0;
    return check(r, cst_buf_append(&r->waits, &wait, sizeof wait));
}

static bool read_wait(reader *r, castor_str value)
{
    uint64_t wait_ms = 0;

    if (!parse_number(cst_str_trim(value), PLX_WAIT_MS_MAX, &wait_ms)) {
        return fail(r, "`~` wants a number of milliseconds, at most a day.");
    }
    if (wait_ms > PLX_WAIT_MS_MAX - r->pending_wait_ms) return fail(r, "These waits add up to more than a day.");
    r->pending_wait_ms += (uint32_t)wait_ms;
    r->has_pending_wait = true;
    return true;
}

static bool begin_bytes(reader *r)
{
    if (r->has_text || r->has_thought) return fail(r, "A case has either `<` lines or `=` lines, not both.");
    r->has_bytes = true;
    return place_wait(r, PLX_PART_BYTES);
}

static bool read_bytes_repeated(reader *r, castor_str value)
{
    const char *space = value.len ? memchr(value.data, ' ', value.len) : NULL;
    size_t      digits = space ? (size_t)(space - value.data) : value.len;
    uint64_t    count = 0;

    if (!parse_number((castor_str){ value.data, digits }, PLX_CASE_BYTES_MAX, &count)) {
        return fail(r, "`<*` wants a count and then the bytes.");
    }
    if (!space) return fail(r, "`<*` has a count but no bytes.");

    size_t start = r->bytes.len;
    if (!append_decoded(r, (castor_str){ space + 1, value.len - digits - 1 })) return false;
    size_t unit = r->bytes.len - start;
    if (count == 0) {
        r->bytes.len = start;
        return true;
    }
    if (unit > 0 && count > PLX_CASE_BYTES_MAX / unit) return check(r, CASTOR_LIMIT);
    if (!check(r, cst_buf_reserve(&r->bytes, unit * (size_t)(count - 1)))) return false; /* so that nothing moves */
    size_t whole = unit * (size_t)count;
    for (size_t done = unit; done < whole;) { /* doubling: millions of repetitions are common */
        size_t more = done < whole - done ? done : whole - done;
        if (!check(r, cst_buf_append(&r->bytes, r->bytes.data + start, more))) return false;
        done += more;
    }
    return true;
}

/* `rest` is what stands after the `<`. */
static bool read_bytes(reader *r, castor_str rest)
{
    if (!begin_bytes(r)) return false;

    if (rest.len == 0) return check(r, cst_buf_append_str(&r->bytes, r->line_end));
    if (rest.data[0] == ' ') {
        return check(r, cst_buf_append(&r->bytes, rest.data + 1, rest.len - 1)) &&
               check(r, cst_buf_append_str(&r->bytes, r->line_end));
    }
    if (rest.len >= 2 && rest.data[1] == ' ') {
        castor_str value = { rest.data + 2, rest.len - 2 };
        switch (rest.data[0]) {
        case '.': return check(r, cst_buf_append_str(&r->bytes, value));
        case '\\': return append_decoded(r, value);
        case '*': return read_bytes_repeated(r, value);
        default: break;
        }
    }
    return fail(r, "A line of bytes starts with `< `, `<. `, `<\\ ` or `<* `, with the space.");
}

/* `rest` is what stands after the `=`. */
static bool read_answer(reader *r, castor_str rest)
{
    bool is_thought = rest.len > 0 && rest.data[0] == '~';

    if (r->has_bytes) return fail(r, "A case has either `<` lines or `=` lines, not both.");
    if (is_thought) {
        rest.data++;
        rest.len--;
    }
    if (rest.len > 0) {
        if (rest.data[0] != ' ') return fail(r, "A line of an answer starts with `= ` or `=~ `, with the space.");
        rest.data++;
        rest.len--;
    }

    cst_buf *out = is_thought ? &r->thought : &r->text;
    bool    *has_lines = is_thought ? &r->has_thought : &r->has_text;
    if (*has_lines && !check(r, cst_buf_append(out, "\n", 1))) return false;
    *has_lines = true;
    return place_wait(r, is_thought ? PLX_PART_THOUGHT : PLX_PART_TEXT) && check(r, cst_buf_append_str(out, rest));
}

static bool read_prompt(reader *r, castor_str value)
{
    castor_str words;

    value = cst_str_trim(value);
    if (value.len == 0) return fail(r, "`?` wants the words that the prompt must contain.");
    return check(r, cst_arena_copy(&r->script->arena, value, &words)) &&
           check(r, cst_buf_append(&r->prompts, &words, sizeof words));
}

static bool read_expectation(reader *r, castor_str value)
{
    plx_expectation expectation = { .line = r->line };

    if (value.len == 0) return fail(r, "`>` wants an event or a fact.");
    return check(r, cst_arena_copy(&r->script->arena, value, &expectation.text)) &&
           check(r, cst_buf_append(&r->expectations, &expectation, sizeof expectation));
}

/* ---- settings ---- */

static bool set_dialect(reader *r, castor_str value)
{
    if (cst_str_is(value, "gemini")) r->current->dialect = PLX_CASE_GEMINI;
    else if (cst_str_is(value, "openai")) r->current->dialect = PLX_CASE_OPENAI;
    else if (cst_str_is(value, "message")) r->current->dialect = PLX_CASE_MESSAGE;
    else if (cst_str_is(value, "auto")) r->current->dialect = PLX_CASE_AUTO;
    else return fail(r, "`dialect` is gemini, openai, message or auto.");
    return true;
}

static bool set_content_type(reader *r, castor_str value)
{
    r->current->content_type = CST_NONE;
    if (cst_str_is(value, "none")) return true;
    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char)value.data[i] < ' ' || (unsigned char)value.data[i] > '~') {
            return fail(r, "`content-type` must be printable ASCII, or none.");
        }
    }
    return check(r, cst_arena_copy(&r->script->arena, value, &r->current->content_type));
}

/* Beyond 599 there is no meaning, but there are servers: what was recorded of them can be played, too. */
static bool set_status(reader *r, castor_str value)
{
    uint64_t status = 0;

    if (!parse_number(value, 999, &status) || status < 200) return fail(r, "`status` is a number from 200 to 999.");
    r->current->status = (int)status;
    return true;
}

static bool set_eol(reader *r, castor_str value)
{
    if (cst_str_is(value, "crlf")) r->line_end = CASTOR_STR("\r\n");
    else if (cst_str_is(value, "lf")) r->line_end = CASTOR_STR("\n");
    else if (cst_str_is(value, "cr")) r->line_end = CASTOR_STR("\r");
    else return fail(r, "`eol` is crlf, lf or cr.");
    return true;
}

static bool set_end(reader *r, castor_str value)
{
    r->current->end_is_lost = cst_str_is(value, "lost");
    return r->current->end_is_lost || cst_str_is(value, "clean") || fail(r, "`end` is clean or lost.");
}

static bool set_cuts(reader *r, castor_str value)
{
    r->current->wants_cuts = cst_str_is(value, "yes");
    return r->current->wants_cuts || cst_str_is(value, "no") || fail(r, "`cuts` is yes or no.");
}

static bool set_event_bytes_max(reader *r, castor_str value)
{
    uint64_t bytes = 0;

    if (!parse_number(value, SIZE_MAX / 4, &bytes) || bytes == 0) {
        return fail(r, "`event-bytes-max` is a number of bytes, at least 1.");
    }
    r->current->event_bytes_max = (size_t)bytes;
    return true;
}

/* What it means is not known here (see fault/). */
static bool set_fault(reader *r, castor_str value)
{
    if (value.len == 0) return fail(r, "`fault` wants a fault, as cut@event=3; `pollux faults` lists them all.");
    return check(r, cst_arena_copy(&r->script->arena, value, &r->current->fault));
}

static bool read_setting(reader *r, castor_str text)
{
    static const struct {
        const char *key;
        bool (*set)(reader *r, castor_str value);
    } settings[] = {
        { "dialect", set_dialect },
        { "content-type", set_content_type },
        { "status", set_status },
        { "eol", set_eol },
        { "end", set_end },
        { "cuts", set_cuts },
        { "event-bytes-max", set_event_bytes_max },
        { "fault", set_fault },
    };
    const char *colon = text.len ? memchr(text.data, ':', text.len) : NULL;

    if (!colon) return fail(r, "A setting is written `@ KEY: VALUE`.");
    castor_str key = cst_str_trim((castor_str){ text.data, (size_t)(colon - text.data) });
    castor_str value = cst_str_trim((castor_str){ colon + 1, text.len - (size_t)(colon - text.data) - 1 });
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (cst_str_is(key, settings[i].key)) return settings[i].set(r, value);
    }
    return fail(r, "There is no setting `%.*s`.", CASTOR_ARG(key));
}

/* ---- cases ---- */

/* Copies an array out of its buffer. Absent when empty. */
static bool keep_array(reader *r, const cst_buf *items, size_t item_size, const void **out, size_t *count)
{
    *count = items->len / item_size;
    *out = NULL;
    if (items->len == 0) return true;

    void *copy = cst_arena_alloc(&r->script->arena, items->len);
    if (!copy) return check(r, CASTOR_NO_MEMORY);
    memcpy(copy, items->data, items->len);
    *out = copy;
    return true;
}

static bool keep_case(reader *r)
{
    plx_case   *one = r->current;
    cst_arena  *arena = &r->script->arena;
    const void *prompts = NULL;
    const void *waits = NULL;
    const void *expectations = NULL;

    one->is_answer = r->has_text || r->has_thought;
    if (!check(r, cst_arena_copy(arena, cst_buf_view(&r->bytes), &one->bytes)) ||
        !check(r, cst_arena_copy(arena, cst_buf_view(&r->text), &one->text)) ||
        !check(r, cst_arena_copy(arena, cst_buf_view(&r->thought), &one->thought)) ||
        !keep_array(r, &r->prompts, sizeof(castor_str), &prompts, &one->prompt_count) ||
        !keep_array(r, &r->waits, sizeof(plx_wait), &waits, &one->wait_count) ||
        !keep_array(r, &r->expectations, sizeof(plx_expectation), &expectations, &one->expectation_count)) {
        return false;
    }
    one->prompts = prompts;
    one->waits = waits;
    one->expectations = expectations;
    *r->end_of_list = one;
    r->script->case_count++;
    return true;
}

/* Ends the case under way, if there is one and it is more than a chapter of prose. */
static bool close_case(reader *r)
{
    if (!r->current || !r->has_marks) return true;
    if (r->has_pending_wait && !place_wait(r, r->last_part)) return false;
    return keep_case(r);
}

static void forget_case(reader *r)
{
    r->bytes.len = r->text.len = r->thought.len = 0;
    r->prompts.len = r->waits.len = r->expectations.len = 0;
    r->has_marks = r->has_bytes = r->has_text = r->has_thought = r->has_pending_wait = false;
    r->pending_wait_ms = 0;
    r->last_part = PLX_PART_BYTES;
    r->line_end = CASTOR_STR("\r\n");
}

static bool open_case(reader *r, castor_str heading)
{
    if (!close_case(r)) return false;
    if (r->current && r->has_marks) r->end_of_list = &r->current->next;
    forget_case(r);

    heading = cst_str_trim(heading);
    if (heading.len == 0) return fail(r, "`##` wants a heading: a sentence that says what the case is about.");
    r->current = cst_arena_alloc(&r->script->arena, sizeof *r->current);
    if (!r->current) return check(r, CASTOR_NO_MEMORY);
    *r->current = (plx_case){
        .line = r->line,
        .content_type = CASTOR_STR("text/event-stream"),
        .status = 200,
        .wants_cuts = true,
        .event_bytes_max = CST_EVENT_BYTES_MAX,
    };
    return check(r, cst_arena_copy(&r->script->arena, heading, &r->current->heading));
}

/* ---- lines ---- */

static bool read_marked(reader *r, castor_str line)
{
    char       mark = line.data[0];
    castor_str rest = { line.data + 1, line.len - 1 };

    if (mark == '<') return read_bytes(r, rest);
    if (mark == '=') return read_answer(r, rest);
    if (rest.len > 0 && rest.data[0] != ' ') return fail(r, "A space must follow the mark `%c`.", mark);
    if (rest.len > 0) rest = (castor_str){ rest.data + 1, rest.len - 1 };
    switch (mark) {
    case '@': return read_setting(r, rest);
    case '?': return read_prompt(r, rest);
    case '~': return read_wait(r, rest);
    default: return read_expectation(r, rest);
    }
}

static bool read_line(reader *r, castor_str line)
{
    if (cst_str_starts_with(line, "## ")) return open_case(r, (castor_str){ line.data + 3, line.len - 3 });
    if (cst_str_starts_with(line, "# ")) {
        castor_str title = cst_str_trim((castor_str){ line.data + 2, line.len - 2 });
        if (r->script->title.data) return true; /* a comment in a code block, say */
        return check(r, cst_arena_copy(&r->script->arena, title, &r->script->title));
    }
    if (!r->current || line.len == 0 || !strchr("@?<~=>", line.data[0]) || line.data[0] == '\0') return true;
    if (!r->script->title.data) return fail(r, "A script starts with its title, `# ...`, above the first case.");
    r->has_marks = true;
    return read_marked(r, line);
}

static bool read_document(reader *r, castor_str text)
{
    size_t at = 0;

    while (at < text.len) {
        const char *newline = memchr(text.data + at, '\n', text.len - at);
        size_t      end = newline ? (size_t)(newline - text.data) : text.len;
        castor_str  line = { text.data + at, end - at };

        r->line++;
        /* A checkout may have turned LF into CRLF; bytes that matter are written as escapes. */
        if (newline && line.len > 0 && line.data[line.len - 1] == '\r') line.len--;
        if (!read_line(r, line)) return false;
        at = end + 1;
    }
    if (!close_case(r)) return false;
    if (r->script->case_count > 0) return true;
    r->line = 0;
    return fail(r, "There is no case in this script: no `##` heading with marked lines below it.");
}

bool plx_script_parse(plx_script *script, castor_str text, plx_script_error *error)
{
    const cst_allocator *allocator = cst_allocator_default();
    plx_case            *first = NULL;
    reader               r = { .script = script, .error = error, .end_of_list = &first };

    *script = (plx_script){ .case_count = 0 };
    *error = (plx_script_error){ .line = 0 };
    cst_arena_init(&script->arena, allocator);
    cst_buf_init(&r.bytes, allocator, PLX_CASE_BYTES_MAX);
    cst_buf_init(&r.text, allocator, PLX_CASE_BYTES_MAX);
    cst_buf_init(&r.thought, allocator, PLX_CASE_BYTES_MAX);
    cst_buf_init(&r.prompts, allocator, PLX_CASE_BYTES_MAX);
    cst_buf_init(&r.waits, allocator, PLX_CASE_BYTES_MAX);
    cst_buf_init(&r.expectations, allocator, PLX_CASE_BYTES_MAX);
    forget_case(&r);

    bool is_read = read_document(&r, text);
    script->first = first;
    cst_buf_free(&r.bytes);
    cst_buf_free(&r.text);
    cst_buf_free(&r.thought);
    cst_buf_free(&r.prompts);
    cst_buf_free(&r.waits);
    cst_buf_free(&r.expectations);
    if (!is_read) plx_script_free(script);
    return is_read;
}

void plx_script_free(plx_script *script)
{
    cst_arena_free(&script->arena);
    script->title = CST_NONE;
    script->first = NULL;
    script->case_count = 0;
}
