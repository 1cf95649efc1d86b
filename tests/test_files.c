/* test_files.c -- the Files API: uploads in one request and in many, what a file tells, and when it may be used.
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "answers.h"

#define MULTIPART "/upload/v1beta/files?uploadType=multipart"
#define RESUMABLE "X-Goog-Upload-Protocol: resumable\r\nX-Goog-Upload-Command: start\r\n"

/* ---- small helpers ---- */

/* Begins an upload, and gives the path of its URL. */
static void begin(const tst_pollux *p, const char *headers, const char *body, char path[512])
{
    char       all[1024], url[512];
    tst_answer a;

    snprintf(all, sizeof all, KEY RESUMABLE "%s", headers);
    a = tst_call(p, "POST", "/upload/v1beta/files", all, body);
    tst_check_status(&a, 200);
    tst_check_header(&a, "x-goog-upload-status", "active");
    tst_check_header(&a, "x-goog-upload-chunk-granularity", "262144");
    tst_check_header(&a, "content-length", "0");
    assert_true(tst_header(&a, "x-goog-upload-url", url, sizeof url));
    assert_int_equal(strncmp(url, "http://localhost/upload/v1beta/files?upload_id=", 47), 0);
    snprintf(path, 512, "%s", url + strlen("http://localhost"));
    tst_forget(&a);
}

static void send_command(tst_link *l, const char *path, const char *command, long offset, size_t length)
{
    char head[1024];

    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nHost: localhost\r\nX-Goog-Upload-Command: %s\r\nX-Goog-Upload-Offset: %ld\r\n"
             "Content-Length: %zu\r\n\r\n", path, command, offset, length);
    tst_send_text(l, head);
}

static tst_answer command(const tst_pollux *p, const char *path, const char *name, long offset, const char *bytes,
                          size_t len)
{
    tst_link l = tst_connect(p);

    send_command(&l, path, name, offset, len);
    tst_send(&l, bytes, len);
    tst_answer a = tst_read_answer(&l);
    tst_hang_up(&l);
    return a;
}

static void check_chunk(const char *path, const char *name, long offset, const char *bytes, const char *upload_status)
{
    tst_answer a = command(&tst_shared, path, name, offset, bytes, strlen(bytes));

    tst_check_status(&a, 200);
    tst_check_header(&a, "x-goog-upload-status", upload_status);
    tst_forget(&a);
}

static void check_received(const char *path, const char *upload_status, const char *size)
{
    tst_answer a = command(&tst_shared, path, "query", 0, "", 0);

    tst_check_status(&a, 200);
    tst_check_header(&a, "x-goog-upload-status", upload_status);
    tst_check_header(&a, "x-goog-upload-size-received", size);
    tst_forget(&a);
}

/* Uploads a small file at once; its name goes to `name`. */
static void put_file(const tst_pollux *p, const char *mime_type, const char *meta, char name[64])
{
    char       headers[256], path[512];
    tst_answer a;

    snprintf(headers, sizeof headers, "X-Goog-Upload-Header-Content-Type: %s\r\n", mime_type);
    begin(p, headers, meta, path);
    a = command(p, path, "upload, finalize", 0, "hello", 5);
    tst_check_status(&a, 200);
    tst_text_at(&a, "file.name", name, 64);
    tst_forget(&a);
}

static void check_state(const tst_pollux *p, const char *name, const char *state)
{
    char       path[128];
    tst_answer a;

    snprintf(path, sizeof path, "/v1beta/%s", name);
    a = tst_call(p, "GET", path, KEY, NULL);
    tst_check_at(&a, "state", state);
    tst_forget(&a);
}

/* ---- uploads in pieces ---- */

static void a_file_uploaded_in_pieces_tells_all_about_itself(void **state)
{
    char       path[512], name[64], expected[1024];
    tst_answer a;

    (void)state;
    begin(&tst_shared, "X-Goog-Upload-Header-Content-Length: 5\r\nX-Goog-Upload-Header-Content-Type: video/mp4\r\n",
          "{\"file\":{\"display_name\":\"My clip\",\"name\":\"files/my-clip\"}}", path);
    check_chunk(path, "upload", 0, "he", "active");
    check_received(path, "active", "2");
    check_chunk(path, "upload", 2, "ll", "active");
    a = command(&tst_shared, path, "upload, finalize", 4, "o", 1);
    tst_check_status(&a, 200);
    tst_check_header(&a, "x-goog-upload-status", "final");
    tst_check_header(&a, "content-type", "application/json; charset=UTF-8");
    tst_text_at(&a, "file.name", name, sizeof name);
    assert_string_equal(name, "files/my-clip");
    snprintf(expected, sizeof expected,
             "{\n  \"file\": {\n    \"name\": \"files/my-clip\",\n    \"displayName\": \"My clip\",\n"
             "    \"mimeType\": \"video/mp4\",\n    \"sizeBytes\": \"5\",\n    \"createTime\": \"$\",\n"
             "    \"updateTime\": \"$\",\n    \"expirationTime\": \"$\",\n    \"sha256Hash\": "
             "\"MmNmMjRkYmE1ZmIwYTMwZTI2ZTgzYjJhYzViOWUyOWUxYjE2MWU1YzFmYTc0MjVlNzMwNDMzNjI5MzhiOTgyNA==\",\n"
             "    \"uri\": \"http://localhost/v1beta/files/my-clip\",\n    \"state\": \"PROCESSING\",\n"
             "    \"source\": \"UPLOADED\"\n  }\n}\n");
    tst_same_body(&a, expected);
    tst_forget(&a);
    check_received(path, "final", "5");
    a = tst_delete(&tst_shared, "/v1beta/files/my-clip");
    tst_same_body(&a, "{}\n");
    tst_forget(&a);
}

static void the_upload_url_wants_no_key_and_knows_its_version(void **state)
{
    tst_answer a = tst_call(&tst_shared, "POST", "/upload/v1alpha/files", KEY RESUMABLE, NULL);
    char       url[512];

    (void)state;
    assert_true(tst_header(&a, "x-goog-upload-url", url, sizeof url));
    assert_non_null(strstr(url, "/upload/v1alpha/files?upload_id="));
    tst_forget(&a);
    check_chunk(url + strlen("http://localhost"), "upload, finalize", 0, "", "final"); /* of no bytes at all */
    tst_check_error(tst_call(&tst_shared, "POST", "/upload/v1beta/files", RESUMABLE, NULL), DENIED,
                "unregistered callers");
}

static void an_offset_that_does_not_fit_is_refused_and_the_upload_goes_on(void **state)
{
    char       path[512];
    tst_answer a;

    (void)state;
    begin(&tst_shared, "", "{}", path);
    check_chunk(path, "upload", 0, "hel", "active");
    a = command(&tst_shared, path, "upload", 4, "x", 1);
    tst_check_header(&a, "x-goog-upload-status", "active");
    tst_check_error(a, INVALID, "must be 3, not 4");
    tst_check_error(command(&tst_shared, path, "upload", 1, "x", 1), INVALID, "must be 3, not 1");
    check_received(path, "active", "3");
    check_chunk(path, "upload, finalize", 3, "lo", "final");
}

static void a_request_sent_again_adds_nothing_twice(void **state)
{
    char       path[512], again[64], name[64];
    tst_answer a;

    (void)state;
    begin(&tst_shared, "X-Goog-Upload-Header-Content-Length: 5\r\n", "{}", path);
    check_chunk(path, "upload", 0, "he", "active");
    check_chunk(path, "upload", 2, "l", "active");
    check_chunk(path, "upload", 2, "l", "active"); /* its answer was lost on the way */
    check_received(path, "active", "3");
    a = command(&tst_shared, path, "upload, finalize", 3, "lo", 2);
    tst_text_at(&a, "file.name", name, sizeof name);
    tst_check_at(&a, "file.sizeBytes", "5");
    tst_check_at(&a, "file.sha256Hash",
               "MmNmMjRkYmE1ZmIwYTMwZTI2ZTgzYjJhYzViOWUyOWUxYjE2MWU1YzFmYTc0MjVlNzMwNDMzNjI5MzhiOTgyNA==");
    tst_forget(&a);
    a = command(&tst_shared, path, "upload, finalize", 3, "lo", 2);
    tst_check_header(&a, "x-goog-upload-status", "final");
    tst_text_at(&a, "file.name", again, sizeof again);
    assert_string_equal(again, name);
    tst_forget(&a);
    tst_check_error(command(&tst_shared, path, "upload", 5, "x", 1), INVALID, "already been terminated");
}

static void a_broken_connection_leaves_what_has_come(void **state)
{
    char     path[512];
    tst_link l = tst_connect(&tst_shared);

    (void)state;
    begin(&tst_shared, "X-Goog-Upload-Header-Content-Length: 5\r\n", "{}", path);
    send_command(&l, path, "upload, finalize", 0, 5);
    tst_send(&l, "hel", 3);
    shutdown(l.fd, SHUT_WR);
    while (tst_read_more(&l)) continue; /* until pollux has seen it break off */
    tst_hang_up(&l);
    check_received(path, "active", "3");
    check_chunk(path, "upload, finalize", 3, "lo", "final");
}

static void a_newer_request_takes_the_upload_from_one_that_hangs(void **state)
{
    char     path[512];
    tst_link l = tst_connect(&tst_shared);

    (void)state;
    begin(&tst_shared, "", "{}", path);
    send_command(&l, path, "upload, finalize", 0, 5);
    tst_send(&l, "hel", 3);
    for (tst_answer a = { 0 };; tst_forget(&a)) { /* until pollux has read that */
        char size[8] = "";
        a = command(&tst_shared, path, "query", 0, "", 0);
        tst_header(&a, "x-goog-upload-size-received", size, sizeof size);
        if (strcmp(size, "3") == 0) {
            tst_forget(&a);
            break;
        }
    }
    check_chunk(path, "upload", 3, "l", "active");
    tst_send(&l, "XX", 2);
    tst_check_error(tst_read_answer(&l), 409, "ABORTED", "taken it over");
    tst_hang_up(&l);
    check_received(path, "active", "4");
}

static void a_size_that_was_not_announced_is_refused(void **state)
{
    char       path[512];
    tst_answer a;

    (void)state;
    begin(&tst_shared, "X-Goog-Upload-Header-Content-Length: 5\r\n", "{}", path);
    check_chunk(path, "upload", 0, "hel", "active");
    tst_check_error(command(&tst_shared, path, "finalize", 3, "", 0), INVALID, "has 3 bytes; 5 were announced");
    tst_check_error(command(&tst_shared, path, "upload, finalize", 3, "low", 3), INVALID,
                "more than the 5 bytes");
    check_received(path, "active", "3");
    check_chunk(path, "upload", 3, "lo", "active");
    a = command(&tst_shared, path, "finalize", 5, "", 0);
    tst_check_header(&a, "x-goog-upload-status", "final");
    tst_check_at(&a, "file.sizeBytes", "5");
    tst_forget(&a);
    tst_check_error(tst_call(&tst_shared, "POST", "/upload/v1beta/files",
                         KEY RESUMABLE "X-Goog-Upload-Header-Content-Length: 2147483649\r\n", "{}"),
                INVALID, "no more than 2147483648");
}

static void a_cancelled_upload_stays_cancelled(void **state)
{
    char path[512];

    (void)state;
    begin(&tst_shared, "", "{}", path);
    check_chunk(path, "upload", 0, "hel", "active");
    check_chunk(path, "cancel", 0, "", "cancelled");
    tst_answer a = command(&tst_shared, path, "upload, finalize", 3, "lo", 2);
    tst_check_header(&a, "x-goog-upload-status", "cancelled");
    tst_check_error(a, INVALID, "already been terminated");
    check_chunk(path, "query", 0, "", "cancelled");
}

static void commands_and_uploads_that_there_are_not_are_refused(void **state)
{
    char path[512];

    (void)state;
    begin(&tst_shared, "", "{}", path);
    tst_check_error(command(&tst_shared, path, "finish", 0, "", 0), INVALID, "X-Goog-Upload-Command");
    tst_check_error(command(&tst_shared, path, "query, cancel", 0, "", 0), INVALID, "X-Goog-Upload-Command");
    tst_check_error(command(&tst_shared, path, "start", 0, "", 0), INVALID, "X-Goog-Upload-Command");
    tst_check_error(command(&tst_shared, "/upload/v1beta/files?upload_id=none", "query", 0, "", 0), MISSING,
                "no such upload");
    tst_check_error(tst_call(&tst_shared, "POST", "/upload/v1beta/files", KEY, "{}"), INVALID,
                "X-Goog-Upload-Protocol");
}

static void what_is_told_of_a_file_is_checked(void **state)
{
    static const struct {
        const char *body;
        int         code;
        const char *status;
        const char *words;
    } wrong[] = {
        { "{\"file\":{\"name\":\"files/-x\"}}", INVALID, "CreateFileRequest.file.name" },
        { "{\"file\":{\"name\":\"files/X\"}}", INVALID, "CreateFileRequest.file.name" },
        { "{\"file\":{\"name\":\"x\"}}", INVALID, "CreateFileRequest.file.name" },
        { "{\"file\":{\"name\":\"files/a234567890123456789012345678901234567890x\"}}", INVALID, "name" },
        { "{\"file\":{\"nam\":\"files/x\"}}", INVALID, "Unknown name \\\"nam\\\" at 'file'" },
        { "{\"file\":{\"displayName\":5}}", INVALID, "Invalid value at 'file.display_name' (TYPE_STRING), 5" },
        { "{\"file\":{\"sizeBytes\":\"x\"}}", INVALID, "'file.size_bytes' (TYPE_INT64), \\\"x\\\"" },
        { "{\"file\":[]}", INVALID, "Proto field is not repeating, cannot start list." },
        { "{\"file\":", INVALID, "Invalid JSON payload" },
        { "{\"file\":{\"name\":\"files/taken\"}}", 409, "ALREADY_EXISTS", "files/taken" },
    };
    char       name[64];
    tst_answer a;

    (void)state;
    put_file(&tst_shared, "text/plain", "{\"file\":{\"name\":\"files/taken\"}}", name);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        a = tst_call(&tst_shared, "POST", "/upload/v1beta/files", KEY RESUMABLE, wrong[i].body);
        tst_check_error(a, wrong[i].code, wrong[i].status, wrong[i].words);
    }
    a = tst_delete(&tst_shared, "/v1beta/files/taken");
    tst_check_status(&a, 200);
    tst_forget(&a);
}

/* ---- uploads at once ---- */

static tst_answer post_bytes(const char *path, const char *headers, const char *bytes, size_t len)
{
    tst_link l = tst_connect(&tst_shared);
    char     head[1024];

    snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: localhost\r\n" KEY "%sContent-Length: %zu\r\n\r\n", path,
             headers, len);
    tst_send_text(&l, head);
    for (size_t i = 0; i < len; i += 7) tst_send(&l, bytes + i, len - i < 7 ? len - i : 7); /* in small pieces */
    tst_answer a = tst_read_answer(&l);
    tst_hang_up(&l);
    return a;
}

static void the_bytes_alone_are_a_file_too(void **state)
{
    tst_answer a = post_bytes("/upload/v1beta/files",
                              "X-Goog-Upload-Protocol: raw\r\nContent-Type: image/png\r\n"
                              "X-Goog-Upload-File-Name: a.png\r\n",
                              "hello", 5);

    (void)state;
    tst_check_status(&a, 200);
    tst_check_at(&a, "file.mimeType", "image/png");
    tst_check_at(&a, "file.displayName", "a.png");
    tst_check_at(&a, "file.sizeBytes", "5");
    tst_check_at(&a, "file.state", "ACTIVE");
    tst_check_at(&a, "file.sha256Hash",
               "MmNmMjRkYmE1ZmIwYTMwZTI2ZTgzYjJhYzViOWUyOWUxYjE2MWU1YzFmYTc0MjVlNzMwNDMzNjI5MzhiOTgyNA==");
    tst_forget(&a);
    a = post_bytes("/upload/v1beta/files?uploadType=media", "Content-Type: text/plain\r\n", "hello", 5);
    tst_check_at(&a, "file.sizeBytes", "5");
    tst_forget(&a);
}

static void two_parts_are_a_file_with_what_is_told_of_it(void **state)
{
    static const char body[] = "what stands here is nothing\r\n--b1\r\ncontent-type: application/json\r\n\r\n"
                               "{\"file\":{\"displayName\":\"two parts\"}}\r\n--b1\r\nContent-Type: image/png\r\n\r\n"
                               "he\r\n--b2\r\r\n--bllo\n\r\n--b1--\r\nand this too";
    static const char with_lf[] = "--b1\nContent-Type: application/json\n\n{}\n--b1\nContent-Type: image/png\n\n"
                                  "hello\n--b1--";
    tst_answer a = post_bytes("/upload/v1beta/files", "X-Goog-Upload-Protocol: multipart\r\nContent-Type: "
                                                      "multipart/related; boundary=b1\r\n", body, sizeof body - 1);

    (void)state;
    tst_check_status(&a, 200);
    tst_check_at(&a, "file.displayName", "two parts");
    tst_check_at(&a, "file.mimeType", "image/png");
    tst_check_at(&a, "file.sizeBytes", "18"); /* "he\r\n--b2\r\r\n--bllo\n", and its digest */
    tst_check_at(&a, "file.sha256Hash",
               "YzQ3NjM4NDg1Mjk2NDFiYWVkZjdhM2IyOTM4NDg2ZmJlMTFlOTNmMTQyYzcxZDQ2MjA2OTk2MGQ2NzVmNGY2MA==");
    tst_forget(&a);
    a = post_bytes(MULTIPART, "Content-Type: multipart/related; x=y; boundary=\"b1\"\r\n", with_lf,
                   sizeof with_lf - 1);
    tst_check_at(&a, "file.sizeBytes", "5");
    tst_check_at(&a, "file.sha256Hash",
               "MmNmMjRkYmE1ZmIwYTMwZTI2ZTgzYjJhYzViOWUyOWUxYjE2MWU1YzFmYTc0MjVlNzMwNDMzNjI5MzhiOTgyNA==");
    tst_forget(&a);
    tst_check_error(post_bytes(MULTIPART, "Content-Type: multipart/related; boundary=b1\r\n", body, sizeof body - 25),
                    INVALID, "last boundary");
    tst_check_error(post_bytes(MULTIPART, "Content-Type: image/png\r\n", body, 20), INVALID, "boundary");
}

/* ---- what becomes of a file ---- */

/* A prompt with the video `name`. */
static void ask_about_video(char *body, size_t size, const char *name)
{
    snprintf(body, size,
             "{\"contents\":[{\"parts\":[{\"text\":\"Hi\"},{\"fileData\":{\"mimeType\":\"video/mp4\",\"fileUri\":"
             "\"https://generativelanguage.googleapis.com/v1beta/%s\"}}]}]}", name);
}

static void a_video_is_processed_and_may_be_used_then(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q", "--file-processing", "60000");
    char       name[64], body[512];

    (void)state;
    put_file(&p, "video/mp4", "{}", name);
    check_state(&p, name, "PROCESSING");
    ask_about_video(body, sizeof body, name);
    tst_check_error(tst_ask(&p, WHOLE, body), 400, "FAILED_PRECONDITION", "is not in an ACTIVE state");
    tst_check_error(tst_ask(&p, "/v1beta/models/gemini-3.8-flash:countTokens", body), 400, "FAILED_PRECONDITION",
                "is not in an ACTIVE state");
    snprintf(body, sizeof body,
             "{\"model\":\"gemini-3.8-flash\",\"input\":[{\"type\":\"video\",\"mime_type\":\"video/mp4\",\"uri\":"
             "\"https://generativelanguage.googleapis.com/v1beta/%s\"}]}", name);
    tst_answer a = tst_ask(&p, "/v1beta/interactions", body);
    tst_check_status(&a, 400);
    tst_contains(&a, "{\"error\":{\"code\":\"failed_precondition\",");
    tst_forget(&a);

    tst_advance(&p, "60");
    check_state(&p, name, "ACTIVE");
    ask_about_video(body, sizeof body, name);
    a = tst_ask(&p, WHOLE, body);
    tst_check_status(&a, 200);
    tst_forget(&a);

    char path[128];
    snprintf(path, sizeof path, "/v1beta/%s", name);
    a = tst_call(&p, "GET", path, KEY, NULL);
    tst_check_at(&a, "videoMetadata.videoDuration", "1s");
    tst_forget(&a);
    tst_check_error(tst_ask_with(&p, WHOLE, OTHER_KEY, body), DENIED, "permission to access the File");
    tst_advance(&p, "172800");
    tst_check_error(tst_ask(&p, WHOLE, body), DENIED, "permission to access the File");
    tst_pollux_stop(&p);
}

static void a_file_fails_when_its_name_asks_for_it(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q", "--file-processing", "1000");
    char       name[64], path[128];

    (void)state;
    put_file(&p, "text/plain", "{\"file\":{\"displayName\":\"pollux: fail\"}}", name);
    check_state(&p, name, "PROCESSING");
    tst_advance(&p, "1");
    snprintf(path, sizeof path, "/v1beta/%s", name);
    tst_answer a = tst_call(&p, "GET", path, KEY, NULL);
    tst_check_at(&a, "state", "FAILED");
    tst_contains(&a, "\"code\": 13");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void a_file_lives_for_48_hours(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q");
    char       name[64], path[128];

    (void)state;
    put_file(&p, "text/plain", "{}", name);
    tst_advance(&p, "172700");
    check_state(&p, name, "ACTIVE");
    tst_advance(&p, "100");
    snprintf(path, sizeof path, "/v1beta/%s", name);
    tst_check_error(tst_call(&p, "GET", path, KEY, NULL), DENIED, "or it may not exist");
    tst_answer a = tst_call(&p, "GET", "/v1beta/files", KEY, NULL);
    tst_same_body(&a, "{}\n");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void a_name_is_free_again_when_its_file_has_expired(void **state)
{
    static const char meta[] = "{\"file\":{\"name\":\"files/mine\"}}";
    tst_pollux        p = TST_POLLUX("--instant", "-q");
    char              name[64];

    (void)state;
    put_file(&p, "text/plain", meta, name);
    tst_advance(&p, "172801");
    put_file(&p, "text/plain", meta, name);
    assert_string_equal(name, "files/mine");
    tst_pollux_stop(&p);
}

static void a_file_is_seen_by_its_own_key_alone(void **state)
{
    char name[64], path[128];

    (void)state;
    put_file(&tst_shared, "text/plain", "{}", name);
    snprintf(path, sizeof path, "/v1beta/%s", name);
    tst_check_error(tst_call(&tst_shared, "GET", path, OTHER_KEY, NULL), DENIED,
                "You do not have permission to access the File");
    tst_check_error(tst_call(&tst_shared, "DELETE", path, OTHER_KEY, NULL), DENIED, "File");
    tst_answer a = tst_call(&tst_shared, "GET", "/v1beta/files", OTHER_KEY, NULL);
    tst_same_body(&a, "{}\n");
    tst_forget(&a);
    a = tst_delete(&tst_shared, path);
    tst_same_body(&a, "{}\n");
    tst_forget(&a);
    tst_check_error(tst_delete(&tst_shared, path), DENIED, "or it may not exist");
    tst_check_error(tst_get(&tst_shared, "/v1beta/files/none"), DENIED,
                "You do not have permission to access the File none or it may not exist.");
}

static void the_list_comes_in_pages_from_the_newest_on(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q");
    char       name[64], meta[64], token[64], path[128];

    (void)state;
    for (int i = 0; i < 12; i++) {
        snprintf(meta, sizeof meta, "{\"file\":{\"name\":\"files/f%d\"}}", i);
        put_file(&p, "text/plain", meta, name);
    }
    tst_answer a = tst_call(&p, "GET", "/v1beta/files", KEY, NULL);
    tst_contains(&a, "files/f11\"");
    tst_contains(&a, "files/f2\"");
    tst_lacks(&a, "files/f1\"");
    tst_forget(&a);

    a = tst_call(&p, "GET", "/v1beta/files?pageSize=5", KEY, NULL);
    tst_text_at(&a, "nextPageToken", token, sizeof token);
    tst_contains(&a, "files/f7\"");
    tst_lacks(&a, "files/f6\"");
    tst_forget(&a);
    a = tst_call(&p, "DELETE", "/v1beta/files/f7", KEY, NULL); /* the last one shown */
    tst_forget(&a);
    put_file(&p, "text/plain", "{}", name); /* and one that comes before the page */
    snprintf(path, sizeof path, "/v1beta/files?pageSize=7&pageToken=%s", token);
    a = tst_call(&p, "GET", path, KEY, NULL);
    tst_contains(&a, "files/f6\"");
    tst_contains(&a, "files/f0\"");
    tst_lacks(&a, "files/f7\"");
    tst_lacks(&a, "nextPageToken");
    tst_forget(&a);
    tst_check_error(tst_call(&p, "GET", "/v1beta/files?pageToken=x", KEY, NULL), INVALID, "page_token");
    tst_pollux_stop(&p);
}

static void only_what_pollux_made_can_be_downloaded(void **state)
{
    char name[64], path[128];

    (void)state;
    put_file(&tst_shared, "application/jsonl", "{}", name);
    snprintf(path, sizeof path, "/v1beta/%s:download?alt=media", name);
    tst_check_error(tst_get(&tst_shared, path), 400, "FAILED_PRECONDITION", "cannot be downloaded");
    tst_check_error(tst_get(&tst_shared, "/download/v1beta/files/none:download?alt=media"), DENIED, "File none");
}

static void a_reset_forgets_files_and_uploads(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q");
    char       name[64], path[512];

    (void)state;
    put_file(&p, "text/plain", "{}", name);
    begin(&p, "", "{}", path);
    tst_answer a = tst_call(&p, "POST", "/pollux/reset", "", NULL);
    tst_check_status(&a, 200);
    tst_forget(&a);
    a = tst_get(&p, "/v1beta/files");
    tst_same_body(&a, "{}\n");
    tst_forget(&a);
    tst_check_error(command(&p, path, "upload, finalize", 0, "x", 1), MISSING, "no such upload");
    tst_pollux_stop(&p);
}

static void objects_in_a_bucket_become_files(void **state)
{
    tst_answer a = tst_ask(&tst_shared, "/v1beta/files:register", "{\"uris\":[\"gs://b/a.mp4\",\"gs://b/b.pdf\"]}");

    (void)state;
    tst_check_status(&a, 200);
    tst_contains(&a, "\"source\": \"REGISTERED\"");
    tst_contains(&a, "\"mimeType\": \"video/mp4\"");
    tst_contains(&a, "\"mimeType\": \"application/pdf\"");
    tst_forget(&a);
    tst_check_error(tst_ask(&tst_shared, "/v1beta/files:register", "{\"uris\":[\"http://x\"]}"), INVALID, "http://x");
    tst_check_error(tst_ask(&tst_shared, "/v1beta/files:register", "{\"uris\":[]}"), INVALID, "uris");
}

static void one_wrong_object_leaves_no_files_of_the_others(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q");

    (void)state;
    tst_check_error(tst_ask(&p, "/v1beta/files:register", "{\"uris\":[\"gs://b/a\",\"b\"]}"), INVALID, "`b`");
    tst_answer a = tst_get(&p, "/v1beta/files");
    tst_same_body(&a, "{}\n");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void a_uri_of_a_host_alone_is_no_file_of_ours(void **state)
{
    static const char *const uris[] = { "https://example.com", "http://", "", "files", "files/", "/" };
    char                     body[256];

    (void)state;
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        snprintf(body, sizeof body, "{\"contents\":[{\"parts\":[{\"fileData\":{\"fileUri\":\"%s\"}}]}]}", uris[i]);
        tst_answer a = tst_ask(&tst_shared, WHOLE, body);
        tst_check_status(&a, 200);
        tst_forget(&a);
    }
}

static void what_is_no_host_gets_into_no_url(void **state)
{
    static const char start[] = "POST /upload/v1beta/files HTTP/1.1\r\n" KEY RESUMABLE "Content-Length: 2\r\nHost: ";
    static const char *const hosts[] = { "a\"<b>", "a/b?c", "a@b", "a\tb", "", "[::1]:80", "a-b.c:8787" };
    static const char *const urls[] = { "http://localhost/upload", "http://localhost/upload", "http://localhost/upload",
                                        "http://localhost/upload", "http://localhost/upload", "http://[::1]:80/upload",
                                        "http://a-b.c:8787/upload" };
    char url[512];

    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        tst_link l = tst_connect(&tst_shared);
        tst_send_text(&l, start);
        tst_send_text(&l, hosts[i]);
        tst_send_text(&l, "\r\n\r\n{}");
        tst_answer a = tst_read_answer(&l);
        if (a.status == 200) {
            assert_true(tst_header(&a, "x-goog-upload-url", url, sizeof url));
            assert_int_equal(strncmp(url, urls[i], strlen(urls[i])), 0);
        } else {
            assert_int_equal(a.status, 400);
            assert_true(i < 5);
        }
        tst_forget(&a);
        tst_hang_up(&l);
    }
}

/* ---- large ones ---- */

/* In KB; 0: this system does not tell. */
static long peak_memory_of(const tst_pollux *p)
{
    char  path[64], line[256];
    long  peak = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", (int)p->pid);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmHWM: %ld kB", &peak) == 1) break;
    }
    if (file) fclose(file);
    return peak;
}

/* The answer to the first that is refused; `*count` were not. */
static tst_answer upload_until_refused(const tst_pollux *p, const char *headers, size_t *count)
{
    tst_link   l = tst_connect(p);
    tst_answer a = { 0 };

    for (*count = 0;; ++*count) {
        tst_request(&l, "POST", "/upload/v1beta/files", headers, "{}");
        a = tst_read_answer(&l);
        if (a.status != 200) break;
        tst_forget(&a);
    }
    tst_hang_up(&l);
    return a;
}

static void what_there_is_no_room_for_is_refused_with_the_bound(void **state)
{
    tst_pollux p = TST_POLLUX("--instant", "-q");
    size_t     count;

    (void)state;
    tst_answer a = upload_until_refused(&p, KEY RESUMABLE, &count);
    assert_int_equal(count, 1000);
    assert_int_equal(a.status, 429);
    tst_contains(&a, "no more than 1000 uploads");
    tst_forget(&a);
    a = upload_until_refused(&p, KEY "X-Goog-Upload-Protocol: raw\r\nContent-Type: application/jsonl\r\n", &count);
    assert_int_equal(count, 4096);
    assert_int_equal(a.status, 429);
    tst_contains(&a, "no more than 4096 files and batches");
    tst_forget(&a);
    tst_pollux_stop(&p);
}

static void a_large_file_is_never_held(void **state)
{
    enum { SIZE = 64 << 20, CHUNK = 8 << 20, GROWTH_KB_MAX = 8 << 10 };
    char      *bytes = calloc(1, CHUNK);
    char       path[512];
    tst_pollux p = TST_POLLUX("--instant", "-q");

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < CHUNK; i++) bytes[i] = (char)(i * 31 >> 3);
    begin(&p, "X-Goog-Upload-Header-Content-Length: 67108864\r\nX-Goog-Upload-Header-Content-Type: video/mp4\r\n", "{}",
          path);
    long before = peak_memory_of(&p);
    for (long at = 0; at < SIZE; at += CHUNK) {
        tst_answer a = command(&p, path, at + CHUNK < SIZE ? "upload" : "upload, finalize", at, bytes, CHUNK);
        tst_check_status(&a, 200);
        tst_check_header(&a, "x-goog-upload-status", at + CHUNK < SIZE ? "active" : "final");
        if (at + CHUNK == SIZE) tst_check_at(&a, "file.sizeBytes", "67108864");
        tst_forget(&a);
    }
    long after = peak_memory_of(&p);
    if (after - before > GROWTH_KB_MAX) fail_msg("64 MB grew pollux by %ld KB", after - before);
    free(bytes);
    tst_pollux_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_uploaded_in_pieces_tells_all_about_itself),
        cmocka_unit_test(the_upload_url_wants_no_key_and_knows_its_version),
        cmocka_unit_test(an_offset_that_does_not_fit_is_refused_and_the_upload_goes_on),
        cmocka_unit_test(a_request_sent_again_adds_nothing_twice),
        cmocka_unit_test(a_broken_connection_leaves_what_has_come),
        cmocka_unit_test(a_newer_request_takes_the_upload_from_one_that_hangs),
        cmocka_unit_test(a_size_that_was_not_announced_is_refused),
        cmocka_unit_test(a_cancelled_upload_stays_cancelled),
        cmocka_unit_test(commands_and_uploads_that_there_are_not_are_refused),
        cmocka_unit_test(what_is_told_of_a_file_is_checked),
        cmocka_unit_test(the_bytes_alone_are_a_file_too),
        cmocka_unit_test(two_parts_are_a_file_with_what_is_told_of_it),
        cmocka_unit_test(a_video_is_processed_and_may_be_used_then),
        cmocka_unit_test(a_file_fails_when_its_name_asks_for_it),
        cmocka_unit_test(a_file_lives_for_48_hours),
        cmocka_unit_test(a_name_is_free_again_when_its_file_has_expired),
        cmocka_unit_test(a_file_is_seen_by_its_own_key_alone),
        cmocka_unit_test(the_list_comes_in_pages_from_the_newest_on),
        cmocka_unit_test(only_what_pollux_made_can_be_downloaded),
        cmocka_unit_test(a_reset_forgets_files_and_uploads),
        cmocka_unit_test(objects_in_a_bucket_become_files),
        cmocka_unit_test(one_wrong_object_leaves_no_files_of_the_others),
        cmocka_unit_test(a_uri_of_a_host_alone_is_no_file_of_ours),
        cmocka_unit_test(what_is_no_host_gets_into_no_url),
        cmocka_unit_test(what_there_is_no_room_for_is_refused_with_the_bound),
        cmocka_unit_test(a_large_file_is_never_held),
    };
    return cmocka_run_group_tests(tests, tst_shared_start, tst_shared_stop);
}
