// SPDX-License-Identifier: MIT
// syscase.h - what the tests of system calls share: pointers that are none, a scratch directory.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/vm/vmtest.h"

static void *volatile const bad_pointer = (void *)16; // never mapped
#define BAD bad_pointer

static inline void enter_scratch(void)
{
    static char path[] = "/tmp/sysXXXXXX";

    CHECK(mkdtemp(path) != NULL);
    CHECK_EQUAL(chdir(path), 0);
}

// Only an empty one can be left.
static inline void leave_scratch(void)
{
    char path[PATH_MAX];

    CHECK(getcwd(path, sizeof(path)) != NULL);
    CHECK_EQUAL(chdir("/"), 0);
    CHECK_EQUAL(rmdir(path), 0);
}

static inline int make_file(const char *name, const char *content)
{
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0644);

    CHECK(fd >= 0);
    CHECK_EQUAL(write(fd, content, strlen(content)), strlen(content));
    return fd;
}
