/* fault.c -- why the command cannot go on.
 * SPDX-License-Identifier: MIT
 */
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

#include "utf8.h"

bool cli_fault_set(cli_fault *fault, int exit_status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fault->message, sizeof fault->message, format, arguments);
    va_end(arguments);
    fault->message[cli_utf8_whole(castor_str_of(fault->message))] = '\0';
    fault->exit_status = exit_status;
    return false;
}
