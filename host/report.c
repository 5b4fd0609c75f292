// SPDX-License-Identifier: MIT
// report.c - how a run ended: the line on standard error, the record as JSON, the exit code.

#include "host/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/terminal.h"

#define SIGNAL_MAX 64

// What /proc/PID/status calls a figure, and the record. Of two numbers (used, peak) the last is
// taken.
static struct figure {
    const char *name, *key;
    bool known;
    int64_t value;
} figures[] = {
    { .name = "BoxUser", .key = "user_ns" },
    { .name = "BoxKernel", .key = "kernel_ns" },
    { .name = "BoxMemory", .key = "memory_peak" },
    { .name = "BoxProcesses", .key = "processes_peak" },
    { .name = "BoxThreads", .key = "threads_peak" },
    { .name = "BoxFds", .key = "fds_peak" },
    { .name = "Left", .key = "left_bytes" },
};

static FILE *to;
static bool has_status;
static int64_t status;
static char reason[512], by[64];

void report_open(const char *path)
{
    FILE *file = fopen(path, "we");

    if (file == NULL)
        fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
    to = file;
}

static int64_t last_number(const char *text)
{
    int64_t value = 0;
    char *end;

    for (;;) {
        int64_t next = strtoll(text, &end, 10);

        if (end == text)
            return value;
        value = next;
        text = end;
    }
}

void report_record(const char *name, const char *value)
{
    if (strcmp(name, "Exit") == 0) {
        has_status = true;
        status = strtoll(value, NULL, 10);
    } else if (strcmp(name, "Reason") == 0) {
        snprintf(reason, sizeof(reason), "%s", value);
    } else if (strcmp(name, "By") == 0) {
        snprintf(by, sizeof(by), "%s", value);
    }
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        if (strcmp(name, figures[i].name) == 0) {
            figures[i].known = true;
            figures[i].value = last_number(value);
        }
    }
}

static void write_string(const char *text)
{
    fputc('"', to);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\')
            fprintf(to, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7f)
            fprintf(to, "\\u%04x", byte);
        else
            fputc(byte, to);
    }
    fputc('"', to);
}

// Writes the record, once. Returns: 0, or why it could not be written.
static int write_record(int code)
{
    bool failed;

    if (to == NULL)
        return 0;
    errno = 0;
    fprintf(to, "{\"exit\":%d,\"status\":", code);
    if (has_status)
        fprintf(to, "%" PRId64, status);
    else
        fputs("null", to);
    fputs(",\"reason\":", to);
    write_string(reason);
    fputs(",\"by\":", to);
    write_string(by);
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        if (figures[i].known)
            fprintf(to, ",\"%s\":%" PRId64, figures[i].key, figures[i].value);
    }
    fputs("}\n", to);
    failed = ferror(to) != 0;
    failed = fclose(to) != 0 || failed;
    to = NULL;
    if (!failed)
        return 0;
    return errno != 0 ? errno : EIO;
}

// A record that is asked for and lost is a failure of its own.
static void require_record(int code)
{
    int error = write_record(code);

    if (error != 0)
        fail(EXIT_FAILED, "the record could not be written: %s", strerror(error));
}

// One line on standard error: names may hold anything, and a control character in them is shown.
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fputs("boxwork: ", stderr);
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            fprintf(stderr, "\\x%02x", (unsigned)*at);
        else
            fputc(*at, stderr);
    }
    fputc('\n', stderr);
}

static void say_signal(const char *program, int number)
{
    const char *name = sigabbrev_np(number);

    if (name != NULL)
        say("%s was ended by SIG%s: %s", program, name, reason);
    else
        say("%s was ended by signal %d: %s", program, number, reason);
}

void report_and_exit(const char *program)
{
    bool deadline = status < 0 && strcmp(by, "deadline") == 0;
    int code;

    terminal_give_back();
    if (!has_status)
        fail(EXIT_FAILED, "the kernel did not say how %s ended", program);
    if (status >= 0)
        code = (int)(status & 255);
    else if (deadline)
        code = EXIT_DEADLINE;
    else
        code = EXIT_SIGNAL + (status >= -SIGNAL_MAX ? (int)-status : 9);
    require_record(code);
    if (deadline)
        say("%s was ended by its deadline: %s", program, reason);
    else if (status < 0)
        say_signal(program, code - EXIT_SIGNAL);
    exit(code);
}

void fail(enum exit_code code, const char *format, ...)
{
    va_list arguments;
    int error;

    terminal_give_back();
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    has_status = false;
    snprintf(by, sizeof(by), "launcher");
    error = write_record(code);
    if (error == 0)
        say("%s", reason);
    else
        say("%s; and the record could not be written: %s", reason, strerror(error));
    exit(error == 0 ? code : EXIT_FAILED);
}
