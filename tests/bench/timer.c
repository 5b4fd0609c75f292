// SPDX-License-Identifier: MIT
// timer.c - the clock of a line, and what it prints.
//
// Each report is one text line on the standard output:
//     bench TAB name TAB count TAB value of one TAB unit
// or  bench TAB name TAB failed TAB why
// The first word tells it from whatever else a console shows.

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "report.h"

#define WALL_FACTOR 4

bool bench_exact;
bool bench_is_boxwork;

static const char *line_name = "none";
static uint64_t spent;

static uint64_t now(void)
{
    struct timespec time;

    if (bench_exact)
        return __builtin_ia32_rdtsc();
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void __attribute__((noinline)) timer_start(void)
{
    spent -= now();
}

void __attribute__((noinline)) timer_stop(void)
{
    spent += now();
}

long repetitions(long exact)
{
    return bench_exact ? exact : exact * WALL_FACTOR;
}

void report_begin_line(const char *name)
{
    line_name = name;
    spent = 0;
}

void report_value(const char *name, long count, double value, const char *unit)
{
    printf("bench\t%s\t%ld\t%.1f\t%s\n", name, count, value, unit);
    fflush(stdout);
}

void report(const char *name, long count)
{
    report_value(name, count, (double)spent / (double)count, "ns");
    spent = 0;
}

void report_part(const struct line *line, const char *part, long count)
{
    char name[80];

    snprintf(name, sizeof(name), "%s.%s", line->name, part);
    report(name, count);
}

void report_failure(const char *name, const char *why)
{
    printf("bench\t%s\tfailed\t%s\n", name, why);
    fflush(stdout);
}

void bench_fail(int error, const char *format, ...)
{
    char why[200];
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    length = strlen(why);
    if (error != 0)
        snprintf(why + length, sizeof(why) - length, " (%s)", strerror(error));
    report_failure(line_name, why);
    _exit(1);
}
