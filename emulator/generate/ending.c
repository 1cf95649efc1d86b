/* ending.c -- the ends that are no ordinary stop, and what else stands around the words.
 * SPDX-License-Identifier: MIT
 */
#include "generate/ending.h"

#include <stdio.h>

#include "json_writer.h"

enum { TOKENS_A_LINK = 200, TOKENS_A_RUN = 60, LINKS_MAX = 8, QUERY_BYTES = 80, SEGMENT_BYTES = 120 };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Two stars, 16 by 16 points, as PNG. */
static const char image[] =
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAAAAAA6mKC9AAAAMklEQVR42mOQQAMMxAn8RxP4//8/isD//8gi2FRgmgED/9EEIDoZkPkgETwqMM0g"
    "1nMAOTcvd/6NVzkAAAAASUVORK5CYII=";

static const char citation[] = "{\"citationSources\":[{\"startIndex\":0,\"endIndex\":20,"
                               "\"uri\":\"https://example.com/cited\",\"license\":\"mit\"}]}";

/* A twentieth of a second of nothing: 2,400 zero bytes are 3,200 of these. */
enum { SILENCE_LEN = 3200 };

/* ---- bare endings ---- */

typedef struct ending {
    const char      *reason;
    plx_content_kind content;
    const char      *message;     /* "%s" is the call in it; NULL: none */
    const char      *extra_key;
    const char      *extra;
} ending;

#define RATINGS(category) "[{\"category\":\"" category "\",\"probability\":\"HIGH\",\"blocked\":true}]"
#define DANGEROUS RATINGS("HARM_CATEGORY_DANGEROUS_CONTENT")

/* As observed where the reference has them; the rest by likeness. */
static const ending endings[] = {
    { "SAFETY", PLX_CONTENT_EMPTY, NULL, "safetyRatings", DANGEROUS },
    { "RECITATION", PLX_CONTENT_NONE, NULL, "citationMetadata",
      "{\"citationSources\":[{\"startIndex\":0,\"endIndex\":120,\"uri\":\"https://example.com/original\"},"
      "{\"startIndex\":40,\"endIndex\":180}]}" },
    { "LANGUAGE", PLX_CONTENT_ROLE, NULL, NULL, NULL },
    { "OTHER", PLX_CONTENT_NONE, "The model could not finish its answer.", NULL, NULL },
    { "BLOCKLIST", PLX_CONTENT_EMPTY, NULL, NULL, NULL },
    { "PROHIBITED_CONTENT", PLX_CONTENT_EMPTY, NULL, NULL, NULL },
    { "SPII", PLX_CONTENT_EMPTY, NULL, NULL, NULL },
    { "MALFORMED_FUNCTION_CALL", PLX_CONTENT_NONE, "Malformed function call: print(default_api.%s(", NULL, NULL },
    { "IMAGE_SAFETY", PLX_CONTENT_NONE, "Unable to show the generated image.", NULL, NULL },
    { "IMAGE_PROHIBITED_CONTENT", PLX_CONTENT_NONE, "Unable to show the generated image.", NULL, NULL },
    { "IMAGE_RECITATION", PLX_CONTENT_NONE, "Unable to show the generated image.", NULL, NULL },
    { "IMAGE_OTHER", PLX_CONTENT_NONE, "Unable to show the generated image.", NULL, NULL },
    { "NO_IMAGE", PLX_CONTENT_NONE, "The model did not generate an image.", NULL, NULL },
    { "UNEXPECTED_TOOL_CALL", PLX_CONTENT_NONE, "Unexpected tool call: print(default_api.%s())", NULL, NULL },
    { "TOO_MANY_TOOL_CALLS", PLX_CONTENT_NONE, "The model called too many tools in a row.", NULL, NULL },
    { "MISSING_THOUGHT_SIGNATURE", PLX_CONTENT_NONE, "The request misses a thought signature.", NULL, NULL },
    { "MALFORMED_RESPONSE", PLX_CONTENT_NONE, "The model's answer could not be read.", NULL, NULL },
};

static const ending *find_ending(const char *reason)
{
    for (size_t i = 0; reason && i < COUNT_OF(endings); i++) {
        if (strcmp(endings[i].reason, reason) == 0) return &endings[i];
    }
    return NULL;
}

static castor_status add_extra(plx_candidate *candidate, const char *key, castor_str json, bool comes_first,
                               cst_arena *keep)
{
    plx_extra **last = &candidate->extras;

    while (*last) last = &(*last)->next;
    *last = cst_arena_alloc(keep, sizeof **last);
    if (!*last) return CASTOR_NO_MEMORY;
    **last = (plx_extra){ NULL, key, json, comes_first };
    return CASTOR_OK;
}

bool plx_ending_is_bare(const plx_wishes *wishes) { return find_ending(wishes->finish) && !wishes->ends_late; }

castor_status plx_ending_put(plx_candidate *candidate, const plx_wishes *wishes, const plx_call *calls,
                             size_t call_count, cst_arena *keep)
{
    const ending *own = find_ending(wishes->finish);
    castor_str    name = call_count > 0 ? calls[0].name : CASTOR_STR("a_function");
    char          message[256];
    castor_status status = CASTOR_OK;

    if (!own) return CASTOR_INVALID;
    candidate->finish = own->reason;
    candidate->content = own->content;
    if (own->extra) status = add_extra(candidate, own->extra_key, castor_str_of(own->extra), false, keep);
    if (status != CASTOR_OK || !own->message) return status;
    const char *mark = strstr(own->message, "%s");
    if (mark) {
        snprintf(message, sizeof message, "%.*s%.*s%s", (int)(mark - own->message), own->message, CASTOR_ARG(name),
                 mark + 2);
    }
    return cst_arena_copy(keep, castor_str_of(mark ? message : own->message), &candidate->finish_message);
}

/* ---- the service's own tools ---- */

static bool searches(const plx_ask *ask, const plx_wishes *wishes)
{
    return wishes->searches || (ask->tools & PLX_TOOL_SEARCH);
}

static bool runs_code(const plx_ask *ask, const plx_wishes *wishes)
{
    static const char *const words[] = { "calculate", "compute", "run ", "execute", "code", "sum of" };

    if (wishes->runs_code) return true;
    for (size_t i = 0; (ask->tools & PLX_TOOL_CODE) && i < COUNT_OF(words); i++) {
        if (cst_str_contains_nocase(ask->last_words, words[i])) return true;
    }
    return false;
}

static bool is_link_byte(char c) { return (unsigned char)c > ' ' && !strchr("\"'<>()[]{},", c); }

static size_t find_links(castor_str text, castor_str links[LINKS_MAX])
{
    size_t count = 0;

    for (size_t at = 0; at < text.len && count < LINKS_MAX; at++) {
        castor_str rest = { text.data + at, text.len - at };
        if (!cst_str_starts_with(rest, "http://") && !cst_str_starts_with(rest, "https://")) continue;
        size_t len = 0;
        while (len < rest.len && is_link_byte(rest.data[len])) len++;
        links[count++] = (castor_str){ rest.data, len };
        at += len;
    }
    return count;
}

static size_t read_links(const plx_ask *ask, const plx_wishes *wishes, castor_str links[LINKS_MAX])
{
    return wishes->reads_urls || (ask->tools & PLX_TOOL_URLS) ? find_links(ask->prompt, links) : 0;
}

uint64_t plx_ending_tool_tokens(const plx_ask *ask, const plx_wishes *wishes)
{
    castor_str links[LINKS_MAX];

    return TOKENS_A_LINK * read_links(ask, wishes, links) + (runs_code(ask, wishes) ? TOKENS_A_RUN : 0);
}

static void put_text(cst_json_writer *w, const char *key, castor_str text)
{
    cst_json_key(w, key);
    cst_json_put_string(w, text);
}

static castor_status keep_json(cst_buf *json, castor_status status, cst_arena *keep, castor_str *out)
{
    if (status == CASTOR_OK) status = cst_arena_copy(keep, cst_buf_view(json), out);
    cst_buf_free(json);
    return status;
}

static castor_status add_links(plx_candidate *candidate, const castor_str *links, size_t count, cst_arena *keep)
{
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);
    castor_str      kept;

    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    cst_json_open_object(&w);
    cst_json_key(&w, "urlMetadata");
    cst_json_open_array(&w);
    for (size_t i = 0; i < count; i++) {
        cst_json_open_object(&w);
        put_text(&w, "retrievedUrl", links[i]);
        put_text(&w, "urlRetrievalStatus", CASTOR_STR("URL_RETRIEVAL_STATUS_SUCCESS"));
        cst_json_close_object(&w);
    }
    cst_json_close_array(&w);
    cst_json_close_object(&w);
    castor_status status = keep_json(&json, w.status, keep, &kept);
    return status == CASTOR_OK ? add_extra(candidate, "urlContextMetadata", kept, true, keep) : status;
}

static castor_str query_of(const plx_ask *ask)
{
    castor_str query = cst_str_trim(ask->last_words);

    query.len = cst_utf8_prefix(query, QUERY_BYTES);
    return query;
}

static void put_support(cst_json_writer *w, castor_str text)
{
    text.len = cst_utf8_prefix(text, SEGMENT_BYTES);
    cst_json_open_object(w);
    cst_json_key(w, "segment");
    cst_json_open_object(w);
    cst_json_key(w, "endIndex"); /* of bytes; the start is 0 and so left out */
    cst_json_put_integer(w, (int64_t)text.len);
    put_text(w, "text", text);
    cst_json_close_object(w);
    cst_json_key(w, "groundingChunkIndices");
    cst_json_open_array(w);
    cst_json_put_integer(w, 0);
    cst_json_close_array(w);
    cst_json_close_object(w);
}

static void put_grounding(cst_json_writer *w, castor_str query, castor_str text)
{
    cst_json_open_object(w);
    cst_json_key(w, "searchEntryPoint");
    cst_json_open_object(w);
    put_text(w, "renderedContent",
             CASTOR_STR("<div class=\"container\">Suggestions by pollux, which searched nothing</div>"));
    cst_json_close_object(w);
    cst_json_key(w, "groundingChunks");
    cst_json_put_raw(w, CASTOR_STR("[{\"web\":{\"uri\":\"https://example.com/found\",\"title\":\"example.com\"}}]"));
    cst_json_key(w, "groundingSupports");
    cst_json_open_array(w);
    put_support(w, text);
    cst_json_close_array(w);
    cst_json_key(w, "webSearchQueries");
    cst_json_open_array(w);
    cst_json_put_string(w, query);
    cst_json_close_array(w);
    cst_json_close_object(w);
}

static castor_status add_grounding(plx_candidate *candidate, const plx_ask *ask, castor_str text, cst_arena *keep)
{
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);
    castor_str      kept;

    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    put_grounding(&w, query_of(ask), text);
    castor_status status = keep_json(&json, w.status, keep, &kept);
    return status == CASTOR_OK ? add_extra(candidate, "groundingMetadata", kept, false, keep) : status;
}

/* The search itself as two parts, for clients that asked to see it. */
static castor_status add_search_parts(plx_candidate *candidate, plx_part *parts, const plx_ask *ask, cst_arena *keep)
{
    cst_buf         json;
    cst_json_writer w = cst_json_writer_to(&json);
    plx_part       *call = &parts[candidate->part_count++];
    plx_part       *response = &parts[candidate->part_count++];

    cst_buf_init(&json, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    cst_json_open_object(&w);
    put_text(&w, "toolType", CASTOR_STR("GOOGLE_SEARCH_WEB"));
    cst_json_key(&w, "args");
    cst_json_open_object(&w);
    cst_json_key(&w, "queries");
    cst_json_open_array(&w);
    cst_json_put_string(&w, query_of(ask));
    cst_json_close_array(&w);
    cst_json_close_object(&w);
    put_text(&w, "id", CASTOR_STR("search01"));
    cst_json_close_object(&w);
    *call = (plx_part){ .kind = PLX_PIECE_RAW, .call_name = CASTOR_STR("toolCall") };
    *response = (plx_part){
        .kind = PLX_PIECE_RAW, .call_name = CASTOR_STR("toolResponse"),
        .call_args = CASTOR_STR("{\"toolType\":\"GOOGLE_SEARCH_WEB\",\"response\":{\"search_suggestions\":\"\"},"
                                "\"id\":\"search01\"}"),
    };
    return keep_json(&json, w.status, keep, &call->call_args);
}

/* ---- around the words ---- */

static void add_run(plx_candidate *candidate, plx_part *parts)
{
    parts[candidate->part_count++] = (plx_part){ .kind = PLX_PIECE_CODE,
                                                 .text = CASTOR_STR("print(sum(range(1, 11)))\n") };
    parts[candidate->part_count++] = (plx_part){ .kind = PLX_PIECE_OUTPUT, .text = CASTOR_STR("55\n") };
}

castor_status plx_ending_add_before(plx_candidate *candidate, plx_part *parts, const plx_ask *ask,
                                    const plx_wishes *wishes, cst_arena *keep)
{
    castor_str links[LINKS_MAX];
    size_t     link_count = read_links(ask, wishes, links);

    castor_status status = link_count > 0 ? add_links(candidate, links, link_count, keep) : CASTOR_OK;

    if (status != CASTOR_OK) return status;
    if (runs_code(ask, wishes)) {
        add_run(candidate, parts);
    } else if (ask->shows_tools && searches(ask, wishes)) {
        return add_search_parts(candidate, parts, ask, keep);
    }
    return CASTOR_OK;
}

static castor_status add_silence(plx_candidate *candidate, plx_part *parts, cst_arena *keep)
{
    char *silence = cst_arena_alloc(keep, SILENCE_LEN);

    if (!silence) return CASTOR_NO_MEMORY;
    memset(silence, 'A', SILENCE_LEN);
    parts[candidate->part_count++] = (plx_part){ .kind = PLX_PIECE_BLOB, .text = { silence, SILENCE_LEN },
                                                 .mime_type = CASTOR_STR("audio/L16;codec=pcm;rate=24000") };
    return CASTOR_OK;
}

/* Of the last part, if that is one. */
static castor_str text_of(const plx_candidate *candidate, const plx_part *parts)
{
    const plx_part *last = candidate->part_count > 0 ? &parts[candidate->part_count - 1] : NULL;

    return last && last->kind == PLX_PIECE_TEXT ? last->text : CASTOR_STR("");
}

castor_status plx_ending_add_after(plx_candidate *candidate, plx_part *parts, const plx_ask *ask,
                                   const plx_wishes *wishes, cst_arena *keep)
{
    const ending *own = find_ending(wishes->finish);
    castor_str    text = text_of(candidate, parts);
    castor_status status = CASTOR_OK;

    if (searches(ask, wishes)) status = add_grounding(candidate, ask, text, keep);
    if (status == CASTOR_OK && wishes->cites) {
        status = add_extra(candidate, "citationMetadata", castor_str_of(citation), false, keep);
    }
    if (status == CASTOR_OK && own && own->extra) {
        status = add_extra(candidate, own->extra_key, castor_str_of(own->extra), false, keep);
    }
    if (wishes->has_image || (ask->modalities & PLX_MAKES_IMAGE)) {
        parts[candidate->part_count++] = (plx_part){ .kind = PLX_PIECE_BLOB, .text = { image, sizeof image - 1 },
                                                     .mime_type = CASTOR_STR("image/png") };
    }
    if (status == CASTOR_OK && (wishes->has_sound || (ask->modalities & PLX_MAKES_AUDIO))) {
        status = add_silence(candidate, parts, keep);
    }
    return status;
}
