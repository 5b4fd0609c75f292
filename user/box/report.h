// SPDX-License-Identifier: MIT
// report.h - what `box` says about how things ended: on standard error, as JSON, as exit code.
#pragma once

#include "user/libbox/box.h"

enum exit_code {
    EXIT_DEADLINE = 124,
    EXIT_FAILED = 125,
    EXIT_DENIED = 126,
    EXIT_MISSING = 127,
    EXIT_SIGNAL = 128
};

// The file that --status names; it is written on every path from then on.
void report_open(const char *path);

// Writes the JSON, and says on standard error how a program ended that did not end by itself;
// in_words: all that the record has. Returns the exit code. A record that cannot be written ends
// this program: 125.
int report_end(const char *program, const struct box_record *record, bool in_words);

// One line "box: …" on standard error, the JSON with it as reason, and the end of this program; 125
// if the JSON cannot be written.
void fail(enum exit_code code, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

// A size in bytes as 512, 1.5K, 64M; INT64_MAX as "-". text: SIZE_TEXT bytes. Returns text.
#define SIZE_TEXT 24
char *size_text(char *text, int64_t bytes);
