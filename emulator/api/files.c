/* files.c -- the files of all projects: what the API tells about each, and when it may be used.
 * SPDX-License-Identifier: MIT
 */
#include "api/files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/resources.h"
#include "proto/fields.h"
#include "proto/timestamp.h"

#define US_PER_S 1000000ll

enum {
    ID_LETTERS = 12,            /* of a name that is made here */
    VIDEO_BYTES_PER_S = 125000, /* nothing is decoded: a video is taken to have 1 Mbit a second */
    INTERNAL = 13               /* google.rpc.Code */
};

struct plx_files {
    plx_shelf     shelf;
    plx_blob_room room;
    uint32_t      processing_ms;
};

/* ---- the store ---- */

static void free_file(plx_shelved *one)
{
    plx_file *file = (plx_file *)one;

    plx_blob_drop(file->facts.content);
    free(file);
}

plx_files *plx_files_new(uint32_t processing_ms)
{
    plx_files *files = calloc(1, sizeof *files);

    if (!files) return NULL;
    files->shelf = (plx_shelf){ .count_max = PLX_FILES_MAX, .free_one = free_file };
    files->processing_ms = processing_ms;
    return files;
}

void plx_files_free(plx_files *files)
{
    if (!files) return;
    plx_shelf_clear(&files->shelf);
    free(files);
}

plx_shelf     *plx_files_shelf(plx_files *files) { return &files->shelf; }
plx_blob_room *plx_files_room(plx_files *files) { return &files->room; }

/* ---- making one ---- */

static bool is_id(castor_str id)
{
    if (id.len == 0 || id.len > PLX_FILE_ID_BYTES_MAX || id.data[0] == '-' || id.data[id.len - 1] == '-') return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
    }
    return true;
}

static bool is_taken(const plx_files *files, const char *id)
{
    char name[PLX_RESOURCE_NAME_SIZE];

    snprintf(name, sizeof name, "files/%s", id);
    return plx_shelf_find(&files->shelf, castor_str_of(name)) != NULL;
}

static bool refuse_taken(const char *id, plx_refusal *refusal)
{
    return plx_refuse_as(refusal, 409, "ALREADY_EXISTS", NULL, "Requested entity already exists: files/%s", id);
}

bool plx_files_read_name(const plx_files *files, castor_str name, plx_file_facts *facts, plx_refusal *refusal)
{
    bool       has_prefix = cst_str_starts_with(name, "files/");
    castor_str id = has_prefix ? (castor_str){ name.data + 6, name.len - 6 } : name;

    if (!has_prefix || !is_id(id)) {
        return plx_refuse(refusal, 400,
                          "* CreateFileRequest.file.name: the name must be `files/` and then 1 to 40 of lowercase "
                          "letters, digits and dashes, with no dash at its beginning or end.\n");
    }
    cst_copy_text(facts->id, sizeof facts->id, id);
    return !is_taken(files, facts->id) || refuse_taken(facts->id, refusal);
}

bool plx_files_check_room(const plx_files *files, plx_owner owner, uint64_t bytes, plx_refusal *refusal)
{
    uint64_t used = 0;

    for (const plx_shelved *one = files->shelf.newest; one; one = one->older) {
        if (one->owner == owner) used += ((const plx_file *)one)->facts.size;
    }
    if (bytes <= PLX_PROJECT_BYTES_MAX && used <= PLX_PROJECT_BYTES_MAX - bytes) return true;
    return plx_refuse(refusal, 429, "You have exceeded the file storage of your project, which is %" PRIu64 " bytes.",
                      PLX_PROJECT_BYTES_MAX);
}

static bool is_media(const char *mime_type)
{
    return strncmp(mime_type, "video/", 6) == 0 || strncmp(mime_type, "audio/", 6) == 0;
}

static bool is_to_fail(const plx_file *file)
{
    return strstr(file->facts.display_name, "pollux: fail") != NULL;
}

static void set_times(plx_file *file, const plx_files *files, int64_t now_us)
{
    bool    is_slow = is_media(file->facts.mime_type) || is_to_fail(file);
    bool    takes_time = is_slow && file->facts.source == PLX_FILE_UPLOADED;
    int64_t wait_us = takes_time ? (int64_t)files->processing_ms * 1000 : 0;

    file->ready_us = now_us + wait_us;
    file->shelved.created_us = now_us;
    file->shelved.updated_us = now_us;
    file->shelved.expires_us = now_us + PLX_FILE_LIFE_S * US_PER_S;
}

plx_file *plx_files_add(plx_world *world, const plx_file_facts *facts, plx_refusal *refusal)
{
    plx_files *files = world->resources->files;
    int64_t    now_us = plx_world_now_us(world);

    plx_shelf_sweep(&files->shelf, now_us);
    if (facts->id[0] && is_taken(files, facts->id)) {
        refuse_taken(facts->id, refusal);
        return NULL;
    }
    if (!plx_files_check_room(files, facts->owner, facts->size, refusal)) return NULL;

    plx_file *file = calloc(1, sizeof *file);
    if (!file) {
        plx_refuse_memory(refusal);
        return NULL;
    }
    file->facts = *facts;
    file->shelved.owner = facts->owner;
    set_times(file, files, now_us);
    if (facts->id[0]) snprintf(file->shelved.name, sizeof file->shelved.name, "files/%s", facts->id);
    else plx_shelf_make_name(&files->shelf, file->shelved.name, "files", ID_LETTERS, &world->chance);
    if (plx_shelf_put(&files->shelf, &file->shelved)) return file;
    free(file);
    plx_refuse(refusal, 429, "The emulator keeps no more than %d files; delete some.", (int)PLX_FILES_MAX);
    return NULL;
}

/* ---- looking at one ---- */

plx_file *plx_files_find(const plx_world *world, plx_owner owner, castor_str id, plx_refusal *refusal)
{
    plx_files *files = world->resources->files;

    plx_shelf_sweep(&files->shelf, plx_world_now_us(world));
    plx_file *file = (plx_file *)plx_shelf_find_own(&files->shelf, "files", id, owner);
    if (!file) {
        plx_refuse(refusal, 403, "You do not have permission to access the File %.*s or it may not exist.",
                   CASTOR_ARG(id));
    }
    return file;
}

plx_file_state plx_file_state_at(const plx_file *file, int64_t now_us)
{
    if (now_us < file->ready_us) return PLX_FILE_PROCESSING;
    return is_to_fail(file) ? PLX_FILE_FAILED : PLX_FILE_ACTIVE;
}

plx_file *plx_files_find_active(const plx_world *world, plx_owner owner, castor_str id, plx_refusal *refusal)
{
    plx_file *file = plx_files_find(world, owner, id, refusal);

    if (!file || plx_file_state_at(file, plx_world_now_us(world)) == PLX_FILE_ACTIVE) return file;
    plx_refuse_as(refusal, 400, "FAILED_PRECONDITION", NULL,
                  "The File %.*s is not in an ACTIVE state and usage is not allowed.", CASTOR_ARG(id));
    return NULL;
}

static const char *name_of_state(plx_file_state state)
{
    static const char *const names[] = { "PROCESSING", "ACTIVE", "FAILED" };

    return names[state];
}

static const char *name_of_source(plx_file_source source)
{
    static const char *const names[] = { "UPLOADED", "GENERATED", "REGISTERED" };

    return names[source];
}

/* The service names its own host. A client that checks a URI against its base URL, or fetches it, wants ours. */
static void put_uri(cst_json_writer *w, const char *key, const plx_exchange *e, const char *name, const char *suffix)
{
    char origin[PLX_ORIGIN_SIZE];
    char uri[PLX_ORIGIN_SIZE + PLX_RESOURCE_NAME_SIZE + 40];

    plx_exchange_origin(e, origin);
    snprintf(uri, sizeof uri, "%s/v1beta/%s%s", origin, name, suffix);
    cst_json_put_member(w, key, uri);
}

static void put_video(cst_json_writer *w, const plx_file *file)
{
    uint64_t seconds = (file->facts.size + VIDEO_BYTES_PER_S - 1) / VIDEO_BYTES_PER_S;
    char     text[PLX_TIME_TEXT_SIZE];

    plx_duration_print(text, (int64_t)(seconds > 0 ? seconds : 1) * US_PER_S);
    cst_json_key(w, "videoMetadata");
    cst_json_open_object(w);
    cst_json_put_member(w, "videoDuration", text);
    cst_json_close_object(w);
}

static void put_failure(cst_json_writer *w)
{
    cst_json_key(w, "error");
    cst_json_open_object(w);
    cst_json_key(w, "code");
    cst_json_put_integer(w, INTERNAL);
    cst_json_put_member(w, "message", "The file failed to be processed, as its display name asks for.");
    cst_json_close_object(w);
}

static void put_times(cst_json_writer *w, const plx_file *file, plx_file_state state)
{
    char text[PLX_TIME_TEXT_SIZE];

    plx_put_time(w, "createTime", file->shelved.created_us);
    plx_put_time(w, "updateTime", state == PLX_FILE_PROCESSING ? file->shelved.updated_us : file->ready_us);
    plx_timestamp_print_ns(text, file->shelved.expires_us);
    cst_json_put_member(w, "expirationTime", text);
}

void plx_file_put(cst_json_writer *w, const plx_file *file, const plx_exchange *e)
{
    const plx_file_facts *facts = &file->facts;
    plx_file_state        state = plx_file_state_at(file, plx_world_now_us(e->world));

    cst_json_open_object(w);
    cst_json_put_member(w, "name", file->shelved.name);
    if (facts->display_name[0]) cst_json_put_member(w, "displayName", facts->display_name);
    cst_json_put_member(w, "mimeType", facts->mime_type);
    if (facts->source != PLX_FILE_REGISTERED) plx_put_int64(w, "sizeBytes", (int64_t)facts->size);
    put_times(w, file, state);
    if (facts->sha256[0]) { /* of the digest's text, as the service has it */
        cst_json_key(w, "sha256Hash");
        cst_json_put_base64(w, CST_NONE, castor_str_of(facts->sha256));
    }
    put_uri(w, "uri", e, file->shelved.name, "");
    if (facts->source == PLX_FILE_GENERATED) put_uri(w, "downloadUri", e, file->shelved.name, ":download?alt=media");
    cst_json_put_member(w, "state", name_of_state(state));
    cst_json_put_member(w, "source", name_of_source(facts->source));
    if (state == PLX_FILE_ACTIVE && strncmp(facts->mime_type, "video/", 6) == 0) put_video(w, file);
    if (state == PLX_FILE_FAILED) put_failure(w);
    cst_json_close_object(w);
}

/* ---- using one ---- */

/* Behind scheme and host; the whole of it when it has none. */
static castor_str path_of(castor_str uri)
{
    static const char *const schemes[] = { "https://", "http://" };

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t len = strlen(schemes[i]);
        if (!cst_str_starts_with(uri, schemes[i])) continue;
        const char *slash = memchr(uri.data + len, '/', uri.len - len);
        return slash ? (castor_str){ slash + 1, (size_t)(uri.data + uri.len - slash - 1) } : CST_NONE;
    }
    return uri;
}

/* "abc" of ".../v1beta/files/abc" and of "files/abc"; absent for all else. */
static castor_str id_in(castor_str uri)
{
    static const char *const before[] = { "files/", "v1/files/", "v1beta/files/", "v1alpha/files/" };
    castor_str               path = path_of(uri);

    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        size_t len = strlen(before[i]);
        if (!cst_str_starts_with(path, before[i]) || path.len == len) continue;
        castor_str id = { path.data + len, path.len - len };
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): what starts with "files/" is there */
        if (!memchr(id.data, '/', id.len)) return id;
    }
    return CST_NONE;
}

static bool check_uri(const plx_world *world, plx_owner owner, castor_str uri, plx_refusal *refusal)
{
    castor_str id = id_in(uri);

    return !id.data || plx_files_find_active(world, owner, id, refusal);
}

static bool check_content(const plx_world *world, plx_owner owner, const cst_json *content, plx_refusal *refusal)
{
    plx_list        parts = plx_list_of(plx_field_get(content, "parts"));
    const cst_json *part;

    while ((part = plx_list_next(&parts))) {
        castor_str uri = cst_json_string(plx_field_get(plx_field_get(part, "fileData"), "fileUri"));
        if (uri.data && !check_uri(world, owner, uri, refusal)) return false;
    }
    return true;
}

bool plx_files_check_use(const plx_world *world, plx_owner owner, const cst_json *request, plx_refusal *refusal)
{
    plx_list        contents = plx_list_of(plx_field_get(request, "contents"));
    const cst_json *content;

    while ((content = plx_list_next(&contents))) {
        if (!check_content(world, owner, content, refusal)) return false;
    }
    return check_content(world, owner, plx_field_get(request, "systemInstruction"), refusal);
}
