/* chaos.c -- a schedule of faults that follows from a seed.
 * SPDX-License-Identifier: MIT
 */
#include "fault/chaos.h"

#include <stdio.h>

enum { MILLION = 1000000, BYTES_DRAWN = 1024, EVENTS_DRAWN = 4 };

static castor_str cut(castor_str *text, char separator)
{
    const char *at = text->len ? memchr(text->data, separator, text->len) : NULL;
    castor_str  front = { text->data, at ? (size_t)(at - text->data) : text->len };
    size_t      used = front.len + (at ? 1 : 0);

    *text = (castor_str){ text->data + used, text->len - used };
    return front;
}

static bool fail(char *why, size_t why_size, const char *what)
{
    snprintf(why, why_size, "Chaos is written seed=7,rate=0.05[,faults=cut+rst+...]: %s", what);
    return false;
}

static bool set_seed(plx_chaos *chaos, castor_str value, char *why, size_t why_size)
{
    chaos->seed = 0;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c < '0' || c > '9' || value.len > 19) {
            return fail(why, why_size, "the seed is a number of at most 19 digits.");
        }
        chaos->seed = chaos->seed * 10 + (uint64_t)(c - '0');
    }
    return value.len > 0 || fail(why, why_size, "the seed is missing.");
}

/* Not by strtod, which reads another language in another locale. */
static bool set_rate(plx_chaos *chaos, castor_str value, char *why, size_t why_size)
{
    uint32_t unit = MILLION;
    uint32_t rate = 0;
    bool     has_dot = false;
    bool     is_number = value.len > 0;

    for (size_t i = 0; i < value.len && is_number; i++) {
        char c = value.data[i];
        if (c == '.' && !has_dot) {
            has_dot = true;
            continue;
        }
        is_number = c >= '0' && c <= '9';
        if (!is_number) break;
        if (has_dot) unit /= 10;
        rate = has_dot ? rate + unit * (uint32_t)(c - '0') : rate * 10 + (uint32_t)(c - '0') * MILLION;
        is_number = rate <= MILLION;
    }
    chaos->rate_ppm = rate;
    return is_number || fail(why, why_size, "the rate is a number from 0 to 1, as 0.05.");
}

static bool set_faults(plx_chaos *chaos, castor_str value, char *why, size_t why_size)
{
    plx_plan plan;

    for (chaos->fault_count = 0; value.len > 0;) {
        castor_str one = cut(&value, '+');
        if (chaos->fault_count == PLX_CHAOS_FAULTS_MAX) return fail(why, why_size, "too many faults.");
        if (!plx_plan_parse(&plan, one, why, why_size)) return false;
        chaos->has_place[chaos->fault_count] = memchr(one.data, '@', one.len) != NULL;
        chaos->faults[chaos->fault_count++] = plan.faults[0];
    }
    return chaos->fault_count > 0 || fail(why, why_size, "there are no faults behind \"faults=\".");
}

static bool set_all_faults(plx_chaos *chaos, char *why, size_t why_size)
{
    plx_plan plan;

    for (size_t i = 0; i < plx_fault_kind_count && chaos->fault_count < PLX_CHAOS_FAULTS_MAX; i++) {
        if (!plx_fault_kinds[i].is_chaotic) continue;
        if (!plx_plan_parse(&plan, castor_str_of(plx_fault_kinds[i].name), why, why_size)) return false;
        chaos->faults[chaos->fault_count++] = plan.faults[0];
    }
    return true;
}

bool plx_chaos_parse(plx_chaos *chaos, castor_str text, char *why, size_t why_size)
{
    static const struct {
        const char *name;
        bool (*set)(plx_chaos *chaos, castor_str value, char *why, size_t why_size);
    } settings[] = { { "seed", set_seed }, { "rate", set_rate }, { "faults", set_faults } };
    bool has_seed = false, has_rate = false;

    *chaos = (plx_chaos){ .is_on = true };
    while (text.len > 0) {
        castor_str value = cut(&text, ',');
        castor_str name = cut(&value, '=');
        size_t     i = 0;
        while (i < 3 && !cst_str_is(name, settings[i].name)) i++;
        if (i == 3) return fail(why, why_size, "these three are all there is.");
        if (!settings[i].set(chaos, value, why, why_size)) return false;
        has_seed |= i == 0;
        has_rate |= i == 1;
    }
    if (!has_seed || !has_rate) return fail(why, why_size, "seed and rate must both be there.");
    if (chaos->fault_count == 0 && !set_all_faults(chaos, why, why_size)) return false;
    plx_chaos_restart(chaos);
    return true;
}

void plx_chaos_restart(plx_chaos *chaos)
{
    chaos->chance.state = chaos->seed;
    chaos->request_count = 0;
}

/* Bytes where it can be: most of what goes wrong does so between events, or inside one. */
static void draw_place(plx_fault *fault, uint64_t number)
{
    if (fault->kind->places & PLX_AT_BYTE) fault->place = (plx_place){ PLX_AT_BYTE, number % BYTES_DRAWN };
    else if (fault->kind->places & PLX_AT_EVENT) fault->place = (plx_place){ PLX_AT_EVENT, 1 + number % EVENTS_DRAWN };
}

static void draw_seed(plx_fault *fault, uint64_t number)
{
    for (size_t i = 0; i < 2; i++) {
        const char *name = fault->kind->slots[i].name;
        if (name && strcmp(name, "SEED") == 0) fault->numbers[i] = (int64_t)(number % INT32_MAX);
    }
}

bool plx_chaos_decide(plx_chaos *chaos, plx_plan *plan)
{
    uint64_t is_spoilt, which, where;

    if (!chaos->is_on) return false;
    is_spoilt = plx_chance_next(&chaos->chance);
    which = plx_chance_next(&chaos->chance) % chaos->fault_count;
    where = plx_chance_next(&chaos->chance);
    chaos->request_count++;
    if (is_spoilt % MILLION >= chaos->rate_ppm) return false;
    plan->count = 1;
    plan->faults[0] = chaos->faults[which];
    if (chaos->has_place[which]) return true;
    draw_place(&plan->faults[0], where);
    draw_seed(&plan->faults[0], where);
    return true;
}
