// SPDX-License-Identifier: MIT
// control.c - the control port: lines of text between the launcher and init.

#include "host/control.h"

#include <stdio.h>
#include <string.h>

#include "host/report.h"

static void hear_error(struct control *control, const char *text)
{
    char stage[16];
    int at = 0;

    control->refused = true;
    if (sscanf(text, "%15s %d %n", stage, &control->number, &at) < 2)
        return;
    control->in_program = strcmp(stage, "program") == 0;
    snprintf(control->text, sizeof(control->text), "%s", text + at);
}

static void hear_line(struct control *control, char *line)
{
    char *value;

    if (strcmp(line, "start") == 0) {
        control->started = true;
    } else if (strcmp(line, "end") == 0) {
        control->ended = true;
    } else if (strncmp(line, "error ", 6) == 0) {
        hear_error(control, line + 6);
    } else if (strncmp(line, "record ", 7) == 0) {
        value = strchr(line + 7, ' ');
        if (value != NULL) {
            *value++ = '\0';
            report_record(line + 7, value);
        }
    }
}

void control_hear(struct control *control, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '\n') {
            if (control->length < sizeof(control->line) - 1)
                control->line[control->length++] = text[i];
            continue;
        }
        control->line[control->length] = '\0';
        control->length = 0;
        hear_line(control, control->line);
    }
}
