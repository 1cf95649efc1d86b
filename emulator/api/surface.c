/* surface.c -- the methods of the API, and which of them a path means.
 * SPDX-License-Identifier: MIT
 */
#include "api/surface.h"

#include <stdio.h>

#include "api/handlers.h"

/* Wherever two rows fit a path, the first counts. */
static const plx_endpoint endpoints[] = {
    { "GET", "/pollux/health", .answer = plx_answer_health, .takes_no_key = true },
    { "GET", "/pollux/clock", .answer = plx_answer_clock, .takes_no_key = true },
    { "POST", "/pollux/clock", .answer = plx_answer_move_clock, .takes_no_key = true, .takes_json = true },
    { "GET", "/pollux/models", .answer = plx_answer_model_file, .takes_no_key = true },
    { "GET", "/pollux/stats", .answer = plx_answer_stats, .takes_no_key = true },
    { "POST", "/pollux/reset", .answer = plx_answer_reset, .takes_no_key = true },
    { "GET", "/pollux/scripts", .answer = plx_answer_scripts, .takes_no_key = true },
    { "POST", "/pollux/scripts", .answer = plx_answer_add_script, .takes_no_key = true },
    { "DELETE", "/pollux/scripts", .answer = plx_answer_remove_scripts, .takes_no_key = true },
    { "GET", "/pollux/faults", .answer = plx_answer_faults, .takes_no_key = true },
    { "POST", "/pollux/faults", .answer = plx_answer_arm_fault, .takes_no_key = true, .takes_json = true },
    { "DELETE", "/pollux/faults", .answer = plx_answer_disarm_faults, .takes_no_key = true },

    { "GET", "/{v}/models", .answer = plx_answer_models },
    { "GET", "/{v}/models/{}", .answer = plx_answer_model },
    { "POST", "/{v}/models/{}:embedContent", .answer = plx_answer_embed, .takes_json = true },
    { "POST", "/{v}/models/{}:batchEmbedContents", .answer = plx_answer_batch_embed, .takes_json = true },
    { "POST", "/{v}/models/{}:predict", .answer = plx_answer_predict },
    { "POST", "/{v}/models/{}:predictLongRunning", .answer = plx_answer_predict_long },
    { "POST", "/{v}/models/{}:generateContent", .answer = plx_answer_generate, .takes_json = true },
    { "POST", "/{v}/models/{}:streamGenerateContent", .answer = plx_answer_stream_generate, .takes_json = true,
      .errors = PLX_ERRORS_LIST },
    { "POST", "/{v}/models/{}:countTokens", .answer = plx_answer_count_tokens, .takes_json = true },
    { "GET", "/{v}/tunedModels", .answer = plx_answer_tuned_models },
    { "POST", "/{v}/tunedModels/{}:generateContent", .answer = plx_answer_generate, .takes_json = true },
    { "POST", "/{v}/tunedModels/{}:streamGenerateContent", .answer = plx_answer_stream_generate, .takes_json = true,
      .errors = PLX_ERRORS_LIST },

    { "POST", "/upload/{v}/files", .begin = plx_begin_upload, .answer = plx_answer_upload, .takes_upload_id = true },
    { "GET", "/{v}/files", .answer = plx_answer_files },
    { "GET", "/{v}/files/{}", .answer = plx_answer_file },
    { "DELETE", "/{v}/files/{}", .answer = plx_answer_file_delete },
    { "GET", "/{v}/files/{}:download", .answer = plx_answer_file_download },
    { "GET", "/download/{v}/files/{}:download", .answer = plx_answer_file_download },
    { "POST", "/{v}/models/{}:batchGenerateContent", .answer = plx_answer_batch_create, .takes_json = true },
    { "POST", "/{v}/models/{}:asyncBatchEmbedContent", .answer = plx_answer_embed_batch_create, .takes_json = true },
    { "GET", "/{v}/batches", .answer = plx_answer_batches },
    { "GET", "/{v}/batches/{}", .answer = plx_answer_batch },
    { "DELETE", "/{v}/batches/{}", .answer = plx_answer_batch_delete },
    { "POST", "/{v}/batches/{}:cancel", .answer = plx_answer_batch_cancel },
    { "PATCH", "/{v}/batches/{}:updateGenerateContentBatch", .answer = plx_answer_batch_update, .takes_json = true },
    { "PATCH", "/{v}/batches/{}:updateEmbedContentBatch", .answer = plx_answer_batch_update, .takes_json = true },
    { "POST", "/{v}/cachedContents", .answer = plx_answer_cache_create, .takes_json = true },
    { "GET", "/{v}/cachedContents", .answer = plx_answer_caches },
    { "GET", "/{v}/cachedContents/{}", .answer = plx_answer_cache },
    { "PATCH", "/{v}/cachedContents/{}", .answer = plx_answer_cache_patch, .takes_json = true },
    { "DELETE", "/{v}/cachedContents/{}", .answer = plx_answer_cache_delete },
    { "POST", "/{v}/files:register", .answer = plx_answer_files_register, .takes_json = true },

    { "POST", "/{v}/interactions", .answer = plx_answer_create_interaction, .takes_json = true,
      .errors = PLX_ERRORS_CODE },
    { "GET", "/{v}/interactions/{}", .answer = plx_answer_get_interaction, .errors = PLX_ERRORS_CODE },
    { "DELETE", "/{v}/interactions/{}", .answer = plx_answer_delete_interaction, .errors = PLX_ERRORS_CODE },
    { "POST", "/{v}/interactions/{}/cancel", .answer = plx_answer_cancel_interaction, .errors = PLX_ERRORS_CODE },

    { "POST", "/{palm}/models/{}:generateMessage", .answer = plx_answer_message, .takes_json = true },
    { "POST", "/{palm}/models/{}:embedText", .answer = plx_answer_embed_text, .takes_json = true },
    { "POST", "/{palm}/models/{}:countMessageTokens", .answer = plx_answer_count_message_tokens, .takes_json = true },
    { "POST", "/{palm}/models/{}:generateText", .answer = plx_answer_text, .takes_json = true },
    { "POST", "/{palm}/models/{}:countTextTokens", .answer = plx_answer_count_text_tokens, .takes_json = true },

    /* Where Google has it, and where compatible servers do, whose base URL may have no path at all. */
    { "POST", "/{v}/openai/chat/completions", .answer = plx_answer_chat, .takes_json = true, .takes_bearer_key = true,
      .errors = PLX_ERRORS_LIST },
    { "POST", "/v1/chat/completions", .answer = plx_answer_chat, .takes_json = true, .takes_bearer_key = true,
      .errors = PLX_ERRORS_LIST },
    { "POST", "/chat/completions", .answer = plx_answer_chat, .takes_json = true, .takes_bearer_key = true,
      .errors = PLX_ERRORS_LIST },
    { "POST", "/{v}/openai/embeddings", .answer = plx_answer_openai_embeddings, .takes_json = true,
      .takes_bearer_key = true, .errors = PLX_ERRORS_LIST },
    { "POST", "/v1/embeddings", .answer = plx_answer_openai_embeddings, .takes_json = true, .takes_bearer_key = true,
      .errors = PLX_ERRORS_LIST },
    { "POST", "/embeddings", .answer = plx_answer_openai_embeddings, .takes_json = true, .takes_bearer_key = true,
      .errors = PLX_ERRORS_LIST },
    { "GET", "/{v}/openai/models", .answer = plx_answer_openai_models, .takes_bearer_key = true,
      .errors = PLX_ERRORS_LIST },
    { "GET", "/{v}/openai/models/{}", .answer = plx_answer_openai_model, .takes_bearer_key = true,
      .errors = PLX_ERRORS_LIST },
    { "GET", "/{v}/openai/models/models/{}", .answer = plx_answer_openai_model, .takes_bearer_key = true,
      .errors = PLX_ERRORS_LIST },
    { "GET", "/models", .answer = plx_answer_openai_models, .takes_bearer_key = true, .errors = PLX_ERRORS_LIST },
    { "GET", "/models/{}", .answer = plx_answer_openai_model, .takes_bearer_key = true, .errors = PLX_ERRORS_LIST },
};

static bool is_one_of(castor_str text, const char *const *choices)
{
    for (; *choices; choices++) {
        if (cst_str_is(text, *choices)) return true;
    }
    return false;
}

static bool is_version(castor_str version)
{
    static const char *const versions[] = { "v1", "v1beta", "v1alpha", NULL };

    return is_one_of(version, versions);
}

static bool is_palm_version(castor_str version)
{
    static const char *const versions[] = { "v1beta", "v1beta2", "v1beta3", NULL };

    return is_one_of(version, versions);
}

/* What a `{...}` takes from the front of the path. */
static castor_str take_name(castor_str *path)
{
    size_t len = 0;

    while (len < path->len && path->data[len] != '/' && path->data[len] != ':') len++;
    castor_str name = { path->data, len };
    *path = (castor_str){ path->data + len, path->len - len };
    return name;
}

static bool fits(plx_exchange *exchange, const char *pattern)
{
    castor_str path = exchange->path;
    size_t     name_count = 0;

    while (*pattern) {
        if (*pattern != '{') {
            if (path.len == 0 || path.data[0] != *pattern) return false;
            path = (castor_str){ path.data + 1, path.len - 1 };
            pattern++;
            continue;
        }
        bool       is_v = strncmp(pattern, "{v}", 3) == 0;
        bool       is_palm = strncmp(pattern, "{palm}", 6) == 0;
        castor_str name = take_name(&path);
        pattern = strchr(pattern, '}') + 1;
        if (name.len == 0) return false;
        if (is_v || is_palm) {
            if (!(is_v ? is_version(name) : is_palm_version(name))) return false;
            exchange->version = name;
        } else {
            exchange->names[name_count++] = name;
        }
    }
    return path.len == 0;
}

/* What is no path of the API never reaches it: Google's front end answers, with a page. */
static bool refuse_path(const plx_exchange *exchange, plx_refusal *refusal)
{
    if (cst_str_starts_with(exchange->path, "/pollux")) {
        return plx_refuse(refusal, 404, "pollux has no control path %.*s; pollux(1) lists them.",
                          CASTOR_ARG(exchange->path));
    }
    return plx_refuse_page(refusal, 404, "The requested URL %.*s was not found on this server.",
                           CASTOR_ARG(exchange->path));
}

static void allow(plx_refusal *refusal, const char *method)
{
    size_t used = strlen(refusal->allowed);

    snprintf(refusal->allowed + used, sizeof refusal->allowed - used, "%s%s%s", used ? ", " : "", method,
             strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

static void refuse_verb(const plx_exchange *exchange, castor_str method, plx_refusal *refusal)
{
    if (cst_str_starts_with(exchange->path, "/pollux")) {
        plx_refuse(refusal, 405, "Method %.*s is not allowed here; use %s.", CASTOR_ARG(method), refusal->allowed);
    } else {
        plx_refuse_page(refusal, 405, "The request method %.*s is inappropriate for the URL %.*s.", CASTOR_ARG(method),
                        CASTOR_ARG(exchange->path));
    }
}

const plx_endpoint *plx_surface_find(plx_exchange *exchange, castor_str method, plx_refusal *refusal)
{
    const plx_endpoint *of_other_verb = NULL;

    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        const plx_endpoint *one = &endpoints[i];
        bool                is_head_of_get = cst_str_is(method, "HEAD") && strcmp(one->method, "GET") == 0;
        if (!fits(exchange, one->pattern)) continue;
        if (is_head_of_get || cst_str_is(method, one->method)) {
            refusal->allowed[0] = '\0';
            return one;
        }
        of_other_verb = one;
        allow(refusal, one->method);
    }
    if (!of_other_verb) {
        refuse_path(exchange, refusal);
        return NULL;
    }
    exchange->endpoint = of_other_verb; /* for the style of its errors */
    refuse_verb(exchange, method, refusal);
    return NULL;
}
