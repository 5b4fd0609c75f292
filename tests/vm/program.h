// SPDX-License-Identifier: MIT
// program.h - the test itself as a program in a box: PROGRAM, box_program, and what the two say to each other.
//
// Included with _GNU_SOURCE.
#pragma once

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

#define REPORT 3 // the fd by which a program in a box says something

static struct {
    const char *name;
    int (*run)(void);
} programs[16];

static inline int command(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && programs[i].name != NULL; i++) {
        if (strcmp(argv[1], programs[i].name) == 0)
            return programs[i].run();
    }
    return -1;
}

// PROGRAM("name") { body }: what runs in a box when box_program says so; returns its exit code.
#define PROGRAM(text)                                                                              \
    static int VMTEST_NAME(program_, __LINE__)(void);                                              \
    __attribute__((constructor(1000 + __LINE__))) static void VMTEST_NAME(enter_, __LINE__)(void)  \
    {                                                                                              \
        size_t i = 0;                                                                              \
        while (programs[i].name != NULL)                                                           \
            i++;                                                                                   \
        programs[i].name = (text);                                                                 \
        programs[i].run = VMTEST_NAME(program_, __LINE__);                                         \
        vmtest_command = command;                                                                  \
    }                                                                                              \
    static int VMTEST_NAME(program_, __LINE__)(void)

// Starts such a program in a box with more commands before. Returns the read end of its fd REPORT, -1 on failure.
static inline int box_program(struct test_box *box, const char *extra, const char *name)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0 || box_new(box) != 0 ||
        box_do(box, "bind bin /bin rx\nbind proc /proc rwx\ngive 1 1\ngive 2 2\ngive %d %d\n%s", ends[1], REPORT, extra) != 0 ||
        box_do(box, "exec /bin/%s %s\nstart", program_invocation_short_name, name) != 0)
        return -1;
    close(ends[1]);
    return ends[0];
}

static inline void say(char what)
{
    if (write(REPORT, &what, 1) != 1)
        _exit(98);
}

// What the program says next; 0: it is gone.
static inline int hear(int fd)
{
    char what;

    return read(fd, &what, 1) == 1 ? what : 0;
}

static inline void pause_for_ever(void)
{
    for (;;)
        pause();
}
