/* events.c -- the data of server-sent events, however the network cuts them.
 * SPDX-License-Identifier: MIT
 */
#include "upstream/events.h"

void plx_events_init(plx_events *events)
{
    *events = (plx_events){ .has_data = false };
    cst_buf_init(&events->line, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
    cst_buf_init(&events->data, cst_allocator_default(), PLX_EVENT_BYTES_MAX);
}

void plx_events_free(plx_events *events)
{
    cst_buf_free(&events->line);
    cst_buf_free(&events->data);
}

/* Up to a line's end, of an input that is not empty; false: there is none yet, and what came is kept. */
static bool take_line(plx_events *events, castor_str *input, castor_status *status)
{
    size_t len = 0;

    if (events->saw_cr && input->data[0] == '\n') *input = (castor_str){ input->data + 1, input->len - 1 };
    events->saw_cr = false;
    while (len < input->len && input->data[len] != '\n' && input->data[len] != '\r') len++;
    bool is_whole = len < input->len;
    *status = cst_buf_append(&events->line, input->data, len);
    if (is_whole) events->saw_cr = input->data[len++] == '\r';
    *input = (castor_str){ input->data + len, input->len - len };
    return is_whole;
}

/* Other fields, and comments, say nothing to us. */
static castor_status read_line(plx_events *events)
{
    castor_str    line = cst_buf_view(&events->line);
    castor_status status = CASTOR_OK;

    events->line.len = 0;
    if (!cst_str_starts_with(line, "data") || (line.len > 4 && line.data[4] != ':')) return CASTOR_OK;
    size_t front = line.len > 5 && line.data[5] == ' ' ? 6 : 5;
    if (line.len < front) front = line.len;
    if (events->has_data) status = cst_buf_append(&events->data, "\n", 1);
    if (status == CASTOR_OK) status = cst_buf_append(&events->data, line.data + front, line.len - front);
    events->has_data = true;
    return status;
}

static plx_events_step give(plx_events *events, castor_str *data)
{
    *data = cst_buf_view(&events->data);
    events->has_data = false;
    events->is_given = true;
    return PLX_EVENTS_EVENT;
}

static void clear_given(plx_events *events)
{
    if (events->is_given) events->data.len = 0;
    events->is_given = false;
}

plx_events_step plx_events_next(plx_events *events, castor_str *input, castor_str *data)
{
    castor_status status = CASTOR_OK;

    clear_given(events);
    while (input->len > 0) {
        bool is_whole = take_line(events, input, &status);
        if (status != CASTOR_OK) return PLX_EVENTS_ERROR;
        if (!is_whole) break;
        if (events->line.len == 0 && events->has_data) return give(events, data);
        if (read_line(events) != CASTOR_OK) return PLX_EVENTS_ERROR;
    }
    return PLX_EVENTS_WAIT;
}

plx_events_step plx_events_end(plx_events *events, castor_str *data)
{
    clear_given(events);
    if (events->line.len > 0 && read_line(events) != CASTOR_OK) return PLX_EVENTS_ERROR;
    return events->has_data ? give(events, data) : PLX_EVENTS_WAIT;
}
