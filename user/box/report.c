// SPDX-License-Identifier: MIT
// report.c - what `box` says about how things ended.

#include "user/box/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/box/terminal.h"

#define NSEC_PER_S 1e9

static FILE *to;

void report_open(const char *path)
{
    FILE *file = fopen(path, "we");

    if (file == NULL)
        fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
    to = file;
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

static void write_figures(const struct box_record *record)
{
    fprintf(to, ",\"user_ns\":%" PRId64 ",\"kernel_ns\":%" PRId64, record->user_ns,
            record->kernel_ns);
    fprintf(to, ",\"memory_peak\":%" PRId64 ",\"processes_peak\":%" PRId64, record->memory_peak,
            record->processes_peak);
    fprintf(to, ",\"threads_peak\":%" PRId64 ",\"fds_peak\":%" PRId64 ",\"left_bytes\":%" PRId64,
            record->threads_peak, record->fds_peak, record->left);
}

// Writes the record as one line, with the keys that the launcher has, once. record NULL: there was
// no end. Returns: 0, or why it could not be written.
static int write_json(int code, const char *reason, const char *by, const struct box_record *record)
{
    bool failed;

    if (to == NULL)
        return 0;
    errno = 0;
    fprintf(to, "{\"exit\":%d,\"status\":", code);
    if (record != NULL)
        fprintf(to, "%" PRId64, record->status);
    else
        fputs("null", to);
    fputs(",\"reason\":", to);
    write_string(reason);
    fputs(",\"by\":", to);
    write_string(by);
    if (record != NULL)
        write_figures(record);
    fputs("}\n", to);
    failed = ferror(to) != 0;
    failed = fclose(to) != 0 || failed;
    to = NULL;
    if (!failed)
        return 0;
    return errno != 0 ? errno : EIO;
}

static void say_record(const char *program, const struct box_record *record)
{
    char memory[SIZE_TEXT], left[SIZE_TEXT];

    fprintf(stderr, "box: %s ended with %" PRId64 ", by %s: %s\n", program, record->status,
            record->by, record->reason);
    fprintf(stderr, "box: time %.3f s user, %.3f s kernel; memory %s at most\n",
            (double)record->user_ns / NSEC_PER_S, (double)record->kernel_ns / NSEC_PER_S,
            size_text(memory, record->memory_peak));
    fprintf(stderr,
            "box: processes %" PRId64 ", threads %" PRId64 ", files %" PRId64 " at most; left %s\n",
            record->processes_peak, record->threads_peak, record->fds_peak,
            size_text(left, record->left));
}

int report_end(const char *program, const struct box_record *record, bool in_words)
{
    int code = box_exit_code(record);
    int error = write_json(code, record->reason, record->by, record);

    if (error != 0) // a record that is asked for and lost is a failure of its own
        fail(EXIT_FAILED, "the record could not be written: %s", strerror(error));
    if (in_words)
        say_record(program, record);
    else if (code == EXIT_DEADLINE && record->status < 0)
        fprintf(stderr, "box: %s was ended by its deadline: %s\n", program, record->reason);
    else if (record->status < 0)
        fprintf(stderr, "box: %s was ended by signal %d: %s\n", program, code - EXIT_SIGNAL,
                record->reason);
    return code;
}

void fail(enum exit_code code, const char *format, ...)
{
    char reason[BOX_ERROR_SIZE + 128];
    va_list arguments;
    int error;

    terminal_restore();
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    error = write_json(code, reason, "box", NULL);
    if (error == 0)
        fprintf(stderr, "box: %s\n", reason);
    else
        fprintf(stderr, "box: %s; and the record could not be written: %s\n", reason,
                strerror(error));
    exit(error == 0 ? code : EXIT_FAILED);
}

char *size_text(char *text, int64_t bytes)
{
    static const char units[] = "KMGT";
    double value = (double)bytes;
    int unit = -1;

    if (bytes == INT64_MAX)
        return strcpy(text, "-");
    for (; value >= 1024 && unit < 3; unit++)
        value /= 1024;
    if (unit < 0)
        snprintf(text, SIZE_TEXT, "%" PRId64, bytes);
    else
        snprintf(text, SIZE_TEXT, value < 10 && value != (int)value ? "%.1f%c" : "%.0f%c", value,
                 units[unit]);
    return text;
}
