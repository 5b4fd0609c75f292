// SPDX-License-Identifier: MIT
// report.h - how a run ended: the line on standard error, the record as JSON, the exit code.
#pragma once

#include <stdint.h>

enum exit_code {
    EXIT_DEADLINE = 124,
    EXIT_FAILED = 125, // wrong use, or Boxwork failed
    EXIT_NOT_EXECUTABLE = 126,
    EXIT_NOT_FOUND = 127,
    EXIT_SIGNAL = 128, // + the signal's number
};

// Opens the file for the record, so that a wrong name is found before anything runs. Ends the
// launcher if it cannot.
void report_open(const char *path);

// Notes what the guest said of the end: NAME VALUE lines of /proc/PID/status.
void report_record(const char *name, const char *value);

// The guest's own account of the end decides, unless the record cannot be written. program: for
// the message.
__attribute__((noreturn)) void report_and_exit(const char *program);

// There is no account: code (EXIT_FAILED if the record cannot be written either), and why in one
// line.
__attribute__((noreturn, format(printf, 2, 3))) void fail(enum exit_code code, const char *format,
                                                          ...);
