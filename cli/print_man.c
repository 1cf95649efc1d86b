/* print_man.c -- prints castor(1): a template with the options of the table put in. Runs in the build.
 * SPDX-License-Identifier: MIT
 *
 *     castor_man man/castor.1.in > castor.1
 *
 * A line "@OPTIONS@" stands for the options of castor, "@DECODE_OPTIONS@" for those of castor decode.
 */
#include <stdio.h>
#include <string.h>

#include "options.h"

static void add_line(cli_text *page, const char *line)
{
    if (strcmp(line, "@OPTIONS@\n") == 0) cli_options_print_mdoc(page, CLI_ASK);
    else if (strcmp(line, "@DECODE_OPTIONS@\n") == 0) cli_options_print_mdoc(page, CLI_DECODE);
    else cli_text_put(page, line);
}

static bool add_template(cli_text *page, const char *path)
{
    char line[1024];
    FILE *template = fopen(path, "r");
    if (!template) {
        perror(path);
        return false;
    }
    while (fgets(line, sizeof line, template)) add_line(page, line);
    bool is_read = ferror(template) == 0;
    (void)fclose(template);
    return is_read;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: castor_man TEMPLATE > castor.1\n");
        return 2;
    }
    cli_text page = cli_text_init(1 << 20);
    bool is_printed = add_template(&page, argv[1]) && page.state == CLI_TEXT_OK
        && page.data && fwrite(page.data, 1, page.len, stdout) == page.len && fflush(stdout) == 0;
    cli_text_free(&page);
    return is_printed ? 0 : 1;
}
