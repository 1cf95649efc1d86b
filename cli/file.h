/* file.h -- whole files and standard input, with a limit.
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include "fault.h"
#include "text.h"

/* "standard input" for "-", else the path: for sentences. */
const char *cli_file_name(const char *path);

/* A descriptor to read from; -1 with a fault. "-" is standard input. Close it with cli_file_close. */
int  cli_file_open(const char *path, cli_fault *fault);
void cli_file_close(int fd);

/* At most `size` bytes; 0 at the end, -1 with errno. Goes on after signals. */
long cli_file_read_some(int fd, char *bytes, size_t size);

/* Adds all that `fd` has, up to the text's own maximum. */
bool cli_file_read_all(cli_text *out, int fd, const char *name, cli_fault *fault);

/* The same for a path. */
bool cli_file_read(cli_text *out, const char *path, cli_fault *fault);

/* An API key, white space around it cut off. Refuses a file that others can read. The caller wipes it. */
bool cli_file_read_key(char key[CLI_KEY_BYTES_MAX], const char *path, cli_fault *fault);

#endif
