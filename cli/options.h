/* options.h -- the command line: one table makes parsing, --help and the manual page's OPTIONS.
 * SPDX-License-Identifier: MIT
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>

#include "castor/castor.h"
#include "fault.h"
#include "limits.h"
#include "text.h"

typedef enum cli_command {
    CLI_ASK = 1,   /* castor [options] [PROMPT...] */
    CLI_DECODE = 2 /* castor decode [options] [FILE] */
} cli_command;

typedef enum cli_form {
    CLI_FORM_TEXT = 0,
    CLI_FORM_JSON,
    CLI_FORM_JSONL
} cli_form;

typedef struct cli_attachment {
    const char *path;
    const char *type; /* NULL: by its first bytes */
} cli_attachment;

/* -o KEY VALUE */
typedef struct cli_setting {
    const char *key;
    const char *value;
} cli_setting;

/* All text is borrowed from the arguments. */
typedef struct cli_options {
    cli_command command;
    bool        wants_help;
    bool        wants_version;

    /* the words of the prompt, or the files of decode; a lone "-" among the words sets wants_stdin instead */
    char      **words;
    size_t      word_count;
    bool        wants_stdin;

    const char    *files[CLI_FILES_MAX];
    size_t         file_count;
    cli_attachment attachments[CLI_FILES_MAX];
    size_t         attachment_count;
    const char    *next_type; /* --at, for the next -a */
    cli_setting    settings[CLI_FILES_MAX];
    size_t         setting_count;

    const char *model;
    const char *system;
    const char *schema_path;
    castor_f64  temperature;
    castor_i64  max_output_tokens;
    castor_i64  candidate_count;
    const char *thinking_level;
    castor_i64  thinking_budget;
    bool        wants_thoughts;

    int         dialect; /* castor_dialect */
    const char *base_url;
    const char *key_path;
    const char *proxy;
    const char *no_proxy;
    const char *ca_path;
    const char *cert_path;
    const char *cert_key_path;
    castor_i64  timeout_ms;
    castor_i64  connect_timeout_ms;
    castor_i64  tls_timeout_ms;
    castor_i64  first_byte_timeout_ms;
    castor_i64  idle_timeout_ms;
    castor_i64  retries;
    castor_i64  retry_budget_ms;
    castor_i64  restarts;
    const char *fallback_models[CLI_FALLBACK_MODELS_MAX];
    size_t      fallback_model_count;
    const char *record_path;

    int  form;           /* cli_form */
    bool is_unary;
    bool is_dry_run;
    bool wants_usage;
    bool is_verbose;
    bool is_quiet;

    const char *content_type; /* decode */
    castor_i64  http_status;
    bool        is_lost;
    bool        wants_raw;
} cli_options;

/* Reads the arguments after the program's name. Moves the pointers in `arguments` about. A false return has its
 * sentence in `fault`. Reading stops at --help and --version. */
bool cli_options_parse(cli_options *options, char **arguments, size_t count, cli_fault *fault);

/* The texts that are made from the table: at most 80 columns, and mdoc. */
void cli_options_print_usage(cli_text *out, cli_command command);
void cli_options_print_help(cli_text *out, cli_command command);
void cli_options_print_mdoc(cli_text *out, cli_command command);

#endif
