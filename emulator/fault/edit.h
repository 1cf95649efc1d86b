/* edit.h -- what faults do to events: to the JSON in them, and to the lines around it. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Edits work on the bytes of an event as they were going to be sent, by the names of members, so that they fit every
 * dialect, what pollux makes up and what a script holds. Each is described in the table (faults.c).
 */
#ifndef PLX_EDIT_H
#define PLX_EDIT_H

#include "fault/fault.h"
#include "fault/record.h"

typedef castor_status plx_edit_fn(const plx_fault *fault, plx_record *record);
typedef castor_status plx_lines_fn(const plx_fault *fault, cst_buf *event, uint64_t number);

/* edit_order.c: events as wholes, and how an answer says that it is finished */
plx_edit_fn plx_edit_duplicate, plx_edit_drop, plx_edit_swap, plx_edit_no_finish, plx_edit_finish_twice;
plx_edit_fn plx_edit_finish_all, plx_edit_finish, plx_edit_hollow, plx_edit_no_done;

/* edit_text.c: what is inside */
plx_edit_fn plx_edit_surrogate, plx_edit_utf8, plx_edit_nul, plx_edit_separators, plx_edit_big, plx_edit_nest;
plx_edit_fn plx_edit_nan, plx_edit_twice_key, plx_edit_unknown, plx_edit_torn, plx_edit_no_usage, plx_edit_no_index;
plx_edit_fn plx_edit_quoted;

/* lines.c */
plx_lines_fn plx_lines_comment, plx_lines_event, plx_lines_id, plx_lines_retry, plx_lines_no_space;
plx_lines_fn plx_lines_multiline, plx_lines_eol;

/* The line end that `event` uses first: CR LF, LF or CR. */
castor_str plx_line_end_of(castor_str event);

#endif
