/* magic.c -- the media type of a file, by its first bytes.
 * SPDX-License-Identifier: MIT
 *
 * Source: the WHATWG MIME Sniffing Standard, and each format's own. Names are those that the Gemini API documents,
 * which are not always the registered ones (audio/mp3, video/mov).
 */
#include "magic.h"

#include <stdbool.h>
#include <string.h>

#include "limits.h"
#include "utf8.h"

typedef struct magic {
    size_t      at;
    castor_str  bytes;
    size_t      also_at; /* a second mark; absent when its view is empty */
    castor_str  also;
    const char *type;
} magic;

#define MARK(bytes) { (bytes), sizeof(bytes) - 1 }
#define NO_MARK { NULL, 0 }

/* Within an ISO base media file ("ftyp") the brand decides; the last row is for all others. */
static const magic magics[] = {
    { 0, MARK("\x89PNG\r\n\x1A\n"), 0, NO_MARK, "image/png" },
    { 0, MARK("\xFF\xD8\xFF"), 0, NO_MARK, "image/jpeg" },
    { 0, MARK("GIF87a"), 0, NO_MARK, "image/gif" },
    { 0, MARK("GIF89a"), 0, NO_MARK, "image/gif" },
    { 0, MARK("RIFF"), 8, MARK("WEBP"), "image/webp" },
    { 0, MARK("RIFF"), 8, MARK("WAVE"), "audio/wav" },
    { 0, MARK("RIFF"), 8, MARK("AVI "), "video/avi" },
    { 0, MARK("FORM"), 8, MARK("AIFF"), "audio/aiff" },
    { 0, MARK("BM"), 6, MARK("\0\0\0\0"), "image/bmp" },
    { 0, MARK("%PDF-"), 0, NO_MARK, "application/pdf" },
    { 0, MARK("ID3\x02"), 0, NO_MARK, "audio/mp3" },
    { 0, MARK("ID3\x03"), 0, NO_MARK, "audio/mp3" },
    { 0, MARK("ID3\x04"), 0, NO_MARK, "audio/mp3" },
    { 0, MARK("OggS"), 0, NO_MARK, "audio/ogg" },
    { 0, MARK("fLaC"), 0, NO_MARK, "audio/flac" },
    { 4, MARK("ftyp"), 8, MARK("heic"), "image/heic" },
    { 4, MARK("ftyp"), 8, MARK("heix"), "image/heic" },
    { 4, MARK("ftyp"), 8, MARK("hevc"), "image/heic" },
    { 4, MARK("ftyp"), 8, MARK("mif1"), "image/heif" },
    { 4, MARK("ftyp"), 8, MARK("msf1"), "image/heif" },
    { 4, MARK("ftyp"), 8, MARK("avif"), "image/avif" },
    { 4, MARK("ftyp"), 8, MARK("M4A "), "audio/mp4" },
    { 4, MARK("ftyp"), 8, MARK("qt  "), "video/mov" },
    { 4, MARK("ftyp"), 8, MARK("3gp"), "video/3gpp" },
    { 4, MARK("ftyp"), 0, NO_MARK, "video/mp4" },
    { 0, MARK("\x00\x00\x01\xBA"), 0, NO_MARK, "video/mpeg" },
    { 0, MARK("\x00\x00\x01\xB3"), 0, NO_MARK, "video/mpeg" },
    { 0, MARK("FLV\x01"), 0, NO_MARK, "video/x-flv" },
};

static bool has_at(castor_str file, size_t at, castor_str bytes)
{
    return file.len >= at + bytes.len && memcmp(file.data + at, bytes.data, bytes.len) == 0;
}

static bool contains(castor_str head, castor_str bytes)
{
    for (size_t at = 0; at + bytes.len <= head.len; at++) {
        if (has_at(head, at, bytes)) return true;
    }
    return false;
}

/* An MPEG audio frame without tags in front: eleven bits of ones, then the version and the layer. */
static const char *mpeg_audio_type(castor_str file)
{
    const unsigned char *bytes = (const unsigned char *)file.data;
    if (file.len < 2 || bytes[0] != 0xFF) return NULL;
    if ((bytes[1] & 0xF6) == 0xF0) return "audio/aac";
    bool is_layer_3 = (bytes[1] & 0xE6) == 0xE2 && (bytes[1] & 0x18) != 0x08;
    return is_layer_3 ? "audio/mp3" : NULL;
}

/* Matroska and WebM begin alike; the document type stands a little behind. */
static const char *ebml_type(castor_str file)
{
    if (!has_at(file, 0, CASTOR_STR("\x1A\x45\xDF\xA3"))) return NULL;
    castor_str head = { file.data, file.len < CLI_HEAD_BYTES ? file.len : CLI_HEAD_BYTES };
    return contains(head, CASTOR_STR("webm")) ? "video/webm" : "video/x-matroska";
}

static const char *text_type(castor_str file)
{
    bool is_text = file.len > 0 && !memchr(file.data, '\0', file.len) && cli_utf8_is_valid(file);
    return is_text ? "text/plain" : NULL;
}

const char *cli_media_type(castor_str file)
{
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        const magic *row = &magics[i];
        if (!has_at(file, row->at, row->bytes)) continue;
        if (row->also.len == 0 || has_at(file, row->also_at, row->also)) return row->type;
    }
    const char *type = mpeg_audio_type(file);
    if (!type) type = ebml_type(file);
    return type ? type : text_type(file);
}
