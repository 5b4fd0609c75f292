// SPDX-License-Identifier: MIT
// bench.h - what the lines of the benchmark share: how a line is written, timed, checked and
// reported.
//
// A line is one function. It sets up what it needs, runs what it measures between timer_start() and
// timer_stop() (any number of times: the times add up), checks with CHECK that what it timed really
// happened, and reports. It runs in a process and session of its own, whose parent ends whatever it
// leaves behind.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// When a line is run.
#define LINE_BUDGET 0x01   // watched by `make bench-budget`
#define LINE_WALL 0x02     // also by the clock, with 1, 2 and 4 CPUs
#define LINE_GROW 0x04     // how cost grows
#define LINE_TWO_CPUS 0x08 // needs two CPUs
#define LINE_BOXWORK 0x10  // Linux has nothing like it

struct line {
    const char *name;
    void (*run)(const struct line *line);
    long argument; // pages, processes, ...: what the function makes of it
    unsigned flags;
};

// The tables of all lines, each ended by a line without a name.
extern const struct line call_lines[], spawn_lines[], fork_lines[], thread_lines[], pipe_lines[],
    memory_lines[], fault_lines[], file_lines[], kill_lines[], poll_lines[], box_lines[],
    program_lines[], grow_process_lines[], grow_object_lines[];

// Exact: QEMU counts instructions as time, so the counter of the CPU is what is read. Else the
// system's clock.
extern bool bench_exact;
// Boxwork, not Linux.
extern bool bench_is_boxwork;

// Programs that are measured, in the image.
#define TINY_PATH "/bin/tiny"
#define TINY_STATUS 7
#define BUSYBOX_PATH "/bin/busybox"
#define LUA_PATH "/bin/lua"
// A ram tree that lines write in.
#define SCRATCH "/tmp"

// The line's clock. Both are functions that are never inlined: `make profile` counts between them.
void timer_start(void);
void timer_stop(void);

// How often to repeat: `exact` times where instructions are counted, more where a clock must be
// outweighed.
long repetitions(long exact);

// What `bench crowd N` does as the head of a box: N processes that sleep; a byte on fd 1 tells that
// they stand.
void __attribute__((noreturn)) box_crowd(long size);

// Prints the time of one of `count` operations since the last report, and begins anew.
void report(const char *name, long count);
// Prints a number that is not a time.
void report_value(const char *name, long count, double value, const char *unit);
// The same with a name made of a line's and a suffix.
void report_part(const struct line *line, const char *part, long count);

// Ends the line as failed.
void __attribute__((noreturn, format(printf, 2, 3))) bench_fail(int error, const char *format, ...);

// What must hold if the measured operation did what it is for.
#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            bench_fail(errno, __VA_ARGS__);                                                        \
    } while (0)
