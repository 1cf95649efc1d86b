/* files.h -- the files of all projects: what the API tells about each, and when it may be used.
 * SPDX-License-Identifier: MIT
 *
 *   PROCESSING --at ready_us--> ACTIVE, or FAILED when its display name has "pollux: fail" in it
 *
 * Images, text and the like are ACTIVE at once; audio and video, and what is to fail, take the time that the program
 * was given (--file-processing). A file ends PLX_FILE_LIFE_S after it was made. All of that is on the world's clock.
 * Contents are dropped as they come, but for JSON Lines, which a batch may read, and for what pollux itself makes.
 */
#ifndef PLX_FILES_H
#define PLX_FILES_H

#include "api/blob.h"
#include "api/shelf.h"

typedef enum plx_file_source {
    PLX_FILE_UPLOADED = 0,
    PLX_FILE_GENERATED, /* by pollux: it can be downloaded */
    PLX_FILE_REGISTERED /* it lies elsewhere */
} plx_file_source;

typedef enum plx_file_state { PLX_FILE_PROCESSING = 0, PLX_FILE_ACTIVE, PLX_FILE_FAILED } plx_file_state;

/* What is known of a file when it is made. */
typedef struct plx_file_facts {
    plx_owner       owner;
    plx_file_source source;
    char            id[PLX_FILE_ID_BYTES_MAX + 1];                        /* empty: one is made */
    char            display_name[PLX_DISPLAY_NAME_CHARS_MAX * 4 + 1];
    char            mime_type[PLX_MIME_TYPE_BYTES_MAX + 1];
    uint64_t        size;
    char            sha256[2 * 32 + 1];                                   /* in hexadecimal; empty: not known */
    plx_blob       *content;                                              /* NULL: it was not kept */
} plx_file_facts;

typedef struct plx_file {
    plx_shelved    shelved;  /* "files/abc" */
    plx_file_facts facts;
    int64_t        ready_us; /* the end of PROCESSING */
} plx_file;

typedef struct plx_files plx_files;

plx_files *plx_files_new(uint32_t processing_ms); /* NULL: no memory */
void       plx_files_free(plx_files *files);

plx_shelf     *plx_files_shelf(plx_files *files);
plx_blob_room *plx_files_room(plx_files *files); /* where contents are kept */

/* `name` is "files/ID". A valid id is up to 40 of a-z, 0-9 and -, with no dash at its ends. False: it is not, or is
 * taken. */
bool plx_files_read_name(const plx_files *files, castor_str name, plx_file_facts *facts, plx_refusal *refusal);

/* Whether so many bytes more still fit into what one project may have. */
bool plx_files_check_room(const plx_files *files, plx_owner owner, uint64_t bytes, plx_refusal *refusal);

/* Makes the file; its content is the file's then. NULL: `refusal` tells why, and the content is still the caller's. */
plx_file *plx_files_add(plx_world *world, const plx_file_facts *facts, plx_refusal *refusal);

/* One of the owner's by its id; NULL: refused, as the service refuses what is another's or not there. */
plx_file *plx_files_find(const plx_world *world, plx_owner owner, castor_str id, plx_refusal *refusal);

/* The same for one that is to be used: it must be ACTIVE. */
plx_file *plx_files_find_active(const plx_world *world, plx_owner owner, castor_str id, plx_refusal *refusal);

plx_file_state plx_file_state_at(const plx_file *file, int64_t now_us);

/* Prints the resource. Its URI has the host by which the client reached us. */
void plx_file_put(cst_json_writer *writer, const plx_file *file, const plx_exchange *exchange);

/* Answers with {"file":{...}}, as an upload's end does. */
void plx_file_send_wrapped(plx_exchange *exchange, const plx_file *file);

/* Whether all files that a request's contents and systemInstruction name may be used by this owner now. URIs that are
 * not of the Files API (gs://, videos elsewhere) are not looked at. */
bool plx_files_check_use(const plx_world *world, plx_owner owner, const cst_json *request, plx_refusal *refusal);

#endif
