// SPDX-License-Identifier: MIT
// kernel_log.c - the kernel's log as it comes over the serial line: kept in a file if wanted, and
// searched for a panic.

#include "host/kernel_log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host/report.h"

#define PANIC "PANIC: "

static FILE *file;
static char line[512];
static size_t length;
static char panic_text[256];
static bool panicked;

void kernel_log_open(const char *path)
{
    if (path == NULL)
        return;
    file = fopen(path, "we");
    if (file == NULL)
        fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
    setvbuf(file, NULL, _IONBF, 0); // each piece is there, or has failed, at once
}

static void end_line(void)
{
    const char *at;

    line[length] = '\0';
    at = strstr(line, PANIC);
    if (at != NULL && !panicked) {
        panicked = true;
        snprintf(panic_text, sizeof(panic_text), "%s", at + strlen(PANIC));
    }
    length = 0;
}

int kernel_log_add(const char *text, size_t size)
{
    int error = 0;

    if (file != NULL && fwrite(text, 1, size, file) != size)
        error = errno;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n')
            end_line();
        else if (text[i] != '\r' && length < sizeof(line) - 1)
            line[length++] = text[i];
    }
    return error;
}

const char *kernel_log_panic(void)
{
    if (length != 0)
        end_line();
    return panicked ? panic_text : NULL;
}
