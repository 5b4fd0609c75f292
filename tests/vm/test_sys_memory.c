// SPDX-License-Identifier: MIT
// test_sys_memory.c - what madvise and mmap promise, against their manual pages. All cases also pass on Linux.
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/vm/syscase.h"

#define PAGE 4096UL
#define ADVICE_FREE 8
#define ADVICE_DONTFORK 10
#define ADVICE_DOFORK 11
#define ADVICE_WIPEONFORK 18
#define ADVICE_KEEPONFORK 19
#define ADVICE_POPULATE_READ 22
#define ADVICE_POPULATE_WRITE 23
#define LOW_END 0x80000000UL

static char *map(size_t size)
{
    char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(pages != MAP_FAILED);
    return pages;
}

// What a child finds at address: its byte, or -1 if nothing is there.
static int byte_in_child(const char *address)
{
    int status;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        unsigned char resident;

        _exit(mincore((void *)address, PAGE, &resident) != 0 ? 255 : *address);
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status) == 255 ? -1 : WEXITSTATUS(status);
}

CASE("fork leaves out what MADV_DONTFORK names, and only that")
{
    char *pages = map(3 * PAGE);

    memset(pages, 7, 3 * PAGE);
    CHECK_EQUAL(madvise(pages + PAGE, PAGE, ADVICE_DONTFORK), 0);
    CHECK_EQUAL(byte_in_child(pages), 7);
    CHECK_EQUAL(byte_in_child(pages + PAGE), -1);
    CHECK_EQUAL(byte_in_child(pages + 2 * PAGE), 7);
    CHECK_EQUAL(pages[PAGE], 7);
    CHECK_EQUAL(madvise(pages, 3 * PAGE, ADVICE_DOFORK), 0);
    CHECK_EQUAL(byte_in_child(pages + PAGE), 7);
}

CASE("a child finds zeros in what MADV_WIPEONFORK names, and its own children too")
{
    char *pages = map(2 * PAGE);
    int status;
    pid_t child;

    memset(pages, 7, 2 * PAGE);
    CHECK_EQUAL(madvise(pages, PAGE, ADVICE_WIPEONFORK), 0);
    CHECK_EQUAL(byte_in_child(pages), 0);
    CHECK_EQUAL(byte_in_child(pages + PAGE), 7);
    CHECK_EQUAL(pages[0], 7);
    child = fork();
    if (child == 0) {
        pages[0] = 5;
        _exit(byte_in_child(pages));
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(status, 0);
    CHECK_EQUAL(madvise(pages, PAGE, ADVICE_KEEPONFORK), 0);
    CHECK_EQUAL(byte_in_child(pages), 7);
    pages = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FAILS(madvise(pages, PAGE, ADVICE_WIPEONFORK), EINVAL);
}

CASE("populating brings every page in, and says why it cannot")
{
    unsigned char resident[4];
    char *pages = map(4 * PAGE);
    char *file;
    int fd;

    CHECK_EQUAL(madvise(pages, 4 * PAGE, ADVICE_POPULATE_WRITE), 0);
    CHECK_EQUAL(mincore(pages, 4 * PAGE, resident), 0);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQUAL(resident[i] & 1, 1);
    CHECK_EQUAL(mprotect(pages, PAGE, PROT_READ), 0);
    CHECK_EQUAL(madvise(pages, PAGE, ADVICE_POPULATE_READ), 0);
    FAILS(madvise(pages, PAGE, ADVICE_POPULATE_WRITE), EINVAL);
    CHECK_EQUAL(munmap(pages + PAGE, PAGE), 0);
    FAILS(madvise(pages, 3 * PAGE, ADVICE_POPULATE_READ), ENOMEM);
    enter_scratch();
    fd = make_file("file", "x");
    file = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(file != MAP_FAILED);
    CHECK_EQUAL(madvise(file, PAGE, ADVICE_POPULATE_WRITE), 0);
    FAILS(madvise(file, 2 * PAGE, ADVICE_POPULATE_READ), EFAULT);
    close(fd);
    CHECK_EQUAL(unlink("file"), 0);
    leave_scratch();
}

CASE("madvise refuses ranges and advice that are none")
{
    char *pages = map(PAGE);
    char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    FAILS(madvise(pages + 1, PAGE, MADV_NORMAL), EINVAL);
    FAILS(madvise(pages, PAGE, 77), EINVAL);
    FAILS(madvise(pages, 0, -1), EINVAL);
    FAILS(madvise(pages, SIZE_MAX, MADV_NORMAL), EINVAL);
    FAILS(madvise(pages, -PAGE, MADV_DONTNEED), EINVAL);
    FAILS(madvise(shared, PAGE, ADVICE_FREE), EINVAL);
    CHECK_EQUAL(madvise(pages, 0, MADV_DONTNEED), 0);
    CHECK_EQUAL(madvise(shared, PAGE, MADV_DONTNEED), 0);
}

CASE("MAP_32BIT maps in the first two gibibytes")
{
    for (unsigned i = 0; i < 8; i++) {
        char *low = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

        CHECK(low != MAP_FAILED);
        CHECK((uintptr_t)low + 16 * PAGE <= LOW_END);
        memset(low, 1, 16 * PAGE);
    }
    FAILS(mmap(NULL, LOW_END, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_32BIT, -1, 0) == MAP_FAILED
              ? -1 : 0, ENOMEM);
}

CASE("mmap refuses kinds that do not go together")
{
    FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0), EINVAL);
    FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0), EINVAL);
    FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
}
