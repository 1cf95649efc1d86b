/* armory.c -- which answers are to be spoilt, and which were.
 * SPDX-License-Identifier: MIT
 */
#include "fault/armory.h"

#include <inttypes.h>
#include <stdlib.h>

#include "http/log.h"

enum { PATH_SIZE = 128, ID_SIZE = 64, MODEL_SIZE = 64, SPEC_SIZE = 192 };

typedef struct armed {
    plx_plan plan;
    uint64_t id;
    uint64_t left;  /* UINT64_MAX: until disarmed */
    uint64_t after;
    char     path[PATH_SIZE];
} armed;

/* An answer that was spoilt. */
typedef struct past {
    plx_fault_source source;
    char             id[ID_SIZE];       /* the request's, if it has one */
    char             path[PATH_SIZE];
    char             model[MODEL_SIZE];
    char             spec[SPEC_SIZE];   /* empty: nobody spoilt it but its neighbour */
} past;

/* How often a request was refused by a fault that is counted. */
typedef struct tally {
    uint64_t hash;
    int64_t  times; /* 0: the place is free */
} tally;

struct plx_armory {
    bool      is_quiet;
    plx_chaos chaos;
    armed     armed[PLX_FAULTS_ARMED_MAX];
    size_t    armed_count;
    uint64_t  next_id;
    tally     tallies[PLX_FAULT_TALLIES_MAX]; /* by hash; a newer one takes the place of an older one */
    past      history[PLX_FAULT_HISTORY_MAX]; /* a ring: number n stands at n modulo its size */
    uint64_t  history_count;
};

plx_armory *plx_armory_new(const plx_chaos *chaos, bool is_quiet)
{
    plx_armory *armory = calloc(1, sizeof *armory);

    if (!armory) return NULL;
    armory->chaos = *chaos;
    armory->is_quiet = is_quiet;
    return armory;
}

void plx_armory_free(plx_armory *armory)
{
    free(armory);
}

void plx_armory_reset(void *user)
{
    plx_armory *armory = user;

    armory->armed_count = 0;
    armory->history_count = 0;
    memset(armory->tallies, 0, sizeof armory->tallies);
    plx_chaos_restart(&armory->chaos);
}

/* ---- faults that are counted ---- */

static uint64_t hash_more(uint64_t hash, castor_str text)
{
    for (size_t i = 0; i < text.len; i++) hash = (hash ^ (unsigned char)text.data[i]) * 1099511628211u; /* FNV-1a */
    return (hash ^ 0xff) * 1099511628211u;
}

static castor_str id_of(const plx_victim *victim)
{
    return plx_head_get(victim->head, "x-pollux-request-id");
}

static uint64_t hash_of(const plx_victim *victim)
{
    uint64_t hash = hash_more(14695981039346656037u, id_of(victim));

    hash = hash_more(hash, victim->path);
    hash = hash_more(hash, victim->key);
    return hash_more(hash, (castor_str){ (const char *)&victim->asker, sizeof victim->asker });
}

/* Whether this victim is to be hit once more. After the last time it starts over. */
static bool counts(plx_armory *armory, const plx_fault *fault, const plx_victim *victim)
{
    uint64_t hash = hash_of(victim);
    tally   *one = &armory->tallies[hash % PLX_FAULT_TALLIES_MAX];

    if (one->hash != hash) *one = (tally){ hash, 0 };
    if (one->times < fault->numbers[0]) {
        one->times++;
        return true;
    }
    one->times = 0;
    return false;
}

static void drop_spent(plx_armory *armory, const plx_victim *victim, plx_plan *plan)
{
    size_t kept = 0;

    for (size_t i = 0; i < plan->count; i++) {
        if (plan->faults[i].kind->is_counted && !counts(armory, &plan->faults[i], victim)) continue;
        plan->faults[kept++] = plan->faults[i];
    }
    plan->count = kept;
}

/* ---- history ---- */

static const char *const sources[] = { "header", "script", "control", "chaos", "neighbour" };

/* What clients send may be anything; logs are read on terminals. */
static void copy_plain(char *out, size_t size, castor_str text)
{
    cst_copy_text(out, size, text);
    for (; *out; out++) {
        if (*out < ' ' || *out > '~') *out = '?';
    }
}

static void print_plan(const plx_plan *plan, char *out, size_t size)
{
    cst_buf text;

    cst_buf_init(&text, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    if (plx_plan_print(plan, &text) != CASTOR_OK) text.len = 0;
    copy_plain(out, size, text.len ? cst_buf_view(&text) : CASTOR_STR(""));
    cst_buf_free(&text);
}

/* Its number is history_count. */
static past *next_past(plx_armory *armory)
{
    return &armory->history[armory->history_count++ % PLX_FAULT_HISTORY_MAX];
}

static void tell(const plx_armory *armory, const past *one)
{
    if (armory->is_quiet) return;
    plx_log_warn("%s %s%s%sis spoilt by %s%s%s", one->path, one->id[0] ? "(request " : "", one->id,
                 one->id[0] ? ") " : "", sources[one->source], one->spec[0] ? ": " : "", one->spec);
}

static void remember(plx_armory *armory, plx_fault_source source, const plx_victim *victim, plx_plan *plan)
{
    past *one = next_past(armory);

    one->source = source;
    copy_plain(one->id, sizeof one->id, victim->head ? id_of(victim) : CASTOR_STR(""));
    copy_plain(one->path, sizeof one->path, victim->path);
    copy_plain(one->model, sizeof one->model, victim->model.data ? victim->model : CASTOR_STR(""));
    one->spec[0] = '\0';
    if (plan) {
        plan->entry = armory->history_count;
        print_plan(plan, one->spec, sizeof one->spec);
    }
    tell(armory, one);
}

void plx_armory_note_bystander(plx_armory *armory, const plx_victim *victim)
{
    remember(armory, PLX_FAULT_BY_NEIGHBOUR, victim, NULL);
}

void plx_armory_note_spoilt_bystander(plx_armory *armory, const plx_plan *plan)
{
    uint64_t count = armory->history_count;

    if (plan->entry == 0 || plan->entry > count || count - plan->entry >= PLX_FAULT_HISTORY_MAX) return; /* forgotten */
    past  of = armory->history[(plan->entry - 1) % PLX_FAULT_HISTORY_MAX];
    past *one = next_past(armory);
    *one = of;
    one->source = PLX_FAULT_BY_NEIGHBOUR;
    tell(armory, one);
}

bool plx_armory_take(plx_armory *armory, plx_fault_source source, const plx_victim *victim, plx_plan *plan)
{
    drop_spent(armory, victim, plan);
    if (plan->count == 0) return false;
    remember(armory, source, victim, plan);
    return true;
}

/* ---- what is armed ---- */

/* Faults that need no request: they meet connections. */
static bool is_of_connections(const armed *one, plx_welcome *welcome)
{
    const char *name = one->plan.faults[0].kind->name;

    if (one->path[0] || one->plan.count != 1) return false;
    *welcome = strcmp(name, "refuse") == 0 ? PLX_WELCOME_REFUSE : PLX_WELCOME_IGNORE;
    return strcmp(name, "refuse") == 0 || strcmp(name, "ignore") == 0;
}

/* True: this one is used now. */
static bool use(plx_armory *armory, size_t at)
{
    armed *one = &armory->armed[at];

    if (one->after > 0) {
        one->after--;
        return false;
    }
    if (one->left != UINT64_MAX && --one->left == 0) {
        armory->armed_count--;
        memmove(one, one + 1, (armory->armed_count - at) * sizeof *one);
    }
    return true;
}

static bool holds(castor_str text, const char *part)
{
    size_t len = strlen(part);

    for (size_t at = 0; at + len <= text.len; at++) {
        if (memcmp(text.data + at, part, len) == 0) return true;
    }
    return false;
}

/* Which of them it was becomes the asker. */
static bool find_armed(plx_armory *armory, plx_victim *victim, plx_plan *plan)
{
    plx_welcome unused;

    for (size_t i = 0; i < armory->armed_count; i++) {
        const armed *one = &armory->armed[i];
        if (is_of_connections(one, &unused) || !holds(victim->path, one->path)) continue;
        *plan = one->plan;
        victim->asker = one->id;
        if (use(armory, i)) return true;
    }
    return false;
}

bool plx_armory_find(plx_armory *armory, const plx_victim *victim, plx_plan *plan)
{
    /* Chaos decides on every request, so that what it decides does not depend on what else is armed. */
    plx_plan   of_chaos;
    bool       is_chaos = plx_chaos_decide(&armory->chaos, &of_chaos);
    plx_victim of_control = *victim;

    if (find_armed(armory, &of_control, plan)) return plx_armory_take(armory, PLX_FAULT_BY_CONTROL, &of_control, plan);
    if (!is_chaos) return false;
    *plan = of_chaos;
    return plx_armory_take(armory, PLX_FAULT_BY_CHAOS, victim, plan);
}

plx_welcome plx_armory_welcome(plx_armory *armory)
{
    static const plx_head nothing_read = { .version = PLX_HTTP_1_1 };
    plx_victim            victim = { .head = &nothing_read, .path = CASTOR_STR("(connection)") };
    plx_welcome           welcome;

    for (size_t i = 0; i < armory->armed_count; i++) {
        plx_plan plan = armory->armed[i].plan; /* a copy: it takes its number */
        if (!is_of_connections(&armory->armed[i], &welcome) || !use(armory, i)) continue;
        remember(armory, PLX_FAULT_BY_CONTROL, &victim, &plan);
        return welcome;
    }
    return PLX_WELCOME_SERVE;
}

static uint64_t count_of(const plx_arming *arming)
{
    if (arming->count.is_set) return arming->count.value == 0 ? UINT64_MAX : (uint64_t)arming->count.value;
    for (size_t i = 0; i < arming->plan.count; i++) {
        if (arming->plan.faults[i].kind->is_counted) return (uint64_t)arming->plan.faults[i].numbers[0];
    }
    return 1;
}

bool plx_armory_arm(plx_armory *armory, const plx_arming *arming, uint64_t *id)
{
    armed *one = &armory->armed[armory->armed_count];

    if (armory->armed_count == PLX_FAULTS_ARMED_MAX) return false;
    armory->armed_count++;
    *one = (armed){ .plan = arming->plan, .id = ++armory->next_id, .left = count_of(arming), .after = arming->after };
    copy_plain(one->path, sizeof one->path, arming->path.data ? arming->path : CASTOR_STR(""));
    *id = one->id;
    return true;
}

void plx_armory_disarm(plx_armory *armory)
{
    armory->armed_count = 0;
}

void plx_armory_set_chaos(plx_armory *armory, const plx_chaos *chaos)
{
    armory->chaos = *chaos;
}

/* ---- printing ---- */

static void put_number(cst_json_writer *w, const char *name, uint64_t number)
{
    cst_json_key(w, name);
    cst_json_put_integer(w, (int64_t)number);
}

static void put_armed(cst_json_writer *w, const armed *one)
{
    char spec[SPEC_SIZE];

    print_plan(&one->plan, spec, sizeof spec);
    cst_json_open_object(w);
    put_number(w, "id", one->id);
    cst_json_put_member(w, "fault", spec);
    put_number(w, "count", one->left == UINT64_MAX ? 0 : one->left);
    if (one->path[0]) cst_json_put_member(w, "path", one->path);
    if (one->after) put_number(w, "after", one->after);
    cst_json_close_object(w);
}

static void put_chaos(cst_json_writer *w, const plx_chaos *chaos)
{
    if (!chaos->is_on) return;
    cst_json_key(w, "chaos");
    cst_json_open_object(w);
    put_number(w, "seed", chaos->seed);
    cst_json_key(w, "rate");
    cst_json_put_number(w, chaos->rate_ppm / 1e6);
    put_number(w, "requests", chaos->request_count);
    cst_json_close_object(w);
}

static void put_past(cst_json_writer *w, const past *one, uint64_t number)
{
    cst_json_open_object(w);
    put_number(w, "number", number);
    cst_json_put_member(w, "by", sources[one->source]);
    if (one->spec[0]) cst_json_put_member(w, "fault", one->spec);
    if (one->id[0]) cst_json_put_member(w, "request", one->id);
    cst_json_put_member(w, "path", one->path);
    if (one->model[0]) cst_json_put_member(w, "model", one->model);
    cst_json_close_object(w);
}

static void put_history(cst_json_writer *w, const plx_armory *armory, uint64_t since)
{
    uint64_t count = armory->history_count;
    uint64_t oldest = count > PLX_FAULT_HISTORY_MAX ? count - PLX_FAULT_HISTORY_MAX : 0;

    cst_json_key(w, "history");
    cst_json_open_array(w);
    for (uint64_t i = since > oldest ? since : oldest; i < count; i++) {
        put_past(w, &armory->history[i % PLX_FAULT_HISTORY_MAX], i + 1);
    }
    cst_json_close_array(w);
}

/* What the table's printers append becomes a member, unless it is empty. */
static void put_printed(cst_json_writer *w, const char *name, const plx_fault_kind *kind,
                        castor_status (*print)(const plx_fault_kind *kind, cst_buf *out))
{
    cst_buf text;

    cst_buf_init(&text, cst_allocator_default(), PLX_SCHEMA_BYTES_MAX);
    castor_status status = print(kind, &text);
    if (status == CASTOR_OK && text.len > 0) {
        cst_json_key(w, name);
        cst_json_put_string(w, cst_buf_view(&text));
    }
    if (status != CASTOR_OK && w->status == CASTOR_OK) w->status = status;
    cst_buf_free(&text);
}

static void put_kind(cst_json_writer *w, const plx_fault_kind *kind)
{
    cst_json_open_object(w);
    cst_json_put_member(w, "name", kind->name);
    put_printed(w, "argument", kind, plx_fault_print_argument);
    cst_json_put_member(w, "default", kind->argument);
    put_printed(w, "places", kind, plx_fault_print_places);
    cst_json_put_member(w, "place", kind->place);
    cst_json_put_member(w, "does", kind->does);
    cst_json_close_object(w);
}

castor_status plx_armory_print(const plx_armory *armory, uint64_t since, cst_buf *json)
{
    cst_json_writer w = cst_json_writer_to(json);

    cst_json_open_object(&w);
    cst_json_key(&w, "armed");
    cst_json_open_array(&w);
    for (size_t i = 0; i < armory->armed_count; i++) put_armed(&w, &armory->armed[i]);
    cst_json_close_array(&w);
    put_chaos(&w, &armory->chaos);
    put_history(&w, armory, since);
    cst_json_key(&w, "table");
    cst_json_open_array(&w);
    for (size_t i = 0; i < plx_fault_kind_count; i++) put_kind(&w, &plx_fault_kinds[i]);
    cst_json_close_array(&w);
    cst_json_close_object(&w);
    return w.status;
}
