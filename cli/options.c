/* options.c -- the command line: one table makes parsing, --help and the manual page's OPTIONS.
 * SPDX-License-Identifier: MIT
 *
 * A row says in which commands the option exists, how it is spelled, what its argument is called, which function takes
 * it and where to, and what it does: `help` for both texts, `more` (mdoc source) for the manual page alone. To add an
 * option, add a field to cli_options and a row here.
 */
#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

typedef struct option_row option_row;

/* How the option was spelled, and its arguments. */
typedef struct taking {
    const option_row *row;
    const char       *spelling;
    char             *value;
    char             *second; /* of "KEY VALUE" */
} taking;

typedef bool take_fn(cli_options *options, const taking *taken, cli_fault *fault);

struct option_row {
    unsigned    commands;
    const char *group;    /* the heading in front of this row; NULL: as before */
    char        letter;   /* 0: none */
    const char *name;
    const char *argument; /* NULL: a flag; "KEY VALUE": two */
    take_fn    *take;
    size_t      field;    /* where to, for the functions that serve many rows */
    int64_t     least;
    int64_t     most;
    const char *help;
    const char *more;
};

/* ---- what takes a value ---- */

static void *field_of(cli_options *options, const taking *taken)
{
    return (char *)options + taken->row->field;
}

static bool refuse(const taking *taken, cli_fault *fault, const char *wanted)
{
    return cli_fault_set(fault, CLI_EXIT_USAGE, "%s: '%s' is not %s", taken->spelling, taken->value, wanted);
}

static bool take_flag(cli_options *options, const taking *taken, cli_fault *fault)
{
    (void)fault;
    *(bool *)field_of(options, taken) = true;
    return true;
}

static bool take_text(cli_options *options, const taking *taken, cli_fault *fault)
{
    if (!cli_utf8_is_valid(castor_str_of(taken->value))) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "%s: the text is not UTF-8", taken->spelling);
    }
    *(const char **)field_of(options, taken) = taken->value;
    return true;
}

/* strtoll and strtod skip white space and take hexadecimal, "inf" and "nan"; a number here is what JSON calls one. */
static bool is_number_text(const char *text, const char *allowed)
{
    return *text && strspn(text, allowed) == strlen(text);
}

static bool parse_whole(const char *text, int64_t *out)
{
    if (!is_number_text(text, "-0123456789")) return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end || errno == ERANGE || text[strspn(text, "-")] == '\0') return false;
    *out = value;
    return true;
}

static bool take_whole(cli_options *options, const taking *taken, cli_fault *fault)
{
    int64_t value;
    if (!parse_whole(taken->value, &value)) return refuse(taken, fault, "a whole number");
    if (value < taken->row->least || value > taken->row->most) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "%s: %s is not between %" PRId64 " and %" PRId64, taken->spelling,
                             taken->value, taken->row->least, taken->row->most);
    }
    *(castor_i64 *)field_of(options, taken) = castor_some_i64(value);
    return true;
}

static bool parse_decimal(const char *text, double *out)
{
    if (!is_number_text(text, "-+.0123456789eE")) return false;
    char *end;
    errno = 0;
    *out = strtod(text, &end); /* the locale is "C": main sets none */
    return *end == '\0' && errno != ERANGE;
}

static bool take_decimal(cli_options *options, const taking *taken, cli_fault *fault)
{
    double value;
    if (!parse_decimal(taken->value, &value)) return refuse(taken, fault, "a number");
    if (value < (double)taken->row->least || value > (double)taken->row->most) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "%s: %s is not between %" PRId64 " and %" PRId64, taken->spelling,
                             taken->value, taken->row->least, taken->row->most);
    }
    *(castor_f64 *)field_of(options, taken) = castor_some_f64(value);
    return true;
}

static bool take_seconds(cli_options *options, const taking *taken, cli_fault *fault)
{
    double seconds;
    if (!parse_decimal(taken->value, &seconds) || seconds < 0.001 || seconds > (double)taken->row->most) {
        return refuse(taken, fault, "a number of seconds from 0.001 to 604800");
    }
    *(castor_i64 *)field_of(options, taken) = castor_some_i64((int64_t)(seconds * 1000.0));
    return true;
}

static bool take_word(cli_options *options, const taking *taken, cli_fault *fault)
{
    if (!cli_utf8_is_valid(castor_str_of(taken->value))) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "the prompt is not UTF-8");
    }
    options->words[options->word_count++] = taken->value;
    return true;
}

static bool too_many(const taking *taken, cli_fault *fault)
{
    return cli_fault_set(fault, CLI_EXIT_USAGE, "%s: more than %d of them", taken->spelling, CLI_FILES_MAX);
}

static bool take_file(cli_options *options, const taking *taken, cli_fault *fault)
{
    if (options->file_count == CLI_FILES_MAX) return too_many(taken, fault);
    options->files[options->file_count++] = taken->value;
    return true;
}

static bool take_attachment(cli_options *options, const taking *taken, cli_fault *fault)
{
    if (options->attachment_count == CLI_FILES_MAX) return too_many(taken, fault);
    options->attachments[options->attachment_count++] = (cli_attachment){ taken->value, options->next_type };
    options->next_type = NULL;
    return true;
}

static bool take_fallback_model(cli_options *options, const taking *taken, cli_fault *fault)
{
    if (options->fallback_model_count == CLI_FALLBACK_MODELS_MAX) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "%s: more than %d of them", taken->spelling,
                             CLI_FALLBACK_MODELS_MAX);
    }
    options->fallback_models[options->fallback_model_count++] = taken->value;
    return true;
}

static bool take_setting(cli_options *options, const taking *taken, cli_fault *fault)
{
    if (options->setting_count == CLI_FILES_MAX) return too_many(taken, fault);
    options->settings[options->setting_count++] = (cli_setting){ taken->value, taken->second };
    return true;
}

static bool is_one_of(const char *text, const char *const *names)
{
    while (*names && strcmp(text, *names) != 0) names++;
    return *names != NULL;
}

static bool take_thinking(cli_options *options, const taking *taken, cli_fault *fault)
{
    static const char *const levels[] = { "minimal", "low", "medium", "high", NULL };
    int64_t tokens = strcmp(taken->value, "off") == 0 ? 0 : -1;
    bool is_level = is_one_of(taken->value, levels);
    bool is_named = strcmp(taken->value, "off") == 0 || strcmp(taken->value, "dynamic") == 0;
    if (!is_level && !is_named && (!parse_whole(taken->value, &tokens) || tokens < 0 || tokens > taken->row->most)) {
        return refuse(taken, fault, "minimal, low, medium, high, a number of tokens, off or dynamic");
    }
    options->thinking_level = is_level ? taken->value : NULL;
    options->thinking_budget = is_level ? (castor_i64){ 0, 0 } : castor_some_i64(tokens);
    return true;
}

typedef struct choice {
    const char *name;
    int         value;
} choice;

static bool take_choice(cli_options *options, const taking *taken, cli_fault *fault, const choice *choices,
                        const char *wanted)
{
    while (choices->name && strcmp(taken->value, choices->name) != 0) choices++;
    if (!choices->name) return refuse(taken, fault, wanted);
    *(int *)field_of(options, taken) = choices->value;
    return true;
}

static bool take_dialect(cli_options *options, const taking *taken, cli_fault *fault)
{
    castor_dialect dialect = castor_dialect_from_name(taken->value);
    if (dialect == CASTOR_DIALECT_DEFAULT) return refuse(taken, fault, "gemini, openai or message");
    *(int *)field_of(options, taken) = (int)dialect;
    return true;
}

static bool take_form(cli_options *options, const taking *taken, cli_fault *fault)
{
    static const choice choices[] = {
        { "text", CLI_FORM_TEXT },
        { "json", CLI_FORM_JSON },
        { "jsonl", CLI_FORM_JSONL },
        { NULL, 0 },
    };
    return take_choice(options, taken, fault, choices, "text, json or jsonl");
}

/* ---- the table ---- */

#define FIELD(name) .field = offsetof(cli_options, name)
#define BOTH (CLI_ASK | CLI_DECODE)

static const option_row table[] = {
    { CLI_ASK, "What to ask", 'p', "prompt", "TEXT", take_word,
      .help = "The prompt, as if TEXT were among the arguments." },
    { CLI_ASK, NULL, 's', "system", "TEXT", take_text, FIELD(system),
      .help = "A system instruction." },
    { CLI_ASK, NULL, 'f', "file", "FILE", take_file,
      .help = "Put the text of FILE before the prompt; '-' is standard input. May be repeated.",
      .more = "The parts of a prompt are joined by blank lines: standard input, files in their order, arguments." },
    { CLI_ASK, NULL, 'a', "attach", "FILE", take_attachment,
      .help = "Attach FILE: an image, a PDF, audio, video. '-' is standard input. May be repeated.",
      .more = "The type is told from the first bytes of the file." },
    { CLI_ASK, NULL, 0, "at", "TYPE", take_text, FIELD(next_type),
      .help = "The media type of the next -a, as in --at text/csv -a table." },
    { CLI_ASK, NULL, 0, "schema", "FILE", take_text, FIELD(schema_path),
      .help = "Ask for JSON that fits the JSON Schema in FILE." },

    { CLI_ASK, "The model", 'm', "model", "NAME", take_text, FIELD(model),
      .help = "The model to ask. Default: CASTOR_MODEL, else gemini-3.8-flash.",
      .more = "With\n.Fl -dialect Cm message\nthe default is chat-bison-001." },
    { CLI_ASK, NULL, 0, "temperature", "NUMBER", take_decimal, FIELD(temperature), 0, 2,
      .help = "From 0, always the same, to 2, most varied." },
    { CLI_ASK, NULL, 0, "max-output-tokens", "N", take_whole, FIELD(max_output_tokens), 1, INT32_MAX,
      .help = "End the answer after N tokens, thinking included." },
    { CLI_ASK, NULL, 0, "candidates", "N", take_whole, FIELD(candidate_count), 1, CLI_CANDIDATES_MAX,
      .help = "Ask for N answers. The first is shown as it arrives, the others after it.",
      .more = "Each of the others has a line\n.Ql --- candidate 1 ---\nin front, counted from 1." },
    { CLI_ASK, NULL, 0, "thinking", "HOW", take_thinking, 0, 0, INT32_MAX,
      .help = "minimal, low, medium, high, a number of tokens, off, or dynamic.",
      .more = "Levels are for Gemini 3 and later, numbers of tokens for the models before." },
    { CLI_ASK, NULL, 0, "thoughts", NULL, take_flag, FIELD(wants_thoughts),
      .help = "Ask for summaries of the thoughts, and show them on standard error." },
    { CLI_ASK, NULL, 'o', "option", "KEY VALUE", take_setting,
      .help = "Any other setting of the request, as in -o topP 0.9. May be repeated.",
      .more = ".Ar KEY\nis a dotted path: below\n.Ql generationConfig\nin the gemini dialect, unless it begins with a "
              "dot; at the top level of the request in the others.\n.Ar VALUE\nis JSON if it reads as JSON, "
              "else a string." },

    { CLI_ASK, "The call", 0, "no-stream", NULL, take_flag, FIELD(is_unary),
      .help = "Ask for the whole answer at once, not as it is written." },
    { CLI_ASK, NULL, 0, "dialect", "NAME", take_dialect, FIELD(dialect),
      .help = "gemini (default), openai (chat completions) or message (the PaLM method)." },
    { CLI_ASK, NULL, 0, "base-url", "URL", take_text, FIELD(base_url),
      .help = "Where the API is. Default: Google's.",
      .more = "The URL is taken as it stands, and the path of the method is put behind it: with\n"
              ".Fl -dialect Cm openai\nthat is\n.Pa /chat/completions ." },
    { CLI_ASK, NULL, 0, "key-file", "FILE", take_text, FIELD(key_path),
      .help = "Read the API key from FILE, which nobody else may be able to read.",
      .more = "There is no option for the key itself, because everyone can see the arguments of a process." },
    { CLI_ASK, NULL, 0, "proxy", "URL", take_text, FIELD(proxy),
      .help = "Use this proxy, not the one in the environment; '' for none.",
      .more = "The scheme is http, https, socks4, socks4a, socks5 or socks5h; with socks4a and socks5h the proxy "
              "resolves names." },
    { CLI_ASK, NULL, 0, "noproxy", "LIST", take_text, FIELD(no_proxy),
      .help = "Use no proxy for these hosts, in place of those in no_proxy; '*' for all.",
      .more = "Hosts are separated by commas.\nA name is itself and all names below it, also as\n.Ql .name\nor\n"
              ".Ql *.name ;\nan address is itself; with\n.Ql :port\nthat port only.\nNetworks as\n.Ql 10.0.0.0/8\n"
              "need libcurl 7.86." },
    { CLI_ASK, NULL, 0, "ca-file", "FILE", take_text, FIELD(ca_path),
      .help = "Trust the certificates in FILE (PEM), not the system's." },
    { CLI_ASK, NULL, 0, "cacert", "FILE", take_text, FIELD(ca_path),
      .help = "The same, as curl calls it." },
    { CLI_ASK, NULL, 0, "cert", "FILE", take_text, FIELD(cert_path),
      .help = "Show the server the client certificate in FILE (PEM)." },
    { CLI_ASK, NULL, 0, "key", "FILE", take_text, FIELD(cert_key_path),
      .help = "The private key of --cert, if it is not in the same file.",
      .more = "The password of an encrypted key is in\n.Ev CASTOR_CERT_PASSWORD .\nThis is not the API key." },
    { CLI_ASK, NULL, 0, "timeout", "SECONDS", take_seconds, FIELD(timeout_ms), 0, 7 * 24 * 3600,
      .help = "End the call after so long in any case. Default: no such limit.",
      .more = "Limits for the connection, the first byte and the gap between two bytes are always on.\nWith\n"
              ".Fl -no-stream\nthe whole call may take 600 seconds." },
    { CLI_ASK, NULL, 0, "connect-timeout", "SECONDS", take_seconds, FIELD(connect_timeout_ms), 0, 7 * 24 * 3600,
      .help = "For the name and the connection. Default: 10." },
    { CLI_ASK, NULL, 0, "tls-timeout", "SECONDS", take_seconds, FIELD(tls_timeout_ms), 0, 7 * 24 * 3600,
      .help = "For the TLS handshake. Default: 10." },
    { CLI_ASK, NULL, 0, "first-byte-timeout", "SECONDS", take_seconds, FIELD(first_byte_timeout_ms), 0, 7 * 24 * 3600,
      .help = "From the request to the answer's first byte. Default: 600." },
    { CLI_ASK, NULL, 0, "idle-timeout", "SECONDS", take_seconds, FIELD(idle_timeout_ms), 0, 7 * 24 * 3600,
      .help = "Between two bytes of the answer. Default: 300." },
    { CLI_ASK, NULL, 0, "retries", "N", take_whole, FIELD(retries), 0, 1000,
      .help = "Send the request up to N times more when it fails before the answer began. Default: 3.",
      .more = "After connections that fail or are cut, and the errors 408, 429, 500, 502, 503 and 504: first within a\n"
              "second, then with growing delays, and never before the time that the server asks for.\nA daily quota that "
              "is used up is not tried again." },
    { CLI_ASK, NULL, 0, "retry-budget", "SECONDS", take_seconds, FIELD(retry_budget_ms), 0, 7 * 24 * 3600,
      .help = "Begin no other attempt later than so long after the first. Default: 120.",
      .more = "When the server asks to wait longer than that, the command ends at once and says how long." },
    { CLI_ASK, NULL, 0, "restart", "N", take_whole, FIELD(restarts), 0, 1000,
      .help = "Begin anew up to N times when an answer breaks off. Default: 0.",
      .more = "What was printed before stands above a line\n.Ql --- the answer begins anew ---\nand is not part of the "
              "answer.\nWith\n.Fl -output Cm json\nit is not printed at all." },
    { CLI_ASK, NULL, 0, "fallback-model", "NAME", take_fallback_model,
      .help = "Ask NAME when the model is overloaded (503). May be repeated." },

    { CLI_ASK, "What is shown", 0, "output", "FORM", take_form, FIELD(form),
      .help = "text (default), json (one object at the end), jsonl (one event a line)." },
    { CLI_ASK, NULL, 'u', "usage", NULL, take_flag, FIELD(wants_usage),
      .help = "Tokens, cost, and speed on standard error after the answer." },
    { CLI_ASK, NULL, 0, "dry-run", NULL, take_flag, FIELD(is_dry_run),
      .help = "Print the request, the key hidden, and send nothing." },
    { CLI_ASK, NULL, 0, "record", "FILE", take_text, FIELD(record_path),
      .help = "Write what came over the wire to FILE, a script that pollux plays again.",
      .more = "For reports of what went wrong: the file has the bytes of the answer, where they were cut, the pauses, "
              "and how it ended.\nIt is written whatever the answer came to, and only you can read it.\n"
              "The URL without its query is in it; the key and the prompt are not, but look at the answer before you "
              "send it to others." },
    { CLI_ASK, NULL, 'v', "verbose", NULL, take_flag, FIELD(is_verbose),
      .help = "Tell about the connection on standard error." },
    { CLI_ASK, NULL, 'q', "quiet", NULL, take_flag, FIELD(is_quiet),
      .help = "No notes on standard error; errors only." },

    { CLI_DECODE, "What is read", 0, "dialect", "NAME", take_dialect, FIELD(dialect),
      .help = "gemini, openai or message. Default: told from the bytes." },
    { CLI_DECODE, NULL, 0, "content-type", "TYPE", take_text, FIELD(content_type),
      .help = "The content type that the bytes came with. Default: told from the bytes." },
    { CLI_DECODE, NULL, 0, "status", "N", take_whole, FIELD(http_status), 100, 599,
      .help = "The HTTP status that the bytes came with; from 400 they are an error. Default: 200." },
    { CLI_DECODE, NULL, 0, "lost", NULL, take_flag, FIELD(is_lost),
      .help = "The connection was lost after the last byte." },
    { CLI_DECODE, "What is shown", 0, "raw", NULL, take_flag, FIELD(wants_raw),
      .help = "Add the JSON of the part, as it came, to every line." },

    { BOTH, "About this program", 'h', "help", NULL, take_flag, FIELD(wants_help),
      .help = "Print this help." },
    { BOTH, NULL, 'V', "version", NULL, take_flag, FIELD(wants_version),
      .help = "Print the versions of the command and of the library." },
};

enum { ROW_COUNT = sizeof table / sizeof table[0] };

static bool has_two_arguments(const option_row *row)
{
    return row->argument && strchr(row->argument, ' ') != NULL;
}

/* ---- parsing ---- */

typedef struct reader {
    cli_options *options;
    char       **next;
    char       **end;
    cli_fault   *fault;
} reader;

static const char *command_name(cli_command command)
{
    return command == CLI_DECODE ? "castor decode" : "castor";
}

static const option_row *find_letter(cli_command command, char letter)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (table[i].letter == letter && (table[i].commands & (unsigned)command)) return &table[i];
    }
    return NULL;
}

static const option_row *find_name(cli_command command, const char *name, size_t len)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        bool is_same = strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0;
        if (is_same && (table[i].commands & (unsigned)command)) return &table[i];
    }
    return NULL;
}

enum { SPELLING_MAX = 32 }; /* longer ones resemble nothing of ours */

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* How many letters must be changed, added or taken away (Levenshtein). Both are at most SPELLING_MAX long. */
static size_t distance(const char *a, size_t a_len, const char *b)
{
    size_t row[SPELLING_MAX + 1];
    size_t b_len = strlen(b);
    for (size_t j = 0; j <= b_len; j++) row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];
            row[j] = least_of(row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_len];
}

/* Whether all words of `name` are words of `full`, in that order: "max-tokens", "stream". */
static bool has_words(const char *full, const char *name, size_t len)
{
    const char *end = name + len;
    while (name < end && *full) {
        size_t full_word = strcspn(full, "-"), word = 0;
        while (name + word < end && name[word] != '-') word++;
        if (word == full_word && memcmp(name, full, word) == 0) name += word + (name + word < end);
        full += full_word + (full[full_word] == '-');
    }
    return len > 0 && name == end;
}

/* All but perhaps the last letter stand at the beginning of `full`: "max", "retry" for "retries". */
static bool is_beginning(const char *full, const char *name, size_t len)
{
    return len >= 3 && strncmp(full, name, len > 3 ? len - 1 : len) == 0;
}

/* The option that was probably meant: one that begins alike or has the same words, else one of which at most a third is
 * different; of several, that with the least to change. NULL for none. */
static const char *nearest_name(cli_command command, const char *name, size_t len)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;
    if (len > SPELLING_MAX) return NULL;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const char *full = table[i].name;
        if (!(table[i].commands & (unsigned)command)) continue;
        size_t far = distance(name, len, full);
        bool is_typo = !is_beginning(full, name, len) && !has_words(full, name, len);
        if (is_typo && far > (len + 2) / 3) continue;
        if (is_typo) far += SPELLING_MAX; /* behind all that are not */
        if (far < least) {
            least = far;
            nearest = full;
        }
    }
    return nearest;
}

/* What other programs have, and how it is here. */
static const char *hint_on(const char *name, size_t len)
{
    static const struct {
        const char *name;
        const char *hint;
    } hints[] = {
        { "api-key", "A key is in GOOGLE_API_KEY or GEMINI_API_KEY, or in a --key-file: arguments can be seen by all." },
        { "apikey", "A key is in GOOGLE_API_KEY or GEMINI_API_KEY, or in a --key-file: arguments can be seen by all." },
        { "stream", "Answers are shown as they come, unless --no-stream is given." },
        { "json", "Did you mean '--output json'?" },
        { "insecure", "Servers are always verified; --ca-file says whom to trust." },
        { "max-time", "Did you mean '--timeout'?" },
    };
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (strlen(hints[i].name) == len && memcmp(hints[i].name, name, len) == 0) return hints[i].hint;
    }
    return NULL;
}

static bool unknown_name(reader *in, const char *spelling, size_t len)
{
    cli_command command = in->options->command;
    const char *hint = command == CLI_ASK ? hint_on(spelling + 2, len - 2) : NULL;
    if (hint) return cli_fault_set(in->fault, CLI_EXIT_USAGE, "unknown option '%.*s'. %s", (int)len, spelling, hint);
    const char *nearest = nearest_name(command, spelling + 2, len - 2);
    return cli_fault_set(in->fault, CLI_EXIT_USAGE, "unknown option '%.*s'%s%s%s See '%s --help'.", (int)len, spelling,
                         nearest ? "; did you mean '--" : "", nearest ? nearest : "", nearest ? "'?" : ".",
                         command_name(command));
}

static bool unknown_letter(reader *in, char letter)
{
    cli_command command = in->options->command;
    bool is_printable = letter > ' ' && letter < 0x7F;
    return cli_fault_set(in->fault, CLI_EXIT_USAGE,
                         "unknown option '-%c'; put '--' before words that begin with a dash. See '%s --help'.",
                         is_printable ? letter : '?', command_name(command));
}

/* `attached` is what stood behind the '=' or the letter; NULL when nothing did. */
static bool take_option(reader *in, const option_row *row, const char *spelling, char *attached)
{
    taking taken = { row, spelling, attached, NULL };
    if (row->argument && !taken.value && in->next < in->end) taken.value = *in->next++;
    if (has_two_arguments(row) && in->next < in->end) taken.second = *in->next++;
    if ((row->argument && !taken.value) || (has_two_arguments(row) && !taken.second)) {
        return cli_fault_set(in->fault, CLI_EXIT_USAGE, "%s needs %s. See '%s --help'.", spelling, row->argument,
                             command_name(in->options->command));
    }
    return row->take(in->options, &taken, in->fault);
}

static bool take_long(reader *in, char *argument)
{
    char *equals = strchr(argument, '=');
    size_t len = equals ? (size_t)(equals - argument) : strlen(argument);
    const option_row *row = find_name(in->options->command, argument + 2, len - 2);
    if (!row) return unknown_name(in, argument, len);
    if (equals && !row->argument) {
        return cli_fault_set(in->fault, CLI_EXIT_USAGE, "--%s takes no value, but has '%s'", row->name, equals + 1);
    }
    char spelling[SPELLING_MAX + 3] = "--";
    strncat(spelling, row->name, SPELLING_MAX);
    return take_option(in, row, spelling, equals ? equals + 1 : NULL);
}

/* -uv, -m NAME, -mNAME */
static bool take_letters(reader *in, char *argument)
{
    for (char *at = argument + 1; *at; at++) {
        const option_row *row = find_letter(in->options->command, *at);
        if (!row) return unknown_letter(in, *at);
        char spelling[] = { '-', *at, '\0' };
        if (row->argument) return take_option(in, row, spelling, at[1] ? at + 1 : NULL);
        if (!take_option(in, row, spelling, NULL)) return false;
    }
    return true;
}

static bool take_argument_word(reader *in, char *argument)
{
    cli_options *options = in->options;
    if (options->command == CLI_DECODE) {
        options->words[options->word_count++] = argument;
        return true;
    }
    if (strcmp(argument, "-") == 0) {
        options->wants_stdin = true;
        return true;
    }
    taking taken = { NULL, argument, argument, NULL };
    return take_word(options, &taken, in->fault);
}

static bool take_argument(reader *in, char *argument)
{
    if (strncmp(argument, "--", 2) == 0) return take_long(in, argument);
    if (argument[0] == '-' && argument[1]) return take_letters(in, argument);
    return take_argument_word(in, argument);
}

static bool read_arguments(reader *in)
{
    cli_options *options = in->options;
    while (in->next < in->end && !options->wants_help && !options->wants_version) {
        char *argument = *in->next++;
        if (strcmp(argument, "--") == 0) break;
        if (!take_argument(in, argument)) return false;
    }
    while (in->next < in->end) {
        char *argument = *in->next++;
        if (!take_argument_word(in, argument)) return false;
    }
    return true;
}

static bool check_together(const cli_options *options, cli_fault *fault)
{
    if (options->wants_help || options->wants_version) return true;
    if (options->next_type) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "--at %s: no -a follows it", options->next_type);
    }
    if (options->cert_key_path && !options->cert_path) { /* what stands there may be an API key: it is not quoted */
        return cli_fault_set(fault, CLI_EXIT_USAGE, "--key is the private key of a --cert, and there is none. An API "
                             "key is in GOOGLE_API_KEY or GEMINI_API_KEY, or in a --key-file.");
    }
    if (options->record_path && options->is_dry_run) {
        return cli_fault_set(fault, CLI_EXIT_USAGE, "--record: nothing is sent with --dry-run");
    }
    if (options->command == CLI_DECODE && options->word_count > 1) {
        return cli_fault_set(fault, CLI_EXIT_USAGE,
                             "decode reads one file, not %zu. To ask about the word, write 'castor -- decode ...'.",
                             options->word_count);
    }
    return true;
}

bool cli_options_parse(cli_options *options, char **arguments, size_t count, cli_fault *fault)
{
    bool is_decode = count > 0 && strcmp(arguments[0], "decode") == 0;
    *options = (cli_options){ .command = is_decode ? CLI_DECODE : CLI_ASK, .words = arguments };

    /* Words move to the front of `arguments`: there are never more of them than arguments read. */
    reader in = { options, arguments + is_decode, arguments + count, fault };
    return read_arguments(&in) && check_together(options, fault);
}

/* ---- help ---- */

enum { HELP_WIDTH = 80, HELP_INDENT = 29 };

void cli_options_print_usage(cli_text *out, cli_command command)
{
    cli_text_put(out, command == CLI_DECODE ? "Usage: castor decode [options] [FILE]\n"
                                            : "Usage: castor [options] [PROMPT...]\n"
                                              "       castor decode [options] [FILE]\n");
}

static void print_introduction(cli_text *out, cli_command command)
{
    cli_text_put(out, command == CLI_DECODE
        ? "\nReads an answer of the Gemini API as it was recorded, and prints one JSON object\n"
          "a line: every event, then the end with its verdict.\n"
        : "\nAsks a Gemini model and prints the answer as it arrives. The prompt is what\n"
          "comes through a pipe, then the arguments.\n");
}

static void print_closing(cli_text *out, cli_command command)
{
    if (command != CLI_ASK) return;
    cli_text_put(out,
        "\nThe key is in GOOGLE_API_KEY or GEMINI_API_KEY.\n"
        "Exit status: 0 the whole answer, 2 usage, 3 key, 4 5 quota, 6 blocked, 7 cut\n"
        "off, 8 token limit, 9 time limit, 10 network, 11 malformed, 12 empty, 130\n"
        "Ctrl-C, 1 other failures. See castor(1).\n");
}

static void pad_to(cli_text *out, size_t line_start, size_t column)
{
    while (out->state == CLI_TEXT_OK && out->len - line_start < column) cli_text_add_byte(out, ' ');
}

/* Words one by one; a word that would pass the edge begins a new line. */
static void print_wrapped(cli_text *out, size_t line_start, const char *words)
{
    while (*words) {
        size_t len = strcspn(words, " ");
        if (out->len - line_start + 1 + len > HELP_WIDTH) {
            cli_text_add_byte(out, '\n');
            line_start = out->len;
            pad_to(out, line_start, HELP_INDENT - 1);
        }
        cli_text_add_byte(out, ' ');
        cli_text_add(out, words, len);
        words += len;
        words += strspn(words, " ");
    }
    cli_text_add_byte(out, '\n');
}

static void print_row(cli_text *out, const option_row *row)
{
    size_t line_start = out->len;
    if (row->letter) cli_text_format(out, "  -%c, ", row->letter);
    else cli_text_put(out, "      ");
    cli_text_format(out, "--%s%s%s", row->name, row->argument ? " " : "", row->argument ? row->argument : "");
    if (out->len - line_start >= HELP_INDENT - 1) {
        cli_text_add_byte(out, '\n');
        line_start = out->len;
    }
    pad_to(out, line_start, HELP_INDENT - 1);
    print_wrapped(out, line_start, row->help);
}

/* Calls `heading` before the first row of each group that has a row in the command, and `row` for each row; without
 * the rows that also belong to one of the commands in `shared`. */
static void for_each_row(cli_text *out, cli_command command, unsigned shared,
                         void (*heading)(cli_text *, const char *, bool), void (*row)(cli_text *, const option_row *))
{
    const char *group = NULL;
    bool is_first = true;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        bool is_ours = (table[i].commands & (unsigned)command) && !(table[i].commands & shared);
        if (table[i].group) group = table[i].group;
        if (is_ours && group) {
            heading(out, group, is_first);
            group = NULL;
            is_first = false;
        }
        if (is_ours) row(out, &table[i]);
    }
}

static void print_heading(cli_text *out, const char *group, bool is_first)
{
    (void)is_first;
    cli_text_format(out, "\n%s\n", group);
}

void cli_options_print_help(cli_text *out, cli_command command)
{
    cli_options_print_usage(out, command);
    print_introduction(out, command);
    for_each_row(out, command, 0, print_heading, print_row);
    print_closing(out, command);
}

/* ---- mdoc ---- */

static void print_mdoc_heading(cli_text *out, const char *group, bool is_first)
{
    if (!is_first) cli_text_put(out, ".El\n");
    cli_text_format(out, ".Ss %s\n.Bl -tag -width Ds\n", group);
}

/* Plain words: dashes and quotes as they are typed, each sentence on a line of its own. */
static void print_mdoc_words(cli_text *out, const char *words)
{
    for (const char *at = words; *at; at++) {
        if (*at == '-') cli_text_put(out, "\\-");
        else if (*at == '\'') cli_text_put(out, "\\(aq");
        else if (*at == '\\') cli_text_put(out, "\\e");
        else cli_text_add_byte(out, *at);
        if (*at == '.' && at[1] == ' ') {
            cli_text_add_byte(out, '\n');
            at++;
        }
    }
    cli_text_add_byte(out, '\n');
}

static void print_mdoc_row(cli_text *out, const option_row *row)
{
    cli_text_put(out, ".It ");
    if (row->letter) cli_text_format(out, "Fl %c , ", row->letter);
    cli_text_format(out, "Fl \\-%s", row->name);
    if (row->argument) cli_text_format(out, " Ar %s", row->argument);
    cli_text_add_byte(out, '\n');
    print_mdoc_words(out, row->help);
    if (row->more) cli_text_format(out, "%s\n", row->more);
}

void cli_options_print_mdoc(cli_text *out, cli_command command)
{
    unsigned shown_already = command == CLI_DECODE ? CLI_ASK : 0;
    for_each_row(out, command, shown_already, print_mdoc_heading, print_mdoc_row);
    cli_text_put(out, ".El\n");
}
