/* main.c -- pollux, the local twin of the Gemini API, as a program.
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "generate/wishes.h"
#include "twin.h"

enum { EXIT_WRONG_USE = 2 };

/* Ten thousand streams want as many descriptors; what the system allows is as good as it gets. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void on_signal(uv_signal_t *handle, int signal_number)
{
    (void)signal_number;
    plx_server_stop(handle->data);
}

/* The first one lets answers under way end, the second does not. They do not hold the loop. */
static void stop_on_signal(uv_signal_t *handle, int signal_number, plx_twin *twin)
{
    if (uv_signal_init(&twin->loop, handle) != 0) return;
    handle->data = &twin->server;
    uv_signal_start(handle, on_signal, signal_number);
    uv_unref((uv_handle_t *)handle);
}

static void print_where(const plx_twin *twin)
{
    const char *file = twin->trust.file;
    char        url[PLX_URL_BYTES];

    plx_twin_print_url(twin, url);
    printf("pollux listening on %s\n", url);
    if (*file) {
        printf("pollux certificate authority: %s\n"
               "export SSL_CERT_FILE=%s NODE_EXTRA_CA_CERTS=%s CURL_CA_BUNDLE=%s REQUESTS_CA_BUNDLE=%s\n",
               file, file, file, file, file);
    }
    fflush(stdout);
}

static int serve(plx_twin *twin)
{
    uv_signal_t on_term, on_int;

    stop_on_signal(&on_term, SIGTERM, twin);
    stop_on_signal(&on_int, SIGINT, twin);
    print_where(twin);
    plx_twin_run(twin);
    plx_twin_free(twin); /* while its signals still have their place */
    return EXIT_SUCCESS;
}

static void print_prompts(void)
{
    plx_wish_form row;

    for (size_t i = 0; (row = plx_wish_form_at(i)).form; i++) printf("%s\n    %s\n", row.form, row.what);
}

static int run(const plx_options *options)
{
    char      why[512];
    plx_twin *twin = plx_twin_new(options, why, sizeof why);
    int       status = EXIT_FAILURE;

    if (twin && !plx_twin_prepare(twin, why, sizeof why)) status = EXIT_WRONG_USE;
    else if (twin && plx_twin_listen(twin, why, sizeof why)) return serve(twin);
    fprintf(stderr, "pollux: %s\n", why);
    plx_twin_free(twin);
    return status;
}

static int print_faults(castor_status (*print)(cst_buf *out))
{
    cst_buf list;
    int     status = EXIT_FAILURE;

    cst_buf_init(&list, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    if (print(&list) == CASTOR_OK) {
        fwrite(list.data, 1, list.len, stdout);
        status = EXIT_SUCCESS;
    }
    cst_buf_free(&list);
    return status;
}

/* What was asked for is printed, or the exit status says that it is not: a full disk keeps no help. */
static int be_printed(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    perror("pollux: cannot write to standard output");
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    plx_options options = { .port = 0 };

    switch (plx_options_read(&options, argc > 0 ? argc - 1 : 0, argv + 1)) {
    case PLX_RUN_HELP: fputs(plx_options_help, stdout); break;
    case PLX_RUN_VERSION: puts("pollux " CASTOR_VERSION); break;
    case PLX_RUN_FAULTS: return be_printed(print_faults(plx_faults_print_list));
    case PLX_RUN_FAULTS_MDOC: return be_printed(print_faults(plx_faults_print_mdoc));
    case PLX_RUN_PROMPTS: print_prompts(); break;
    case PLX_RUN_WRONG: fprintf(stderr, "pollux: %s Try pollux --help.\n", options.why); return EXIT_WRONG_USE;
    case PLX_RUN_SERVER:
        signal(SIGPIPE, SIG_IGN);
        raise_descriptor_limit();
        return run(&options);
    }
    return be_printed(EXIT_SUCCESS);
}
