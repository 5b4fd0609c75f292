// SPDX-License-Identifier: MIT
// vmtest.h - tests that run as programs inside Boxwork: cases, checks, TAP.
//
// Each case runs in a process of its own with a time limit; the ledger is compared before and after it, so a
// case that leaves anything behind fails. Where /dev/ledger is not to be seen, the comparison is left out and said so.
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

struct vmtest_case {
    const char *fact;
    void (*run)(void);
    unsigned limit_s;
    struct vmtest_case *next;
};

// What the program does instead, where a test runs itself again as another program. Set by a constructor; it returns an exit
// code, or -1 if the arguments are not its own.
extern int (*vmtest_command)(int argc, char **argv);

void vmtest_register(struct vmtest_case *test);

// Ends the case as failed, saying where. Used through CHECK.
void vmtest_fail(const char *file, int line, const char *condition, long long got) __attribute__((noreturn));

#define VMTEST_JOIN(a, b) a##b
#define VMTEST_NAME(a, b) VMTEST_JOIN(a, b)

// CASE("a fact") { body }: in the order of the file. CASE_LIMIT has a time limit of its own, in seconds.
#define CASE(text) CASE_LIMIT(text, 60)
#define CASE_LIMIT(text, seconds)                                                                      \
    static void VMTEST_NAME(case_, __LINE__)(void);                                                    \
    static struct vmtest_case VMTEST_NAME(entry_, __LINE__) = { .fact = (text),                        \
                                                                .run = VMTEST_NAME(case_, __LINE__),   \
                                                                .limit_s = (seconds) };                \
    __attribute__((constructor(1000 + __LINE__))) static void VMTEST_NAME(register_, __LINE__)(void)   \
    {                                                                                                  \
        vmtest_register(&VMTEST_NAME(entry_, __LINE__));                                               \
    }                                                                                                  \
    static void VMTEST_NAME(case_, __LINE__)(void)

#define CHECK(condition) \
    ((condition) ? (void)0 : vmtest_fail(__FILE__, __LINE__, #condition, 0))

// As CHECK(actual == wanted) for numbers, showing what came instead.
#define CHECK_EQUAL(actual, wanted)                                                        \
    do {                                                                                   \
        long long vmtest_got = (long long)(actual);                                        \
        if (vmtest_got != (long long)(wanted))                                             \
            vmtest_fail(__FILE__, __LINE__, #actual " == " #wanted, vmtest_got);           \
    } while (0)

// That a system call fails with exactly this errno.
#define FAILS(call, error)           \
    do {                             \
        errno = 0;                   \
        CHECK_EQUAL((call), -1);     \
        CHECK_EQUAL(errno, (error)); \
    } while (0)

// Nanoseconds on a clock.
long long now_ns(clockid_t clock);
// Runs body in a child. Returns the signal that ended it, or minus its exit code.
int in_child(void (*body)(void));
// Makes a child that does nothing until a signal ends it. Returns its number.
pid_t pause_child(void);

// Reads the ledger into text. Returns false where there is none.
bool ledger_read(char *text, size_t size);
// As ledger_read, after a comparison whose only purpose is that a later one touches no new memory of this process.
bool ledger_take(char *text, size_t size);
// Whether the ledger is what it was in before; prints the lines that differ as TAP comments if not.
bool ledger_same(const char *before);
