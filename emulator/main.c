/* main.c -- pollux, the local twin of the Gemini API.
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <uv.h>

#include "api/api.h"
#include "options.h"
#include "http/server.h"

enum { EXIT_WRONG_USE = 2 };

/* All that lives as long as the program. */
typedef struct program {
    plx_options      options;
    plx_catalogue    catalogue;
    plx_model_table *models;
    plx_world        world;
    plx_server       server;
    uv_loop_t        loop;
} program;

/* Ten thousand streams want as many descriptors; what the system allows is as good as it gets. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static bool load_scripts(program *p)
{
    char why[512];
    bool is_loaded = true;

    for (size_t i = 0; i < p->options.script_count && is_loaded; i++) {
        is_loaded = plx_catalogue_add_file(&p->catalogue, p->options.scripts[i], why, sizeof why);
    }
    if (is_loaded) is_loaded = plx_catalogue_add_builtin(&p->catalogue, why, sizeof why);
    if (!is_loaded) fprintf(stderr, "pollux: %s\n", why);
    return is_loaded;
}

static bool load_models(program *p)
{
    char why[512];

    if (plx_model_table_new(&p->models, p->options.models, p->options.wants_listed_models, why, sizeof why)) return true;
    fprintf(stderr, "pollux: %s\n", why);
    return false;
}

/* The seed only spreads delays and names answers; without entropy the time will do. */
static uint64_t random_seed(void)
{
    uint64_t seed = 0;

    if (uv_random(NULL, NULL, &seed, sizeof seed, 0, NULL) != 0) seed = uv_hrtime();
    return seed;
}

static int serve(program *p)
{
    plx_server_options options = { p->options.host, p->options.port, p->options.grace_ms, p->options.is_quiet };
    bool               is_v6 = strchr(p->options.host, ':') != NULL;
    char               why[512];

    if (!plx_server_open(&p->server, &p->loop, &options, plx_api_handler(&p->world), why, sizeof why)) {
        fprintf(stderr, "pollux: %s\n", why);
        return EXIT_FAILURE;
    }
    printf("pollux listening on http://%s%s%s:%d\n", is_v6 ? "[" : "", p->options.host, is_v6 ? "]" : "",
           plx_server_port(&p->server));
    fflush(stdout);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    return EXIT_SUCCESS;
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static int run(program *p)
{
    int status = EXIT_WRONG_USE;

    if (load_scripts(p) && load_models(p)) {
        p->world = (plx_world){ .catalogue = &p->catalogue, .models = p->models, .pace = p->options.pace,
                                .chance = { random_seed() } };
        if (uv_loop_init(&p->loop) == 0) {
            status = serve(p);
            uv_walk(&p->loop, close_handle, NULL);
            uv_run(&p->loop, UV_RUN_DEFAULT);
            uv_loop_close(&p->loop);
        } else {
            fprintf(stderr, "pollux: cannot make an event loop; too many files may be open.\n");
            status = EXIT_FAILURE;
        }
    }
    plx_catalogue_free(&p->catalogue);
    plx_model_table_free(p->models);
    return status;
}

int main(int argc, char **argv)
{
    program *p = calloc(1, sizeof *p);
    int      status = EXIT_SUCCESS;

    if (!p) {
        fprintf(stderr, "pollux: out of memory.\n");
        return EXIT_FAILURE;
    }
    switch (plx_options_read(&p->options, argc > 0 ? argc - 1 : 0, argv + 1)) {
    case PLX_RUN_HELP: fputs(plx_options_help, stdout); break;
    case PLX_RUN_VERSION: puts("pollux " CASTOR_VERSION); break;
    case PLX_RUN_WRONG:
        fprintf(stderr, "pollux: %s Try pollux --help.\n", p->options.why);
        status = EXIT_WRONG_USE;
        break;
    case PLX_RUN_SERVER:
        signal(SIGPIPE, SIG_IGN);
        raise_descriptor_limit();
        status = run(p);
        break;
    }
    free(p);
    return status;
}
