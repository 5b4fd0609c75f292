// SPDX-License-Identifier: MIT
// tap.h - what a unit test prints: TAP, one line a fact.
//
// ok(condition, "format", ...) prints one result; done_testing() prints the plan, and its value is
// main's exit code. A test that ends without its plan is a failure. Includes the host's side of
// lib/base/assert.h: the test aborts.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static int tap_count;
static int tap_failed;

__attribute__((format(printf, 5, 6))) static inline bool
tap_ok(bool passed, const char *condition, const char *file, int line, const char *format, ...)
{
    va_list arguments;

    tap_count++;
    printf("%sok %d - ", passed ? "" : "not ", tap_count);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    if (!passed) {
        tap_failed++;
        printf("# %s:%d: %s\n", file, line, condition);
    }
    fflush(stdout);
    return passed;
}

#define ok(condition, ...) tap_ok((condition), #condition, __FILE__, __LINE__, __VA_ARGS__)

static inline int done_testing(void)
{
    printf("1..%d\n", tap_count);
    return tap_failed == 0 && tap_count != 0 ? 0 : 1;
}

__attribute__((weak, noreturn)) void assert_failed(const char *condition, const char *file,
                                                   int line);
__attribute__((weak, noreturn)) void assert_failed(const char *condition, const char *file,
                                                   int line)
{
    printf("Bail out! %s:%d: assertion failed: %s\n", file, line, condition);
    fflush(stdout);
    abort();
}
