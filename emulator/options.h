/* options.h -- the command line of pollux.
 * SPDX-License-Identifier: MIT
 */
#ifndef PLX_OPTIONS_H
#define PLX_OPTIONS_H

#include "api/resources.h"
#include "api/quota.h"
#include "bounds.h"
#include "fault/chaos.h"
#include "generate/manner.h"
#include "generate/pace.h"

enum { PLX_PORT_DEFAULT = 8787 };

typedef enum plx_run {
    PLX_RUN_SERVER = 0,
    PLX_RUN_HELP,
    PLX_RUN_VERSION,
    PLX_RUN_FAULTS, /* the list of them */
    PLX_RUN_FAULTS_MDOC,
    PLX_RUN_PROMPTS, /* lists what prompts can ask of pollux itself */
    PLX_RUN_WRONG /* `why` says what is */
} plx_run;

typedef struct plx_options {
    const char *host;
    int         port;
    bool        allows_remote;
    bool        is_quiet;
    uint32_t    grace_ms;
    plx_pace    pace;
    plx_manner  manner;
    plx_resource_times times;
    const char *scripts[PLX_SCRIPTS_MAX];
    size_t      script_count;
    const char *models;              /* a file in place of the built-in one, or NULL */
    plx_quota_plan quota;
    plx_chaos   chaos;
    const char *key;                 /* the one that is good, or NULL */
    bool        is_decommissioned;   /* the models and methods of PaLM */
    bool        wants_listed_models; /* names that are not in it are not found */
    bool        wants_tls;
    const char *tls_certificate;     /* files in place of a certificate made at the start, or NULL */
    const char *tls_key;
    const char *tls_authority_file;  /* where to write what clients have to trust; NULL: a directory of our own */
    const char *upstream;            /* a URL, or NULL */
    const char *upstream_model;      /* NULL: the client's */
    const char *upstream_key_env;    /* the variable that holds its key, or NULL */
    uint32_t    upstream_silence_ms;
    char        why[256];
} plx_options;

/* Reads the words behind the program's name. Views point into `words`. Pure. */
plx_run plx_options_read(plx_options *options, int count, char *const *words);

extern const char plx_options_help[];

#endif
