// SPDX-License-Identifier: MIT
// text.h - internal to procfs: text that grows while it is written.
#pragma once

#include "lib/base/compiler.h"
#include "lib/base/types.h"

struct snapshot;

// Fields: of text.c; one writer. An error stays, and later writes do nothing.
struct text {
    struct snapshot *snapshot;
    size_t capacity;
    int error; // -ENOMEM
};

void text_print(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_add(struct text *text, const char *data, size_t size);
// Adds a decimal number and a blank; cheaper than text_print.
void text_number(struct text *text, int64_t value);
void text_unsigned(struct text *text, uint64_t value);
// Room for size bytes at the end, which text_added then says were filled. NULL: no memory.
char *text_reserve(struct text *text, size_t size);
void text_added(struct text *text, size_t size);
size_t text_length(const struct text *text);
// Adds data with blanks, backslashes and line ends as \040 and so on, as Linux's tables of mounts
// have them.
void text_add_escaped(struct text *text, const char *data, size_t size);
// Adds data with line ends as \n and backslashes as \\, as Linux's status has names.
void text_add_line(struct text *text, const char *data, size_t size);
