// SPDX-License-Identifier: MIT
// log.h - the kernel's log: a ring of lines with levels, and panic.
#pragma once

#include <stdarg.h>

#include "lib/base/compiler.h"
#include "lib/base/types.h"

enum log_level { LOG_ERROR = 3, LOG_WARNING = 4, LOG_NOTICE = 5, LOG_INFO = 6, LOG_DEBUG = 7 };

// Adds a line (no newline at its end). Context: any. Numbers in format as fmt_print.
void log_print(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);
void log_vprint(enum log_level level, const char *format, va_list arguments) PRINTF_LIKE(2, 0);

#define log_error(...) log_print(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_print(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

// Where lines go besides the ring. write gets whole lines with their newline, in any context.
struct log_sink {
    void (*write)(const char *text, size_t size);
    enum log_level level; // only lines at or below
    struct log_sink *next;
};
void log_add_sink(struct log_sink *sink); // never removed
// From now on the log takes no lock: all other CPUs are about to be stopped.
void log_enter_panic(void);

// Reads the ring from *position on (0: the oldest kept); moves *position. Returns bytes copied, 0
// at the end.
size_t log_read(uint64_t *position, char *to, size_t size);

// Prints registers, a symbolised backtrace and what ran on each CPU, and ends the machine with a
// failure code.
void NORETURN panic(const char *format, ...) PRINTF_LIKE(1, 2);

// As panic, with the registers of the trap that led to it, and the backtrace from there.
struct trapframe;
void NORETURN panic_frame(const struct trapframe *frame, const char *format, ...) PRINTF_LIKE(2, 3);

// The function that address lies in and the offset; false if unknown (no symbol table).
bool symbol_find(uint64_t address, const char **name, uint64_t *offset);
