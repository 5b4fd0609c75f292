// SPDX-License-Identifier: MIT
// table.h - the tables of a page of docs, which is part of the test, held against what is so.
#pragma once

#include <stddef.h>

// Makes the page of docs the text `symbol`. Its program is to depend on the file, in vm.mk.
#define TABLE_PAGE(symbol, path)                                                                   \
    __asm__(".section .rodata\n" #symbol ": .incbin \"" path "\"\n"                                \
            ".byte 0\n"                                                                            \
            ".previous");                                                                          \
    extern const char symbol[]

struct table {
    const char *page;
    const char *file;           // that page is, in docs
    const char *heading;        // of the section that has the table, with its line's end
    const char *const *columns; // but the first, that of the rows' names
    size_t column_count;
    size_t row_count; // of what is tried
    const char *(*name)(size_t row);
    int (*result)(size_t row, size_t column); // 0, an errno, or -1: not tried
};

// The errno by its name; "0" for 0, "-" for -1.
const char *table_error_name(int error);

// Tries every cell of the table, and compares its rows with what is tried: each of both is in the
// other. Returns the number of differences, which it prints.
int table_compare(const struct table *table);

// Reads a little of a file, or lists a directory. Returns 0 or the errno.
int read_handle(int fd);
