/* twin.c -- pollux put together.
 * SPDX-License-Identifier: MIT
 */
#include "twin.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/interaction_store.h"
#include "api/quota.h"
#include "api/resources.h"
#include "api/stats.h"
#include "fault/armory.h"

/* The seed only spreads delays and names answers; without entropy the time will do. */
static uint64_t random_seed(void)
{
    uint64_t seed = 0;

    if (uv_random(NULL, NULL, &seed, sizeof seed, 0, NULL) != 0) seed = uv_hrtime();
    return seed;
}

/* What is remembered between requests. False: no memory; what was made is freed with the twin. */
static bool make_stores(plx_world *world, const plx_options *options)
{
    world->stats = plx_stats_new();
    world->interactions = plx_interactions_new();
    world->resources = plx_resources_new(&options->times);
    world->armory = plx_armory_new(&options->chaos, options->is_quiet);
    if (!world->stats || !world->interactions || !world->resources || !world->armory) return false;
    if (!plx_quotas_new(&world->quotas, &options->quota)) return false;

    plx_world_add_store(world, plx_stats_reset, world->stats);
    plx_world_add_store(world, plx_interactions_empty, world->interactions);
    plx_world_add_store(world, plx_resources_empty, world->resources);
    plx_world_add_store(world, plx_armory_reset, world->armory);
    if (world->quotas) plx_world_add_store(world, plx_quotas_reset, world->quotas);
    return true;
}

plx_twin *plx_twin_new(const plx_options *options, char *why, size_t why_size)
{
    plx_twin *twin = calloc(1, sizeof *twin);

    if (!twin || uv_loop_init(&twin->loop) != 0) {
        snprintf(why, why_size, "Cannot make an event loop: too little memory, or too many files open.");
        free(twin);
        return NULL;
    }
    twin->options = options;
    twin->world = (plx_world){ .catalogue = &twin->catalogue, .pace = options->pace, .chance = { random_seed() },
                               .manner = options->manner, .only_key = options->key,
                               .is_decommissioned = options->is_decommissioned };
    if (options->manner.seed.is_set) twin->world.chance.state = (uint64_t)options->manner.seed.value;
    twin->catalogue.check_fault = plx_plan_check;
    if (make_stores(&twin->world, options)) return twin;
    snprintf(why, why_size, "Out of memory.");
    plx_twin_free(twin);
    return NULL;
}

static bool find_upstream(plx_twin *twin, char *why, size_t why_size)
{
    const plx_options   *options = twin->options;
    const char          *variable = options->upstream_key_env;
    plx_upstream_options upstream = { .url = options->upstream, .model = options->upstream_model,
                                      .key = variable ? getenv(variable) : NULL,
                                      .silence_ms = options->upstream_silence_ms };

    if (!options->upstream) return true;
    if (variable && (!upstream.key || !*upstream.key)) {
        snprintf(why, why_size, "--upstream-key-env: there is no %s in the environment, or nothing in it.", variable);
        return false;
    }
    twin->world.upstream = plx_upstream_new(&twin->loop, &upstream, why, why_size);
    return twin->world.upstream != NULL;
}

/* With an upstream the built-in answers stay away: who has a model wants to hear it. */
bool plx_twin_prepare(plx_twin *twin, char *why, size_t why_size)
{
    for (size_t i = 0; i < twin->options->script_count; i++) {
        if (!plx_catalogue_add_file(&twin->catalogue, twin->options->scripts[i], why, why_size)) return false;
    }
    if (!twin->options->upstream && !plx_catalogue_add_builtin(&twin->catalogue, why, why_size)) return false;
    if (!plx_model_table_new(&twin->models, twin->options->models, twin->options->wants_listed_models, why, why_size)) {
        return false;
    }
    twin->world.models = twin->models;
    return find_upstream(twin, why, why_size);
}

bool plx_twin_listen(plx_twin *twin, char *why, size_t why_size)
{
    const plx_options *options = twin->options;
    plx_server_options server = { .host = options->host, .port = options->port, .grace_ms = options->grace_ms,
                                  .is_quiet = options->is_quiet, .limits = PLX_LIMITS_DEFAULT };

    twin->world.connection_count = &twin->server.connection_count;
    if (!plx_trust_open(&twin->trust, options, why, why_size)) return false;
    server.tls = twin->trust.tls;
    return plx_server_open(&twin->server, &twin->loop, &server, plx_api_handler(&twin->world), why, why_size);
}

void plx_twin_print_url(const plx_twin *twin, char url[PLX_URL_BYTES])
{
    const char *host = twin->options->host;
    bool        is_v6 = strchr(host, ':') != NULL;

    snprintf(url, PLX_URL_BYTES, "%s://%s%s%s:%d", twin->trust.tls ? "https" : "http", is_v6 ? "[" : "", host,
             is_v6 ? "]" : "", plx_server_port(&twin->server));
}

void plx_twin_run(plx_twin *twin)
{
    uv_run(&twin->loop, UV_RUN_DEFAULT);
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

void plx_twin_free(plx_twin *twin)
{
    if (!twin) return;
    plx_upstream_free(twin->world.upstream);
    uv_walk(&twin->loop, close_handle, NULL);
    uv_run(&twin->loop, UV_RUN_DEFAULT);
    uv_loop_close(&twin->loop);
    plx_resources_free(twin->world.resources);
    plx_interactions_free(twin->world.interactions);
    plx_server_free(&twin->server);
    plx_trust_close(&twin->trust);
    plx_model_table_free(twin->models);
    plx_quotas_free(twin->world.quotas);
    plx_stats_free(twin->world.stats);
    plx_armory_free(twin->world.armory);
    plx_catalogue_free(&twin->catalogue);
    free(twin);
}
