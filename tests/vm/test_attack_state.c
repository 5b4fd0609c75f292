// SPDX-License-Identifier: MIT
// test_attack_state.c - what a hostile program may try against the kernel's own memory and state: sizes that were counted
// otherwise than they are, objects between two states, names of what is gone.
// vm: smp
#define _GNU_SOURCE

#include "tests/vm/box.h"
#include "tests/vm/vmtest.h"

// --- Sizes ---

#define STRING_MAX (128 * 1024)

// Sets a variable of the box's environment.
static void set_variable(const struct test_box *box, const char *name, const char *value, size_t size)
{
    char path[384];
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/env/%s", box->pid, name);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK_EQUAL(write(fd, value, size), size);
    close(fd);
}

// exec with one more argument of this many bytes. Returns 0 or a negative errno.
static int exec_with(const struct test_box *box, size_t size)
{
    static const char program[] = "exec /bin/busybox true ";
    char *text = malloc(sizeof(program) + size);
    ssize_t written;

    memcpy(text, program, sizeof(program));
    memset(text + sizeof(program) - 1, 'a', size);
    written = write(box->ctl, text, sizeof(program) - 1 + size);
    free(text);
    return written < 0 ? -errno : 0;
}

CASE("an argument longer than any that execve takes is refused by ctl exec as well")
{
    char *value = malloc(STRING_MAX);
    struct test_box box;

    memset(value, 'v', STRING_MAX);
    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx\n"), 0);
    CHECK_EQUAL(exec_with(&box, STRING_MAX - 1), 0);
    CHECK_EQUAL(exec_with(&box, STRING_MAX), -E2BIG);
    // Counted as 128 KiB, this would fit beside the variable into a quarter of a mebibyte.
    set_variable(&box, "A", value, STRING_MAX - 1024);
    CHECK_EQUAL(exec_with(&box, 2 * STRING_MAX - 256), -E2BIG);
    box_discard(&box);
    free(value);
}

CASE("a variable whose name makes it longer than any string of execve is refused at ctl exec")
{
    char name[256], *value = malloc(STRING_MAX);
    struct test_box box;

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    memset(value, 'v', STRING_MAX);
    CHECK_EQUAL(box_new(&box), 0);
    CHECK_EQUAL(box_do(&box, "bind bin /bin rx\n"), 0);
    set_variable(&box, name, value, STRING_MAX);
    CHECK_EQUAL(box_do(&box, "exec /bin/busybox true"), -E2BIG);
    box_discard(&box);
    free(value);
}
