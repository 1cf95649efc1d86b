/* options.c -- the command line of pollux.
 * SPDX-License-Identifier: MIT
 */
#include "options.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>

const char plx_options_help[] =
    "Usage: pollux [options]\n"
    "       pollux faults | prompts\n"
    "\n"
    "A local emulator of the Gemini API. Prints the line\n"
    "    pollux listening on http://127.0.0.1:PORT\n"
    "and serves until SIGTERM or SIGINT; answers under way may then end.\n"
    "\n"
    "Where it listens\n"
    "      --port N               The port; 0 for any free one. Default: 8787.\n"
    "      --host ADDRESS         The address, in numbers. Default: 127.0.0.1.\n"
    "      --allow-remote         Let --host be an address that other machines can\n"
    "                             reach.\n"
    "      --tls                  Speak TLS, with a certificate made at the start.\n"
    "                             Prints how to trust it.\n"
    "      --tls-ca-out FILE      The same. What clients have to trust goes to FILE.\n"
    "      --tls-cert FILE        Speak TLS with the certificate chain in FILE (PEM).\n"
    "                             Needs --tls-key.\n"
    "      --tls-key FILE         The key of that certificate (PEM).\n"
    "\n"
    "What it answers\n"
    "      --script FILE          Play the answers in FILE before the built-in ones.\n"
    "                             May be repeated.\n"
    "      --models FILE          The models there are, in place of the built-in\n"
    "                             list.\n"
    "      --strict-models        No model but those of the list, whatever its name\n"
    "                             begins with.\n"
    "      --decommissioned       The models and methods of PaLM are gone, as they\n"
    "                             are since 2024.\n"
    "      --seed N               The seed of the words that pollux makes, of ids and\n"
    "                             of delays. Default: words by the prompt, the rest\n"
    "                             by chance.\n"
    "      --decode-cap N         Tokens in one request of a long decode. Default: as\n"
    "                             the service has it.\n"
    "      --model-version HOW    exact: answers name the model alone. honest\n"
    "                             (default): also that it is emulated.\n"
    "      --upstream URL         Ask this OpenAI-compatible server whatever no\n"
    "                             script answers.\n"
    "      --upstream-model NAME  Ask it for this model, whatever the client asks\n"
    "                             for.\n"
    "      --upstream-key-env VAR The environment variable that holds its key.\n"
    "      --upstream-timeout MS  How long it may say nothing. Default: 300000.\n"
    "\n"
    "How fast\n"
    "      --ttft MS[-MS]         Time to the first token, or its range. Default:\n"
    "                             500-1000.\n"
    "      --rate N               Tokens a second of each candidate; 0 for no delay.\n"
    "                             Default: 60.\n"
    "      --instant              The same as --ttft 0 --rate 0. Waits in scripts\n"
    "                             remain.\n"
    "      --file-processing MS   How long audio and video files are PROCESSING.\n"
    "                             Default: 2000.\n"
    "      --batch-time MS        From a batch's creation to its results. Default:\n"
    "                             3000.\n"
    "\n"
    "Who may ask, and how much\n"
    "      --key KEY              The only key that is good. Without it any key is,\n"
    "                             but bad-key and its like; pollux(1) lists them.\n"
    "      --tier NAME            The limits of a tier: free, 1 (600 requests and\n"
    "                             60,000 tokens a minute), 2, or off (default).\n"
    "      --rpm N                Requests a minute, of each key and model.\n"
    "      --tpm N                Tokens of input a minute, likewise.\n"
    "      --rpd N                Requests a day, likewise.\n"
    "\n"
    "What goes wrong\n"
    "      --chaos SCHEDULE       Spoil some answers, as a seed has it:\n"
    "                             seed=N,rate=R[,faults=FAULT+FAULT...].\n"
    "                             'pollux faults' lists them.\n"
    "\n"
    "About this program\n"
    "      --grace MS             How long answers may go on after SIGTERM. Default:\n"
    "                             30000.\n"
    "  -q, --quiet                No line on standard error for each request.\n"
    "  -h, --help                 Print this help.\n"
    "  -V, --version              Print the version.\n"
    "\n"
    "'pollux prompts' lists what a prompt can ask of pollux itself. The paths under\n"
    "/pollux need no key.\n";

/* The words that are left, and where to put what they say. */
typedef struct line {
    plx_options *options;
    char *const *words;
    int          left;
} line;

__attribute__((format(printf, 2, 3))) static bool fail(plx_options *options, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(options->why, sizeof options->why, format, args);
    va_end(args);
    return false;
}

/* Reads digits from the front of `*text`. */
static bool take_number(const char **text, uint32_t max, uint32_t *out)
{
    uint64_t value = 0;

    if (**text < '0' || **text > '9') return false;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        value = value * 10 + (uint64_t)(**text - '0');
        if (value > max) return false;
    }
    *out = (uint32_t)value;
    return true;
}

static bool read_number(const char *text, uint32_t max, uint32_t *out)
{
    return take_number(&text, max, out) && *text == '\0';
}

static bool set_port(plx_options *options, const char *value)
{
    uint32_t port = 0;

    if (!read_number(value, 65535, &port)) {
        return fail(options, "--port wants a number from 0 to 65535, not \"%s\".", value);
    }
    options->port = (int)port;
    return true;
}

static bool set_host(plx_options *options, const char *value)
{
    struct in6_addr address;

    options->host = value;
    return inet_pton(AF_INET, value, &address) == 1 || inet_pton(AF_INET6, value, &address) == 1 ||
           fail(options, "--host wants a numeric address, as 127.0.0.1 or ::1, not \"%s\".", value);
}

static bool add_script(plx_options *options, const char *value)
{
    if (options->script_count == PLX_SCRIPTS_MAX) {
        return fail(options, "At most %d scripts can be given.", (int)PLX_SCRIPTS_MAX);
    }
    options->scripts[options->script_count++] = value;
    return true;
}

static bool set_models(plx_options *options, const char *value)
{
    options->models = value;
    return true;
}

static bool set_tier(plx_options *options, const char *value)
{
    static const char *const names[] = { "off", "free", "1", "2" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(value, names[i]) != 0) continue;
        options->quota.tier = (plx_tier)i;
        return true;
    }
    return fail(options, "--tier wants free, 1, 2 or off, not \"%s\".", value);
}

static bool set_limit(plx_options *options, const char *name, const char *value, castor_i64 *limit)
{
    uint32_t number = 0;

    if (!read_number(value, UINT32_MAX, &number)) return fail(options, "%s wants a number, not \"%s\".", name, value);
    *limit = castor_some_i64(number);
    return true;
}

static bool set_rpm(plx_options *o, const char *value)
{
    return set_limit(o, "--rpm", value, &o->quota.requests_a_minute);
}

static bool set_tpm(plx_options *o, const char *value)
{
    return set_limit(o, "--tpm", value, &o->quota.tokens_a_minute);
}

static bool set_rpd(plx_options *o, const char *value)
{
    return set_limit(o, "--rpd", value, &o->quota.requests_a_day);
}

static bool set_chaos(plx_options *options, const char *value)
{
    char why[160];

    return plx_chaos_parse(&options->chaos, castor_str_of(value), why, sizeof why) ||
           fail(options, "--chaos: %s", why);
}

static bool set_key(plx_options *options, const char *value)
{
    options->key = value;
    return *value != '\0' || fail(options, "--key wants a key.");
}

static bool set_ttft(plx_options *options, const char *value)
{
    const char *rest = value;
    plx_pace   *pace = &options->pace;

    if (take_number(&rest, PLX_WAIT_MS_MAX, &pace->first_min_ms)) {
        pace->first_max_ms = pace->first_min_ms;
        if (*rest == '\0') return true;
        rest++;
        if (rest[-1] == '-' && read_number(rest, PLX_WAIT_MS_MAX, &pace->first_max_ms) &&
            pace->first_min_ms <= pace->first_max_ms) {
            return true;
        }
    }
    return fail(options, "--ttft wants milliseconds, as 300 or 500-1000, not \"%s\".", value);
}

static bool set_rate(plx_options *options, const char *value)
{
    uint32_t rate = 0;

    if (!read_number(value, 1000000000, &rate)) {
        return fail(options, "--rate wants a whole number of tokens a second, not \"%s\".", value);
    }
    options->pace.tokens_per_second = rate;
    return true;
}

static bool set_upstream(plx_options *options, const char *value)
{
    options->upstream = value;
    return true;
}

static bool set_upstream_model(plx_options *options, const char *value)
{
    options->upstream_model = value;
    return *value || fail(options, "--upstream-model wants a name.");
}

static bool set_upstream_key_env(plx_options *options, const char *value)
{
    options->upstream_key_env = value;
    return *value || fail(options, "--upstream-key-env wants the name of an environment variable.");
}

static bool set_upstream_timeout(plx_options *options, const char *value)
{
    return (read_number(value, PLX_WAIT_MS_MAX, &options->upstream_silence_ms) && options->upstream_silence_ms > 0) ||
           fail(options, "--upstream-timeout wants milliseconds, not \"%s\".", value);
}

static bool set_grace(plx_options *options, const char *value)
{
    return read_number(value, PLX_WAIT_MS_MAX, &options->grace_ms) ||
           fail(options, "--grace wants milliseconds, not \"%s\".", value);
}

static bool set_file_processing(plx_options *options, const char *value)
{
    return read_number(value, PLX_WAIT_MS_MAX, &options->times.file_processing_ms) ||
           fail(options, "--file-processing wants milliseconds, not \"%s\".", value);
}

static bool set_batch_time(plx_options *options, const char *value)
{
    return read_number(value, PLX_WAIT_MS_MAX, &options->times.batch_ms) ||
           fail(options, "--batch-time wants milliseconds, not \"%s\".", value);
}

static bool set_tls_certificate(plx_options *options, const char *value)
{
    options->tls_certificate = value;
    return true;
}

static bool set_tls_key(plx_options *options, const char *value)
{
    options->tls_key = value;
    return true;
}

static bool set_tls_authority_file(plx_options *options, const char *value)
{
    options->tls_authority_file = value;
    return true;
}

static bool check_tls(plx_options *options)
{
    if (options->tls_certificate || options->tls_key || options->tls_authority_file) options->wants_tls = true;
    if (!options->tls_certificate != !options->tls_key) {
        return fail(options, "--tls-cert and --tls-key belong together.");
    }
    return !options->tls_certificate || !options->tls_authority_file ||
           fail(options, "--tls-ca-out is for a certificate made here, not for that of --tls-cert.");
}

static bool set_seed(plx_options *options, const char *value)
{
    uint32_t seed = 0;

    if (!read_number(value, UINT32_MAX, &seed)) return fail(options, "--seed wants a whole number, not \"%s\".", value);
    options->manner.seed = castor_some_i64(seed);
    return true;
}

static bool set_decode_cap(plx_options *options, const char *value)
{
    uint32_t cap = 0;

    if (!read_number(value, PLX_MADE_TOKENS_MAX, &cap) || cap == 0) {
        return fail(options, "--decode-cap wants a number of tokens, not \"%s\".", value);
    }
    options->manner.decode_cap = cap;
    return true;
}

static bool set_model_version(plx_options *options, const char *value)
{
    options->manner.names_model_exactly = strcmp(value, "exact") == 0;
    return options->manner.names_model_exactly || strcmp(value, "honest") == 0 ||
           fail(options, "--model-version wants exact or honest, not \"%s\".", value);
}

static bool is_loopback(const char *host)
{
    struct in6_addr v6;

    return strncmp(host, "127.", 4) == 0 || (inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
}

/* Options with a value: "--port 80" or "--port=80". False: not one of them, or wrong, and then `why` is set. */
static bool read_valued(line *at)
{
    static const struct {
        const char *name;
        bool (*set)(plx_options *options, const char *value);
    } valued[] = {
        { "--port", set_port }, { "--host", set_host }, { "--script", add_script }, { "--ttft", set_ttft },
        { "--rate", set_rate }, { "--grace", set_grace }, { "--seed", set_seed }, { "--decode-cap", set_decode_cap },
        { "--model-version", set_model_version },
        { "--models", set_models }, { "--key", set_key }, { "--chaos", set_chaos }, { "--tier", set_tier },
        { "--upstream", set_upstream }, { "--upstream-model", set_upstream_model },
        { "--upstream-key-env", set_upstream_key_env }, { "--upstream-timeout", set_upstream_timeout },
        { "--rpm", set_rpm }, { "--tpm", set_tpm }, { "--rpd", set_rpd },
        { "--file-processing", set_file_processing }, { "--batch-time", set_batch_time },
        { "--tls-cert", set_tls_certificate }, { "--tls-key", set_tls_key }, { "--tls-ca-out", set_tls_authority_file },
    };
    const char *word = at->words[0];

    for (size_t i = 0; i < sizeof valued / sizeof valued[0]; i++) {
        size_t len = strlen(valued[i].name);
        if (strncmp(word, valued[i].name, len) != 0 || (word[len] != '\0' && word[len] != '=')) continue;
        if (word[len] == '=') return valued[i].set(at->options, word + len + 1);
        if (at->left < 2) return fail(at->options, "%s wants a value.", word);
        at->words++;
        at->left--;
        return valued[i].set(at->options, at->words[0]);
    }
    return fail(at->options, "There is no option \"%s\".", word);
}

static bool is_one_of(const char *word, const char *brief, const char *full)
{
    return (brief && strcmp(word, brief) == 0) || strcmp(word, full) == 0;
}

/* `pollux faults`, and what the manual page is made with. */
static plx_run read_faults(plx_options *options, int count, char *const *words)
{
    if (count == 1) return PLX_RUN_FAULTS;
    if (count == 2 && strcmp(words[1], "--mdoc") == 0) return PLX_RUN_FAULTS_MDOC;
    fail(options, "pollux faults takes no more words.");
    return PLX_RUN_WRONG;
}

plx_run plx_options_read(plx_options *options, int count, char *const *words)
{
    line at = { options, words, count };

    *options = (plx_options){ .host = "127.0.0.1", .port = PLX_PORT_DEFAULT, .grace_ms = PLX_GRACE_MS,
                              .pace = PLX_PACE_DEFAULT, .times = PLX_RESOURCE_TIMES_DEFAULT,
                              .upstream_silence_ms = PLX_UPSTREAM_SILENCE_MS };
    if (count > 0 && strcmp(words[0], "faults") == 0) return read_faults(options, count, words);
    for (; at.left > 0; at.words++, at.left--) {
        const char *word = at.words[0];
        if (is_one_of(word, "-h", "--help")) return PLX_RUN_HELP;
        if (is_one_of(word, "-V", "--version")) return PLX_RUN_VERSION;
        if (is_one_of(word, NULL, "prompts")) return PLX_RUN_PROMPTS;
        if (is_one_of(word, "-q", "--quiet")) options->is_quiet = true;
        else if (is_one_of(word, NULL, "--instant")) options->pace = PLX_PACE_INSTANT;
        else if (is_one_of(word, NULL, "--allow-remote")) options->allows_remote = true;
        else if (is_one_of(word, NULL, "--tls")) options->wants_tls = true;
        else if (is_one_of(word, NULL, "--strict-models")) options->wants_listed_models = true;
        else if (is_one_of(word, NULL, "--decommissioned")) options->is_decommissioned = true;
        else if (!read_valued(&at)) return PLX_RUN_WRONG;
    }
    if (!check_tls(options)) return PLX_RUN_WRONG;
    if (!options->upstream && (options->upstream_model || options->upstream_key_env)) {
        fail(options, "What is said of an upstream needs one: --upstream URL.");
        return PLX_RUN_WRONG;
    }
    if (is_loopback(options->host) || options->allows_remote) return PLX_RUN_SERVER;
    fail(options,
         "%s can be reached from other machines, which may then use and steer pollux; if you mean it, add "
         "--allow-remote.",
         options->host);
    return PLX_RUN_WRONG;
}
