/* intake.c -- a file on its way in.
 * SPDX-License-Identifier: MIT
 */
#include "api/intake.h"

#include <inttypes.h>
#include <stdio.h>

#include <openssl/evp.h>

#include "proto/fields.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PACKAGE "type.googleapis.com/google.ai.generativelanguage.v1beta."

/* ---- what is told about it ---- */

static const plx_field file_fields[] = {
    { "name", NULL, PLX_STRING }, { "displayName", NULL, PLX_STRING }, { "mimeType", NULL, PLX_STRING },
    { "sizeBytes", NULL, PLX_INT64 }, { "createTime", NULL },
    { "updateTime", NULL }, { "expirationTime", NULL }, { "sha256Hash", NULL }, { "uri", NULL },
    { "downloadUri", NULL }, { "state", NULL }, { "error", NULL }, { "source", NULL }, { "videoMetadata", NULL },
};
static const plx_message_type file_type = { PACKAGE "File", file_fields, COUNT_OF(file_fields) };
static const plx_field        create_fields[] = { { "file", &file_type, PLX_MESSAGE } };
static const plx_message_type create_type = { PACKAGE "CreateFileRequest", create_fields, COUNT_OF(create_fields) };

static bool read_file(plx_intake *intake, const cst_json *file, const plx_files *files, plx_refusal *refusal)
{
    castor_str name = cst_json_string(plx_field_get(file, "name"));
    castor_str display_name = cst_json_string(plx_field_get(file, "displayName"));

    if (name.len > 0 && !plx_files_read_name(files, name, &intake->facts, refusal)) return false;
    if (plx_count_characters(display_name) > PLX_DISPLAY_NAME_CHARS_MAX) {
        return plx_refuse(refusal, 400,
                          "* CreateFileRequest.file.display_name: the display name has more than %d characters.\n",
                          (int)PLX_DISPLAY_NAME_CHARS_MAX);
    }
    plx_intake_offer_name(intake, display_name);
    plx_intake_offer_type(intake, cst_json_string(plx_field_get(file, "mimeType")));
    return true;
}

bool plx_intake_read_meta(plx_intake *intake, castor_str text, const plx_files *files, plx_refusal *refusal)
{
    cst_json_doc document;
    bool         is_read = false;

    text = cst_str_trim(text);
    if (text.len == 0) return true;
    cst_json_doc_init(&document, cst_allocator_default());
    castor_status status = cst_json_read(&document, text, NULL, NULL);
    if (status == CASTOR_NO_MEMORY) {
        plx_refuse_memory(refusal);
    } else if (status != CASTOR_OK) {
        plx_refuse(refusal, 400, "Invalid JSON payload received. The metadata of the file is not JSON.");
    } else {
        const cst_json *root = cst_json_root(&document);
        is_read = plx_fields_check(root, &create_type, refusal) &&
                  read_file(intake, plx_field_get(root, "file"), files, refusal);
    }
    cst_json_doc_free(&document);
    return is_read;
}

void plx_intake_offer_type(plx_intake *intake, castor_str mime_type)
{
    plx_file_facts *facts = &intake->facts;

    if (!facts->mime_type[0]) cst_copy_text(facts->mime_type, sizeof facts->mime_type, cst_str_trim(mime_type));
}

void plx_intake_offer_name(plx_intake *intake, castor_str display_name)
{
    plx_file_facts *facts = &intake->facts;

    if (!facts->display_name[0]) cst_copy_text(facts->display_name, sizeof facts->display_name, display_name);
}

/* ---- its bytes ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* JSON Lines, by any of the names that they go by: a batch may read them. */
static bool is_needed_later(const plx_file_facts *facts)
{
    static const char *const words[] = { "jsonl", "ndjson", "json-lines" };

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strstr(facts->mime_type, words[i])) return true;
    }
    return ends_with(facts->display_name, ".jsonl");
}

bool plx_intake_begin(plx_intake *intake, plx_files *files, plx_refusal *refusal)
{
    if (intake->size_told.is_set) {
        if ((uint64_t)intake->size_told.value > PLX_UPLOAD_BYTES_MAX) {
            return plx_refuse(refusal, 400, "The file has %" PRId64 " bytes; a file may have no more than %" PRIu64 ".",
                              intake->size_told.value, PLX_UPLOAD_BYTES_MAX);
        }
        if (!plx_files_check_room(files, intake->facts.owner, (uint64_t)intake->size_told.value, refusal)) return false;
    }
    plx_intake_offer_type(intake, CASTOR_STR("application/octet-stream"));
    intake->sha256 = EVP_MD_CTX_new();
    if (!intake->sha256 || EVP_DigestInit_ex(intake->sha256, EVP_sha256(), NULL) != 1) {
        plx_intake_free(intake);
        return plx_refuse_memory(refusal);
    }
    if (!is_needed_later(&intake->facts)) return true;
    intake->facts.content = plx_blob_new(plx_files_room(files));
    if (intake->facts.content) return true;
    plx_intake_free(intake);
    return plx_blob_refuse(plx_files_room(files), refusal);
}

void plx_intake_free(plx_intake *intake)
{
    EVP_MD_CTX_free(intake->sha256);
    plx_blob_drop(intake->facts.content);
    intake->sha256 = NULL;
    intake->facts.content = NULL;
}

bool plx_intake_take(plx_intake *intake, castor_str bytes, plx_refusal *refusal)
{
    plx_file_facts *facts = &intake->facts;
    uint64_t        size_max = intake->size_told.is_set ? (uint64_t)intake->size_told.value : PLX_UPLOAD_BYTES_MAX;

    if (bytes.len > size_max - facts->size) {
        return plx_refuse(refusal, 400, "The upload has more than the %" PRIu64 " bytes that %s.", size_max,
                          intake->size_told.is_set ? "were announced for it" : "a file may have");
    }
    if (facts->content && !plx_blob_append(facts->content, bytes)) {
        return plx_blob_refuse(facts->content->room, refusal);
    }
    if (EVP_DigestUpdate(intake->sha256, bytes.data, bytes.len) != 1) return plx_refuse_memory(refusal);
    facts->size += bytes.len;
    return true;
}

static bool print_digest(plx_intake *intake, plx_refusal *refusal)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned      len = 0;

    /* Of a copy: the file may still be refused, and the client may add to it then. */
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    bool        is_made = copy && EVP_MD_CTX_copy_ex(copy, intake->sha256) == 1 &&
                   EVP_DigestFinal_ex(copy, digest, &len) == 1;
    EVP_MD_CTX_free(copy);
    if (!is_made || len * 2 >= sizeof intake->facts.sha256) return plx_refuse_memory(refusal);
    for (unsigned i = 0; i < len; i++) snprintf(intake->facts.sha256 + 2 * i, 3, "%02x", digest[i]);
    return true;
}

plx_file *plx_intake_finish(plx_intake *intake, plx_world *world, plx_refusal *refusal)
{
    if (intake->size_told.is_set && intake->facts.size != (uint64_t)intake->size_told.value) {
        plx_refuse(refusal, 400, "The upload has %" PRIu64 " bytes; %" PRId64 " were announced for it.",
                   intake->facts.size, intake->size_told.value);
        return NULL;
    }
    if (!print_digest(intake, refusal)) return NULL;
    plx_file *file = plx_files_add(world, &intake->facts, refusal);
    if (file) intake->facts.content = NULL; /* the file's now */
    return file;
}
