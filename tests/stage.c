/* stage.c -- where the scenes are played.
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/certificate.h"

/* ---- what it answers ---- */

#define PARTS(text) "< data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" text "\"}]}"
#define PART(text) PARTS(text) "}],\"responseId\":\"r1\"}\n<\n"
#define LAST(text) PARTS(text) ",\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"totalTokenCount\":7}}\n<\n"

/* The prompt is a heading; what has none of them asks for the last. The first case trickles on: so pollux soon notices
 * that its client has gone, which it would not while it has nothing to say. */
static const char trickle_begins[] = "# What the scenes ask for\n## trickle\n" PART("Dams ");
static const char trickle_goes_on[] = "~ 5\n< : wait\n<\n";

enum { TRICKLES = 600 };

static const char others[] =
    LAST("hold.")
    "## whole\n"
    "@ content-type: application/json\n"
    "< {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Dams hold.\"}]},\"finishReason\":\"STOP\"}],\n"
    "< \"modelVersion\":\"m1\",\"responseId\":\"r1\",\"usageMetadata\":{\"totalTokenCount\":7}}\n"
    "## refused\n"
    "@ status: 429\n"
    "@ content-type: application/json\n"
    "< {\"error\":{\"code\":429,\"message\":\"Enough for today.\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":[\n"
    "< {\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":\n"
    "< \"GenerateRequestsPerDayPerProjectPerModel\"}]}]}}\n"
    "## calls\n"
    "@ dialect: openai\n"
    "@ eol: lf\n"
    "< data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"So:\",\"tool_calls\":[{\"index\":0,"
    "\"id\":\"k1\",\"function\":{\"name\":\"dig\",\"arguments\":\"{\\\"a\\\":\"}}]}}]}\n<\n"
    "< data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
    "\"function\":{\"arguments\":\"2}\"}}]},\"finish_reason\":\"tool_calls\"}],\"usage\":{\"total_tokens\":9}}\n<\n"
    "< data: [DONE]\n<\n"
    "## message\n"
    "@ dialect: message\n"
    "@ content-type: application/json\n"
    "@ eol: lf\n"
    "< {\"candidates\":[{\"content\":\"Dams \"}],\"done\":false}\n"
    "< {\"candidates\":[{\"content\":\"hold.\"}],\"done\":true}\n"
    "## picture\n"
    "<\\ data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"See:\"},"
    "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"\n"
    "<* 300000 A\n"
    "<\\ \"}}]},\"finishReason\":\"STOP\"}]}\\r\\n\\r\\n\n"
    "## hops\n"
    "= A beaver gnaws, drags, stacks and plasters for months on end, until water rises behind sticks, stones and mud.\n"
    "## stream\n? *\n" PART("Dams ") "~ 0\n" LAST("hold.");

static void print_script(cst_buf *out)
{
    cst_buf_init(out, cst_allocator_default(), SIZE_MAX / 2);
    cst_buf_append_text(out, trickle_begins);
    for (int i = 0; i < TRICKLES; i++) cst_buf_append_text(out, trickle_goes_on);
    cst_buf_append_text(out, others);
}

/* ---- wires ---- */

static const char *const wire_names[] = { [TST_CLEAR] = "clear", [TST_TLS] = "tls", [TST_H2] = "h2" };

enum { WIRES = sizeof wire_names / sizeof *wire_names };

tst_wire tst_wire_of(const char *name)
{
    for (int wire = 0; name && wire < WIRES; wire++) {
        if (strcmp(wire_names[wire], name) == 0) return (tst_wire)wire;
    }
    if (!name) return TST_CLEAR;
    (void)fprintf(stderr, "%s is no wire: clear, tls or h2\n", name);
    exit(2);
}

/* ---- files ---- */

static void die(const char *what)
{
    perror(what);
    abort();
}

/* One that nobody knows: our own authority is thrown away. */
static void write_client_certificate(const char *path)
{
    plx_certificate one;
    char            why[256];
    FILE           *file = fopen(path, "w");

    if (!file || !plx_certificate_make(&one, "127.0.0.1", why, sizeof why)) die("a certificate");
    if (PEM_write_X509(file, one.leaf) != 1 ||
        PEM_write_PrivateKey(file, one.key, NULL, NULL, 0, NULL, NULL) != 1 || fclose(file) != 0) {
        die(path);
    }
    plx_certificate_free(&one);
}

static void write_files(tst_stage *stage)
{
    char stranger[192];

    strcpy(stage->directory, "/tmp/castor-stage-XXXXXX");
    if (!mkdtemp(stage->directory)) die("mkdtemp");
    snprintf(stage->ca_file, sizeof stage->ca_file, "%s/ca.pem", stage->directory);
    snprintf(stage->strangers, sizeof stage->strangers, "%s/strangers", stage->directory);
    snprintf(stage->client_cert, sizeof stage->client_cert, "%s/client.pem", stage->directory);
    snprintf(stranger, sizeof stranger, "cd %s && mkdir strangers && : >strangers/0badcafe.0", stage->directory);
    if (system(stranger) != 0) die(stranger);
    write_client_certificate(stage->client_cert);
}

/* ---- life ---- */

void tst_stage_open(tst_stage *stage, tst_wire wire)
{
    const char    *words[] = { "--decode-cap", "40", "--seed", "1", "--grace", "0", NULL, NULL, NULL };
    pollux_options options = POLLUX_OPTIONS_INIT;
    char           why[256] = "";
    cst_buf        script;

    *stage = (tst_stage){ .wire = wire };
    write_files(stage);
    if (wire != TST_CLEAR) {
        words[6] = "--tls-ca-out";
        words[7] = stage->ca_file;
    }
    options.words = words;
    print_script(&script);
    const char *url = pollux_start(&stage->twin, &options, why, sizeof why);
    if (!url || !pollux_play(stage->twin, script.data, why, sizeof why)) {
        (void)fprintf(stderr, "pollux: %s\n", why);
        abort();
    }
    cst_buf_free(&script);
    snprintf(stage->url, sizeof stage->url, "%s", url);
    snprintf(stage->chat_url, sizeof stage->chat_url, "%s/v1beta/openai", url);
}

void tst_stage_close(tst_stage *stage)
{
    char command[64];

    pollux_stop(stage->twin);
    snprintf(command, sizeof command, "rm -r %s", stage->directory);
    if (system(command) != 0) die(command);
}

void tst_stage_spoil(tst_stage *stage, const char *fault)
{
    char why[256] = "";

    if (!pollux_spoil(stage->twin, fault, 1, why, sizeof why)) fail_msg("%s", why);
}

/* What one failure does to one attempt is looked at, where a scene does not say otherwise. */
castor_client_options tst_stage_options(const tst_stage *stage, const castor_allocator *allocator)
{
    static const castor_retry_options once = { .size = sizeof once, .attempts_max = 1 };
    castor_client_options             options = CASTOR_CLIENT_OPTIONS_INIT;

    options.api_key = "test-key";
    options.base_url = stage->url;
    options.ignore_environment = 1;
    options.allocator = allocator;
    options.total_timeout_ms = TST_SCENE_PATIENCE_MS;
    options.tls_timeout_ms = options.first_byte_timeout_ms = TST_SCENE_NEAR_MS;
    options.retry = &once;
    options.force_http1 = stage->wire == TST_TLS;
    options.ca_file = stage->wire == TST_CLEAR ? NULL : stage->ca_file;
    return options;
}
